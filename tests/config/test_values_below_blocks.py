"""What is wrong inside lists and blocks is refused with its own line, in the words of the file, and with the place that was meant."""

from __future__ import annotations

import pickle

import pytest
from kinds import Write

from unified_logger import ConfigurationError, load_config
from unified_logger.config import resolve

RULE = "sampling:\n  rules:\n    - logger: shop\n      "
WRONG = [
    (RULE + "first: 010\n", 4, "rules.0.first", "as octal, 8"),
    (RULE + "first: 10\n      interval: 1:00\n", 5, "rules.0.interval", "in sixties, as 60"),
    (RULE + "keep: none\n      where:\n        paid: yes\n", 6, "where.paid", "must be true, or 'yes' in quotes"),
    (RULE + "keep: none\n      where: {paid: [true, off]}\n", 5, "where.paid.1", "must be false, or 'off' in quotes"),
    (RULE + "rate: '0.1'\n", 4, "rules.0.rate", "write it without quotes"),
    (RULE + "level: ERROR\n      keep: none\n", 4, "rules.0.level = 'ERROR'", "below ERROR"),
    ("sampling:\n  rules:\n    - logger: 'shop*'\n      keep: none\n", 3, "rules.0.logger", "without * and ?"),
    ("sampling:\n  rules:\n    - keep: none\n    - keep: all\n", 4, "rules.1", "'rule-1', rule 1"),
    ("sampling:\n  rules:\n    - level: INFO\n", 3, "rules.0 = {'level': 'INFO'}", "one of rate"),
    ("sampling:\n  ratio: 0.1\n", 2, "sampling.ratio", "did you mean 'traces.ratio'"),
    ("recorder:\n  secret: 0123456789abcdef\n", 2, "recorder.secret", "did you mean 'recorder_secret'"),
    ("recorder:\n", 1, "recorder", "true, false, or a mapping"),
    ("metrics:\n", 1, "metrics", "true, false, or a mapping"),
    ("redaction:\n", 1, "redaction", "true, false, or a mapping"),
    ("metrics: {port: '9100'}\n", 1, "metrics.port", "write it without quotes"),
    (
        "record_metrics:\n  m:\n    type: count\n    fields_equal: {paid: no}\n",
        4,
        "fields_equal.paid",
        "'no' in quotes",
    ),
    ("record_metrics:\n  m: {type: count, labels: {a: {values: [on]}}}\n", 2, "values.0", "'on' in quotes"),
]


@pytest.mark.parametrize(("text", "line", "key", "allowed"), WRONG)
def test_a_wrong_value_is_named_with_its_line(write: Write, text: str, line: int, key: str, allowed: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_config(write(text))
    assert caught.value.line == line
    assert key in str(caught.value)
    assert allowed in str(caught.value)


def test_a_quoted_word_is_a_text_there(write: Write) -> None:
    """And true and false are no texts."""
    text = RULE + "keep: none\n      where: {paid: ['yes', true]}\n"
    where = load_config(write(text))["sampling"]["rules"][0]["where"]
    assert where == {"paid": ["yes", True]}


@pytest.mark.parametrize(
    ("variable", "text", "said"),
    [
        ("UNIFIED_LOGGER_METRICS_PORT", "9100", "UNIFIED_LOGGER_METRICS='{\"port\": ...}'"),
        ("UNIFIED_LOGGER_SAMPLING_RULES", "[]", "UNIFIED_LOGGER_SAMPLING='{\"rules\": ...}'"),
        ("UNIFIED_LOGGER_SAMPLING", "{rules: 1}", "double quotes at character 2"),
        ("UNIFIED_LOGGER_RECORDER", '{"secret": "x"}', "did you mean 'recorder_secret'"),
    ],
)
def test_a_variable_says_how_the_key_is_given(variable: str, text: str, said: str) -> None:
    """Seen to fail: the port of metrics was taken for a link of Kubernetes, in silence."""
    with pytest.raises(ConfigurationError) as caught:
        resolve({}, environ={variable: text})
    assert said in str(caught.value)


def test_what_is_missing_is_said_to_be_missing() -> None:
    """Not to be None. An error that crosses processes says the same."""
    with pytest.raises(ConfigurationError) as caught:
        resolve({"record_metrics": {"mine": {"type": "sum"}}}, environ={})
    assert "record_metrics.mine.field is missing: must be the name of a field" in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_levels_are_named() -> None:
    """Not numbered."""
    with pytest.raises(ConfigurationError) as caught:
        resolve({"recorder": {"level": "WARNING", "trigger": "INFO"}}, environ={})
    assert "recorder.trigger = 'INFO'" in str(caught.value)
    assert "recorder.level, WARNING" in str(caught.value)


@pytest.mark.parametrize(
    ("options", "is_told"),
    [
        ({"log_level": "DEBUG"}, True),
        ({"log_level": "INFO"}, False),
        ({"log_level": "DEBUG", "levels": {"noisy": "WARNING"}}, False),
        ({"log_level": "DEBUG", "sampling": {"traces": {"ratio": 0.1}}}, False),
    ],
)
def test_a_recorder_without_anything_to_keep_is_told(options: dict[str, object], is_told: bool) -> None:
    """Where all records of its levels are written anyway."""
    notices = resolve({"recorder": True, **options}, environ={}).notices
    assert any("nothing to keep" in notice for notice in notices) == is_told
