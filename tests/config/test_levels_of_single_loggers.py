"""The levels of single loggers come from arguments, the environment and files, one logger at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from unified_logger import ConfigurationError, get_logger, init_logging, init_logging_from_config, levels, load_config
from unified_logger.config import resolve

LOGGER = "the level of a logger by its name, a text; that of the root logger is log_level"


@pytest.mark.parametrize("variable", ["LOG_LEVELS", "UNIFIED_LOGGER_LEVELS"])
def test_the_environment_sets_levels(
    variable: str, start: Callable[..., Any], records: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Names and levels with commas between, spaces around them as people like."""
    monkeypatch.setenv(variable, "app.db=WARNING, app.ai = debug,")
    start()
    for name in ("app.db", "app.ai", "app.api"):
        get_logger(name).debug("debug of %s", name)
        get_logger(name).info("info of %s", name)
    assert [record["message"] for record in records()] == ["debug of app.ai", "info of app.ai", "info of app.api"]


def test_sources_are_merged_one_logger_at_a_time() -> None:
    """Argument over environment over file, and in a file `levels` over `loggers` over `suppress_loggers`."""
    names = "abcdef"
    file = {
        "suppress_loggers": list(names),
        "loggers": {name: {"level": 1} for name in names[1:]},
        "levels": dict.fromkeys(names[2:], 2),
    }
    environ = {"LOG_LEVELS": ",".join(f"{name}=3" for name in names[3:])}
    settings = resolve({"levels": dict.fromkeys(names[4:], 4)}, file=file, environ=environ)
    assert settings.logger_levels == {"b": 1, "c": 2, "d": 3, "e": 4, "f": 4}
    assert settings.suppress_loggers == tuple(names)


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_noisy_loggers_are_named_to_be_at_warning(
    how: str, start: Callable[..., Any], records: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With those below them; a level of its own counts instead, wherever it is given."""
    if how == "environment":
        monkeypatch.setenv("UNIFIED_LOGGER_SUPPRESS_LOGGERS", "noisy, noisy.but.wanted")
        start(levels={"noisy.but.wanted": "INFO"})
    else:
        start(suppress_loggers=["noisy", "noisy.but.wanted"], levels={"noisy.but.wanted": "INFO"})
    for name in ("noisy", "noisy.below", "noisy.but.wanted", "other"):
        get_logger(name).info("info of %s", name)
        get_logger(name).warning("warning of %s", name)
    assert [record["message"] for record in records() if record["level"] == "INFO"] == [
        "info of noisy.but.wanted",
        "info of other",
    ]
    assert len([record for record in records() if record["level"] == "WARNING"]) == 4
    monkeypatch.delenv("UNIFIED_LOGGER_SUPPRESS_LOGGERS", raising=False)
    start()
    get_logger("noisy").info("wanted again")
    assert records()[-1]["message"] == "wanted again"


@pytest.mark.parametrize("given", ["httpx", [7], {"httpx": "INFO"}])
def test_what_is_no_list_of_names_is_refused(given: Any) -> None:
    """With what is allowed."""
    with pytest.raises(ConfigurationError, match=r"suppress_loggers.* must be a list of names"):
        init_logging(suppress_loggers=given)


@pytest.mark.parametrize(
    ("given", "key", "value", "allowed"),
    [
        ({"app.db": "LOUD"}, "levels.app.db", "LOUD", levels.ALLOWED),
        ({"app": "INFO", "app.db": None}, "levels.app.db", None, levels.ALLOWED),
        ({"root": "INFO"}, "levels.root", "INFO", LOGGER),
        ({"": "INFO"}, "levels.", "INFO", LOGGER),
        ({7: "INFO"}, "levels.7", "INFO", LOGGER),
    ],
)
def test_an_argument_is_told_the_part_that_is_wrong(given: Any, key: str, value: object, allowed: str) -> None:
    """By the logger's name, and no level is set."""
    with pytest.raises(ConfigurationError) as caught:
        init_logging(levels=given)
    error = caught.value
    assert (error.source, error.key, error.value, error.allowed) == ("argument", key, value, allowed)
    assert logging.getLogger("app").level == logging.NOTSET


def test_an_argument_is_a_mapping() -> None:
    """Nothing else will do."""
    with pytest.raises(ConfigurationError, match="levels = 'app=INFO' is not allowed: must be a mapping"):
        init_logging(levels="app=INFO")


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        ("app=INFO,app.db=LOUD", "levels.app.db", "LOUD"),
        ("app=INFO,app.db", "levels.app.db", ""),
        ("app=INFO,=DEBUG", "levels.", "DEBUG"),
        ("app=INFO,app=DEBUG", "levels.app", "DEBUG"),
        ("root=INFO", "levels.root", "INFO"),
    ],
)
def test_a_variable_is_told_the_part_that_is_wrong(text: str, key: str, value: str) -> None:
    """Also one that is no level of a logger at all, and one that is given twice."""
    with pytest.raises(ConfigurationError) as caught:
        resolve({}, environ={"UNIFIED_LOGGER_LEVELS": text})
    error = caught.value
    assert (error.source, error.key, error.value) == ("environment variable UNIFIED_LOGGER_LEVELS", key, value)


@pytest.mark.parametrize(
    "block", ["levels: {app: INFO,\n  app.db: LOUD}", "loggers: {app: {level: INFO},\n  app.db: {level: LOUD}}"]
)
def test_a_file_is_told_line_and_logger(block: str, write: Callable[[str], Path]) -> None:
    """In both blocks that set levels."""
    with pytest.raises(ConfigurationError) as caught:
        load_config(write(block))
    assert (caught.value.line, caught.value.value) == (2, "LOUD")
    assert "app.db" in caught.value.key


def test_loggers_that_are_named_no_more_inherit_again(write: Callable[[str], Path], log_dir: Path) -> None:
    """A second start takes back what only the first configuration said, but no level that somebody else has set since."""
    init_logging_from_config(
        write("loggers: {app.db: {level: ERROR}, app.ai: {level: ERROR}}"), log_dir=str(log_dir), console_format="off"
    )
    logging.getLogger("app.ai").setLevel(logging.CRITICAL)
    init_logging(log_dir=str(log_dir), console_format="off")
    assert logging.getLogger("app.db").level == logging.NOTSET
    assert logging.getLogger("app.ai").level == logging.CRITICAL
