"""A secret at every door, and every byte of every file and stream searched after the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from kinds import Plant
from planted import NAMED, PATTERNS, TRACES

START = "init_logging(**OPTIONS)\n"
# How records leave: as the core writes them, and as fallback handlers do.
OUTPUTS = {
    "text": ({"console_format": "text"}, {}),
    "json": ({"console_format": "json"}, {}),
    "no box": ({"black_box": "off"}, {}),
    "native": ({"native_stdlib": True}, {}),
    "plain text": ({"console_format": "text"}, {"USE_UNIFIED_LOGGING": "false"}),
    "plain json": ({"console_format": "json"}, {"USE_UNIFIED_LOGGING": "false"}),
}
# Names that a record of each door has in its message.
MARKS = [
    "message ",
    "field",
    "nested",
    "context",
    "ids",
    "ask",
    "standard ",
    "warning ",
    "name of a thread",
    "exception",
]


@pytest.mark.parametrize("output", OUTPUTS)
def test_through_every_door(plant: Plant, output: str) -> None:
    """Messages, arguments, fields, contexts, exceptions, sources, threads, names: nothing is left, in files and on the console."""
    options, environment = OUTPUTS[output]
    done = plant(START + "all_doors()", {"redaction": True, **options}, **environment)
    assert (done.code, done.found()) == (0, set())
    text = done.text()
    assert [mark for mark in MARKS if mark not in text or mark not in done.stderr] == []
    assert text.count("[REDACTED") > 50 * len(PATTERNS)


@pytest.mark.parametrize("output", ["json", "plain text"])
def test_without_redaction_all_of_them_are(plant: Plant, output: str) -> None:
    """The same program shows each secret when nothing is redacted: the search finds what is there."""
    options, environment = OUTPUTS[output]
    assert plant(START + "all_doors()", options, **environment).found() == {*TRACES, "named"}


@pytest.mark.parametrize("console", ["text", "json"])
def test_on_a_stream_that_took_the_place_of_stderr(plant: Plant, console: str) -> None:
    """The line that the calling thread writes there has no secret either."""
    code = "sys.stderr = open('logs/stream.txt', 'w', encoding='utf-8')\n" + START + "all_doors()"
    done = plant("os.makedirs('logs', exist_ok=True)\n" + code, {"redaction": True, "console_format": console})
    assert done.found() == set()
    assert "[REDACTED" in done.text("stream.txt")


def test_on_the_stream_after_the_rules_changed(plant: Plant) -> None:
    """The calling thread follows the rules of the last start."""
    code = """
os.makedirs("logs", exist_ok=True)
sys.stderr = open("logs/stream.txt", "w", encoding="utf-8")
init_logging(**{**OPTIONS, "redaction": False})
logger.info("nothing is secret yet")
init_logging(**OPTIONS)
all_doors()
"""
    assert plant(code, {"redaction": True, "console_format": "text"}).found() == set()


def test_in_records_from_before_the_start(plant: Plant) -> None:
    """What was kept until the start is redacted as what comes after it."""
    done = plant("logger.info('early ' + SECRETS['email'], password=NAMED)\n" + START, {"redaction": True})
    assert done.found() == set()
    assert "early [REDACTED:email]" in done.text()


@pytest.mark.parametrize(
    ("code", "environment"),
    [
        ("", {"UNIFIED_LOGGER_REDACTION": "true"}),
        ("", {"UNIFIED_LOGGER_REDACTION": "true", "UNIFIED_LOGGER_QUEUE_SIZE": "none at all"}),
        ("try: init_logging(redaction={'custom': {'x': '('}})\nexcept ValueError: pass", {}),
        ("try: init_logging(redaction=True, log_dir='/proc/nowhere')\nexcept ValueError: pass", {}),
    ],
    ids=["environment", "wrong environment", "wrong rules", "no directory"],
)
def test_in_records_that_never_found_a_start(plant: Plant, code: str, environment: dict[str, str]) -> None:
    """What goes to standard error at the end has no secrets where redaction was asked for, also if the start failed."""
    done = plant(code + "\nlogger.error('early ' + SECRETS['email'], password=NAMED)", **environment)
    assert done.found() == set()
    assert "early [REDACTED:email]  password=[REDACTED]" in done.stderr


def test_in_records_after_shutdown(plant: Plant) -> None:
    """What the calls write themselves is redacted too."""
    done = plant(START + "unified_logger.shutdown_logging()\nall_doors()", {"redaction": True})
    assert done.found() == set()
    assert "message [REDACTED:email]" in done.text()


@pytest.mark.parametrize("unified", ["true", "false"])
@pytest.mark.parametrize("where", ["main", "thread"])
def test_of_exceptions_that_nobody_caught(plant: Plant, unified: str, where: str) -> None:
    """Neither the record nor the traceback that the interpreter prints has it; the exit code stays."""
    fall = {
        "main": "raise ValueError(list(SECRETS.values()), {'password': NAMED})",
        "thread": "threading.Thread(target=fall, args=[SECRETS['email']]).start()",
    }[where]
    done = plant(START + fall, {"redaction": True}, USE_UNIFIED_LOGGING=unified)
    assert done.found() == set()
    assert done.code == (1 if where == "main" else 0)
    assert "Traceback (most recent call last)" in done.stderr
    assert "[REDACTED:email]" in done.stderr
    assert "[REDACTED:email]" in done.text("errors.log")


def test_in_forked_children(plant: Plant) -> None:
    """A child redacts by its parent's rules."""
    code = START + "child = os.fork()\nif child == 0:\n    all_doors()\nelse:\n    os.waitpid(child, 0)"
    done = plant(code, {"redaction": True}, PYTHONWARNINGS="ignore")
    assert done.found() == set()
    assert "message [REDACTED:email]" in done.text()


def test_in_what_is_recovered(plant: Plant, run_python: Callable[..., Any]) -> None:
    """Records of a process that was killed are redacted by whoever writes them, who knows the rules from the box alone."""
    code = """
import fcntl, signal
init_logging(**OPTIONS)
lock = open("logs/.unified_logger.lock", "r+")
fcntl.flock(lock, fcntl.LOCK_EX)  # nothing is written any more
logger.info("message " + SECRETS["email"], employee="EMP-1234", password=NAMED)
os.kill(os.getpid(), signal.SIGKILL)
"""
    options = {"black_box": "dir", "redaction": {"custom": {"employee": "EMP-[0-9]+"}}}
    done = plant(code, options)
    assert done.found() == {"email", "named"}  # in the box
    told = run_python("from unified_logger.cli import main; raise SystemExit(main(['recover', 'logs']))")
    assert "1 record recovered" in told.stdout
    assert done.found() == set()
    assert '"recovered":true,"employee":"[REDACTED:employee]","password":"[REDACTED]"' in done.text()


def test_in_rotated_files(plant: Plant) -> None:
    """Files that were rotated have none either."""
    done = plant(START + "all_doors()", {"redaction": True, "max_bytes": 100_000, "backup_count": 1_000})
    assert done.found() == set()
    assert (done.logs / "app.log.5").exists()


def test_where_the_application_makes_it_say_so(plant: Plant) -> None:
    """Neither the key of the hashes nor what was refused as one is told by anything."""
    key = "the key of the hashes"
    code = f"""
init_logging(**OPTIONS, redaction_hash_key={key!r})
logger.info("message " + SECRETS["email"])
for wrong in [{{"redaction_hashkey": {key!r}}}, {{"redaction_hash_key": {key[:12]!r}}}, {{"redaction": {{"key": 1}}, "redaction_hash_key": {key!r}}}]:
    try:
        init_logging(**wrong)
    except Exception as error:
        logger.exception("refused")
        print(error, repr(error.value))
    else:
        raise AssertionError(wrong)
"""
    done = plant(code, {"redaction": {"action": "hash"}})
    assert done.code == 0, done.stderr
    # The program's own lines stand in its traceback; their text does not say what was given.
    said = done.stdout
    assert key[:12] not in said
    assert "[HASH:" in done.text()


def test_of_records_that_fallback_handlers_could_not_write(plant: Plant) -> None:
    """`logging` would show the record as it was given."""
    code = """
from unified_logger.process import engine
for file in engine._fallback._files:
    file.format = lambda record: record.getMessage() + "\\ud800"  # in no encoding: the error shows what it was
logger.error("message " + SECRETS["email"], password=NAMED)
logger.error("%s", SECRETS["email"])
"""
    done = plant(START + code, {"redaction": True, "console_format": "text"}, USE_UNIFIED_LOGGING="false")
    assert (done.code, done.found()) == (0, set())
    assert "a record is not written" in done.stderr


def test_names_alone_are_not_searched_for(plant: Plant) -> None:
    """Without patterns only names count: what is left is what the program was told not to look for."""
    done = plant(START + "named_doors(NAMED)\nlogger.info(SECRETS['email'])", {"redaction": {"patterns": []}})
    assert done.found() == {"email", "named"}  # in the message and the exception's text
    assert NAMED not in "".join(line for line in done.text().splitlines() if '"message":"field"' in line)
