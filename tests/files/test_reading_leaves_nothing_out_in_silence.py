"""What a reader cannot know it gives, and what it cannot give it names."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kinds import Run, Start

from unified_logger import ConfigurationError, flush_logging, get_logger, shutdown_logging
from unified_logger.reader import Position, ReadError, read_logs

NAMED = """
import logging, sys
from unified_logger import flush_logging, get_logger, init_logging
for name, number in (("AUDIT", 35), ("SECURITY", 45), ("FATAL2", 60), ("ALERT", 36)):
    logging.addLevelName(number, name)
init_logging(log_dir="logs", console_format="off", max_bytes=2_000, keep="all", outputs={"text": {"file": "text.log", "format": "text"}}, **eval(sys.argv[1]))
for number in range(70):
    get_logger("shop").log((10, 20, 30, 35, 45, 60, 36)[number % 7], "the DEBUG port", number=number)
assert flush_logging(10)
"""


def levels(log_dir: Path, **conditions: Any) -> dict[str | None, int]:
    """How many records of each level are given."""
    counts: dict[str | None, int] = {}
    with read_logs(log_dir, **conditions) as reader:
        for record in reader:
            if '"unified_logger"' not in record.text and " unified_logger " not in record.text:
                counts[record.level] = counts.get(record.level, 0) + 1
    return counts


@pytest.mark.parametrize("options", [{}, {"compress": "zstd"}])
@pytest.mark.parametrize("file", ["app.log", "text.log"])
def test_levels_that_another_program_has_named_are_found_by_their_numbers(
    run_python: Run, log_dir: Path, options: dict[str, Any], file: str
) -> None:
    """The directory tells them. Where it does not, they may be any, and are given. The names of the reader go before both."""
    run_python(NAMED, repr(options))
    named = {"AUDIT": 10, "SECURITY": 10, "FATAL2": 10, "ALERT": 10}
    assert levels(log_dir, files=file, level="WARNING") == {"WARNING": 10, **named}
    assert levels(log_dir, files=file, level="ERROR") == {"SECURITY": 10, "FATAL2": 10}
    assert levels(log_dir, files=file, level="CRITICAL") == {"FATAL2": 10}
    assert levels(log_dir, files=file, level=0) == levels(log_dir, files=file)
    (log_dir / ".unified_logger" / "catalogue").unlink()
    # It is a name of syslog, too, and has another number there.
    assert levels(log_dir, files=file, level="CRITICAL") == named
    asked = "import logging\nfrom unified_logger.reader import read_logs\n"
    asked += "for name, number in (('AUDIT', 35), ('SECURITY', 45), ('FATAL2', 5), ('ALERT', 36)): logging.addLevelName(number, name)\n"
    asked += f"print(sorted({{record.level for record in read_logs('logs', files={file!r}, level='ERROR')}}))"
    assert run_python(asked).stdout.strip() == "['SECURITY']"


def test_level_0_asks_for_nothing(tmp_path: Path) -> None:
    """A line that is no record is given, too."""
    (tmp_path / "app.log").write_text('{"timestamp":"2026-02-19T10:30:00Z","level":"INFO"}\n{"other":1}\nno JSON\n')
    assert len(list(read_logs(tmp_path, level=0))) == 3


def write(count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        get_logger("shop").info("m", number=number)
        if number % 8 == 7:
            assert flush_logging(10)
    assert flush_logging(10)


def numbers(log_dir: Path, **conditions: Any) -> tuple[list[int], list[str]]:
    with read_logs(log_dir, files=conditions.pop("files", "app.log"), logger="shop", **conditions) as reader:
        return [(record.record or {})["number"] for record in reader], reader.remarks


@pytest.mark.parametrize("damage", ["cut", "overwritten", "emptied"])
def test_a_damaged_packed_file_is_named_also_after_a_start(start: Start, log_dir: Path, damage: str) -> None:
    """By each reader, whatever it searches for."""
    start(max_bytes=2_000, keep="all", compress="zstd")
    write(60)
    assert shutdown_logging()
    path = log_dir / "app.log.3.zst"
    content = path.read_bytes()
    path.write_bytes({"cut": content[:-100], "overwritten": b"none" + content[4:], "emptied": b""}[damage])
    for _ in range(2):
        for conditions in ({}, {"level": "INFO"}, {"text": "number"}, {"since": "2020-01-01T00:00Z"}):
            found, remarks = numbers(log_dir, **conditions)
            assert 40 < len(found) < 60
            assert len([remark for remark in remarks if "app.log.3.zst" in remark]) == 1, remarks
        start(max_bytes=2_000, keep="all", compress="zstd")
        assert shutdown_logging()


@pytest.fixture
def plain_user(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A directory of a user whom permissions bind, and a line that makes a program run as that user."""
    if os.geteuid() != 0:
        yield tmp_path, ""
        return
    # Beside tmp_path, whose parents are closed to others.
    directory = Path(tempfile.mkdtemp(prefix="unified_logger_"))
    directory.chmod(0o755)
    yield directory, "os.setgroups([]); os.setgid(65534); os.setuid(65534)"
    shutil.rmtree(directory)


@pytest.mark.parametrize("name", ["app.log.2.zst", "app.log.2", "app.log"])
def test_a_file_that_the_reader_may_not_read_is_named(
    start: Start, run_python: Run, plain_user: tuple[Path, str], name: str
) -> None:
    """Beside a catalogue that it may not read either."""
    directory, become = plain_user
    log_dir = directory / "logs"
    start(log_dir=str(log_dir), max_bytes=2_000, keep="all", **({"compress": "zstd"} if name.endswith("zst") else {}))
    write(60)
    assert shutdown_logging()
    log_dir.chmod(0o755)
    for path in log_dir.glob("app.log*"):
        path.chmod(0o644)
    (log_dir / name).chmod(0)
    if not become:
        (log_dir / ".unified_logger").chmod(0)
    program = f"""
import json, os
from unified_logger.reader import read_logs
{become}
with read_logs({str(log_dir)!r}, files="app.log", logger="shop") as reader:
    print(json.dumps([len(list(reader)), reader.remarks]))
"""
    try:
        count, remarks = json.loads(run_python(program).stdout)
    finally:
        if not become:
            (log_dir / ".unified_logger").chmod(0o700)
    assert count < 60
    assert len([remark for remark in remarks if f"/{name}: " in remark]) == 1, remarks


@pytest.mark.parametrize("damage", ["removed", "cut", "emptied", "changed"])
def test_a_catalogue_that_does_not_do_is_told(start: Start, log_dir: Path, damage: str) -> None:
    """Nothing else is lost. A directory that has no rotated files needs none."""
    start(max_bytes=2_000, keep="all")
    write(60)
    assert shutdown_logging()
    assert numbers(log_dir) == ([*range(60)], [])
    path = log_dir / ".unified_logger" / "catalogue"
    content = path.read_bytes()
    if damage == "removed":
        path.unlink()
    else:
        path.write_bytes(
            {"cut": content[:1_000], "emptied": b"", "changed": content[:300] + b"x" + content[301:]}[damage]
        )
    found, remarks = numbers(log_dir)
    assert found == [*range(60)]
    assert len(remarks) == 1, remarks
    assert "the catalogue of " in remarks[0], remarks
    # The order of files does not matter for one of them.
    if damage == "removed":
        assert numbers(log_dir, files="app.log.1")[1] == []
        for rotated in log_dir.glob("app.log.*"):
            rotated.unlink()
        assert numbers(log_dir)[1] == []


def test_a_catalogue_that_is_deleted_is_made_again_and_told(
    start: Start, log_dir: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Once, on standard error, while the program runs."""
    start(max_bytes=2_000, keep="all", console_format="off")
    write(30)
    capfd.readouterr()
    catalogue = log_dir / ".unified_logger" / "catalogue"
    catalogue.unlink()
    write(60, 30)
    assert shutdown_logging()
    assert catalogue.exists()
    assert capfd.readouterr().err.count("is gone, and made again from the files") == 1
    assert numbers(log_dir) == ([*range(90)], [])


def test_each_set_goes_on_at_its_own_position(start: Start, log_dir: Path) -> None:
    """Sets without a position are read from their beginning."""
    start(outputs={"audit": {"file": "audit.log", "loggers": ["shop"]}})
    write(5)
    files = ["app.log", "audit.log"]
    positions: dict[str, Position] = {}
    with read_logs(log_dir, files=files, logger="shop") as reader:
        for record in reader:
            positions[record.set] = record.position
    assert set(positions) == set(files)
    write(2, 5)
    assert sorted(numbers(log_dir, files=files, after=positions.values())[0]) == [5, 5, 6, 6]
    assert sorted(numbers(log_dir, files=files, after=positions["app.log"])[0]) == [0, 1, 2, 3, 4, 5, 5, 6, 6]


def test_a_follower_tells_what_retention_took_before_it_was_read(start: Start, log_dir: Path) -> None:
    """How much that is, as far as it is known."""
    start(max_bytes=2_000, keep={"files": 2})
    write(5)
    with read_logs(log_dir, files="app.log", logger="shop", follow=True, timeout=1) as reader:
        first = next(reader)
        assert (first.record or {})["number"] == 0
        write(1_000, 5)
        found = [(record.record or {})["number"] for record in reader]
        assert len(found) < 900
        remarks = reader.remarks
    assert [remark for remark in remarks if "deleted before" in remark and "missing" in remark], remarks


def test_lines_of_the_format_compact_are_found_by_their_level(start: Start, log_dir: Path) -> None:
    """By its letter. Their time has no date, and may be any."""
    start(outputs={"people": {"file": "people.log", "format": "compact"}})
    get_logger("shop").info("paid", order=7)
    get_logger("shop").warning("stock is low")
    assert flush_logging(10)

    def found(**conditions: Any) -> list[str]:
        return [record.text[9:] for record in read_logs(log_dir, files="people.log", **conditions)]

    assert [line[:1] for line in found(level="WARNING")] == ["W"]
    assert [line[:1] for line in found(level="INFO", since="2020-01-01T00:00Z")][-2:] == ["I", "W"]
    assert found(until="2020-01-01T00:00Z") == found()


def test_names_of_files_are_understood_or_explained(start: Start, log_dir: Path) -> None:
    """A packed file by the name it had before, and a path that begins with the directory by a sentence."""
    start(max_bytes=2_000, keep="all", compress="zstd")
    write(40)
    assert shutdown_logging()
    packed = numbers(log_dir, files="app.log.2.zst")
    assert packed[0]
    assert numbers(log_dir, files="app.log.2") == packed
    with pytest.raises(ReadError, match="relative to the directory"):
        read_logs(log_dir, files="logs/app.log")
    with pytest.raises(ConfigurationError, match="files = "):
        read_logs(log_dir, files=[])
