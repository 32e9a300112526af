"""A metric that cannot be, or that would have a series for each value of a field, is refused at the start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from unified_logger import init_logging, init_logging_from_config
from unified_logger.config import resolve
from unified_logger.errors import ConfigurationError

COUNT = {"type": "count"}


@pytest.mark.parametrize(
    ("name", "metric", "key"),
    [
        ("1st", COUNT, "1st"),
        ("a-b", COUNT, "a-b"),
        ("unified_logger_mine", COUNT, "unified_logger_mine"),
        ("mine_created", COUNT, "mine_created"),
        ("_total", COUNT, "_total"),
        ("mine_total", {"type": "histogram", "field": "f"}, "mine_total"),
        ("mine", {}, "mine.type"),
        ("mine", {"type": "gauge"}, "mine.type"),
        ("mine", {"type": "sum"}, "mine.field"),
        ("mine", {"type": "sum", "field": "level"}, "mine.field"),
        ("mine", {"type": "count", "field": "f"}, "mine.field"),
        ("mine", {"type": "sum", "field": "f", "buckets": [1]}, "mine.buckets"),
        ("mine", {"type": "histogram", "field": "f", "buckets": [2, 1]}, "mine.buckets"),
        ("mine", {"type": "histogram", "field": "f", "buckets": [-1]}, "mine.buckets"),
        ("mine", {"type": "histogram", "field": "f", "scale": 0}, "mine.scale"),
        ("mine", COUNT | {"labels": {"path": "path"}}, "mine.labels.path"),
        ("mine", COUNT | {"labels": {"path": "trace_id"}, "bound": 9}, "mine.labels.path"),
        ("mine", COUNT | {"labels": {"__path": "path"}, "bound": 9}, "mine.labels.__path"),
        ("mine", {"type": "histogram", "field": "f", "labels": {"le": "level"}}, "mine.labels.le"),
        ("mine", COUNT | {"labels": {"a": {"values": [1, "1"]}}}, "mine.labels.a.values"),
        ("mine", COUNT | {"labels": {"a": {"values": [1], "bound": 2}}}, "mine.labels.a.bound"),
        ("mine", COUNT | {"labels": {"a": {"values": [1, 2, 3]}}, "bound": 2}, "mine.bound"),
        ("mine", COUNT | {"bound": 0}, "mine.bound"),
        ("mine", COUNT | {"level": "ERROR", "max_level": "INFO"}, "mine.max_level"),
        ("mine", COUNT | {"colour": "red"}, "mine.colour"),
    ],
)
def test_bad_metrics_are_refused(tmp_path: Path, name: str, metric: dict[str, Any], key: str) -> None:
    """The error names the key."""
    with pytest.raises(ConfigurationError) as caught:
        init_logging(log_dir=str(tmp_path), record_metrics={name: metric})
    assert f"record_metrics.{key}" in str(caught.value)


def test_two_names_of_one_metric_are_refused(tmp_path: Path) -> None:
    """A counter has its end anyway."""
    with pytest.raises(ConfigurationError, match=r"a name of its own"):
        init_logging(log_dir=str(tmp_path), record_metrics={"hits": COUNT, "hits_total": COUNT})


def test_the_line_of_a_file_is_named(tmp_path: Path) -> None:
    """Of a label from a field that may have any value."""
    file = tmp_path / "logging.yaml"
    file.write_text("log_dir: logs\nrecord_metrics:\n  hits:\n    type: count\n    labels:\n      path: path\n")
    with pytest.raises(ConfigurationError) as caught:
        init_logging_from_config(str(file))
    assert (caught.value.line, caught.value.key) == (6, "record_metrics.hits.labels.path")
    assert str(caught.value).startswith(f"{file}:6: ")


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ({"x": "histogram"}, {"x_count": "count"}, "x_count belongs to the metric x"),
        ({"x_sum_total": "sum"}, {"x": "histogram"}, "x_sum belongs to the metric x_sum"),
        ({"x": "count"}, {"x_total": "sum"}, "x_total is the same metric"),
        ({"x": "histogram"}, {"x": "histogram"}, None),
        ({"x": "histogram"}, {"y_count": "count"}, None),
    ],
)
def test_two_metrics_share_no_sample(one: dict[str, str], other: dict[str, str], said: str | None) -> None:
    """Readers of OpenMetrics refuse the whole scrape. Seen to fail: the scrape was refused."""
    metrics = {
        name: {"type": kind} | ({"field": "f"} if kind != "count" else {}) for name, kind in (one | other).items()
    }
    if said is None:
        resolve({"record_metrics": metrics}, environ={})
        return
    with pytest.raises(ConfigurationError) as caught:
        resolve({"record_metrics": metrics}, environ={})
    assert said in str(caught.value)
