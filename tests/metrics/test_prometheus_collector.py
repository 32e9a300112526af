"""A registry of `prometheus_client` tells what the scrape tells, in every process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kinds import Run

pytest.importorskip("prometheus_client")

from prometheus_client import CollectorRegistry, Counter, Metric, generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_open_metrics
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open_metrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from unified_logger import flush_logging, get_logger
from unified_logger.integrations._families import families
from unified_logger.integrations.prometheus import Collector
from unified_logger.process import exposition

# What differs from one scrape to the next.
# What differs between two scrapes: the device has other users.
VOLATILE = ("unified_logger_writer_lag", "unified_logger_disk_free", "unified_logger_queue_records")
# Every kind, and every character that is written in a form of its own.
ALL_KINDS = r"""# HELP odd_words says "so" \\ and\nso
# TYPE odd_words counter
odd_words_total{file="a\"b\\c\nd",level="INFO, x=y"} 3 # {trace_id="4bf92f3577b34da6",span_id="7"} 1 1796049793.5
odd_words_created{file="a\"b\\c\nd",level="INFO, x=y"} 1796049793.606079
# HELP latency_seconds how long
# TYPE latency_seconds histogram
latency_seconds_bucket{le="0.1"} 1 # {trace_id="a"} 0.05
latency_seconds_bucket{le="+Inf"} 2
latency_seconds_count 2
latency_seconds_sum 1.25e+03
latency_seconds_created 1
# HELP later is of no kind
# TYPE later unknown
later{a="",b="{} # 1"} -5
# TYPE mute gauge
mute 1
# EOF
"""


def exemplar_of(sample: Any) -> Any:
    """An exemplar as plain values: its parser has a class of its own for times."""
    if sample.exemplar is None:
        return None
    labels, value, time = sample.exemplar
    return labels, value, time and float(time)


def plain(metrics: Any) -> dict[str, Any]:
    """Everything that families say, for a comparison."""
    return {
        metric.name: (
            metric.type,
            metric.documentation,
            [(each.name, each.labels, each.value, exemplar_of(each)) for each in metric.samples],
        )
        for metric in metrics
        if not metric.name.startswith(VOLATILE)
    }


@pytest.fixture
def _counted(start: Callable[..., Any]) -> None:
    start(console_format="off", outputs={"audit": {"file": "audit.log", "level": "ERROR"}})
    for level in ("info", "info", "error"):
        getattr(get_logger("app"), level)("m")
    assert flush_logging(10)


@pytest.mark.usefixtures("_counted")
def test_its_parser_reads_the_text_back_equal() -> None:
    """Both texts, and what a registry makes of the collector."""
    text = exposition.text(open_metrics=True)
    registry = CollectorRegistry()
    registry.register(Collector())
    read = plain(parse_open_metrics(text))
    assert plain(registry.collect()) == read
    assert plain(parse_open_metrics(generate_open_metrics(registry).decode())) == read
    kind, help_text, samples = read["unified_logger_records_written"]
    assert (kind, help_text) == ("counter", "lines written")
    assert ("unified_logger_records_written_total", {"file": "audit"}, 1.0, None) in samples
    assert "unified_logger_records_written_created" in {name for name, *_ in samples}


@pytest.mark.usefixtures("_counted")
def test_the_older_text_of_a_registry_is_that_of_the_scrape() -> None:
    """But for `_created`, which a registry tells there as metrics of their own."""
    registry = CollectorRegistry()
    registry.register(Collector())
    of_registry = {
        name: told
        for name, told in plain(parse_text(generate_latest(registry).decode())).items()
        if not name.endswith("_created")
    }
    assert of_registry == plain(parse_text(exposition.text()))


def test_each_kind_of_family_is_read_as_it_is_written() -> None:
    """With exemplars, escapes and all. Fails without any of the expressions' parts."""
    found = []
    for family in families(ALL_KINDS.splitlines()):
        metric = Metric(family.name, family.help, family.kind)
        for sample in family.samples:
            metric.add_sample(sample.name, sample.labels, sample.value, exemplar=sample.exemplar)  # type: ignore[arg-type]
        found.append(metric)
    expected = plain(parse_open_metrics(ALL_KINDS))
    assert plain(found) == expected
    assert expected["odd_words"][2][0][1] == {"file": 'a"b\\c\nd', "level": "INFO, x=y"}


def test_it_stands_beside_other_metrics_and_can_be_taken_back() -> None:
    """And a second one in the same registry is refused by that, as any doubled metric."""
    registry = CollectorRegistry(auto_describe=True)
    collector = Collector()
    Counter("orders", "Orders.", registry=registry).inc(3)
    registry.register(collector)
    with pytest.raises(ValueError, match="Duplicated"):
        registry.register(Collector())
    assert {"orders", "unified_logger_processes"} <= {metric.name for metric in registry.collect()}
    registry.unregister(collector)
    assert [metric.name for metric in registry.collect()] == ["orders"]


def test_every_process_tells_all_of_them(run_python: Run) -> None:
    """Registered before logging starts, without the variable for several processes, and of forked children as of others."""
    run_python("""
import os
from prometheus_client import REGISTRY
from unified_logger import flush_logging, get_logger, init_logging, shutdown_logging
from unified_logger.integrations.prometheus import Collector

def accepted():
    return REGISTRY.get_sample_value("unified_logger_records_accepted_total", {"level": "INFO"})

REGISTRY.register(Collector())
assert accepted() == 0
init_logging(log_dir="logs", console_format="off")
get_logger("app").info("m")
assert flush_logging(10)
if hasattr(os, "fork"):
    if (pid := os.fork()) == 0:
        get_logger("app").info("m")
        shutdown_logging(10)
        os._exit(accepted() != 2)
    assert os.waitpid(pid, 0)[1] == 0
    assert accepted() == 2
    if (pid := os.fork()) == 0:
        get_logger("app").info("m")
        assert flush_logging(10)
        os.kill(os.getpid(), 9)
    os.waitpid(pid, 0)
    assert accepted() == 3
""")


def test_a_directory_can_be_given(run_python: Run, tmp_path: Path) -> None:
    """One in which this process does not log."""
    run_python(
        "from unified_logger import get_logger, init_logging\n"
        "init_logging(log_dir='logs', console_format='off')\nget_logger('app').info('m')\n"
    )
    registry = CollectorRegistry()
    registry.register(Collector(tmp_path / "logs"))
    assert registry.get_sample_value("unified_logger_records_written_total", {"file": "app"}) == 1
