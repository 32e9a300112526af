"""Files and variables are read as people mean them, or refused in a sentence that says what is wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kinds import Records, Write

from unified_logger import ConfigurationError, get_logger, init_logging, init_logging_from_config, load_config
from unified_logger.config import resolve
from unified_logger.config.sections import OPTIONS


def refusal(call: Callable[[], object]) -> ConfigurationError:
    """The error of a call."""
    with pytest.raises(ConfigurationError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize(
    "option", [name for name, option in OPTIONS.items() if "off" in option.kind.allowed.split(", ")]
)
@pytest.mark.parametrize("word", ["off", "Off", "OFF", "'off'"])
def test_off_needs_no_quotes(write: Write, option: str, word: str) -> None:
    """YAML 1.1 takes it for false. Seen to fail: told that it must be one of …, off."""
    found = getattr(resolve({}, file=load_config(write(f"{option}: {word}\n")), environ={}), option)
    assert found == (None if option == "rotate" else "off")


@pytest.mark.parametrize(
    "text", ["levels: {a.b: off}", "loggers: {a.b: {level: OFF}}", "log_level: Off", "root: {level: off}"]
)
def test_a_level_may_have_a_name_that_is_a_word_of_yaml(
    write: Write, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the program has named one so; otherwise the message shows what stands there."""
    path = write(text)
    assert refusal(lambda: load_config(path)).value in ("off", "OFF", "Off")
    monkeypatch.setattr(logging, "_nameToLevel", logging._nameToLevel | {"OFF": 99})
    settings = resolve({}, file=load_config(path), environ={})
    assert 99 in (settings.log_level, settings.logger_levels.get("a.b"))


@pytest.mark.parametrize(
    "text", ["name: on", "fsync: no", "reload_signal: off", "overflow: yes", "redaction: {action: off}"]
)
def test_a_word_that_is_not_allowed_is_shown_as_it_stands(write: Write, text: str) -> None:
    """Not as True or False."""
    error = refusal(lambda: load_config(write(text)))
    assert error.value in ("on", "no", "off", "yes")


def test_words_are_texts_where_texts_are_wanted_and_booleans_elsewhere(write: Write) -> None:
    """Names of loggers, lists of names; switches are switches."""
    config = load_config(
        write(
            """\
version: 1
base_name: on
suppress_loggers: [off, no]
loggers: {no: {level: INFO, propagate: yes}}
levels: {123: DEBUG, on: ERROR, 1e3: INFO, 2024-01-01: INFO}
redaction: on
fault_handler: no
formatters: {yes: {no: off}}
"""
        )
    )
    assert config == {
        "version": 1,
        "base_name": "on",
        "suppress_loggers": ["off", "no"],
        "loggers": {"no": {"level": "INFO", "propagate": True}},
        "levels": {"123": "DEBUG", "on": "ERROR", "1e3": "INFO", "2024-01-01": "INFO"},
        "redaction": True,
        "fault_handler": False,
        "formatters": {"yes": {"no": False}},
    }
    assert all(type(value) is str for value in (config["base_name"], *config["suppress_loggers"]))


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ({"levels": {123: "DEBUG"}}, "levels.123"),
        ({"levels": {False: "DEBUG"}}, "levels.False"),
        ({"loggers": {False: {}}}, "loggers.False"),
    ],
)
def test_a_name_that_is_none_is_told(config: dict[str, Any], key: str) -> None:
    """What is no text, in a configuration that was not read by us, is named, and that it must be a text is said."""
    error = refusal(lambda: resolve({}, file=config, environ={}))
    assert error.key == key
    assert "text" in error.allowed


@pytest.mark.parametrize(
    ("text", "value", "said"),
    [
        ("queue_size: 1:30", "1:30", "90"),
        ("overflow_timeout: 1:30.5", "1:30.5", "90.5"),
        ("queue_size: 010000", "010000", "4096"),
        ("max_bytes: 0_10", "0_10", "8"),
        ("queue: {max_size: 010}", "010", "8"),
        ("backup_count: -1:10", "-1:10", "-70"),
        ("log_level: 012", "012", "10"),
        ("levels: {a: 1:0}", "1:0", "60"),
    ],
)
def test_a_number_that_yaml_reads_in_its_own_way_is_refused(write: Write, text: str, value: str, said: str) -> None:
    """In sixties or as octal; the message says as what, and names the line. Seen to fail: 90 and 4,096 in silence."""
    error = refusal(lambda: load_config(write(f"version: 1\n{text}\n")))
    assert (error.value, error.line) == (value, 2)
    assert f"YAML reads it {'as octal, ' if ':' not in value else 'in sixties, as '}{said}:" in error.allowed


def test_numbers_that_are_plain_stay_what_they_are(write: Write) -> None:
    """An octal mode is meant so; hexadecimal and grouped digits are read by people as YAML reads them."""
    settings = resolve(
        {},
        file=load_config(write("file_mode: 0600\nqueue_size: 0x10\nmax_bytes: 1_000\nbackup_count: 0\n")),
        environ={},
    )
    assert (settings.file_mode, settings.queue_size, settings.files[0].max_bytes) == (0o600, 16, 1000)


SIZES = [
    ("10M", 10**7),
    ("10Mi", 10 * 2**20),
    ("1e7", 10**7),
    ("10k", 10_000),
    ("3KiB", 3072),
    ("1.5e3", 1500),
    ("2 GB", 2 * 10**9),
    ("7b", 7),
]


@pytest.mark.parametrize(("text", "bytes_"), SIZES)
def test_sizes_are_taken_as_they_are_written_elsewhere(write: Write, text: str, bytes_: int) -> None:
    """By argument, variable and file."""
    for settings in (
        resolve({"max_bytes": text}, environ={}),
        resolve({}, environ={"UNIFIED_LOGGER_MAX_BYTES": text}),
        resolve({}, file=load_config(write(f"max_bytes: {text}\n")), environ={}),
        resolve({"max_bytes": float(bytes_)}, environ={}),
    ):
        assert settings.files[0].max_bytes == bytes_


DURATIONS = [
    ("5s", 5.0),
    ("500ms", 0.5),
    ("2m", 120.0),
    ("1.5 h", 5400.0),
    ("1min", 60.0),
    ("7", 7.0),
    (".5", 0.5),
    ("1e2", 100.0),
]


@pytest.mark.parametrize(("text", "seconds"), DURATIONS)
def test_durations_may_have_a_unit(write: Write, text: str, seconds: float) -> None:
    """By argument, variable and file."""
    for settings in (
        resolve({"overflow_timeout": text}, environ={}),
        resolve({}, environ={"UNIFIED_LOGGER_OVERFLOW_TIMEOUT": text}),
        resolve({}, file=load_config(write(f"queue: {{timeout: {text}}}\n")), environ={}),
    ):
        assert settings.overflow_timeout == seconds


@pytest.mark.parametrize(
    "text", ["10X", "M", "5 parsecs", "1e", "1e999M", "--5s", "5s5s", "-1s", "٣s", "inf", "nans", "1e99h", ""]
)
def test_amounts_that_are_none_are_refused(text: str) -> None:
    """Whatever they look like."""
    refusal(lambda: resolve({"max_bytes": text}, environ={}))
    refusal(lambda: resolve({"overflow_timeout": text}, environ={}))


@pytest.mark.parametrize("path", ["${HOME}/logs", "/var/$USER/logs", "$LOGS", "logs/${POD:-none}"])
def test_a_variable_in_a_path_is_not_taken_for_a_directory(write: Write, tmp_path: Path, path: str) -> None:
    """Seen to fail: a directory of that name was made."""
    for call in (
        lambda: init_logging(log_dir=path),
        lambda: resolve({}, environ={"LOG_DIR": path}),
        lambda: load_config(write(f"log_dir: {path}\n")),
    ):
        error = refusal(call)
        assert error.key == "log_dir"
        assert "LOG_DIR" in error.allowed
    assert resolve({"log_dir": "a$b/c$"}, environ={}).log_dir.endswith("a$b/c$")


def test_keys_of_ones_own_hold_anchors(write: Write, log_dir: Path, records: Records) -> None:
    """`x-…` at the top, as in compose files; what they stand for is read where it is used."""
    path = write(
        """\
x-rotation: &rotation {max_bytes: 10M, backup_count: 3}
x-word: &word off
x-any: [1:30, {no: 010}]
rotation: {app_log: *rotation, ai_log: {<<: *rotation, backup_count: 4}}
console_format: *word
"""
    )
    init_logging_from_config(path, log_dir=str(log_dir))
    get_logger("app").info("m")
    assert [record["message"] for record in records()] == ["m"]
    settings = resolve({}, file=load_config(path), environ={})
    assert [(file.max_bytes, file.backup_count) for file in settings.files if file.kind != "errors"] == [
        (10**7, 3),
        (10**7, 4),
    ]
    assert settings.console_format == "off"
    assert refusal(lambda: load_config(write("queue: {x-a: 1}\n"))).key == "queue.x-a"


def test_a_second_document_is_told_in_a_sentence(write: Write) -> None:
    """With the line where it begins."""
    error = refusal(lambda: load_config(write("version: 1\n---\nversion: 1\n")))
    assert error.line == 2
    assert str(error).endswith(
        "(the whole file) = 'a second document' is not allowed: must be one document of YAML: '---' begins another"
    )


@pytest.mark.parametrize("text", ["trace", "notice", "verbose", "off", "silly", "info,hyper=warn"])
@pytest.mark.parametrize("variable", ["LOG_LEVEL", "LOG_CONSOLE_LEVEL", "LOG_FILE_LEVEL"])
def test_what_a_shared_variable_says_to_others_keeps_nobody_from_starting(
    variable: str, text: str, log_dir: Path, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The default holds, and one WARNING says so. Seen to fail: a ConfigurationError."""
    monkeypatch.setenv(variable, text)
    init_logging(log_dir=str(log_dir))
    get_logger("app").info("m")
    notice, record = records()
    assert (notice["level"], record["message"]) == ("WARNING", "m")
    assert variable in notice["message"]
    assert repr(text) in notice["message"]


@pytest.mark.parametrize(
    ("variable", "text", "name", "default"),
    [
        ("LOG_LEVELS", "debug", "logger_levels", {"a": 10}),
        ("LOG_QUEUE_SIZE", "unbounded", "queue_size", 7),
        ("LOG_ENABLE_AI_HANDLER", "auto", "queue_size", 7),
        ("LOG_LEVEL", "trace", "log_level", logging.ERROR),
    ],
)
def test_what_is_left_out_leaves_the_file_in_force(variable: str, text: str, name: str, default: object) -> None:
    """As if the variable were not there."""
    file = {"levels": {"a": "DEBUG"}, "queue_size": 7, "log_level": "ERROR"}
    settings = resolve({}, file=file, environ={variable: text})
    assert getattr(settings, name) == default
    assert [notice for notice in settings.notices if variable in notice]
    assert not [
        notice for notice in resolve({"log_level": 10}, environ={"LOG_LEVEL": "trace"}).notices if "trace" in notice
    ]


@pytest.mark.parametrize("variable", ["UNIFIED_LOGGER_LOG_LEVEL", "UNIFIED_LOGGER_QUEUE_SIZE", "USE_UNIFIED_LOGGING"])
def test_variables_of_this_library_alone_are_not_left_out(variable: str) -> None:
    """A misspelt one must not pass in silence; nor does `LOG_DIR`, which says where the files are."""
    assert variable in refusal(lambda: resolve({}, environ={variable: "trace"})).source
    assert "LOG_DIR" in refusal(lambda: resolve({}, environ={"LOG_DIR": "~no-such-user-at-all/logs"})).source


SERVICES = ["UNIFIED_LOGGER", "UNIFIED_LOGGER_COLLECTOR", "UNIFIED_LOGGER_LOG_DIR"]
LINKS = ["SERVICE_HOST", "SERVICE_PORT", "SERVICE_PORT_HTTP_API", "PORT"] + [
    f"PORT_{number}_{protocol}{part}"
    for number in (80, 65535)
    for protocol in ("TCP", "UDP", "SCTP")
    for part in ("", "_PROTO", "_PORT", "_ADDR")
]


@pytest.mark.parametrize("service", SERVICES)
def test_variables_that_kubernetes_invents_are_left_alone(service: str) -> None:
    """Those of a Service whose name begins like the library's. Seen to fail: no pod beside such a Service started."""
    environ = {f"{service}_{link}": "tcp://10.0.0.7:80" for link in LINKS}
    assert resolve({}, environ=environ).notices == resolve({}, environ={}).notices
    assert not [variable for option in OPTIONS.values() for variable in option.variables if variable in environ]


@pytest.mark.parametrize(
    "variable",
    [
        "UNIFIED_LOGGER_PORTS",
        "UNIFIED_LOGGER_SERVICE",
        "UNIFIED_LOGGER_PORT_80",
        "UNIFIED_LOGGER_PORT_X_TCP",
        "UNIFIED_LOGGER_PORT",
    ],
)
def test_what_only_looks_like_them_is_an_error(variable: str) -> None:
    """A misspelt variable is still not ignored."""
    assert refusal(lambda: resolve({}, environ={variable: "1"})).key == variable


@pytest.mark.parametrize("service", ["LOG", "LOG_LEVEL", "LOG_DIR"])
def test_services_called_as_shared_variables_begin_change_nothing(service: str) -> None:
    """A Service called `log`: none of its variables is an option's."""
    environ = {f"{service}_{link}": "tcp://10.0.0.7:80" for link in LINKS}
    assert resolve({}, environ=environ) == resolve({}, environ={})
