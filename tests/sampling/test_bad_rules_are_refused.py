"""A rule that cannot be meant is refused at the start, with the line of the file, the key, the value and what is allowed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from unified_logger import ConfigurationError, init_logging, init_logging_from_config

RULES = [
    ({"rate": 0}, "rules.0.rate", "above 0"),
    ({"rate": 1.5}, "rules.0.rate", "below 1"),
    ({"first": 0}, "rules.0.first", "from 1"),
    ({"first": 1, "then_every": 0}, "rules.0.then_every", "from 1"),
    ({"first": 1.5}, "rules.0.first", "whole number"),
    ({"per_second": 0}, "rules.0.per_second", "above 0"),
    ({"first": 1, "interval": "1 week"}, "rules.0.interval", "10 ms"),
    ({"rate": 0.5, "burst": 3}, "rules.0.burst", "per_second only"),
    ({"rate": 0.5, "first": 3}, "rules.0.first", "without rate"),
    ({"level": "info"}, "rules.0", "one of rate"),
    ({"level": "error", "rate": 0.5}, "rules.0.level", "below ERROR"),
    ({"rate": 0.5, "levle": "info"}, "rules.0.levle", "did you mean 'level'"),
    ({"rate": 0.5, "path": "health"}, "rules.0.path", "begins with /"),
    ({"rate": 0.5, "where": {"a": {}}}, "rules.0.where.a", "a text"),
    ({"rate": 0.5, "key": []}, "rules.0.key", "8 fields"),
    ({"rate": 0.5, "name": 'a"b'}, "rules.0.name", "letters"),
    ({"keep": "some"}, "rules.0.keep", "all"),
    ("often", "rules.0", "mapping"),
]


@pytest.mark.parametrize(("rule", "key", "allowed"), RULES, ids=[key for _, key, _ in RULES])
def test_a_rule_that_cannot_be_meant(rule: Any, key: str, allowed: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as refused:
        init_logging(log_dir=tmp_path, sampling={"rules": [rule]})
    assert f"sampling.{key}" in str(refused.value)
    assert allowed in str(refused.value)


@pytest.mark.parametrize(
    ("rules", "key"),
    [
        ([{"rate": 0.5}, {"logger": "shop", "keep": "all"}], "rules.1"),
        ([{"logger": "shop", "rate": 0.5}, {"logger": "shop.cart", "rate": 0.1}], "rules.1"),
        ([{"where": {"a": [1, 2]}, "rate": 0.5}, {"where": {"a": 1, "b": 2}, "rate": 0.1}], "rules.1"),
        ([{"name": "a", "logger": "x", "rate": 0.5}, {"name": "a", "logger": "y", "rate": 0.1}], "rules.1.name"),
    ],
)
def test_a_rule_that_never_gets_a_call(rules: Any, key: str, tmp_path: Path) -> None:
    """Another one is asked first, and decides."""
    with pytest.raises(ConfigurationError) as refused:
        init_logging(log_dir=tmp_path, sampling={"rules": rules})
    assert f"sampling.{key}" in str(refused.value)


def test_the_line_of_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "logging.yaml"
    path.write_text(
        "sampling:\n  rules:\n    - level: info\n      rate: 0.1\n    - logger: shop\n      first: 0\n",
        encoding="utf-8",
    )
    with pytest.raises(ConfigurationError) as refused:
        init_logging_from_config(path)
    assert "logging.yaml:6: " in str(refused.value)
    assert "sampling.rules.1.first" in str(refused.value)
