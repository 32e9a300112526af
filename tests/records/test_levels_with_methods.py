"""`add_level` gives loggers a method for a level. Each record has the name of its method, also if several levels share a number."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kinds import Run

# Levels stay for the rest of a process, so each test has one of its own.
BEGIN = """
import logging
from unified_logger import *
def start(**options):
    init_logging(**{"log_dir": "logs", "console_format": "off", **options})
log = get_logger("app")
"""


def records(folder: Path, name: str = "app.log") -> list[dict[str, Any]]:
    """What a program has logged, without the library's notices."""
    found = [json.loads(line) for line in (folder / "logs" / name).read_text("utf-8").splitlines()]
    return [record for record in found if record["logger"] != "unified_logger"]


def test_a_method_has_everything_that_info_has(run_python: Run, tmp_path: Path) -> None:
    """Whether it was added before the start or after it, and for loggers that were there before."""
    run_python(
        f"""{BEGIN}
assert add_level("NOTICE", 25) == 25
start()
add_level("AUDIT", 35)
bound = log.bind(tenant="t")
for _ in range(3):
    log.notice("n %s", 1, order=7)
    bound.audit("a", order=7)
    log.audit("e", exc_info=ValueError("v"), extra={{"x": 1}}, stack_info=True)
    get_logger("app", "{{").audit("{{order}}", order=7)
def wrapper():
    log.notice("w", stacklevel=2)
def caller():
    wrapper()
caller()
"""
    )
    found = records(tmp_path)
    for notice, audit, error, braces in (found[0:4], found[4:8], found[8:12]):
        assert (notice["level"], notice["message"], notice["order"], notice["line"]) == ("NOTICE", "n 1", 7, 13)
        assert (audit["level"], audit["tenant"], audit["order"], audit["line"]) == ("AUDIT", "t", 7, 14)
        assert (error["level"], error["x"], error["exception"]["type"]) == ("AUDIT", 1, "ValueError")
        assert "stack" in error
        assert (braces["level"], braces["message"], braces["message_template"]) == ("AUDIT", "7", "{order}")
    assert (found[-1]["function"], found[-1]["level"]) == ("caller", "NOTICE")


def test_two_levels_of_one_number_keep_their_names(run_python: Run, tmp_path: Path) -> None:
    """By method, by name, for listeners, and whatever `logging` calls the number."""
    run_python(
        f"""{BEGIN}
start()
add_level("NOTICE", 25)
add_level("AUDIT", 25)
add_level("SUCCESS", 20)
def all_of_them():
    log.notice("NOTICE"); log.audit("AUDIT"); log.success("SUCCESS"); log.info("INFO")
    log.log("AUDIT", "AUDIT"); log.log("audit", "AUDIT"); log.log("NOTICE", "NOTICE"); log.log(level="AUDIT", msg="AUDIT")
    log.log(25, FIRST); logging.getLogger("theirs").log(25, FIRST); log.log("INFO", "INFO"); log.log("warn", "WARNING")
FIRST = "NOTICE"
all_of_them()
handler = logging.NullHandler()
log.logger.addHandler(handler)
all_of_them()
log.logger.removeHandler(handler)
assert flush_logging(60)  # The name of a number is looked up when a record is written.
logging.addLevelName(25, "LATER")
FIRST = "LATER"
all_of_them()
assert logging.getLevelName("AUDIT") == logging.getLevelName("NOTICE") == 25
"""
    )
    found = records(tmp_path)
    assert len(found) == 36
    assert [(record["level"], record["message"]) for record in found] == [(record["message"],) * 2 for record in found]


def test_processors_see_the_name(run_python: Run, tmp_path: Path) -> None:
    """And a record that they leave at its level keeps it."""
    run_python(
        f"""{BEGIN}
seen = []
def process(record):
    seen.append(record["level"])
    record["more"] = 1
add_level("NOTICE", 25)
add_level("AUDIT", 25)
start(processors=[process])
for _ in range(2):
    log.notice("NOTICE")
    log.audit("AUDIT")
    log.log("AUDIT", "AUDIT")
assert seen == ["NOTICE", "AUDIT", "AUDIT"] * 2, seen
"""
    )
    found = records(tmp_path)
    assert [(record["level"], record["more"]) for record in found] == [("NOTICE", 1), ("AUDIT", 1), ("AUDIT", 1)] * 2


def test_names_of_logging_that_share_a_number_are_kept(run_python: Run, tmp_path: Path) -> None:
    """If the call gives the name."""
    run_python(
        f"""{BEGIN}
start()
logging.addLevelName(25, "NOTICE")
logging.addLevelName(25, "Audit")
for name in ("NOTICE", "Audit", "NOTICE"):
    log.log(name, name)
log.log(25, "Audit")
"""
    )
    assert [record["level"] == record["message"] for record in records(tmp_path)] == [True] * 4


def test_the_level_decides_as_any_level_does(run_python: Run, tmp_path: Path) -> None:
    """Its number counts, also between the standard ones, and also after changes and in contexts."""
    run_python(
        f"""{BEGIN}
add_level("TRACE", 5)
add_level("AUDIT", 25)
start(log_level="INFO", levels={{"strict": 26, "open": "audit"}}, file_level="TRACE")
def log_all(where):
    for name in ("app", "strict", "open"):
        one = get_logger(name)
        one.audit(where, at=name)
        one.trace(where, at=name)
        one.bind(a=1).trace(where, at=name)
log_all("first")
set_level("strict", 25)
log_all("set")
with LoggingContext(level="TRACE"):
    log_all("context")
with LoggingContext(level="ERROR"):
    log_all("error")
logging.disable(25)
log_all("disabled")
assert get_levels()["open"] == "AUDIT"
"""
    )
    found = [(r["message"], r["at"], r["level"]) for r in records(tmp_path) if "at" in r]
    audits = [("set", name, "AUDIT") for name in ("app", "strict", "open")]
    context = [("context", name, level) for name in ("app", "strict", "open") for level in ("AUDIT", "TRACE", "TRACE")]
    assert found == [("first", "app", "AUDIT"), ("first", "open", "AUDIT"), *audits, *context]


def test_a_refused_name_says_why(run_python: Run) -> None:
    """And changes nothing. The same again is no fault."""
    done = run_python(
        f"""{BEGIN}
add_level("AUDIT", 25)
assert add_level("AUDIT", 25) == 25 and add_level("INFO", 20) == 20
before = dict(logging._levelToName), set(dir(UnifiedLogger))
for name, number in (
    ("AUDIT", 26), ("INFO", 21), ("BIND", 25), ("LOG", 25), ("NAME", 25), ("audit", 25), ("TWO WORDS", 25), ("1ST", 25), ("IF", 25),
    ("_X", 25), ("", 25), ("LOW", 0), ("HIGH", 101), (7, 25), ("X", "25"), ("X", True), ("X", 2.5),
):
    try:
        add_level(name, number)
    except (ValueError, TypeError) as error:
        print(error)
    else:
        print("taken:", name)
assert before == (dict(logging._levelToName), set(dir(UnifiedLogger)))
for number in range(31):
    add_level(f"L{{number}}", number + 1)
log.l30("m")
try:
    add_level("L31", 50)
except ValueError as error:
    print(error)
"""
    )
    lines = done.stdout.splitlines()
    assert len(lines) == 18
    assert not [line for line in lines if line.startswith("taken")]
    assert lines[0] == "level 'AUDIT' has the number 25 already, so it cannot have 26"
    assert lines[2] == "'BIND' cannot be a level's name: loggers have an attribute 'bind' already"
    assert lines[-1] == "at most 32 levels can have methods"


@pytest.mark.parametrize("early", [True, False])
def test_names_survive_the_process(run_python: Run, tmp_path: Path, early: bool) -> None:
    """In records from before the start, and in those of a process that was killed."""
    run_python(
        f"""{BEGIN}
import fcntl, os, signal
add_level("NOTICE", 25)
add_level("AUDIT", 25)
if {early}:
    log.audit("AUDIT")
    log.notice("NOTICE")
start()
assert flush_logging(60)
lock = open("logs/.unified_logger.lock", "r+")
fcntl.flock(lock, fcntl.LOCK_EX)
for _ in range(2):
    log.audit("AUDIT")
    log.notice("NOTICE")
os.kill(os.getpid(), signal.SIGKILL)
""",
        check=False,
    )
    run_python(f"{BEGIN}\nstart()\nassert flush_logging(60)")
    found = records(tmp_path)
    assert [record["level"] for record in found] == ["AUDIT", "NOTICE"] * (3 if early else 2)
    assert all(record["level"] == record["message"] for record in found)


def test_forked_children_and_other_modes_have_the_names(run_python: Run, tmp_path: Path) -> None:
    """The same process continues."""
    for unified in (True, False):
        run_python(
            f"""{BEGIN}
import os
add_level("NOTICE", 25)
add_level("AUDIT", 25)
start(use_unified_logging={unified})
log.audit("AUDIT")
if os.fork() == 0:
    log.audit("AUDIT")
    log.notice("NOTICE")
    flush_logging()
    os._exit(0)
os.wait()
"""
        )
    found = records(tmp_path)
    assert sorted(record["level"] for record in found) == ["AUDIT"] * 4 + ["NOTICE"] * 2
    assert all(record["level"] == record["message"] for record in found)


def test_levels_are_known_wherever_one_is_configured(run_python: Run, tmp_path: Path) -> None:
    """Files, the environment, spans and catch included."""
    run_python(
        f"""{BEGIN}
import pathlib
add_level("AUDIT", 25)
pathlib.Path("log.yaml").write_text("levels: {{db: audit}}\\noutputs: {{audit: {{file: audit.log, level: AUDIT}}}}")
init_logging_from_config("log.yaml", log_dir="logs", console_format="off")
assert get_levels()["db"] == get_levels()["env"] == "AUDIT"
log.setLevel("AUDIT")
with span("work", logger=log, level="AUDIT"):
    pass
with log.catch(level="audit"):
    raise ValueError
logging.getLogger("theirs").addHandler(Handler(level="AUDIT"))
""",
        LOG_LEVELS="env=AUDIT",
    )
    assert [record["level"] for record in records(tmp_path, "audit.log")] == ["AUDIT"] * 3
