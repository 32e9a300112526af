"""What a program imports by name is all there by then: it may give up its rights, its root or its descriptors before it starts logging."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from kinds import Run

# Refuses every import from a file, and tells of it. What the interpreter itself imports to show warnings and errors may be missing, and so may
# `difflib`: a message without the nearest known name is still the message.
REFUSE = """
import atexit, importlib.abc, os, sys

def refuse():
    class Refuse(importlib.abc.MetaPathFinder):
        def find_spec(self, name, path=None, target=None):
            frame = sys._getframe(1)
            while "importlib" in frame.f_code.co_filename:
                frame = frame.f_back
            place = frame.f_globals.get("__name__", "")
            if name == "difflib":
                return None
            if name.startswith("unified_logger") or place.startswith("unified_logger") or place == "__main__":
                os.write(1, f"{name} in {place}:{frame.f_lineno}\\n".encode())
            return None
    sys.meta_path[:] = [Refuse()]
"""

# What a program may do, without an import of its own.
LIFE = """
import asyncio, datetime, decimal, enum, logging, pathlib, threading, time, uuid, warnings
from dataclasses import dataclass
from unified_logger import *
refuse()
options = dict(log_dir="logs", console_format="off")
for wrong in ({"log_levle": 1}, {"log_level": "\\x1b"}, {"log_dir": "/dev/null/logs"}, {"redaction": {"paterns": []}}):
    try:
        init_logging(**{**options, **wrong})
    except ConfigurationError as error:
        str(error)
init_logging(**options, **MORE)

@dataclass
class Point:
    x: int

class Odd:
    def __repr__(self):
        raise ValueError("odd")

class Color(enum.Enum):
    RED = 1

values = [1.5, 10**30, b"b", {1}, (1,), Point(1), Odd(), Color.RED, datetime.datetime.now(), datetime.date.min, datetime.timedelta(1),
    decimal.Decimal(1), uuid.UUID(int=1), pathlib.Path("x"), ValueError("v"), Point, float("nan"), "\\ud800"]
logger = get_logger("app")
stdlib = logging.getLogger("other")

def use():
    for value in values:
        logger.info("value %s", value, value=value)
        stdlib.info("value %s", value, extra={"value": value})
    with LoggingContext(tenant=1, level="nonsense"), span("work", step=1):
        logger.bind(value=values).warning("bound", stack_info=True)
        logger.ai("answered", model="m", prompt="p", response="r", error=ValueError("e"))
        trace_headers()
    for code in ("1 +", "1 / 0", "import nothing_of_this_name", "undefined"):
        try:
            exec(code, {"__name__": "code"})
        except Exception:
            logger.exception("failed", exc_info=True)
            stdlib.exception("failed %d", "x")
    stdlib.error("%d", "no number")
    logger.error("%d", "no number")
    warnings.warn("a warning")
    stdlib.addHandler(Handler())
    JSONFormatter().format(logging.LogRecord("n", 20, "p", 1, "m", (), None))
    set_level("app", "DEBUG", seconds=60)
    set_level("app", "INFO").revert()
    get_levels(), get_stats()
    threading.Thread(target=lambda: logger.info("in a thread")).start()
    failing = threading.Thread(target=lambda: 1 / 0)
    failing.start()
    failing.join()
    UnifiedLoggerFactory().flush(10)

use()
assert flush_logging(30)
child = os.fork()
if child == 0:
    use()
    assert flush_logging(30)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
init_logging(**options, log_level="DEBUG")
use()
assert shutdown_logging()
logger.info("after the end")
1 / 0
"""


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"redaction": True, "redaction_hash_key": "0123456789abcdef"},
        {"redaction": {"custom": {"n": "[0-9]{4}"}, "keys": ["k"], "actions": {"keys": "mask"}}},
        {"use_unified_logging": False},
        {"native_stdlib": True, "black_box": "off", "trace_headers": ["b3"], "levels": {"a.b": "DEBUG"}},
    ],
    ids=["plain", "redaction", "rules", "fallback handlers", "others"],
)
def test_no_part_of_a_programs_life_imports(run_python: Run, options: dict[str, Any]) -> None:
    """Start, calls, errors, forks, flush, shutdown and exit. Seen to fail for each module that was imported in a function."""
    done = run_python(f"{REFUSE}\nMORE = {options!r}\n{LIFE}", check=False)
    assert done.stdout == ""
    assert "ZeroDivisionError" in done.stderr.splitlines()[-1], done.stderr


def test_a_start_from_a_file_imports_nothing_either(run_python: Run, tmp_path: Path) -> None:
    """Its functions bring what they need when they are imported by name."""
    (tmp_path / "logging.yaml").write_text("log_dir: logs\nconsole_format: json\n")
    done = run_python(
        f"""{REFUSE}
from unified_logger import flush_logging, get_logger, init_logging_from_config, load_config, reload_logging
refuse()
load_config("logging.yaml")
init_logging_from_config("logging.yaml", redaction=True, watch_config=60, reload_signal="sighup")
get_logger("app").info("m")
reload_logging()
assert flush_logging(30)
"""
    )
    assert done.stdout == ""


def test_what_was_logged_without_a_start_is_shown_without_an_import(run_python: Run) -> None:
    """Also where rules of redaction have to be found for it."""
    done = run_python(
        f"""{REFUSE}
from unified_logger import get_logger
refuse()
get_logger("app").warning("password=hunter22-of-mine")
""",
        UNIFIED_LOGGER_REDACTION="true",
    )
    assert done.stdout == ""
    assert "password=" in done.stderr
    assert "hunter22" not in done.stderr


ENDED = """
init_logging(log_dir="logs", console_format="off", redaction=True)
get_logger("app").info("m", number=7)
try:
    1 / 0
except ZeroDivisionError:
    get_logger("app").exception("failed")
assert flush_logging(30)
assert shutdown_logging(30)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="descriptors are closed like this by daemons of POSIX systems")
@pytest.mark.parametrize("plain", ["true", "false"], ids=["engine", "fallback handlers"])
def test_a_program_may_close_its_descriptors_and_take_what_is_left(run_python: Run, tmp_path: Path, plain: str) -> None:
    """As daemons do, before the start."""
    run_python(
        f"""
import os
from unified_logger import flush_logging, get_logger, init_logging, shutdown_logging
os.closerange(3, 256)
{ENDED}
""",
        USE_UNIFIED_LOGGING=plain,
    )
    assert (tmp_path / "logs" / "app.log").read_text().count("\n") == 2


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may change its root")
@pytest.mark.parametrize("plain", ["true", "false"], ids=["engine", "fallback handlers"])
def test_a_program_may_change_its_root_and_its_user(run_python: Run, tmp_path: Path, plain: str) -> None:
    """The modules are out of reach afterwards. Seen to fail (ModuleNotFoundError) with modules imported by the start."""
    root = tmp_path / "root"
    root.mkdir()
    os.chown(root, 65534, 65534)
    run_python(
        f"""
import os
from unified_logger import flush_logging, get_logger, init_logging, shutdown_logging
os.chroot({str(root)!r})
os.chdir("/")
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
{ENDED}
""",
        USE_UNIFIED_LOGGING=plain,
    )
    log = root / "logs" / "app.log"
    assert log.read_text().count("\n") == 2
    assert log.stat().st_uid == 65534
