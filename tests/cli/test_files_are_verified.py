"""`unified-logger verify` reads files whole, and says what is damaged and where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kinds import Run


@pytest.fixture
def logs(packed: Path) -> Path:
    assert (packed / "app.log.2.zst").exists()
    return packed


def checked(run: Run, *arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    done = run("verify", "--json", *arguments)
    assert done.stderr == ""
    told = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, {Path(file["file"]).name: file for file in told}


def test_whole_files_are_whole(run: Run, logs: Path) -> None:
    """All records are counted, packed and plain."""
    before = sorted(logs.rglob("*"))
    status, files = checked(run)
    assert status == 0
    # The library has records of its own.
    app = sum(file["lines"] for name, file in files.items() if name.startswith("app.log"))
    assert app >= 200
    assert all(file["result"] == "ok" and file["fault_count"] == 0 for file in files.values())
    assert files["app.log.2.zst"]["known_by"] == "seek table"
    assert sorted(logs.rglob("*")) == before


def test_a_damaged_part_is_told(run: Run, logs: Path) -> None:
    """With its place, and the other files are whole."""
    path = logs / "app.log.2.zst"
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF
    path.write_bytes(content)
    status, files = checked(run)
    assert status == 2
    assert files["app.log.2.zst"]["result"] == "damaged"
    assert files["app.log.2.zst"]["faults"][0]["part"] == 0
    assert files["app.log.1.zst"]["result"] == "ok"


def test_a_missing_file_is_a_gap_in_the_numbers(run: Run, logs: Path) -> None:
    """Inside a set, and not at its beginning, where retention deletes. Seen to fail with numbers not compared."""
    oldest = max(logs.glob("app.log.*.zst"), key=lambda path: int(path.name.split(".")[2]))
    oldest.unlink()
    assert checked(run)[0] == 0
    (logs / "app.log.3.zst").unlink()
    status, files = checked(run)
    assert status == 2
    assert "are missing between app.log.4.zst and this file" in files["app.log.2.zst"]["faults"][0]["what"]


def test_lines_that_are_no_json_are_told(run: Run, logs: Path) -> None:
    """By line and offset; a torn line at the end, too."""
    content = (logs / "app.log").read_bytes()
    lines = content.count(b"\n")
    (logs / "app.log").write_bytes(content + b'garbage\n{"a": 1, }\n\0\0{}\n{"level":"INFO"')
    status, files = checked(run, "logs/app.log")
    assert status == 2
    faults = files["app.log"]["faults"]
    assert [fault["line"] for fault in faults] == [lines + number for number in range(1, 5)]
    assert faults[0] | {"what": ""} == {
        "what": "", "line": lines + 1, "offset": len(content), "part": None, "harmless": False
    }  # fmt: skip
    assert [
        word in fault["what"] for word, fault in zip(("no object", "no whole", "zeros", "torn"), faults, strict=True)
    ] == [True] * 4


def test_a_damaged_index_costs_no_record(run: Run, logs: Path) -> None:
    """It is a warning. Seen to fail with every fault taken for damage."""
    index = sorted((logs / ".unified_logger").glob("*.idx"))[0]
    content = bytearray(index.read_bytes())
    content[-1] ^= 0xFF
    index.write_bytes(content)
    status, files = checked(run)
    assert status == 1
    assert [file["result"] for file in files.values()].count("warning") == 1


def test_what_is_not_there_is_trouble(run: Run, tmp_path: Path) -> None:
    """An empty directory has nothing to verify. Nothing of a line acts on a terminal."""
    assert run("verify", "missing").returncode == 2
    (tmp_path / "logs").mkdir()
    assert run("verify").returncode == 1
    (tmp_path / "logs" / "app.log").write_bytes(b"key=value\n\x1b[31m\n")
    done = run("verify")
    assert (done.returncode, "\x1b" in done.stdout) == (0, False) or done.returncode == 2


def test_a_line_of_many_megabytes_takes_bounded_memory(run: Run, logs: Path) -> None:
    """It is passed over and counted, and the lines after it are checked."""
    with (logs / "app.log").open("ab") as file:
        file.write(b'{"a":"' + b"x" * (9 << 20) + b'"}\nno json\n')
    _, files = checked(run, "logs/app.log")
    assert files["app.log"]["passed"] == 1
    assert [fault["what"] for fault in files["app.log"]["faults"]] == ["it is no object of JSON"]
