"""Lines of a preset are what its store expects: compared with what its own libraries make, and with what it publishes."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import ecs_logging
import pytest
from kinds import Start

from unified_logger import LoggingContext, _core, flush_logging, get_logger

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
FIELDS = {"service": "orders", "version": "1.2", "env": "prod", "pod": "orders-7", "team": "core"}
PRESETS = _core.presets()


def lines(start: Start, log_dir: Path, preset: str, **options: Any) -> list[str]:
    """The lines of a record without an exception, of one with, of one of `logging`, and of one of a level of one's own."""
    start(console_format="off", log_level="DEBUG", preset=preset, fields=FIELDS, fields_from="none", **options)
    logger = get_logger("shop.orders")
    with LoggingContext(trace_id=TRACE, tenant="acme"):
        logger.info("order %s paid", "A-7", order_id=7)
        try:
            raise KeyError("price")
        except KeyError:
            logger.exception("order refused", order_id=8)
        logging.getLogger("std").warning("from logging", extra={"n": 1})
    logger.log(27, "of its own")  # billiard names level 25
    assert flush_logging(30.0)
    return (log_dir / "app.log").read_text("utf-8").splitlines()


def read(start: Start, log_dir: Path, preset: str, **options: Any) -> list[dict[str, Any]]:
    """The same as mappings."""
    return [json.loads(line) for line in lines(start, log_dir, preset, **options)]


def nested(line: dict[str, Any]) -> dict[str, Any]:
    """A line as Elasticsearch stores it: dots make objects. Fails where a value is to be an object too."""
    stored: dict[str, Any] = {}
    for key, value in flat(line):
        *objects, last = key.split(".")
        inner = stored
        for name in objects:
            inner = inner.setdefault(name, {})
            assert isinstance(inner, dict), f"{key} is an object and a value"
        assert last not in inner, f"{key} is an object and a value"
        inner[last] = value
    return stored


def test_ecs_has_what_its_specification_requires(start: Start, log_dir: Path) -> None:
    """The keys with an index stand first, in this order; the level is not nested; the types are those of the schema."""
    for line in read(start, log_dir, "ecs"):
        assert [*line][:3] == ["@timestamp", "log.level", "message"]
        assert datetime.fromisoformat(line["@timestamp"]).utcoffset() is not None
        assert all(type(line[key]) is str for key in ("log.level", "message", "ecs.version", "service.name"))
        assert line["event.dataset"] == "orders.log"
        nested(line)


def test_ecs_has_the_keys_of_its_own_formatter(start: Start, log_dir: Path) -> None:
    """With the values that it gives a record of `logging`."""
    [_, ours, warned, _] = read(start, log_dir, "ecs")
    try:
        raise KeyError("price")
    except KeyError as error:
        record = logging.LogRecord(
            "shop.orders", 40, "test_presets.py", 1, "order refused", (), (KeyError, error, None), "lines"
        )
    record.order_id = 8
    theirs = json.loads(ecs_logging.StdlibFormatter().format(record))
    stored = nested(ours)
    for path in (
        "message",
        "log.level",
        "log.logger",
        "error.type",
        "error.message",
        "order_id",
        "process.thread.name",
    ):
        assert value_at(stored, path) == value_at(nested(theirs), path), path
    for path in ("log.origin.file.line", "log.origin.function", "process.pid"):
        assert type(value_at(stored, path)) is type(value_at(nested(theirs), path)), path
    assert stored["log"]["origin"]["file"]["name"] == Path(__file__).name
    assert stored["ecs"] == nested(theirs)["ecs"]
    assert "KeyError: 'price'" in stored["error"]["stack_trace"]
    assert stored["trace"]["id"] == TRACE
    assert warned["log.level"] == "warning"


def test_ecs_has_objects_where_the_schema_has_them(start: Start, log_dir: Path) -> None:
    """What access records and outgoing calls name like an object of the schema would be refused by an index. Keys of one's own go first."""
    fields = {"client": "127.0.0.1", "user_agent": "curl/8", "host": "api:80", "order": 7}
    start(preset="ecs", keys={"rename": {"host": "url.domain"}})
    get_logger("shop").info("request", **fields)
    assert flush_logging(10)
    (line,) = (json.loads(line) for line in (log_dir / "app.log").read_text("utf-8").splitlines())
    got = {name: line[name] for name in ("client.address", "user_agent.original", "url.domain", "order")}
    assert list(got.values()) == list(fields.values())
    assert not {"client", "user_agent", "host"} & line.keys()


def value_at(stored: dict[str, Any], path: str) -> Any:
    """The value at a path with dots."""
    value: Any = stored
    for name in path.split("."):
        value = value[name]
    return value


# As Cloud Logging publishes them, and as its own `StructuredLogHandler` knows them.
GCP_SPECIAL = {
    "severity",
    "message",
    "time",
    "httpRequest",
    "logging.googleapis.com/insertId",
    "logging.googleapis.com/labels",
    "logging.googleapis.com/operation",
    "logging.googleapis.com/sourceLocation",
    "logging.googleapis.com/spanId",
    "logging.googleapis.com/trace",
    "logging.googleapis.com/trace_sampled",
}
GCP_SEVERITIES = {"DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY"}


def test_gcp_has_the_special_keys_of_its_agent(start: Start, log_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the form that the agent takes out of the line; other keys are the payload's."""
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "shop-1")
    found = read(start, log_dir, "gcp")
    for line in found:
        special = {key for key in line if key.startswith("logging.googleapis.com/")}
        assert special <= GCP_SPECIAL
        assert line["severity"] in GCP_SEVERITIES
        assert datetime.fromisoformat(line["time"]).utcoffset() is not None
        place = line["logging.googleapis.com/sourceLocation"]
        assert {key: type(value) for key, value in place.items()} == {"file": str, "line": int, "function": str}
        labels = line["logging.googleapis.com/labels"]
        assert all(type(value) is str for value in labels.values())
        assert labels.items() >= {"env": "prod", "pod": "orders-7", "team": "core"}.items()
    [info, error, warned, own] = found
    assert [line["severity"] for line in found] == ["INFO", "ERROR", "WARNING", "NOTICE"]
    assert info["logging.googleapis.com/trace"] == f"projects/shop-1/traces/{TRACE}"
    assert re.fullmatch("[0-9a-f]{16}", info["logging.googleapis.com/spanId"])
    assert own["level"] == "Level 27"
    assert warned["logging.googleapis.com/labels"]["python_logger"] == "std"
    assert error["@type"] == "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"
    assert error["serviceContext"] == {"service": "orders", "version": "1.2"}
    assert error["stack_trace"].startswith("Traceback (most recent call last):")
    assert (error["order_id"], error["tenant"]) == (8, "acme")


def test_datadog_has_its_reserved_and_standard_attributes(start: Start, log_dir: Path) -> None:
    """Ids as decimal numbers of 64 bits, which is how its traces have them."""
    [info, error, warned, own] = read(start, log_dir, "datadog")
    assert [line["status"] for line in (info, error, warned, own)] == ["info", "error", "warning", "notice"]
    assert info["message"] == "order A-7 paid"
    assert (info["service"], info["dd.env"], info["dd.version"], info["ddsource"]) == (
        "orders",
        "prod",
        "1.2",
        "python",
    )
    assert info["dd.trace_id"] == str(int(TRACE, 16) & (2**64 - 1))
    assert int(info["dd.span_id"]) < 2**64
    assert info["logger"]["name"] == "shop.orders"
    assert info["logger"]["thread_name"] == "MainThread"
    assert error["error"]["kind"] == "KeyError"
    assert error["error"]["message"] == "'price'"
    assert error["error"]["stack"].endswith("KeyError: 'price'")
    assert "error" not in info
    assert datetime.fromisoformat(info["timestamp"]).utcoffset() is not None


def test_otel_has_the_fields_of_its_data_model(start: Start, log_dir: Path) -> None:
    """And no others at the top. The number of a severity is the one that its own handler gives the level."""
    logs = pytest.importorskip("opentelemetry.sdk._logs._internal")
    known = {
        *("Timestamp", "ObservedTimestamp", "TraceId", "SpanId", "TraceFlags", "SeverityText", "SeverityNumber"),
        *("Body", "Resource", "InstrumentationScope", "Attributes", "EventName"),
    }
    found = read(start, log_dir, "otel")
    for line in found:
        assert line.keys() <= known
        assert re.fullmatch(r"\d{19}", line["Timestamp"])
    [info, error, warned, own] = found
    expected = [logs.std_to_otel(level).value for level in (20, 40, 30, 27)]
    assert [line["SeverityNumber"] for line in found] == expected
    assert [line["SeverityText"] for line in found] == ["INFO", "ERROR", "WARNING", "Level 27"]
    assert (info["TraceId"], info["Body"]) == (TRACE, "order A-7 paid")
    assert info["InstrumentationScope"] == {"Name": "shop.orders"}
    resource = {
        "service.name": "orders",
        "service.version": "1.2",
        "deployment.environment.name": "prod",
        "k8s.pod.name": "orders-7",
        "team": "core",
    }
    assert info["Resource"].items() >= resource.items()
    assert info["Attributes"].items() >= {"order_id": 7, "tenant": "acme"}.items()
    attributes = error["Attributes"]
    assert (attributes["exception.type"], attributes["exception.message"]) == ("KeyError", "'price'")
    assert "KeyError: 'price'" in attributes["exception.stacktrace"]
    assert warned["Attributes"]["n"] == 1
    assert "TraceId" not in own


@pytest.mark.parametrize("level", [1, 5, 10, 11, 19, 20, 25, 30, 39, 40, 50, 53, 60, 100])
def test_otel_numbers_each_level_as_its_own_handler(start: Start, log_dir: Path, level: int) -> None:
    """Levels of one's own among them."""
    logs = pytest.importorskip("opentelemetry.sdk._logs._internal")
    start(console_format="off", log_level=1, preset="otel", file_level=1)
    get_logger("app").log(level, "m")
    assert flush_logging(30.0)
    [line] = [json.loads(line) for line in (log_dir / "app.log").read_text("utf-8").splitlines()]
    assert line["SeverityNumber"] == logs.std_to_otel(level).value


@pytest.mark.parametrize("preset", PRESETS)
def test_no_field_is_lost_and_no_key_is_there_twice(start: Start, log_dir: Path, preset: str) -> None:
    """Whatever fields are called. Those with the name of a key move aside."""
    start(console_format="off", preset=preset, fields=FIELDS, fields_from="none")
    names = [
        "message",
        "level",
        "service",
        "@timestamp",
        "severity",
        "status",
        "Body",
        "log.level",
        "logger",
        "error",
        "n",
    ]
    get_logger("app").info("m", **{name: f"<{name}>" for name in names})
    assert flush_logging(30.0)
    [line] = (log_dir / "app.log").read_text("utf-8").splitlines()
    pairs: list[tuple[str, Any]] = []
    json.loads(line, object_pairs_hook=lambda given: pairs.append(("", [key for key, _ in given])) or dict(given))
    assert all(len(keys) == len({*keys}) for _, keys in pairs)
    assert all(f'"<{name}>"' in line for name in names)


@pytest.mark.parametrize("preset", PRESETS)
def test_logfmt_has_the_pairs_of_the_preset(start: Start, log_dir: Path, preset: str) -> None:
    """Objects are joined by dots."""
    outputs = {"l": {"file": "l.log", "format": "logfmt"}}
    given = lines(start, log_dir, preset, outputs=outputs)
    written = (log_dir / "l.log").read_text("utf-8").splitlines()
    for line, pairs in zip(given, written, strict=True):
        found = re.findall(r'(\S+?)=(?:"(?:[^"\\]|\\.)*"|\S*)', pairs)
        assert found == [key for key, _ in flat(json.loads(line))]


def flat(line: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The keys and values of a line, with the keys of objects joined by dots."""
    for key, value in line.items():
        if isinstance(value, dict) and value:
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
