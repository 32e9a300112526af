"""`sampling.traces` comes from any source, and what is wrong in it is refused at the start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kinds import Records, Start

from unified_logger import (
    ConfigurationError,
    LoggingContext,
    get_logger,
    init_logging,
    init_logging_from_config,
    trace_headers,
)
from unified_logger.config import resolve


def sampled(**given: Any) -> object:
    """The settings that follow."""
    return resolve(given, environ={}).sampled_traces


@pytest.mark.parametrize(
    ("traces", "settings"),
    [
        ({"ratio": 0.1}, ("consistent", 0.1, 40)),
        ({"ratio": 0.1, "otel_ratio": "Legacy", "level": "warning"}, ("legacy", 0.1, 30)),
        ({"ratio": 1, "level": 35}, ("consistent", 1.0, 35)),
        # Others decide, and what begins here is written.
        ({}, ("consistent", 1.0, 40)),
        (None, None),
    ],
)
def test_each_key_has_a_default(traces: object, settings: object) -> None:
    """Without the option there is no sampling."""
    assert sampled(sampling={"traces": traces}) == settings
    assert sampled() is None
    assert sampled(sampling={"enabled": False}) is None


@pytest.mark.parametrize(
    ("traces", "key", "value", "allowed", "suggestion"),
    [
        ({"ratio": 1.1}, "ratio", "1.1", "a number from 0 to 1", None),
        ({"ratio": -0.1}, "ratio", "-0.1", "a number from 0 to 1", None),
        ({"ratio": float("nan")}, "ratio", "nan", "a number from 0 to 1", None),
        ({"ratio": "half"}, "ratio", "half", "a number from 0 to 1", None),
        ({"ratio": True}, "ratio", "True", "a number from 0 to 1", None),
        ({"rato": 0.1}, "rato", "0.1", "one of the known keys: ratio, otel_ratio, level", "ratio"),
        ({"otel_ratio": "old"}, "otel_ratio", "old", "one of consistent, legacy", None),
        ({"level": "loud"}, "level", "loud", "a level", None),
    ],
)
def test_what_is_wrong_is_named(
    log_dir: Path, traces: dict[str, Any], key: str, value: str, allowed: str, suggestion: str | None
) -> None:
    """Source, key, value, and what is allowed; the key that was meant, where there is one like it."""
    with pytest.raises(ConfigurationError) as caught:
        init_logging(log_dir=str(log_dir), sampling={"traces": traces})
    wrong = caught.value
    assert (wrong.source, wrong.key) == ("argument", f"sampling.traces.{key}")
    assert str(wrong.value) == value
    assert allowed in wrong.allowed
    if suggestion is not None:
        assert wrong.suggestion == suggestion
    assert not log_dir.exists(), "nothing has started"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("log_level: INFO\nsampling:\n  traces:\n    ratio: 10%\n", 4),
        ("sampling: {traces: {ratio: 2}}\n", 1),
        ("sampling:\n  traces:\n    otel_ratio: older\n", 3),
        ("sampling:\n\n  trace: {}\n", 3),
        ("sampling:\n  traces: 0.1\n", 2),
    ],
)
def test_a_file_is_named_with_its_line(tmp_path: Path, text: str, line: int) -> None:
    """So that the key is found."""
    file = tmp_path / "logging.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        init_logging_from_config(str(file), log_dir=str(tmp_path / "logs"))
    assert (caught.value.source, caught.value.line) == (str(file), line)


def test_a_variable_is_json(monkeypatch: pytest.MonkeyPatch, start: Start) -> None:
    """Which outranks the keys of a file, one by one."""
    monkeypatch.setenv("UNIFIED_LOGGER_SAMPLING", '{"traces": {"ratio": 0}}')
    start()
    with LoggingContext():
        assert trace_headers()["traceparent"].endswith("-02")
    monkeypatch.setenv("UNIFIED_LOGGER_SAMPLING", '{"traces": {"ratio": 3}}')
    with pytest.raises(ConfigurationError, match="UNIFIED_LOGGER_SAMPLING"):
        start()


def test_sources_are_joined_key_by_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An argument changes the ratio of a file, and leaves the rest."""
    file = tmp_path / "logging.yaml"
    file.write_text("sampling: {traces: {ratio: 1, level: warning}}\n", encoding="utf-8")
    init_logging_from_config(str(file), log_dir=str(tmp_path / "logs"), sampling={"traces": {"ratio": 0}})
    with LoggingContext():
        assert trace_headers()["traceparent"].endswith("-02")


def test_a_dry_run_leaves_out_no_trace(start: Start, records: Records) -> None:
    """And says so."""
    start(sampling={"dry_run": True, "traces": {"ratio": 0.0}})
    with LoggingContext():
        get_logger("app").info("m")
    notice, record = records()
    assert "sampling.traces has no effect" in notice["message"]
    assert record["message"] == "m"
    assert "sample_rate" not in record
