"""Programs of other languages log the record of the benches, and their lines are counted."""

from __future__ import annotations

import importlib
import json
import shlex
import sys
from pathlib import Path
from types import ModuleType

import pytest

FIELDS = {"endpoint", "method", "user_id", "latency_ms", "status_code", "trace_id", "span_id", "process"}


@pytest.fixture
def program(project: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module that runs programs."""
    monkeypatch.syspath_prepend(str(project / "benches"))
    return importlib.import_module("contenders._program")


@pytest.mark.parametrize("source", ["rust_tracing/src/logging.rs", "cpp_spdlog/logging.hpp"])
def test_programs_log_the_whole_record(source: str, project: Path, program: ModuleType) -> None:
    """Each field and each value of the record stands in the program that logs it."""
    text = (project / "benches" / "native_loggers" / source).read_text(encoding="utf-8")
    assert [word for word in sorted(FIELDS | {str(value) for value in program.VALUES}) if word not in text] == []


def test_lines_belong_to_the_bench_that_asked_for_them(tmp_path: Path, program: ModuleType) -> None:
    """Lines that are missing, no JSON or without the record are told apart, and each bench has its own."""
    record = {"message": "API 请求处理", "span": {f"field {i}": value for i, value in enumerate(program.VALUES)}}
    short = {"message": "API 请求处理"}
    lines = [json.dumps(line, ensure_ascii=False) for line in (record, record, short, record)]
    lines.insert(2, lines[0][:40])
    # A first line that names an interpreter holds no space.
    fake, script = tmp_path / "program", tmp_path / "program.py"
    fake.write_text(
        f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(script))} "$@"\n', encoding="utf-8"
    )
    script.write_text(
        f"""
import json, pathlib, sys
folder, rounds, records, seconds = sys.argv[1:]
pathlib.Path(folder, "app.log").write_text({chr(10).join([*lines, ""])!r}, encoding="utf-8")
print(json.dumps([{{"group": "call", "min": float(seconds), "logged": 2}}, {{"group": "throughput", "logged": int(records)}}]))
""",
        encoding="utf-8",
    )
    fake.chmod(0o755)
    assert program.run(fake, tmp_path, rounds=1, records=4, seconds=0.5) == [
        {"group": "call", "min": 0.5, "expected": 2, "lines": 2, "parsed": 2, "whole": 2},
        {"group": "throughput", "expected": 4, "lines": 3, "parsed": 2, "whole": 1},
    ]
