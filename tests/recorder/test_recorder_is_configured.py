"""The option `recorder`, from every source, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from kinds import Records, Start

from unified_logger import ConfigurationError, LoggingContext, get_logger, init_logging_from_config


def writes(records: Records, level: str = "debug") -> bool:
    """Whether a record of a trace that fails is written."""
    with LoggingContext():
        get_logger("app").log(level.upper(), "waits")  # type: ignore[arg-type]
        get_logger("app").error("failed")
    return any(record["message"] == "waits" for record in records())


@pytest.mark.parametrize("text", ["true", "on", '{"level": "DEBUG"}', '{"slow": "2s", "bytes": "1MiB"}'])
def test_the_environment_turns_it_on(
    start: Start, records: Records, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("UNIFIED_LOGGER_RECORDER", text)
    start(log_level="INFO")
    assert writes(records)


def test_it_is_off_by_default(start: Start, records: Records) -> None:
    start(log_level="INFO")
    assert not writes(records)


def test_sources_are_joined_key_by_key(tmp_path: Path, records: Records, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "logging.yaml"
    file.write_text("log_level: WARNING\nrecorder: {level: INFO, slow: 2s}\n", encoding="utf-8")
    monkeypatch.setenv("UNIFIED_LOGGER_RECORDER", '{"slow": "3s"}')
    settings = init_logging_from_config(str(file), log_dir=str(tmp_path / "logs"))
    assert settings is None or settings
    assert not writes(records)
    assert writes(records, "info")
    monkeypatch.setenv("UNIFIED_LOGGER_RECORDER", "off")
    init_logging_from_config(str(file), log_dir=str(tmp_path / "logs2"))


WRONG = [
    ({"level": "LOUD"}, "recorder.level"),
    ({"trigger": "DEBUG"}, "recorder.trigger"),
    ({"level": "ERROR"}, "recorder.trigger"),
    ({"slow": -1}, "recorder.slow"),
    ({"background_rate": 2}, "recorder.background_rate"),
    ({"bytes": 100}, "recorder.bytes"),
    ({"bytes": "1GB"}, "recorder.bytes"),
    ({"trace_bytes": "3MiB"}, "recorder.trace_bytes"),
    ({"trace_byte": 100}, "recorder.trace_byte"),
    (7, "recorder"),
]


@pytest.mark.parametrize(("wrong", "key"), WRONG)
def test_what_means_nothing_is_refused_with_its_key(start: Start, wrong: object, key: str) -> None:
    with pytest.raises(ConfigurationError, match=key.replace(".", r"\.")):
        start(recorder=wrong)


def test_a_wrong_line_of_a_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "logging.yaml"
    file.write_text("log_level: INFO\nrecorder:\n  level: DEBUG\n  bytes: 100\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"logging\.yaml:4: recorder\.bytes = 100"):
        init_logging_from_config(str(file), log_dir=str(tmp_path / "logs"))


@pytest.mark.parametrize("secret", ["too short", " " * 20, " " * 10 + "too short"])
def test_a_short_secret_is_refused_and_not_shown(start: Start, secret: str) -> None:
    """Blanks around it do not count: headers are read without them."""
    with pytest.raises(ConfigurationError) as refused:
        start(recorder=True, recorder_secret=secret)
    assert "recorder_secret" in str(refused.value)
    assert secret not in str(refused.value)


def test_outputs_may_take_what_only_the_recorder_makes(start: Start, records: Records) -> None:
    """No notice says that nothing comes to them."""
    options = {"log_level": "INFO", "file_level": "DEBUG", "outputs": {"details": {"file": "d.log", "level": "DEBUG"}}}
    start(recorder={}, **options)
    with LoggingContext():
        get_logger("app").debug("waits")
        get_logger("app").error("failed")
    assert [record["message"] for record in records("d.log")] == ["waits", "failed"]
    start(recorder=False, recorder_secret="what only operators know", **options)
    notices = [record["message"] for record in records("d.log")[2:]]
    assert sum("below log_level" in notice for notice in notices) == 2
    assert any("recorder_secret has no effect" in notice for notice in notices)
