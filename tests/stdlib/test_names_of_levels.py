"""A record of `logging` shows the name that it has for its level, and names nobody else's levels."""

from __future__ import annotations

import json
import logging
import pickle
from pathlib import Path
from typing import Any

import pytest
from kinds import Records, Run, Start

from unified_logger import JSONFormatter, UnifiedLogger, get_logger, get_stats
from unified_logger.config import resolve


def handle(**attributes: Any) -> None:
    """What a `SocketHandler`'s or `QueueHandler`'s other end does with a record of another process."""
    record = logging.makeLogRecord({"name": "remote", "levelno": 20, "msg": "from elsewhere", **attributes})
    logging.getLogger().handle(pickle.loads(pickle.dumps(record)))


def levels(records: Records) -> list[tuple[str, str]]:
    """Loggers and levels of all records."""
    return [(record["logger"], record["level"]) for record in records()]


@pytest.mark.parametrize("name", ["CRITICAL", "\x1b[31mINFO\x1b[0m", "信息", "x" * 300, "", "a\nb"])
def test_a_name_from_elsewhere_is_that_records_alone(logger: UnifiedLogger, records: Records, name: str) -> None:
    """Those before and after it, of either interface, have the names of this process. Seen to name all that follow."""
    theirs = logging.getLogger("theirs")
    for _ in range(2):
        logger.info("m")
        theirs.info("m")
        handle(levelname=name)
        logger.info("m")
        theirs.info("m")
    here = [("app", "INFO"), ("theirs", "INFO")]
    assert levels(records) == ([*here, ("remote", name[:256]), *here]) * 2


@pytest.mark.parametrize("attributes", [{}, {"levelname": None}, {"levelname": "Level None"}])
def test_a_record_without_a_name_has_that_of_its_level(
    logger: UnifiedLogger, records: Records, attributes: dict[str, Any]
) -> None:
    """`logging.makeLogRecord` makes such records of what has a number only."""
    handle(levelno=30, **attributes)
    logger.warning("m")
    assert levels(records) == [("remote", "WARNING"), ("app", "WARNING")]


@pytest.mark.parametrize("name", [7, ["INFO"], b"INFO"])
def test_a_name_that_is_no_text(logger: UnifiedLogger, records: Records, name: object) -> None:
    """Is shown as one."""
    handle(levelname=name)
    assert levels(records) == [("remote", str(name))]


def test_a_formatter_that_colours_records_in_place(logger: UnifiedLogger, records: Records) -> None:
    """As many recipes have it; another handler comes before ours."""

    class Colouring(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            record.levelname = f"\x1b[32m{record.levelname}\x1b[0m"
            return super().format(record)

    listener = logging.StreamHandler(stream := __import__("io").StringIO())
    listener.setFormatter(Colouring("%(levelname)s"))
    root = logging.getLogger()
    root.handlers.insert(0, listener)
    try:
        for _ in range(3):
            logging.getLogger("theirs").info("m")
            logger.info("m")
    finally:
        root.removeHandler(listener)
    logger.info("m")
    assert stream.getvalue().count("\x1b[32mINFO") == 6
    found = levels(records)
    assert [level for name, level in found if name == "app"] == ["INFO"] * 4


def test_a_name_that_the_program_gave_is_everybodys(logger: UnifiedLogger, records: Records) -> None:
    """Also one given between two records of a level, to either interface."""
    theirs = logging.getLogger("theirs")
    try:
        logging.addLevelName(21, "NOTICE")
        theirs.log(21, "m")
        logger.log(21, "m")
        assert levels(records) == [("theirs", "NOTICE"), ("app", "NOTICE")]
        logging.addLevelName(21, "NOTED")
        theirs.log(21, "m")
        handle(levelno=21, levelname="NOTICE")
        logger.log(21, "m")
        assert levels(records)[2:] == [("theirs", "NOTED"), ("remote", "NOTICE"), ("app", "NOTED")]
    finally:
        del logging._levelToName[21], logging._nameToLevel["NOTICE"], logging._nameToLevel["NOTED"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("said", ["Notice", " Notice ", "NOTED", "noted"])
def test_a_name_with_small_letters_names_a_level_in_a_configuration(said: str) -> None:
    """As it was given; one that is all capitals in any case."""
    try:
        logging.addLevelName(21, "Notice")
        logging.addLevelName(21, "NOTED")
        assert resolve({"log_level": said}, environ={}).log_level == 21
    finally:
        del logging._levelToName[21], logging._nameToLevel["Notice"], logging._nameToLevel["NOTED"]  # type: ignore[attr-defined]


def test_any_number_of_names_fills_nothing(run_python: Run, tmp_path: Path) -> None:
    """What comes after them has numbers for its places, loggers and threads, and is protected as before."""
    run_python(
        """
import logging
from unified_logger import *
init_logging(log_dir="logs", console_format="off", max_bytes=0, overflow_timeout=60)
root = logging.getLogger()
for number in range(60_000):
    root.handle(logging.makeLogRecord({"levelno": number % 100, "levelname": f"name {number}", "msg": "m"}))
assert flush_logging(60)
get_logger("after").info("m", n=1)
assert flush_logging(60)
"""
    )
    last = json.loads((tmp_path / "logs" / "app.log").read_text().splitlines()[-1])
    assert (last["level"], last["logger"], last["n"]) == ("INFO", "after", 1)


@pytest.mark.parametrize("unified", [True, False])
@pytest.mark.parametrize("form", ["text", "json"])
def test_both_modes_and_all_places_show_the_same(
    start: Start, records: Records, capfd: pytest.CaptureFixture[str], unified: bool, form: str
) -> None:
    """Files, console and formatter, with the engine and without."""
    start(use_unified_logging=unified, console_format=form)
    for name in ("CRITICAL", None):
        handle(levelname=name)
    get_logger("app").info("m")
    assert levels(records) == [("remote", "CRITICAL"), ("remote", "INFO"), ("app", "INFO")]
    shown = capfd.readouterr().err.splitlines()
    if form == "json":
        assert [json.loads(line)["level"] for line in shown] == ["CRITICAL", "INFO", "INFO"]
    else:
        assert [line.split()[1] for line in shown] == ["CRITICAL", "INFO", "INFO"]
    record = logging.makeLogRecord({"levelno": 20, "levelname": "CRITICAL", "msg": "m"})
    assert json.loads(JSONFormatter().format(record))["level"] == "CRITICAL"


def test_a_secret_in_a_name_is_replaced(start: Start, records: Records) -> None:
    """It is data of the record like all the rest."""
    start(redaction=True)
    handle(levelname="password=hunter2")
    assert levels(records) == [("remote", "password=[REDACTED]")]
    assert get_stats()["redacted"] > 0


def test_a_killed_process_leaves_the_names(run_python: Run, tmp_path: Path) -> None:
    """Records in its black box have theirs."""
    code = """
import fcntl, logging, os, signal
from unified_logger import *
init_logging(log_dir="logs", console_format="off")
get_logger("app").info("m")
assert flush_logging(60)
lock = open("logs/.unified_logger.lock", "r+")
fcntl.flock(lock, fcntl.LOCK_EX)
logging.getLogger().handle(logging.makeLogRecord({"name": "remote", "levelno": 20, "levelname": "OTHER", "msg": "m"}))
get_logger("app").info("m")
os.kill(os.getpid(), signal.SIGKILL)
"""
    run_python(code, check=False)
    run_python(
        "from unified_logger import *\ninit_logging(log_dir='logs', console_format='off')\nassert flush_logging(60)"
    )
    found = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
    told = [(record["logger"], record["level"]) for record in found if record["message"] == "m"]
    assert told == [("app", "INFO"), ("remote", "OTHER"), ("app", "INFO")]
