"""`capture_logs` misses nothing that a logger lets through, and changes nothing for anybody else."""

from __future__ import annotations

import asyncio
import json
import logging
import logging.config
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kinds import Records, Run

from unified_logger import UnifiedLogger, get_logger, init_logging
from unified_logger.testing import capture_logs


def test_before_the_start(run_python: Run, tmp_path: Path) -> None:
    """Both interfaces, at all levels; no file or directory comes of it, and nothing is shown."""
    done = run_python(
        """
import logging, threading
from unified_logger import LoggingContext, get_logger
from unified_logger.testing import capture_logs
with capture_logs() as seen, LoggingContext(trace_id="t"):
    get_logger("app").debug("ours", order_id=7)
    logging.getLogger("app").warning("theirs")
    get_logger("app").ai("answered")
    get_logger("app").error("failed")
assert seen.messages == ["ours", "theirs", "answered", "failed"], seen
assert (seen[0]["order_id"], seen[0].trace_id) == (7, "t")
assert threading.active_count() == 1
"""
    )
    assert (done.stdout, done.stderr) == ("", "")
    assert [path.name for path in tmp_path.iterdir()] == ["program_0.py"]


def test_what_was_captured_before_the_start_is_delivered_by_it(run_python: Run, tmp_path: Path) -> None:
    """As without a capture."""
    run_python(
        """
from unified_logger import get_logger, init_logging
from unified_logger.testing import capture_logs
with capture_logs() as seen:
    get_logger("app").info("early")
    init_logging(log_dir="logs", console_format="off")
    get_logger("app").info("late")
assert seen.messages == ["early", "late"]
"""
    )
    assert [line.count("early") for line in (tmp_path / "logs" / "app.log").read_text().splitlines()] == [1, 0]


@pytest.mark.parametrize("options", [{"native_stdlib": True}, {"use_unified_logging": False}], ids=str)
def test_in_other_modes(options: dict[str, Any], start: Callable[..., Any], records: Records) -> None:
    """With `logging` made native, and with fallback handlers; the files have the same."""
    start(console_format="off", **options)
    with capture_logs() as seen:
        get_logger("app").info("ours", order_id=7, level="x")
        logging.getLogger("app").info("theirs", extra={"order_id": 8})
    assert [(record.message, record["order_id"]) for record in seen] == [("ours", 7), ("theirs", 8)]
    assert [{**record, "timestamp": 0} for record in records()] == [{**record, "timestamp": 0} for record in seen]


@pytest.fixture
def alone() -> Iterator[logging.Logger]:
    """A logger that does not propagate."""
    logger = logging.getLogger("alone")
    logger.propagate = False
    yield logger
    logger.propagate = True


def test_of_loggers_that_do_not_propagate(logger: UnifiedLogger, alone: logging.Logger) -> None:
    """Ours and theirs; seen to fail with a handler of the root logger."""
    with capture_logs() as seen:
        get_logger("alone.ours").info("ours")
        alone.info("theirs")
    assert seen.messages == ["ours", "theirs"]


CONFIGURATIONS: dict[str, Callable[[Path], object]] = {
    "dictConfig": lambda _: logging.config.dictConfig(
        {"version": 1, "disable_existing_loggers": False, "root": {"level": "INFO", "handlers": []}}
    ),
    "basicConfig": lambda _: logging.basicConfig(force=True, level="INFO", handlers=[logging.NullHandler()]),
    "init_logging": lambda path: init_logging(log_dir=path / "logs"),
}


@pytest.mark.parametrize("configure", CONFIGURATIONS.values(), ids=CONFIGURATIONS.keys())
def test_after_the_application_has_configured_logging(
    configure: Callable[[Path], object], logger: UnifiedLogger, tmp_path: Path
) -> None:
    """Inside the block, at the level that it says."""
    with capture_logs() as seen:
        configure(tmp_path)
        logger.info("ours")
        logging.getLogger("theirs").info("theirs")
        logger.debug("below")
    assert seen.messages == ["ours", "theirs"]
    assert logging.getLogger().level == logging.INFO


def test_basic_config_configures_as_ever(run_python: Run) -> None:
    """It does nothing where the root logger has a handler: a capture puts none there."""
    done = run_python(
        """
import logging
from unified_logger.testing import capture_logs
with capture_logs():
    logging.basicConfig(format="theirs: %(message)s")
    logging.warning("shown")
"""
    )
    assert done.stderr == "theirs: shown\n"


def test_of_threads_and_tasks(logger: UnifiedLogger) -> None:
    """Those of a thread in the order of its calls."""

    async def task(name: str) -> None:
        for number in range(20):
            logger.info(name, number=number)
            await asyncio.sleep(0)

    async def tasks() -> None:
        await asyncio.gather(*(task(f"task {name}") for name in range(3)))

    def thread(name: str) -> None:
        for number in range(20):
            logger.info(name, number=number)

    with capture_logs() as seen:
        threads = [threading.Thread(target=thread, args=(f"thread {name}",)) for name in range(3)]
        for each in threads:
            each.start()
        asyncio.run(tasks())
        for each in threads:
            each.join()
    assert len(seen.find(logger="app")) == 120
    for name in [f"{kind} {name}" for kind in ("thread", "task") for name in range(3)]:
        assert [record["number"] for record in seen.find(name)] == list(range(20))


def test_of_threads_that_began_before(logger: UnifiedLogger) -> None:
    """A server that all tests share logs for the one that runs."""
    asked, answered = threading.Event(), threading.Event()

    def serve() -> None:
        assert asked.wait(30)
        logger.info("request")
        answered.set()

    server = threading.Thread(target=serve, name="server")
    server.start()
    with capture_logs() as seen:
        asked.set()
        assert answered.wait(30)
    server.join()
    assert seen.one("request").thread == "server"


def test_nothing_from_outside_the_block(logger: UnifiedLogger) -> None:
    """Neither before nor after it."""
    logger.info("before")
    with capture_logs() as seen:
        logger.info("inside")
    logger.info("after")
    assert seen.messages == ["inside"]


def test_by_each_of_nested_blocks(logger: UnifiedLogger) -> None:
    """They may end in any order."""
    first, second = capture_logs(), capture_logs()
    outer = first.__enter__()
    logger.info("one")
    inner = second.__enter__()
    logger.info("two")
    first.__exit__(None, None, None)
    logger.info("three")
    second.__exit__(None, None, None)
    logger.info("four")
    assert (outer.messages, inner.messages) == (["one", "two"], ["two", "three"])


def test_only_what_filters_and_loggers_let_through(logger: UnifiedLogger) -> None:
    """A filter of the logger, and a logger that is disabled, decide first."""
    logger.logger.addFilter(lambda record: "secret" not in record.getMessage())
    quiet = get_logger("app.quiet")
    quiet.logger.disabled = True
    with capture_logs() as seen:
        logger.info("a secret")
        logger.info("no more")
        quiet.error("nothing")
    assert seen.messages == ["no more"]


def test_handlers_of_others_and_files_have_each_record_once(logger: UnifiedLogger, records: Records) -> None:
    """As without a capture."""

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            theirs.append(record.getMessage())

    theirs: list[str] = []
    logger.logger.addHandler(Collector())
    with capture_logs() as seen:
        logger.info("ours")
        logging.getLogger("app").info("theirs")
    assert seen.messages == theirs == [record["message"] for record in records()] == ["ours", "theirs"]


def test_beside_a_patch_of_somebody_else(logger: UnifiedLogger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Error trackers put theirs around `callHandlers`, also during a capture: each record is still seen once by both.

    Where they put back what they found, that is gone after the next record.
    """
    patched: list[str] = []
    before = logging.Logger.callHandlers
    with capture_logs() as first:
        below = logging.Logger.callHandlers

        def theirs(self: logging.Logger, record: logging.LogRecord) -> None:
            patched.append(record.getMessage())
            below(self, record)

        monkeypatch.setattr(logging.Logger, "callHandlers", theirs)
        logger.info("one")
        logging.getLogger("theirs").info("two")
    logger.info("between")
    with capture_logs() as second:
        logger.info("three")
        logging.getLogger("theirs").info("four")
    assert logging.Logger.callHandlers is theirs
    assert (first.messages, second.messages) == (["one", "two"], ["three", "four"])
    assert patched == ["one", "two", "between", "three", "four"]
    monkeypatch.undo()
    logger.info("behind")
    assert logging.Logger.callHandlers is before


def test_nothing_is_left_behind(logger: UnifiedLogger) -> None:
    """Neither in `logging` nor of the level, also after a block that failed or never began."""
    root, original = logging.getLogger(), logging.Logger.callHandlers
    before, last_resort = (root.level, root.handlers[:]), logging.lastResort

    def broken() -> None:
        with capture_logs():
            raise LookupError("inside")

    with pytest.raises(LookupError, match="inside"):
        broken()
    with pytest.raises(ValueError, match="DEBUG, INFO"), capture_logs("LOUD"):
        pass
    assert (root.level, root.handlers) == before
    assert logging.Logger.callHandlers is original
    assert logging.lastResort is last_resort


def test_levels_are_those_of_logging(logger: UnifiedLogger) -> None:
    """The one given is the root logger's; other loggers keep theirs, until they are set."""
    noisy = get_logger("noisy")
    noisy.logger.setLevel(logging.ERROR)
    with capture_logs("INFO") as seen:
        logger.debug("below")
        logger.info("as given")
        noisy.warning("its own")
        seen.set_level("warning", "noisy")
        noisy.warning("set")
        with seen.at_level(logging.DEBUG):
            logger.debug("for a while")
        logger.debug("below again")
    assert seen.messages == ["as given", "set", "for a while"]
    assert (logging.getLogger().level, noisy.logger.level) == (logging.INFO, logging.ERROR)


def test_a_level_that_the_application_sets_stays(logger: UnifiedLogger) -> None:
    """It is not taken back with that of the capture."""
    with capture_logs():
        logging.getLogger().setLevel(logging.ERROR)
    assert logging.getLogger().level == logging.ERROR


def test_what_looks_for_the_caller_finds_the_same_as_without(run_python: Callable[..., Any]) -> None:
    """Structlog looks for it while a handler formats. Seen to fail (`_tap.py`, `call_handlers`) where the capture had a frame of its own."""
    shown = run_python(
        """
import logging, structlog
from structlog.processors import CallsiteParameter, CallsiteParameterAdder, JSONRenderer
from structlog.stdlib import BoundLogger, LoggerFactory, ProcessorFormatter
from unified_logger.testing import capture_logs

handler = logging.StreamHandler()
# Python 3.10 does not know all of them.
caller = CallsiteParameterAdder({CallsiteParameter.FILENAME, CallsiteParameter.FUNC_NAME, CallsiteParameter.MODULE})
processors = [caller, ProcessorFormatter.remove_processors_meta, JSONRenderer()]
handler.setFormatter(ProcessorFormatter(processors=processors))
logging.getLogger().addHandler(handler)
structlog.configure(
    processors=[ProcessorFormatter.wrap_for_formatter], logger_factory=LoggerFactory(), wrapper_class=BoundLogger
)
log = structlog.get_logger("a")

def work():
    log.warning("said")

work()
with capture_logs() as captured:
    work()
assert len(captured) == 1
"""
    ).stderr
    plain, under_capture = (json.loads(line) for line in shown.splitlines())
    assert plain == under_capture
    assert plain["func_name"] == "work"


def test_details_of_third_parties_are_left_out_until_they_are_asked_for() -> None:
    """Asyncio says which selector it uses. Seen to fail (that record first) with everything taken."""

    async def work() -> None:
        get_logger("asyncio.ours").debug("ours")
        logging.getLogger("shop").debug("the application's")
        logging.getLogger("pytest.plugin").debug("a detail")
        logging.getLogger("pytest.plugin").info("told")

    with capture_logs() as captured:
        asyncio.run(work())
        assert captured.messages == ["ours", "the application's", "told"]
        with captured.at_level("DEBUG", "pytest"):
            logging.getLogger("pytest.plugin").debug("asked for")
        logging.getLogger("pytest.plugin").debug("a detail")
        captured.set_level("DEBUG")
        logging.getLogger("pytest.plugin").debug("asked for too")
        assert captured.messages[3:] == ["asked for", "asked for too"]
    with capture_logs("DEBUG") as captured:
        asyncio.run(work())
    assert {"a detail", "told"} <= set(captured.messages)
