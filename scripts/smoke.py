"""Log one record with the installed package and read it back; run in a fresh environment by wheels.py."""

import json
from pathlib import Path

import unified_logger
from unified_logger import LoggingContext, get_logger, init_logging, shutdown_logging

init_logging(log_dir="logs", console_level="CRITICAL")
with LoggingContext(trace_id="smoke"):
    get_logger("smoke.test").error("distribution works", answer=42)
assert shutdown_logging(), "something was left unwritten"

for name in ("app.log", "errors.log"):
    record = json.loads(Path("logs", name).read_text(encoding="utf-8"))
    assert (record["message"], record["answer"], record["trace_id"]) == ("distribution works", 42, "smoke"), record
print(f"    one record through {Path(unified_logger.__file__).parent}")
