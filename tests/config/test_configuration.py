"""Configuration: where options come from, what they may be, and what is said when they are wrong."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from kinds import Write

from unified_logger import ConfigurationError, get_logger, init_logging, init_logging_from_config, load_config
from unified_logger.config import resolve
from unified_logger.config.layout import schema, table
from unified_logger.config.sections import OPTIONS


def test_defaults_are_those_of_the_guide() -> None:
    """Nothing given: the guide's values."""
    settings = resolve({}, environ={})
    app, errors, ai = settings.files
    assert (settings.log_level, settings.console_level, settings.queue_size) == (20, 20, 10_000)
    assert settings.log_dir == str(Path("logs").absolute())
    assert (app.name, app.level, app.max_bytes, app.backup_count) == ("app.log", 10, 10 * 1024 * 1024, 7)
    assert (errors.name, errors.level) == ("errors.log", 40)
    assert (ai.name, ai.enabled, ai.max_bytes, ai.backup_count) == ("ai_responses.log", True, 100 * 1024 * 1024, 30)


def test_argument_wins_over_environment_over_file_over_default() -> None:
    """Each source outranks the ones below it."""
    file = {"queue_size": 2, "log_level": "ERROR", "file_level": "ERROR"}
    environ = {"LOG_QUEUE_SIZE": "3", "LOG_LEVEL": "WARNING"}
    settings = resolve({"queue_size": 4}, file=file, environ=environ)
    assert (settings.queue_size, settings.log_level, settings.files[0].level) == (4, logging.WARNING, logging.ERROR)


@pytest.mark.parametrize(
    ("variable", "text", "name", "value"),
    [
        ("LOG_LEVEL", "debug", "log_level", 10),
        ("LOG_CONSOLE_LEVEL", "ERROR", "console_level", 40),
        ("LOG_QUEUE_SIZE", "12", "queue_size", 12),
        ("USE_UNIFIED_LOGGING", "false", "use_unified_logging", False),
        ("UNIFIED_LOGGER_OVERFLOW", "drop_old", "overflow", "drop_old"),
        ("UNIFIED_LOGGER_QUEUE_BYTES", "2MiB", "queue_bytes", 2 * 1024 * 1024),
        ("UNIFIED_LOGGER_FILE_MODE", "600", "file_mode", 0o600),
        ("UNIFIED_LOGGER_AI_LOGGERS", "bot, prompts", "ai_loggers", ("bot", "prompts")),
        ("UNIFIED_LOGGER_OVERFLOW_TIMEOUT", "0.5", "overflow_timeout", 0.5),
    ],
)
def test_environment_variables_are_read(variable: str, text: str, name: str, value: object) -> None:
    """Old names and new ones, with their texts parsed."""
    assert getattr(resolve({}, environ={variable: text}), name) == value


def test_the_new_variable_wins_over_the_old() -> None:
    """UNIFIED_LOGGER_LOG_LEVEL outranks LOG_LEVEL."""
    environ = {"LOG_LEVEL": "ERROR", "UNIFIED_LOGGER_LOG_LEVEL": "DEBUG"}
    assert resolve({}, environ=environ).log_level == logging.DEBUG


def test_an_empty_variable_counts_as_none() -> None:
    """Compose files set variables to nothing."""
    assert resolve({}, environ={"LOG_QUEUE_SIZE": " "}).queue_size == 10_000


ORIGIN = """\
version: 1
disable_existing_loggers: false
log_level: INFO
console_level: WARNING
file_level: DEBUG
log_dir: logs
encoding: utf-8
queue: {max_size: 500, timeout: 2}
rotation:
  app_log: {max_bytes: 100, backup_count: 2}
  ai_log: {max_bytes: 300, backup_count: 4}
  error_log: {max_bytes: 5MB, backup_count: 3}
formatters:
  json: {class: a.b.JsonFormatter, datefmt: "%H"}
handlers:
  console: {enabled: false, class: logging.StreamHandler, level: ERROR, formatter: json}
  app_file: {class: a.File, level: INFO, filename: logs/app.log, maxBytes: 200, backupCount: 9}
  ai_file: {enabled: true, filename: ai.log}
  error_file: {maxBytes: 6MB}
loggers:
  sqlalchemy: {level: WARNING}
root: {level: INFO, handlers: [console]}
suppress_loggers: [urllib3]
tracing: {enabled: true, header_name: X-Trace-ID, generate_span_id: true}
sampling: {enabled: false, sample_rate: 0.1, level_threshold: INFO, always_sample_paths: [/a], never_sample_paths: [/b]}
alerting: {enabled: false, error_rate_threshold: 0.05, window_seconds: 60}
"""


def test_the_origins_layout_is_accepted_as_it_stands(write: Write) -> None:
    """Every block of it, and `handlers` wins over `rotation`."""
    settings = resolve({}, file=load_config(write(ORIGIN)), environ={})
    app, errors, ai = settings.files
    assert (settings.queue_size, settings.overflow_timeout) == (500, 2.0)
    assert (app.level, app.max_bytes, app.backup_count) == (20, 200, 9)
    assert (errors.max_bytes, errors.backup_count) == (6_000_000, 3)
    assert (ai.name, ai.max_bytes, ai.backup_count) == ("ai.log", 300, 4)
    assert (settings.console_level, settings.console_format) == (40, "off")
    assert settings.logger_levels == {"sqlalchemy": 30}
    assert settings.suppress_loggers == ("urllib3",)


def test_a_block_without_effect_is_named_once(
    write: Write, log_dir: Path, records: Callable[..., list[dict[str, Any]]]
) -> None:
    """`enabled: true` in a block that does nothing yet is one WARNING record."""
    init_logging_from_config(write("alerting: {enabled: true}\nsampling: {enabled: false}\n"), log_dir=str(log_dir))
    (notice,) = records()
    assert notice["level"] == "WARNING"
    assert "'alerting'" in notice["message"]


def test_a_level_below_log_level_is_said_to_have_no_effect(
    log_dir: Path, records: Callable[..., list[dict[str, Any]]]
) -> None:
    """Only a level that was given: the default file level is DEBUG and says nothing."""
    init_logging(log_dir=str(log_dir), file_level="DEBUG")
    assert [record["message"].split()[0] for record in records()] == ["file_level"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("log_level", "LOUD"),
        ("log_level", True),
        ("log_level", 101),
        ("log_level", None),
        ("console_level", ""),
        ("queue_size", 0),
        ("queue_size", -1),
        ("queue_size", "10"),
        ("queue_size", 1.5),
        ("max_bytes", -1),
        ("max_bytes", "ten"),
        ("max_bytes", True),
        ("backup_count", -1),
        ("enable_ai_handler", "yes"),
        ("enable_ai_handler", 1),
        ("log_dir", ""),
        ("log_dir", 7),
        ("overflow", "wait"),
        ("overflow_timeout", -1),
        ("overflow_timeout", float("nan")),
        ("console_format", "xml"),
        ("file_mode", 0o666),
        ("file_mode", "99"),
        ("ai_loggers", "ai"),
        ("ai_loggers", [""]),
    ],
)
def test_a_wrong_argument_names_key_value_and_what_is_allowed(name: str, value: Any, log_dir: Path) -> None:
    """And nothing is started: no directory, no level changed."""
    level = logging.getLogger().level
    with pytest.raises(ConfigurationError) as caught:
        init_logging(**{"log_dir": str(log_dir), name: value})
    error = caught.value
    assert (error.source, error.key) == ("argument", name)
    assert error.allowed.startswith(OPTIONS[name].kind.allowed)
    assert name in str(error)
    assert repr(value) in str(error)
    assert isinstance(error, ValueError)
    assert not log_dir.exists()
    assert logging.getLogger().level == level


@pytest.mark.parametrize(
    ("path", "why"), [(os.fsdecode(b"logs\xff"), "a path in UTF-8"), (b"logs", "a path as a text, not as bytes")]
)
def test_a_path_that_no_record_could_tell_is_refused_with_the_reason(path: Any, why: str) -> None:
    """By the argument and, where it may be given so, by the environment. Seen to fail ("must be a path") without it."""
    with pytest.raises(ConfigurationError, match=f"^argument: log_dir = .* must be {why}"):
        init_logging(log_dir=path)
    if isinstance(path, str):
        with pytest.raises(ConfigurationError, match=f"^environment variable LOG_DIR: log_dir = .* must be {why}"):
            resolve({}, environ={"LOG_DIR": path})


def test_an_unknown_argument_is_told_the_nearest_known() -> None:
    """A misspelt option is not ignored."""
    with pytest.raises(ConfigurationError) as caught:
        init_logging(que_size=1)
    assert caught.value.suggestion == "queue_size"


def test_an_unknown_variable_of_ours_is_told_the_nearest_known() -> None:
    """A misspelt variable is not ignored."""
    with pytest.raises(ConfigurationError) as caught:
        resolve({}, environ={"UNIFIED_LOGGER_OVERFLOWS": "block"})
    assert caught.value.suggestion == "UNIFIED_LOGGER_OVERFLOW"


def test_a_wrong_variable_is_named() -> None:
    """The error names the variable it came from."""
    with pytest.raises(ConfigurationError, match="environment variable UNIFIED_LOGGER_QUEUE_SIZE"):
        resolve({}, environ={"UNIFIED_LOGGER_QUEUE_SIZE": "many"})


@pytest.mark.parametrize(
    ("text", "line", "key"),
    [
        ("log_level: INFO\nqueu:\n  max_size: 3\n", 2, "queu"),
        ("handlers:\n  app_file:\n    level: 3x\n", 3, "handlers.app_file.level"),
        ("rotation:\n  app_log: {max_bytes: -1}\n", 2, "rotation.app_log.max_bytes"),
        ("log_level: INFO\nlog_level: DEBUG\n", 2, "log_level"),
        ("encoding: latin-1\n", 1, "encoding"),
        ("version: 2\n", 1, "version"),
        ("queue: 5\n", 1, "queue"),
        ("sampling: {sample_rate: 2}\n", 1, "sampling.sample_rate"),
        ("loggers: {a: {level: X}}\n", 1, "loggers.a.level"),
        ("log_dir: !!python/object/apply:os.getcwd []\n", 1, "(the whole file)"),
        ("a: [\n", 2, "(the whole file)"),
    ],
)
def test_a_wrong_file_is_told_by_line_and_key(write: Write, text: str, line: int, key: str) -> None:
    """File, line and key of what is wrong."""
    path = write(text)
    with pytest.raises(ConfigurationError) as caught:
        load_config(path)
    assert (caught.value.source, caught.value.line, caught.value.key) == (str(path), line, key)


def test_a_missing_file_is_an_error_of_configuration(tmp_path: Path) -> None:
    """As is one that is not UTF-8."""
    with pytest.raises(ConfigurationError, match="there is no configuration file"):
        load_config(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"log_dir: \xe9\n")
    with pytest.raises(ConfigurationError, match="UTF-8"):
        load_config(tmp_path / "latin.yaml")


def test_an_empty_file_is_an_empty_configuration(write: Write) -> None:
    """Comments only count as empty."""
    assert load_config(write("# nothing\n")) == {}


def test_an_unusable_directory_fails_at_once(tmp_path: Path) -> None:
    """And the running configuration goes on."""
    before, taken = tmp_path / "before", tmp_path / "taken"
    init_logging(log_dir=str(before))
    taken.write_text("a file")
    with pytest.raises(ConfigurationError) as caught:
        init_logging(log_dir=str(taken / "logs"))
    assert caught.value.key == "log_dir"
    get_logger("app").info("still here")
    from unified_logger import flush_logging

    assert flush_logging(10)
    assert "still here" in (before / "app.log").read_text()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a working directory cannot be removed")
def test_an_absolute_path_needs_no_working_directory(run_python: Any, tmp_path: Path) -> None:
    """By each way it may be given; a relative one is refused in a sentence that says why.

    Seen to fail (each start refused) with the working directory asked for first.
    """
    done = run_python(
        """
import os, sys
from pathlib import Path
home = Path.cwd()
(home / "l.yaml").write_text(f"log_dir: {home}/c")
(home / "gone").mkdir()
os.chdir("gone")
(home / "gone").rmdir()
from unified_logger import ConfigurationError, flush_logging, get_logger, init_logging, init_logging_from_config, reload_logging
get_logger("app").info("early")
for native in (True, False):
    init_logging(log_dir=str(home / "a"), use_unified_logging=native)
    get_logger("app").info("a")
    assert flush_logging(20)
os.environ["LOG_DIR"] = str(home / "b")
init_logging()
get_logger("app").info("b")
del os.environ["LOG_DIR"]
init_logging_from_config(home / "l.yaml")
reload_logging()
get_logger("app").info("c")
assert flush_logging(20)

def refused(call, *arguments, **options):
    try:
        call(*arguments, **options)
    except ConfigurationError as error:
        print(error)
    else:
        raise SystemExit("it was taken")

refused(init_logging, log_dir="logs")
refused(init_logging_from_config, "l.yaml")
(home / "l.yaml").write_text("log_dir: logs")
refused(reload_logging)
"""
    )
    files = [(tmp_path / name / "app.log").read_text(encoding="utf-8").count('"message":') for name in "abc"]
    assert files[0] == 3
    assert files[1] == 1
    assert files[2] >= 1
    assert [line.count("working directory is gone") for line in done.stdout.splitlines()] == [1, 1, 1]


def test_positional_arguments_are_those_of_the_guide(tmp_path: Path, records: Any, log_dir: Path) -> None:
    """In the guide's order."""
    init_logging("DEBUG", str(log_dir), 100, 1000, 2, "ERROR", "DEBUG", False, 5, 6)
    get_logger("app.ai").debug("seen")
    assert [record["message"] for record in records()] == ["seen"]
    assert not (log_dir / "ai_responses.log").exists()


def test_the_published_schema_is_that_of_the_code() -> None:
    """`schema.json` is what `layout.schema()` gives."""
    published = json.loads((files("unified_logger") / "config" / "schema.json").read_text(encoding="utf-8"))
    assert published == schema()


def test_the_schema_lets_a_block_of_any_name_be_what_the_parser_lets_it_be() -> None:
    """An output may be turned off, and a block may be empty."""
    properties = schema()["properties"]
    assert properties["outputs"]["additionalProperties"]["type"] == ["object", "null", "boolean"]
    assert properties["loggers"]["additionalProperties"]["type"] == ["object", "null"]


def test_the_documented_table_is_that_of_the_code(project: Path) -> None:
    """The table in docs/configuration.md is what `layout.table()` gives."""
    text = (project / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert text.split("<!-- options -->\n")[1].split("\n<!-- /options -->")[0] == table()
