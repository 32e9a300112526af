"""`TimedRotatingFileHandler` in the previous module's layout means what it meant, with the periods and names of this library."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from kinds import Run

from unified_logger import ConfigurationError, load_config
from unified_logger.config.resolve import resolve

CLASS = "logging.handlers.TimedRotatingFileHandler"


def settings(text: str, environ: Mapping[str, str] | None = None, **arguments: Any) -> Any:
    return resolve(arguments, file=yaml.safe_load(text), file_path="logging.yaml", environ=environ or {})


def file_of(found: Any, name: str = "app") -> dict[str, Any]:
    """What the engine is told of a file."""
    told: dict[str, Any] = found.to_engine()["output"]["to"]["outputs"][name]["to"]["file"]
    return told


@pytest.mark.parametrize(
    ("keys", "every"),
    [
        ("", {"seconds": 3600}),
        ("when: S, interval: 30", {"seconds": 30}),
        ("when: m, interval: 15", {"seconds": 900}),
        ("when: H, interval: 6", {"seconds": 21_600}),
        ("when: h, interval: 48", {"days": 2}),
        ("when: D", {"days": 1}),
        ("when: midnight", {"days": 1}),
        ("when: MIDNIGHT, interval: 3", {"days": 3}),
        ("when: W0", {"weeks": [1, 0]}),
        ("when: w6, interval: 2", {"weeks": [2, 6]}),
    ],
)
def test_each_period_is_understood(keys: str, every: dict[str, Any]) -> None:
    """By the local clock, in dated files, of which all stay; and no size ends a file."""
    told = file_of(settings(f"handlers: {{app_file: {{class: {CLASS}{keys and ', '}{keys}}}}}"))
    assert told["calendar"] == {"every": every, "at": 0, "zone": "local"}
    assert (told["names"], told["keep"], told["max_bytes"]) == ("dates", {}, 0)


def test_all_keys_are_understood_and_each_file_has_its_own() -> None:
    """A handler without a class rotates by time if it says when."""
    found = settings(
        f"""
handlers:
  app_file: {{class: {CLASS}, when: midnight, utc: true, atTime: '04:30', backupCount: 14, maxBytes: 5000}}
  error_file: {{when: W4, backupCount: 8}}
  ai_file: {{class: logging.handlers.RotatingFileHandler, maxBytes: 7000, backupCount: 3}}
"""
    )
    app, errors, ai = (file_of(found, name) for name in ("app", "errors", "ai"))
    assert app["calendar"] == {"every": {"days": 1}, "at": 16_200, "zone": "utc"}
    assert (app["keep"], app["max_bytes"]) == ({"files": 14}, 5000)
    assert (errors["calendar"]["every"], errors["keep"]) == ({"weeks": [1, 4]}, {"files": 8})
    assert ("calendar" in ai, ai["max_bytes"], ai["backup_count"], ai["names"]) == (False, 7000, 3, "numbers")
    assert found.notices == ()


def test_a_time_of_day_is_that_which_people_write(tmp_path: Path) -> None:
    """Though YAML takes it for a number to the base of sixty."""
    path = tmp_path / "logging.yaml"
    path.write_text(f"handlers: {{app_file: {{class: {CLASS}, when: midnight, atTime: 4:30:00}}}}\n", "utf-8")
    assert file_of(resolve({}, file=load_config(path), file_path=str(path), environ={}))["calendar"]["at"] == 16_200


def test_options_of_this_library_go_before_it() -> None:
    """Those of outranking sources in all, and names and outputs of the same file."""
    text = f"handlers: {{app_file: {{class: {CLASS}, when: midnight, backupCount: 5}}}}"
    by_variable = file_of(settings(text, {"UNIFIED_LOGGER_ROTATE": "hourly"}))
    assert (by_variable["calendar"]["every"], by_variable["names"]) == ({"seconds": 3600}, "numbers")
    assert file_of(settings(text, keep={"age": "7d"}))["keep"] == {"age": 604_800}
    numbered = file_of(settings(f"file_names: numbered\n{text}"))
    assert (numbered["names"], numbered["calendar"]["every"]) == ("numbers", {"days": 1})
    own = file_of(settings(f"outputs: {{app: {{rotate: hourly}}}}\n{text}"))
    assert (own["calendar"]["every"], own["keep"]) == ({"seconds": 3600}, {"files": 5})
    kept = file_of(settings(f"keep: {{age: 3d}}\nhandlers: {{app_file: {{class: {CLASS}}}}}"))
    assert kept["keep"] == {"age": 259_200}


@pytest.mark.parametrize(
    ("handlers", "notice"),
    [
        (
            "app_file: {when: H, atTime: '04:00'}",
            "handlers.app_file.atTime has no effect: it is for MIDNIGHT and W0 to W6",
        ),
        (
            "error_file: {class: logging.handlers.RotatingFileHandler, when: H}",
            "handlers.error_file.when has no effect: its class is logging.handlers.RotatingFileHandler",
        ),
        ("console: {utc: true}", "handlers.console.utc has no effect: it is for files"),
    ],
)
def test_a_key_without_a_meaning_is_told(handlers: str, notice: str) -> None:
    """Once, when logging starts."""
    assert settings(f"handlers: {{{handlers}}}").notices == (notice,)


@pytest.mark.parametrize(
    ("handlers", "key", "allowed"),
    [
        ("app_file: {when: W7}", "handlers.app_file.when", "one of S, M, H, D, MIDNIGHT"),
        ("app_file: {when: 3}", "handlers.app_file.when", "one of S, M, H, D, MIDNIGHT"),
        ("app_file: {when: H, interval: 0}", "handlers.app_file.interval", "a whole number from 1"),
        ("ai_file: {when: H, interval: 36}", "handlers.ai_file.interval", "a length below a day, or of whole days"),
        ("app_file: {when: D, atTime: '24:00'}", "handlers.app_file.atTime", "a time from '00:00' to '23:59:59'"),
        ("app_file: {when: D, utc: often}", "handlers.app_file.utc", "true or false"),
    ],
)
def test_what_cannot_be_meant_is_refused(handlers: str, key: str, allowed: str) -> None:
    """With the file, the key, and what is allowed."""
    with pytest.raises(ConfigurationError) as caught:
        settings(f"handlers: {{{handlers}}}")
    assert (caught.value.source, caught.value.key) == ("logging.yaml", key)
    assert allowed in caught.value.allowed


def test_files_are_made_by_it(run_python: Run, tmp_path: Path) -> None:
    """From a file as it was, with a day's name in the place of the suffix; and told where the engine is off."""
    (tmp_path / "logging.yaml").write_text(
        f"handlers: {{app_file: {{class: {CLASS}, when: midnight, utc: true, backupCount: 2}}}}\nlog_dir: logs\n",
        "utf-8",
    )
    run_python(
        """
from datetime import datetime, timezone
from unified_logger import flush_logging, get_logger, init_logging_from_config
from unified_logger.testing import stopped_clock
init_logging_from_config("logging.yaml", console_format="off")
for day in (19, 20):
    with stopped_clock(datetime(2026, 2, day, tzinfo=timezone.utc)):
        get_logger("shop").info("m"); flush_logging(10)
init_logging_from_config("logging.yaml", console_format="off", use_unified_logging=False)
get_logger("shop").info("m"); flush_logging(10)
"""
    )
    logs = tmp_path / "logs"
    assert sorted(path.name for path in logs.glob("app*")) == ["app-2026-02-19.log", "app.log"]
    told = "TimedRotatingFileHandler has no effect where use_unified_logging is false"
    assert (logs / "app.log").read_text("utf-8").count(told) == 1
