"""Fields of the process stand on each record, wherever it is written, and on nothing else."""

from __future__ import annotations

import io
import json
import logging
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from kinds import Records, Run, Start
from recovery import recover

from unified_logger import JSONFormatter, LoggingContext, flush_logging, get_logger
from unified_logger.testing import capture_logs

FIELDS = {"service": "orders", "env": "prod", "shard": 3}
FILES = {"console_format": "off", "fields": FIELDS}


def test_they_are_on_each_record_after_its_process(start: Start, log_dir: Path) -> None:
    """Of `get_logger`, of `logging`, and the library's own; in each file."""
    start(**FILES, file_level="DEBUG")
    get_logger("app").error("one", n=1)
    logging.getLogger("std").error("two")
    assert flush_logging(30.0)
    for name, count in (("app.log", 2), ("errors.log", 2)):
        lines = (log_dir / name).read_text("utf-8").splitlines()
        assert len(lines) >= count
        assert all(',"service":"orders","env":"prod","shard":3' in line.partition('"process":')[2] for line in lines)


def test_a_field_of_that_name_moves_aside(start: Start, records: Records) -> None:
    """Neither is lost, and the one of the process is where it is always."""
    start(**FILES)
    with LoggingContext(env="context"):
        get_logger("app").info("paid", service="stripe")
        get_logger("app").info("paid", **{"shard": 7, "fields.n": 1})
    [first, second] = [record for record in records() if record["logger"] == "app"]
    assert (first["service"], first["fields.service"], first["fields.env"]) == ("orders", "stripe", "context")
    assert (second["shard"], second["fields.shard"], second["env"]) == (3, 7, "prod")


def test_secrets_among_them_are_redacted(start: Start, log_dir: Path) -> None:
    """By their names and by patterns, as those of a record are."""
    start(
        console_format="off", redaction=True, fields={"service": "orders", "api_key": "hunter2", "by": "a@example.com"}
    )
    get_logger("app").info("paid")
    assert flush_logging(30.0)
    line = (log_dir / "app.log").read_text("utf-8")
    assert "orders" in line
    assert "hunter2" not in line
    assert "a@example.com" not in line


def test_other_formats_have_them_but_text(start: Start, log_dir: Path) -> None:
    """For people they would be the same on each line."""
    outputs = {"l": {"file": "l.log", "format": "logfmt"}, "t": {"file": "t.log", "format": "text"}}
    start(**FILES, outputs=outputs)
    get_logger("app").info("paid")
    assert flush_logging(30.0)
    assert " service=orders env=prod shard=3" in (log_dir / "l.log").read_text("utf-8")
    assert "orders" not in (log_dir / "t.log").read_text("utf-8")


def test_a_stream_and_a_replaced_standard_error_have_them(
    start: Start, log_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line on the caller's thread is the same."""
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    start(fields=FIELDS, console_format="json", preset="ecs")
    get_logger("app").info("paid")
    assert flush_logging(30.0)
    [line] = stream.getvalue().splitlines()
    assert line in (log_dir / "app.log").read_text("utf-8").splitlines()
    assert json.loads(line)["service.name"] == "orders"


def test_the_formatter_has_them_and_captured_records_have_not(start: Start) -> None:
    """The formatter makes the line of the files; a test asks for what the program logged."""
    start(**FILES, preset="otel")
    record = logging.makeLogRecord({"name": "x", "msg": "m", "levelno": 30, "levelname": "WARNING"})
    line = json.loads(JSONFormatter().format(record))
    assert line["Resource"]["service.name"] == "orders"
    assert line["Body"] == "m"
    with capture_logs() as captured:
        get_logger("app").info("paid", n=1)
    assert captured.one().message == "paid"
    assert "service" not in captured.one()


def test_handlers_of_others_see_nothing_of_them(start: Start) -> None:
    """Their records are those of `logging`."""
    start(**FILES)
    seen: list[logging.LogRecord] = []
    handler = logging.Handler()
    handler.emit = seen.append  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    get_logger("app").info("paid")
    assert [hasattr(record, "service") for record in seen] == [False]


def test_selectors_see_the_fields_of_records_only(start: Start, records: Records) -> None:
    """A field of the process is the same for all, so it selects none."""
    outputs = {"picked": {"file": "picked.log", "fields_equal": {"service": "orders"}}}
    start(**FILES, outputs=outputs)
    get_logger("app").info("one")
    get_logger("app").info("two", service="orders")
    assert [record["message"] for record in records("picked.log")] == ["two"]


def test_the_mode_without_the_engine_has_them_too(run_python: Run, tmp_path: Path) -> None:
    """And presets, keys and zones with them."""
    run_python(
        """
from unified_logger import get_logger, init_logging, shutdown_logging
get_logger("app").error("early")
init_logging(log_dir="logs", console_format="off", use_unified_logging=False, preset="ecs",
    fields={"service": "orders"}, keys={"omit": ["ecs.version"]}, time_zone="Asia/Kolkata")
get_logger("app").error("paid")
shutdown_logging()
"""
    )
    for name in ("app.log", "errors.log"):
        lines = [json.loads(line) for line in (tmp_path / "logs" / name).read_text("utf-8").splitlines()]
        assert [line["message"] for line in lines] == ["early", "paid"]
        assert all(line["service.name"] == "orders" and "ecs.version" not in line for line in lines)
        assert all(line["@timestamp"].endswith("+05:30") for line in lines)


def test_a_reload_changes_them(start: Start, tmp_path: Path, log_dir: Path) -> None:
    """It tells that they have changed, and not their values, which may be secrets."""
    from unified_logger import init_logging_from_config, reload_logging

    path = tmp_path / "logging.yaml"
    path.write_text(f"log_dir: {log_dir}\nconsole_format: 'off'\nfields: {{service: one}}\n", "utf-8")
    init_logging_from_config(str(path))
    get_logger("app").info("before")
    path.write_text(f"log_dir: {log_dir}\nconsole_format: 'off'\nfields: {{service: two-secret}}\n", "utf-8")
    reload_logging()
    get_logger("app").info("after")
    assert flush_logging(30.0)
    found = [json.loads(line) for line in (log_dir / "app.log").read_text("utf-8").splitlines()]
    assert [line["service"] for line in found if line["logger"] == "app"] == ["one", "two-secret"]
    [told] = [line for line in found if line["message"].startswith("configuration")]
    assert "fields" in json.dumps(told)
    assert "two-secret" not in json.dumps({key: value for key, value in told.items() if key != "service"})


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="black boxes of dead processes")
@pytest.mark.parametrize("preset", ["none", "ecs", "gcp", "datadog", "otel"])
@pytest.mark.parametrize("form", ["json", "logfmt"])
def test_recovered_records_have_the_fields_and_the_shape_of_the_process_that_died(
    run_python: Run, tmp_path: Path, preset: str, form: str
) -> None:
    """The next process has neither. Each record is there once, also one that stood in the file already."""
    code = f"""
import os, signal
from unified_logger import flush_logging, get_logger, init_logging
init_logging(log_dir="logs", console_format="off", preset={preset!r}, fields={{"service": "orders"}}, redaction=True,
    keys={{"rename": {{"number": "nr"}}}}, outputs={{"app": {{"format": {form!r}}}}})
logger = get_logger("app")
logger.info("m", number=1)
assert flush_logging(30)
for number in range(2, 40):
    try:
        raise ValueError("wrong")
    except ValueError:
        logger.exception("m", number=number, to="a@example.com")
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = run_python(code, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    path = tmp_path / "logs" / "app.log"
    recover(tmp_path / "logs", lambda: path.read_text("utf-8").count("orders") > 38)
    found = [line for line in path.read_text("utf-8").splitlines() if "wrong" in line or "nr" in line]
    if form == "logfmt":
        numbers = [int(line.rpartition("nr=")[2].split()[0]) for line in found]
        assert all("orders" in line for line in found)
    else:
        numbers = [number_of(json.loads(line)) for line in found]
        assert all('"orders"' in line for line in found)
    assert numbers == list(range(1, 40))
    assert "a@example.com" not in path.read_text("utf-8")


def number_of(record: dict[str, Any]) -> Any:
    """The number of a record, at the top or among its attributes."""
    return record.get("Attributes", record)["nr"]
