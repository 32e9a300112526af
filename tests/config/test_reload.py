"""The configuration file is read again: when asked to, at a signal, and when it has changed; a bad one changes nothing."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kinds import Said, Wait, Write

from unified_logger import (
    ConfigurationError,
    UnifiedLoggerError,
    flush_logging,
    get_logger,
    init_logging,
    init_logging_from_config,
    reload_logging,
    set_level,
    shutdown_logging,
)

app = logging.getLogger("app")

POSIX = pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no such signals")


@pytest.fixture
def begin(write: Write, log_dir: Path) -> Callable[..., None]:
    """`begin(text, **options)`: writes the file and starts logging from it."""

    def begin(text: str, **options: Any) -> None:
        init_logging_from_config(write(text), **{"log_dir": str(log_dir), "console_format": "off", **options})

    return begin


def test_a_good_file_is_applied_and_each_change_logged(begin: Callable[..., None], write: Write, said: Said) -> None:
    """Levels by their loggers, and the names of all options that are others."""
    begin("loggers: {app: {level: WARNING}, app.db: {level: ERROR}}")
    write("log_level: DEBUG\nqueue_size: 77\nloggers: {app: {level: INFO}}")
    changed = reload_logging()
    assert changed == {
        "log_level": ("INFO", "DEBUG"),
        "queue_size": (10_000, 77),
        "levels.app": ("WARNING", "INFO"),
        "levels.app.db": ("ERROR", None),
    }
    whole, *single = said()
    assert whole["message"].endswith("changed: log_level, queue_size, levels.app, levels.app.db")
    assert whole["changed.queue_size"] == "10000 -> 77"
    assert {(record["target"], record["old_level"], record["new_level"]) for record in single} == {
        ("root", "INFO", "DEBUG"),
        ("app", "WARNING", "INFO"),
        ("app.db", "ERROR", "NOTSET"),
    }
    assert all(record["level"] == "WARNING" for record in said())


def test_rules_of_redaction_are_named_and_not_shown(begin: Callable[..., None], write: Write, said: Said) -> None:
    """They change as all options do, and hold what must not be in a log."""
    begin("redaction: {keys: [pin]}\nredaction_hash_key: a key of sixteen and more")
    write("redaction: {keys: [pin]}\nredaction_hash_key: a key of sixteen and more")
    assert reload_logging() == {}
    write("redaction: {keys: [pin]}\nredaction_hash_key: another key of sixteen and more")
    assert reload_logging() == {"redaction": ("...", "...")}
    assert said()[-1]["message"].endswith("changed: redaction")
    assert "sixteen" not in str(said())


def test_a_changed_secret_of_the_recorder_is_named_and_not_shown(begin: Callable[..., None], write: Write) -> None:
    """Seen to fail: the reload said that nothing had changed."""
    begin("recorder: true\nrecorder_secret: a key of sixteen and more")
    write("recorder: true\nrecorder_secret: another key of sixteen and more")
    assert reload_logging() == {"recorder_secret": ("...", "...")}


def test_what_outranked_the_file_still_does(
    begin: Callable[..., None], write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Options of the call, and the environment."""
    monkeypatch.setenv("LOG_LEVELS", "app=ERROR")
    begin("log_level: INFO", log_level="WARNING")
    write("log_level: DEBUG\nlevels: {app: DEBUG}")
    assert reload_logging() == {}
    assert (logging.getLogger().level, app.level) == (logging.WARNING, logging.ERROR)


@pytest.mark.parametrize(
    ("text", "line", "key", "value"),
    [
        ("log_level: DEBUG\nloggers:\n  app: {level: LOUD}", 3, "loggers.app.level", "LOUD"),
        ("log_level: DEBUG\nlevels: {app: LOUD}", 2, "levels.app", "LOUD"),
        ("log_level: DEBUG\nqueue_sise: 3", 2, "queue_sise", 3),
        ("log_level: [", 1, "(the whole file)", None),
    ],
)
def test_a_bad_file_changes_nothing_and_is_one_record(
    text: str, line: int, key: str, value: object, begin: Callable[..., None], write: Write, said: Said, log_dir: Path
) -> None:
    """An ERROR record names file, line, key, value and what is allowed; who asked is told too; a good file then works."""
    begin("levels: {app: WARNING}")
    path = write(text)
    with pytest.raises(ConfigurationError) as caught:
        reload_logging()
    assert (caught.value.key, caught.value.line) == (key, line)
    (record,) = said()
    assert (record["level"], record["file"], record["key"], record["line_in_file"]) == ("ERROR", str(path), key, line)
    assert record["allowed"] == caught.value.allowed
    assert value is None or record["value"] == repr(value)
    assert caught.value.sentence.startswith(f"{path}:{line}: ")
    assert record["message"].endswith(caught.value.sentence)
    assert (logging.getLogger().level, app.level) == (logging.INFO, logging.WARNING)
    write("levels: {app: ERROR}")
    assert reload_logging() == {"levels.app": ("WARNING", "ERROR")}


def test_a_directory_that_cannot_be_written_changes_nothing(
    begin: Callable[..., None], write: Write, said: Said, tmp_path: Path, records: Callable[..., Any], log_dir: Path
) -> None:
    """What shows only at the start is rolled back as well.

    Seen to fail without the levels taken back.
    """
    begin(f"log_dir: {log_dir}\nlevels: {{app: WARNING}}", log_dir=str(log_dir))
    (tmp_path / "file").write_text("in the way")
    init_logging_from_config(write(f"log_dir: {log_dir}\nlevels: {{app: WARNING}}"), console_format="off")
    write(f"log_dir: {tmp_path / 'file'}\nlevels: {{app: ERROR}}")
    with pytest.raises(ConfigurationError, match="log_dir"):
        reload_logging()
    assert app.level == logging.WARNING
    get_logger("app").warning("still here")
    assert [record["level"] for record in records()] == ["ERROR", "WARNING"]


def test_levels_set_meanwhile_are_those_of_the_file_again(begin: Callable[..., None], write: Write) -> None:
    """Of the loggers that it names; one that was set for a time stays for it, and goes back to what the file says now."""
    begin("levels: {app: WARNING, app.db: WARNING}")
    set_level("app", "CRITICAL")
    set_level("app.ai", "DEBUG")
    change = set_level("app.db", "DEBUG", 3_600)
    write("levels: {app: WARNING, app.db: ERROR}")
    reload_logging()
    found = [logging.getLogger(name).level for name in ("app", "app.ai", "app.db")]
    assert found == [logging.WARNING, logging.DEBUG, logging.DEBUG]
    change.revert()
    assert logging.getLogger("app.db").level == logging.ERROR


def test_a_path_that_is_relative_is_that_of_the_start(
    begin: Callable[..., None], write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, log_dir: Path
) -> None:
    """Daemons go elsewhere."""
    monkeypatch.chdir(tmp_path)
    write("levels: {app: WARNING}")
    init_logging_from_config("logging.yaml", log_dir=str(log_dir), console_format="off")
    monkeypatch.chdir("/")
    write("levels: {app: ERROR}")
    reload_logging()
    assert app.level == logging.ERROR


def test_without_a_file_there_is_nothing_to_read(begin: Callable[..., None], start: Callable[..., Any]) -> None:
    """Never started from one, started again without, or ended."""
    begin("")
    start()
    with pytest.raises(UnifiedLoggerError, match="not started from a file"):
        reload_logging()
    begin("")
    shutdown_logging()
    with pytest.raises(UnifiedLoggerError, match="not started from a file"):
        reload_logging()


def test_options_that_need_a_file_say_so(start: Callable[..., Any], said: Said) -> None:
    """One WARNING each."""
    start(reload_signal="sighup", watch_config=5)
    assert [record["message"].split()[0] for record in said()] == ["reload_signal", "watch_config"]


def test_a_file_that_changes_is_read_again(
    begin: Callable[..., None], write: Write, said: Said, wait_for: Wait
) -> None:
    """Replaced as a whole, as editors and deployments do, or written in place; a bad one is one record."""
    begin("levels: {app: WARNING}", watch_config=0.01)
    path = write("levels: {app: ERROR}")
    wait_for(lambda: app.level == logging.ERROR)
    path.write_text("levels: {app: CRITICAL}")
    wait_for(lambda: app.level == logging.CRITICAL)
    write("levels: {app: LOUD}")
    wait_for(lambda: any(record["level"] == "ERROR" for record in said()))
    write("levels: {app: INFO}")
    wait_for(lambda: app.level == logging.INFO)
    assert sum(record["level"] == "ERROR" for record in said()) == 1


def test_a_mounted_configmap_is_read_again(tmp_path: Path, log_dir: Path, wait_for: Wait) -> None:
    """Kubernetes replaces a link to the directory of the file that the path's own link leads through.

    Seen to fail with a look at the link instead of the file.
    """
    for number, level in enumerate(("WARNING", "ERROR")):
        (tmp_path / f"..{number}").mkdir()
        (tmp_path / f"..{number}" / "logging.yaml").write_text(f"levels: {{app: {level}}}")
    (tmp_path / "..data").symlink_to("..0")
    (tmp_path / "logging.yaml").symlink_to("..data/logging.yaml")
    init_logging_from_config(tmp_path / "logging.yaml", log_dir=str(log_dir), console_format="off", watch_config=0.01)
    assert app.level == logging.WARNING
    (tmp_path / "..data_tmp").symlink_to("..1")
    (tmp_path / "..data_tmp").replace(tmp_path / "..data")
    wait_for(lambda: app.level == logging.ERROR)


def test_a_file_that_is_gone_for_a_while_is_waited_for(
    begin: Callable[..., None], write: Write, said: Said, wait_for: Wait
) -> None:
    """Nothing is said while it is not there."""
    begin("levels: {app: WARNING}", watch_config=0.01)
    write("").unlink()
    write("levels: {app: ERROR}")
    wait_for(lambda: app.level == logging.ERROR)
    assert [record["level"] for record in said() if record["level"] == "ERROR"] == []


def test_the_file_can_turn_its_watch_off(
    begin: Callable[..., None], write: Write, wait_for: Wait, run_python: Callable[..., Any]
) -> None:
    """And nothing is left that waits."""
    from unified_logger.process import timers

    begin("watch_config: 0.01")
    write("watch_config: 0\nlevels: {app: ERROR}")
    wait_for(lambda: app.level == logging.ERROR)
    wait_for(lambda: not timers._there.locked())


def test_a_file_that_is_half_written_takes_no_protection_away(
    begin: Callable[..., None], write: Write, said: Said, wait_for: Wait, log_dir: Path
) -> None:
    """Neither redaction nor the watch ends by being left out, and the whole file is read once it is there.

    Seen to fail (a password in clear, and nothing read any more) with each file taken as it stands.
    """
    begin("watch_config: 0.01\nredaction: true\nlevels: {app: WARNING}")
    write("levels: {app: ERROR}")
    wait_for(lambda: app.level == logging.ERROR)
    app.error("half", extra={"password": "hunter2"})
    write("watch_config: 0.01\nredaction: true\nlevels: {app: INFO}")
    wait_for(lambda: app.level == logging.INFO)
    assert "changed: redaction" not in str(said())
    flush_logging(20)
    assert "hunter2" not in (log_dir / "app.log").read_text(encoding="utf-8")
    write("redaction: false\nwatch_config: 0.01\nlevels: {app: ERROR}")
    wait_for(lambda: any("redaction" in record["message"] for record in said()))
    app.error("off", extra={"password": "hunter2"})
    flush_logging(20)
    assert "hunter2" in (log_dir / "app.log").read_text(encoding="utf-8")


def test_an_empty_file_is_refused_where_there_was_one_before(begin: Callable[..., None], write: Write) -> None:
    """Editors and shells empty a file before they write it. Seen to fail (all options are the defaults) with it taken as it stands."""
    begin("log_level: ERROR")
    write("")
    with pytest.raises(ConfigurationError, match="in the middle of being written"):
        reload_logging()
    assert logging.getLogger().level == logging.ERROR
    write("# nothing\n")
    with pytest.raises(ConfigurationError, match="in the middle of being written"):
        reload_logging()
    write("{log_level: INFO}")
    assert reload_logging() == {"log_level": ("ERROR", "INFO")}


SIGNALLED = """
import logging, os, signal, sys, time
from pathlib import Path
from unified_logger import get_logger, init_logging_from_config, shutdown_logging

app = logging.getLogger("app")
path = Path("logging.yaml")

def wait_for(condition):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.002)

def hang_up(level, name="SIGHUP"):
    new = Path("new.yaml")
    new.write_text(f"reload_signal: {name}\\nlevels: {{app: {level}}}\\n")
    new.replace(path)
    os.kill(os.getpid(), signal.SIGHUP)

path.write_text("reload_signal: SIGHUP\\n")
"""


@POSIX
def test_a_signal_has_the_file_read_again(run_python: Callable[..., Any], tmp_path: Path) -> None:
    """SIGHUP, which would have ended the process; a handler that was there before is called too, and comes back.

    Seen to fail without the call of that handler.
    """
    run_python(
        SIGNALLED
        + """
seen = []
mine = lambda number, frame: seen.append(number)
signal.signal(signal.SIGHUP, mine)
init_logging_from_config(path, log_dir="logs", console_format="off")
hang_up("ERROR")
wait_for(lambda: app.level == logging.ERROR)
assert seen == [signal.SIGHUP]
hang_up("LOUD")
wait_for(lambda: '"level":"ERROR"' in Path("logs/app.log").read_text())
assert app.level == logging.ERROR
shutdown_logging()
assert signal.getsignal(signal.SIGHUP) is mine
"""
    )
    assert "(SIGHUP)" in (tmp_path / "logs" / "app.log").read_text()


@POSIX
def test_a_handler_that_came_later_keeps_ours_alive(run_python: Callable[..., Any]) -> None:
    """Who wraps ours is not taken away, and a second start makes no circle of the two."""
    run_python(
        SIGNALLED
        + """
init_logging_from_config(path, log_dir="logs", console_format="off")
ours, seen = signal.getsignal(signal.SIGHUP), []
def later(number, frame):
    seen.append(number)
    ours(number, frame)
signal.signal(signal.SIGHUP, later)
shutdown_logging()
assert signal.getsignal(signal.SIGHUP) is later
init_logging_from_config(path, log_dir="logs", console_format="off")
hang_up("ERROR")
wait_for(lambda: app.level == logging.ERROR)
assert seen == [signal.SIGHUP]
"""
    )


@POSIX
def test_a_file_can_give_the_signal_up_and_take_it_again(run_python: Callable[..., Any]) -> None:
    """Though a reload that a signal asked for runs on another thread, which can set no handler."""
    run_python(
        SIGNALLED
        + """
init_logging_from_config(path, log_dir="logs", console_format="off")
hang_up("ERROR", "none")
wait_for(lambda: app.level == logging.ERROR)
hang_up("INFO")
assert app.level == logging.ERROR
init_logging_from_config(path, log_dir="logs", console_format="off")
assert app.level == logging.INFO
hang_up("WARNING")
wait_for(lambda: app.level == logging.WARNING)
"""
    )


@POSIX
def test_signals_in_quick_succession_while_everything_logs(run_python: Callable[..., Any], tmp_path: Path) -> None:
    """A handler takes no lock: it may come in the middle of a start, a flush or a call, and no record is lost.

    Seen to hang with the file read in the handler.
    """
    run_python(
        SIGNALLED
        + """
import threading
from unified_logger import flush_logging
init_logging_from_config(path, log_dir="logs", console_format="off", max_bytes=0)
main, done = threading.get_ident(), threading.Event()
def shoot():
    while not done.wait(0.002):
        signal.pthread_kill(main, signal.SIGHUP)
shooter = threading.Thread(target=shoot)
shooter.start()
for number in range(3000):
    get_logger("app").info("m", number=number)
    if number % 300 == 0:
        init_logging_from_config(path, log_dir="logs", console_format="off", max_bytes=0)
    logging.getLogger("app.std").setLevel(number % 50)
done.set()
shooter.join()
hang_up("ERROR")
wait_for(lambda: app.level == logging.ERROR)
assert flush_logging(60)
""",
        timeout=120,
    )
    text = (tmp_path / "logs" / "app.log").read_text()
    assert text.count('"message":"m"') == 3_000


@POSIX
def test_each_worker_watches_for_itself(run_python: Callable[..., Any]) -> None:
    """After a fork parent and child notice the change, each by its own look."""
    run_python(
        SIGNALLED
        + """
import warnings
warnings.simplefilter("ignore", DeprecationWarning)
path.write_text("watch_config: 0.02\\n")
init_logging_from_config(path, log_dir="logs", console_format="off")
pid = os.fork()
new = Path(f"new{os.getpid()}")
new.write_text("watch_config: 0.02\\nlevels: {app: ERROR}\\n")
new.replace(path)
wait_for(lambda: app.level == logging.ERROR)
if pid:
    assert os.waitpid(pid, 0)[1] == 0
"""
    )


def test_the_end_of_the_process_does_not_wait_for_a_watch(run_python: Callable[..., Any]) -> None:
    """However seldom it looks."""
    run_python(SIGNALLED + "init_logging_from_config(path, log_dir='logs', watch_config=3600)", timeout=30)


@POSIX
def test_a_fifo_in_the_files_place_keeps_nobody_waiting(run_python: Callable[..., Any]) -> None:
    """The watch refuses it in one record, and so does who asks; the file that comes after it is read.

    Seen to fail (nothing is read any more, by the watch or by who asks) with the file opened as any other.
    """
    run_python(
        SIGNALLED
        + """
import json
import pytest
from unified_logger import ConfigurationError, flush_logging, reload_logging
path.write_text("watch_config: 0.01")
init_logging_from_config(path, log_dir="logs", console_format="off")
os.mkfifo("fifo")
os.replace("fifo", path)

def refused():
    flush_logging(20)
    lines = open("logs/app.log", encoding="utf-8").read().splitlines()
    return [record["allowed"] for record in map(json.loads, lines) if record["level"] == "ERROR"]

wait_for(refused)
assert "a regular file" in refused()[0]
with pytest.raises(ConfigurationError, match="a regular file"):
    reload_logging()
path.with_name("new").write_text("levels: {app: ERROR}")
path.with_name("new").replace(path)
wait_for(lambda: logging.getLogger("app").level == logging.ERROR)
"""
    )


@POSIX
def test_a_pipe_is_read_at_the_start_only(run_python: Callable[..., Any], tmp_path: Path) -> None:
    """To its end, however slowly that comes; the file options that cannot hold are told, and one that nobody writes into is refused.

    Seen to fail (refused as not regular, or read as empty) without the pipe waited for.
    """
    run_python(
        SIGNALLED
        + """
import threading, time
import pytest
from unified_logger import ConfigurationError, UnifiedLoggerError, reload_logging
ours, theirs = os.pipe()

def write():
    for part in (b"watch_config: 1\\n", b"levels: {app: ERROR}\\n"):
        time.sleep(0.05)
        os.write(theirs, part)
    os.close(theirs)

threading.Thread(target=write).start()
init_logging_from_config(f"/dev/fd/{ours}", log_dir="logs", console_format="off")
assert logging.getLogger("app").level == logging.ERROR
with pytest.raises(UnifiedLoggerError, match="not started from a file"):
    reload_logging()
os.mkfifo("fifo")
for path in ("fifo", "/dev/zero", "."):
    with pytest.raises(ConfigurationError):
        init_logging_from_config(path)
"""
    )
    assert "watch_config has no effect" in (tmp_path / "logs" / "app.log").read_text(encoding="utf-8")


@POSIX
def test_the_end_of_the_process_lets_a_reload_end(run_python: Callable[..., Any], tmp_path: Path) -> None:
    """A signal just before the end: all that was logged is written, and the process ends well."""
    run_python(
        SIGNALLED
        + """
init_logging_from_config(path, log_dir="logs", console_format="off", max_bytes=0)
for number in range(500):
    get_logger("app").info("m")
    if number % 100 == 0:
        os.kill(os.getpid(), signal.SIGHUP)
os.kill(os.getpid(), signal.SIGHUP)
"""
    )
    assert (tmp_path / "logs" / "app.log").read_text().count('"message":"m"') == 500


@POSIX
def test_only_the_main_thread_can_take_a_signal(run_python: Callable[..., Any], tmp_path: Path) -> None:
    """Started elsewhere, logging says that the signal is not handled, and works."""
    run_python(
        SIGNALLED
        + """
import threading
thread = threading.Thread(target=init_logging_from_config, args=(path,), kwargs={"log_dir": "logs", "console_format": "off"})
thread.start()
thread.join()
"""
    )
    assert "reload_signal: SIGHUP is not handled" in (tmp_path / "logs" / "app.log").read_text()


def test_an_unknown_signal_is_refused() -> None:
    """With those that are known."""
    with pytest.raises(ConfigurationError) as caught:
        init_logging(reload_signal="SIGKILL")
    assert caught.value.allowed == "one of none, sighup, sigusr1, sigusr2"


def test_green_threads_are_not_held_up(run_python: Callable[..., Any]) -> None:
    """Patched by gevent, times, the watch and the signal work beside what is green, and block nothing."""
    pytest.importorskip("gevent", reason="gevent has no wheel for this Python")
    run_python(
        "import gevent.monkey; gevent.monkey.patch_all()\n"
        + SIGNALLED
        + """
from unified_logger import set_level
path.write_text("watch_config: 0.02\\nreload_signal: SIGHUP\\n")
init_logging_from_config(path, log_dir="logs", console_format="off")
set_level("app", "DEBUG", 0.1)
looks = 0
while app.level:
    time.sleep(0.001)
    looks += 1
assert looks > 1
new = Path("new.yaml")
new.write_text("watch_config: 0.02\\nreload_signal: SIGHUP\\nlevels: {app: ERROR}\\n")
new.replace(path)
wait_for(lambda: app.level == logging.ERROR)
hang_up("INFO")
wait_for(lambda: app.level == logging.INFO)
"""
    )
