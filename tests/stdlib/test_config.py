"""`logging.config` can name our handler and formatter, and what it does to loggers and handlers is honoured."""

from __future__ import annotations

import io
import json
import logging
import logging.config
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kinds import Records, Run

from unified_logger import Handler, JSONFormatter, get_logger


def messages(records: Records) -> list[str]:
    """The messages in app.log."""
    return [record["message"] for record in records()]


def configure(**config: Any) -> None:
    """`dictConfig`, by default without disabling loggers."""
    logging.config.dictConfig({"version": 1, "disable_existing_loggers": False, **config})


@pytest.mark.parametrize(
    "named", [{"class": "unified_logger.Handler"}, {"()": "unified_logger.Handler"}, {"()": Handler}]
)
def test_a_dictionary_names_the_handler(named: dict[str, Any], log_dir: Path, records: Records) -> None:
    """As a class or a factory, with its level, a filter and options of `init_logging`."""
    configure(
        filters={"shop": {"name": "shop"}},
        handlers={
            "unified": {
                **named,
                "level": "WARNING",
                "filters": ["shop"],
                "log_dir": str(log_dir),
                "console_format": "off",
            }
        },
        root={"level": "DEBUG", "handlers": ["unified"]},
    )
    logging.getLogger("shop.orders").info("below the handler's level")
    logging.getLogger("shop.orders").warning("in", extra={"order_id": 7})
    logging.getLogger("elsewhere").warning("filtered")
    get_logger("elsewhere").info("ours")
    found = records()
    assert [record["message"] for record in found] == ["in", "ours"]
    assert found[0]["order_id"] == 7
    assert len(logging.getLogger().handlers) == 1


def test_a_wrong_option_is_an_error_of_the_configuration() -> None:
    """It says which handler, and the cause says what is wrong with it."""
    with pytest.raises(ValueError, match="Unable to configure handler 'unified'") as caught:
        configure(handlers={"unified": {"class": "unified_logger.Handler", "overflow": "sometimes"}})
    assert "overflow" in str(caught.value.__cause__)
    assert "drop_low" in str(caught.value.__cause__)


@pytest.mark.parametrize(
    "named",
    [
        {"class": "unified_logger.JSONFormatter"},
        {"class": "unified_logger.JSONFormatter", "format": "%(message)s", "datefmt": "%H"},
        {"()": "unified_logger.JSONFormatter"},
        {"()": JSONFormatter},
    ],
)
def test_a_dictionary_names_the_formatter(named: dict[str, Any], records: Records) -> None:
    """For any handler, whatever else is said of the format."""
    stream = io.StringIO()
    configure(
        formatters={"json": named},
        handlers={"stream": {"class": "logging.StreamHandler", "formatter": "json", "stream": stream}},
        loggers={"shop": {"handlers": ["stream"], "level": "INFO", "propagate": False}},
    )
    logging.getLogger("shop").info("m", extra={"order_id": 7})
    assert json.loads(stream.getvalue())["order_id"] == 7


def test_a_file_names_both(run_python: Run, tmp_path: Path) -> None:
    """`fileConfig`, with options as keywords."""
    (tmp_path / "logging.ini").write_text(
        """
[loggers]
keys=root,shop
[handlers]
keys=unified,stream
[formatters]
keys=json
[logger_root]
level=INFO
handlers=unified
[logger_shop]
level=DEBUG
qualname=shop
handlers=stream
[handler_unified]
class=unified_logger.Handler
level=DEBUG
kwargs={"log_dir": "here", "console_format": "off"}
[handler_stream]
class=StreamHandler
formatter=json
args=(sys.stdout,)
[formatter_json]
class=unified_logger.JSONFormatter
"""
    )
    done = run_python(
        """
import logging, logging.config
logging.config.fileConfig("logging.ini")
logging.getLogger("shop").debug("theirs", extra={"order_id": 7})
from unified_logger import get_logger
get_logger("shop").debug("ours", order_id=8)
get_logger("elsewhere").debug("below")
"""
    )
    on_disk = (tmp_path / "here" / "app.log").read_text()
    assert [json.loads(line)["order_id"] for line in on_disk.splitlines()] == [7, 8]
    # But for the time of ours, which is taken once more.
    assert [line[44:] for line in done.stdout.splitlines()] == [line[44:] for line in on_disk.splitlines()]


def test_loggers_that_a_configuration_disables_are_silent(logger: Any, records: Records) -> None:
    """Those it does not name, and by default: of both interfaces. Those it names, and those made later, log. That is told once."""
    named, later = get_logger("named"), "app.later"
    logger.info("before")
    logging.config.dictConfig({"version": 1, "loggers": {"named": {"level": "INFO"}}})
    assert logger.logger.disabled
    logger.error("ours")
    logging.getLogger("app").error("theirs")
    named.info("named")
    get_logger(later).info("later")
    configure()  # one that disables nothing enables what another disabled
    logger.info("enabled")
    told = [record for record in records() if record["logger"] == "unified_logger"]
    assert [record["level"] for record in told] == ["WARNING"]
    assert "'app' is disabled" in told[0]["message"]
    assert "disable_existing_loggers=False" in told[0]["message"]
    assert "keep_loggers_enabled=True" in told[0]["message"]
    written = [record["message"] for record in records() if record["logger"] != "unified_logger"]
    assert written == ["before", "named", "later", "enabled"]


def test_loggers_that_a_configuration_disables_are_enabled_again(start: Callable[..., Any], records: Records) -> None:
    """If an option asks for it: those of `get_logger`, and from the first call on."""
    start(keep_loggers_enabled=True)
    logger = get_logger("app")
    logger.info("before")
    logging.config.dictConfig({"version": 1})
    logger.info("after")
    logging.getLogger("theirs.disabled").info("of logging, made later")
    assert messages(records) == ["before", "after", "of logging, made later"]


def test_a_logger_that_a_program_disables_itself_is_not_told_of(run_python: Run, tmp_path: Path) -> None:
    """Without a configuration of `logging`, the program has done it."""
    run_python(
        """
import sys
from unified_logger import get_logger, init_logging
init_logging(log_dir="logs", console_format="off", keep_loggers_enabled=True)
assert "logging.config" not in sys.modules
logger = get_logger("shop")
logger.logger.disabled = True
logger.error("refused")
"""
    )
    assert (tmp_path / "logs" / "app.log").read_text() == ""


def test_loggers_of_logging_that_a_configuration_disables_are_told_of(run_python: Run, tmp_path: Path) -> None:
    """Also where no logger of `get_logger` is called. One that the program has disabled itself is not.

    Seen to fail with no notice.
    """
    run_python(
        """
import logging.config
from unified_logger import init_logging
init_logging(log_dir="logs", console_format="off", keep_loggers_enabled=True)
logging.getLogger("silenced").disabled = True
logging.getLogger("silenced").error("by the program")
theirs = logging.getLogger("theirs")
theirs.warning("before")
logging.config.dictConfig({"version": 1, "handlers": {"u": {"class": "unified_logger.Handler"}}, "root": {"handlers": ["u"]}})
theirs.error("lost")
theirs.error("lost, too")
"""
    )
    lines = map(json.loads, (tmp_path / "logs" / "app.log").read_text("utf-8").splitlines())
    before, told = sorted(lines, key=lambda record: record["timestamp"])
    assert before["message"] == "before"
    assert told["level"] == "WARNING"
    assert told["message"].startswith("logger 'theirs' is disabled")
    assert told["message"].endswith("disable_existing_loggers=False")


def test_a_handler_that_basic_config_takes_off_is_told_of(run_python: Run, tmp_path: Path) -> None:
    """Where nobody has imported `logging.config`. Seen to fail with no notice."""
    run_python(
        """
import logging, sys
from unified_logger import init_logging
init_logging(log_dir="logs", console_format="off")
logging.getLogger("theirs").warning("before")
logging.basicConfig(force=True)
assert "logging.config" not in sys.modules
for _ in range(3): logging.getLogger("theirs").warning("not in the files")
"""
    )
    lines = map(json.loads, (tmp_path / "logs" / "app.log").read_text("utf-8").splitlines())
    before, told = sorted(lines, key=lambda record: record["timestamp"])
    assert before["message"] == "before"
    assert told["level"] == "WARNING"
    assert "basicConfig(force=True)" in told["message"]


def test_a_configuration_that_disables_nothing_disables_nothing(logger: Any, records: Records) -> None:
    """`disable_existing_loggers` is false."""
    configure(loggers={"named": {"level": "INFO"}})
    logger.info("ours")
    logging.getLogger("app").info("theirs")
    assert messages(records) == ["ours", "theirs"]


def test_last_words_are_not_for_a_configuration_to_disable(run_python: Run, tmp_path: Path) -> None:
    """Exceptions that nobody caught are logged; a warning is shown where it would be without us."""
    done = run_python(
        """
import logging.config, threading, warnings
from unified_logger import init_logging
init_logging(log_dir="logs", console_format="off")
warnings.warn("first")
logging.config.dictConfig({"version": 1})
warnings.warn("second")
thread = threading.Thread(target=lambda: 1 / 0)
thread.start()
thread.join()
"""
    )
    found = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text().splitlines()]
    assert [record["message"].split()[0] for record in found] == ["first", "uncaught"]
    assert "UserWarning: second" in done.stderr


def test_a_configuration_may_take_our_handler_off_the_root_logger(start: Callable[..., Any], records: Records) -> None:
    """Then records of `logging` go where it says and ours go on as ever; the next start puts it back."""
    start()
    stream = io.StringIO()
    configure(
        handlers={"theirs": {"class": "logging.StreamHandler", "stream": stream}},
        root={"level": "INFO", "handlers": ["theirs"]},
    )
    logging.getLogger("theirs").info("1")
    get_logger("app").info("2", order_id=7)
    told, ours = messages(records)
    assert "taken off the root logger" in told
    assert ours == "2"
    start()
    logging.getLogger("theirs").info("3")
    get_logger("app").info("4")
    assert messages(records)[1:] == ["2", "3", "4"]
    assert stream.getvalue().split() == ["1", "2", "3", "4"]


def test_a_configuration_without_a_root_leaves_our_handler_there(logger: Any, records: Records) -> None:
    """`logging.config` closes all handlers there are; ours takes no harm."""
    configure(loggers={"shop": {"level": "INFO"}})
    logging.getLogger("shop").info("theirs")
    logger.info("ours")
    assert messages(records) == ["theirs", "ours"]


def test_the_same_configuration_may_be_applied_again(log_dir: Path, records: Records) -> None:
    """As a reloader does: nothing is lost, nothing is written twice."""
    for number in range(3):
        configure(
            handlers={"unified": {"class": "unified_logger.Handler", "log_dir": str(log_dir), "console_format": "off"}},
            root={"level": "INFO", "handlers": ["unified"]},
        )
        logging.getLogger("theirs").info("theirs %d", number)
        get_logger("ours").info("ours %d", number)
    expected = [f"{whose} {number}" for number in range(3) for whose in ("theirs", "ours")]
    assert messages(records) == expected


def test_propagation_is_as_configured(logger: Any, records: Records) -> None:
    """A logger that does not propagate brings its records only to its own handlers; ours are in the files anyway."""
    configure(
        handlers={"unified": {"class": "unified_logger.Handler"}},
        loggers={
            "one": {"propagate": False, "level": "INFO"},
            "two": {"propagate": False, "level": "INFO", "handlers": ["unified"]},
            "three": {"propagate": True, "level": "INFO", "handlers": ["unified"]},
        },
    )
    for name in ("one", "two", "three"):
        logging.getLogger(name).info("theirs %s", name)
        get_logger(name).info("ours %s", name)
    assert messages(records) == ["ours one", "theirs two", "ours two", "theirs three", "ours three"]


def test_a_configuration_may_be_changed_in_part(logger: Any, records: Records) -> None:
    """`incremental`: levels of loggers, and of handlers by their names."""
    configure(
        handlers={"unified": {"class": "unified_logger.Handler", "level": "ERROR"}},
        root={"level": "INFO", "handlers": ["unified"]},
        loggers={"shop": {"level": "WARNING"}},
    )
    logging.getLogger("shop").warning("1")
    logging.getLogger("shop").error("2")
    configure(incremental=True, handlers={"unified": {"level": "INFO"}}, loggers={"shop": {"level": "INFO"}})
    logging.getLogger("shop").info("3")
    get_logger("shop").info("4")
    get_logger("shop").debug("5")
    assert messages(records) == ["2", "3", "4"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="dictionaries name queues from 3.12 on")
def test_a_queue_of_the_configuration_may_stand_before_it(logger: Any, records: Records) -> None:
    """With the listener that `logging.config` makes."""
    configure(
        handlers={
            "unified": {"class": "unified_logger.Handler"},
            "queue": {"class": "logging.handlers.QueueHandler", "handlers": ["unified"]},
        },
        root={"level": "INFO", "handlers": ["queue"]},
    )
    listener = logging.getLogger().handlers[0].listener  # type: ignore[attr-defined]
    listener.start()
    logging.getLogger("theirs").info("theirs")
    logger.info("ours")
    listener.stop()
    assert sorted(messages(records)) == ["ours", "theirs"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_basic_config_goes_beside_it(run_python: Run, tmp_path: Path, when: str) -> None:
    """Called first, it puts its handler on the root logger; called later, it finds ours there and does nothing."""
    calls = ['logging.basicConfig(format="theirs: %(message)s")', 'init_logging(log_dir="logs", console_format="off")']
    done = run_python(
        "import logging\nfrom unified_logger import get_logger, init_logging\n"
        + "\n".join(calls if when == "before" else reversed(calls))
        + '\nlogging.getLogger("lib").info("one")\nget_logger("app").info("two")\n'
    )
    assert done.stderr.splitlines() == (["theirs: one", "theirs: two"] if when == "before" else [])
    on_disk = (tmp_path / "logs" / "app.log").read_text().splitlines()
    assert [json.loads(line)["message"] for line in on_disk] == ["one", "two"]


def test_basic_config_may_replace_it_by_force_or_name_it(logger: Any, records: Records) -> None:
    """`force` takes ours off the root logger, `handlers` may put one there."""
    stream = io.StringIO()
    logging.basicConfig(force=True, stream=stream, format="%(message)s")
    logging.getLogger("theirs").warning("1")
    logger.warning("2")
    logging.basicConfig(force=True, handlers=[Handler()])
    logging.getLogger("theirs").warning("3")
    logger.warning("4")
    assert stream.getvalue().split() == ["1", "2"]
    told, *written = messages(records)
    assert "taken off the root logger" in told
    assert written == ["2", "3", "4"]


def test_settings_of_django_name_it(run_python: Run, tmp_path: Path) -> None:
    """`LOGGING` alone is enough: `django.setup()` starts logging, and Django's own loggers write."""
    pytest.importorskip("django")
    run_python(
        """
import logging
import django
from django.conf import settings
settings.configure(
    LOGGING={
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"unified": {"class": "unified_logger.Handler", "log_dir": "here", "console_format": "off"}},
        "root": {"level": "INFO", "handlers": ["unified"]},
    },
)
django.setup()
logging.getLogger("django.request").warning("Not Found: %s", "/x", extra={"status_code": 404})
from unified_logger import get_logger
get_logger("shop.views").info("seen", order_id=7)
"""
    )
    theirs, ours = [json.loads(line) for line in (tmp_path / "here" / "app.log").read_text().splitlines()]
    assert (theirs["logger"], theirs["message"], theirs["status_code"]) == ("django.request", "Not Found: /x", 404)
    assert ours["order_id"] == 7
