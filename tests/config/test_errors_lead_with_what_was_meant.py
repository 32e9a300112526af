"""An error of the configuration says first what is wrong and what was meant, in two lines at most."""

from __future__ import annotations

import pickle
from typing import Any

import pytest
from kinds import Write

from unified_logger import (
    ConfigurationError,
    add_sink,
    get_logger,
    init_logging,
    init_logging_from_config,
    set_level,
    span,
)
from unified_logger.config import OPTIONS, resolve

OPTIONS_LINE = "All options: python -m unified_logger.cli options"


def lines(function: Any, *args: Any, **options: Any) -> list[str]:
    """The lines of the error that a call raises."""
    with pytest.raises(ConfigurationError) as caught:
        function(*args, **options)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    return str(caught.value).split("\n")


@pytest.mark.parametrize(
    ("options", "first", "second"),
    [
        ({"max_byte": 1}, "argument: there is no option 'max_byte': did you mean 'max_bytes'?", OPTIONS_LINE),
        ({"zzz": 1}, "argument: there is no option 'zzz'", OPTIONS_LINE),
        ({"zzz\nx": 1}, r"argument: there is no option 'zzz\nx'", OPTIONS_LINE),
        (
            {"overflow": "dropnew"},
            "argument: overflow = 'dropnew' is not allowed: did you mean 'drop_new'?",
            "It must be one of block, drop_new, drop_old, drop_low",
        ),
        (
            {"levels": {"app.db": "debgu"}},
            "argument: levels.app.db = 'debgu' is not allowed: did you mean 'DEBUG'?",
            "It must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL, a level named with logging.addLevelName, or a number from 0 to 100",
        ),
        (
            {"outputs": {"audit": {"file": "audit.log", "format": "jsno"}}},
            "argument: outputs.audit.format = 'jsno' is not allowed: did you mean 'json'?",
            "It must be one of ",
        ),
        (
            {"outputs": {"audit": {"fiel": "audit.log"}}},
            "argument: there is no key 'outputs.audit.fiel': did you mean 'file'?",
            "outputs.audit has ",
        ),
        (
            {"outputs": {"error": {"level": "WARNING"}}},
            "argument: there is no output 'outputs.error': did you mean 'errors'?",
            "An output of another name has either `file` or `stream` or `function`, which says where it is written",
        ),
        (
            {"time_zone": "Europe/Berln"},
            "argument: time_zone = 'Europe/Berln' is not allowed: did you mean 'Europe/Berlin'?",
            "It must be utc, local, or the name of a time zone such as Asia/Shanghai",
        ),
        (
            {"fields_from": "kubernets"},
            "argument: fields_from = 'kubernets' is not allowed: did you mean 'kubernetes'?",
            "It must be a list of otel and kubernetes, or none",
        ),
        (
            {"redaction": {"patterns": ["emial"]}},
            "argument: redaction.patterns = ['emial'] is not allowed: did you mean 'email'?",
            "It must be a list of private_key, jwt, ",
        ),
        (
            {"redaction": {"actions": {"emial": "mask"}}},
            "argument: there is no rule 'redaction.actions.emial': did you mean 'email'?",
            "An action is for keys, allow, ",
        ),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_was_meant_comes_first(options: dict[str, Any], first: str, second: str) -> None:
    """Then what there is, within bounds. Seen to fail (all 33 options in one line) without it."""
    told = lines(init_logging, **options)
    assert told[0] == first
    assert told[1].startswith(second)
    assert len(told) == 2
    assert max(map(len, told)) < 250


def test_a_value_that_is_like_no_word_has_one_line() -> None:
    """With what is allowed."""
    told = lines(init_logging, overflow="?")
    assert told == ["argument: overflow = '?' is not allowed: must be one of block, drop_new, drop_old, drop_low"]


@pytest.mark.parametrize(
    ("text", "first", "second"),
    [
        (
            "log_level: INFO\nqueue_sise: 3\n",
            "2: there is no key 'queue_sise': did you mean 'queue_size'?",
            OPTIONS_LINE,
        ),
        (
            "handlers:\n  consol: {}\n",
            "2: there is no key 'handlers.consol': did you mean 'console'?",
            "handlers has console, app_file, ai_file, error_file",
        ),
        (
            "overflow: drop-new\n",
            "1: overflow = 'drop-new' is not allowed: did you mean 'drop_new'?",
            "It must be one of block, drop_new, drop_old, drop_low",
        ),
    ],
)
def test_a_file_names_the_line(write: Write, text: str, first: str, second: str) -> None:
    """Before the same words."""
    path = write(text)
    assert lines(init_logging_from_config, path) == [f"{path}:{first}", second]


def test_a_variable_is_compared_without_what_all_of_them_begin_with() -> None:
    """Seen to fail: `UNIFIED_LOGGER_FSYNC` was suggested for `UNIFIED_LOGGER_0`."""
    assert lines(resolve, {}, environ={"UNIFIED_LOGGER_MAX_BYTE": "1"}) == [
        "environment: there is no variable 'UNIFIED_LOGGER_MAX_BYTE': did you mean 'UNIFIED_LOGGER_MAX_BYTES'?",
        OPTIONS_LINE,
    ]
    assert lines(resolve, {}, environ={"UNIFIED_LOGGER_0": "1"}) == [
        "environment: there is no variable 'UNIFIED_LOGGER_0'",
        OPTIONS_LINE,
    ]


def test_a_level_that_is_set_later_is_suggested_too() -> None:
    """As those of the configuration."""
    assert lines(set_level, "app", "WARNIGN")[0] == (
        "argument: level = 'WARNIGN' is not allowed: did you mean 'WARNING'?"
    )


def test_a_notice_has_the_first_line_only() -> None:
    """A shared variable with a wrong value is left out, and one sentence says so."""
    [notice] = resolve({}, environ={"LOG_LEVEL": "INOF"}).notices
    assert notice.startswith(
        "environment variable LOG_LEVEL: log_level = 'INOF' is not allowed: did you mean 'INFO'?; "
    )
    assert "\n" not in notice


def test_every_option_with_words_suggests_one() -> None:
    """Whatever options there are."""
    for option in OPTIONS.values():
        for word in option.kind.schema.get("enum", []):
            if isinstance(word, str) and len(word) > 3:
                told = lines(resolve, {option.name: word[:-1] + "_"}, environ={})
                assert "did you mean" in told[0]


def test_levels_in_calls_lead_with_what_was_meant() -> None:
    """Also where nothing is configured."""
    for call in (lambda: span("x", level="INF"), lambda: get_logger("a").catch(level="INF")):
        with pytest.raises(
            ValueError, match=r"^there is no level 'INF': did you mean 'INFO'\?\nIt must be one of DEBUG"
        ):
            call()


def test_a_sink_has_keys_of_its_own() -> None:
    """Keys of files are none of them."""
    first, second = lines(add_sink, print, levle="ERROR")
    assert first == "add_sink: there is no key 'levle': did you mean 'level'?"
    assert second.startswith("add_sink has name, logger, level, ")
    assert "file" not in second
    assert lines(add_sink, print, file="x.log")[0] == "add_sink: there is no key 'file'"


def test_a_missing_file_is_called_so() -> None:
    """And from where it was looked for."""
    first, second = lines(init_logging_from_config, "nosuch.yaml")
    assert first == "nosuch.yaml: there is no configuration file 'nosuch.yaml'"
    assert second.startswith("The working directory is /")
