"""Metrics that records make: how many there are, the sum of a field, or how often it is how large."""

from __future__ import annotations

import math
import re
from itertools import pairwise

from ... import _core, levels
from ...errors import MISSING, ConfigurationError
from ..kinds import MAPPING, TEXT, Kind, choice
from ..mappings import Switched, Worded
from ..options import Section, derived, option
from ..scalars import COMPARED, mapping_text
from .outputs import SELECTOR, selector_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..mappings import Layout
    from ..options import Given

_COUNT, _SUM, _HISTOGRAM = "count", "sum", "histogram"
_TOTAL = "_total"
# What begins so is counted by the library itself.
_OWN = "unified_logger_"
# Ends of names that the format itself gives.
_ENDS = ("_bucket", "_created", "_info", _TOTAL)
# Fields that each record has, and that labels may have though no field of a call is called so. The first has few values.
_LEVEL, _LOGGER = "level", "logger"
_IDS = ("trace_id", "span_id")
_NO_FIELDS = tuple(key for key in _core.reserved_keys() if key not in (_LEVEL, _LOGGER))
# What stands behind the name of a metric in the names of its samples, for each type. Readers refuse two metrics that share one.
_SAMPLES = {
    _COUNT: ("", _TOTAL, "_created"),
    _SUM: ("", _TOTAL, "_created"),
    _HISTOGRAM: ("", "_bucket", "_count", "_sum", "_created"),
}
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BOUND = 500
# As many as the engine tells apart, and as a histogram has room for.
_MOST, _MOST_BUCKETS, _MOST_LABELS = 64, 27, 10
# Bytes of all of them, as the black box keeps them.
_BYTES = 12 << 10


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _scale(value: Any) -> float:
    if not _is_number(value) or value <= 0:
        raise ValueError
    return float(value)


def _buckets(value: Any) -> tuple[float, ...]:
    if not isinstance(value, (list, tuple)) or not 0 < len(value) <= _MOST_BUCKETS:
        raise ValueError
    if not all(map(_is_number, value)) or value[0] < 0 or any(one >= other for one, other in pairwise(value)):
        raise ValueError
    return tuple(map(float, value))


def _values(value: Any) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)) or not value:
        raise ValueError
    values = tuple(map(COMPARED.parse, value))
    if len({_as_label(each) for each in values}) < len(values):
        raise ValueError
    return values


def _as_label(value: Any) -> str:
    """A value as the engine writes it into a label."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _bound(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 10_000:
        raise ValueError
    return value


def _label(value: Any) -> Any:
    return {"field": TEXT.parse(value)} if isinstance(value, str) else MAPPING.parse(value)


METRICS = Kind(
    "metrics",
    "a mapping of metrics' names to what they are made of (in the environment: as JSON)",
    MAPPING.parse,
    mapping_text,
    MAPPING.schema,
)
SCALE = Kind("number", "a number above 0", _scale, _scale, {"type": "number", "exclusiveMinimum": 0})
BUCKETS = Kind(
    "bounds",
    f"a list of 1 to {_MOST_BUCKETS} numbers from 0, each greater than the one before",
    _buckets,
    _buckets,
    {"type": "array", "items": {"type": "number", "minimum": 0}, "minItems": 1, "maxItems": _MOST_BUCKETS},
)
VALUES = Kind(
    "values",
    "a list of values, each once: texts, numbers, true, false or null",
    _values,
    _values,
    {"type": "array", "items": COMPARED.schema, "minItems": 1},
    below=COMPARED,
)
BOUND = Kind(
    "count", "a whole number from 1 to 10000", _bound, _bound, {"type": "integer", "minimum": 1, "maximum": 10_000}
)
LABEL = Kind(
    "label",
    "the name of a field, or a mapping with `field`, and `values` or `bound`",
    _label,
    _label,
    {"type": ["string", "object"], "minLength": 1},
)


def _layout() -> Layout:
    return {
        "*": Switched(
            {
                "type": choice(_COUNT, _SUM, _HISTOGRAM),
                "help": TEXT,
                "field": TEXT,
                "scale": SCALE,
                "labels": {"*": Worded(LABEL, {"field": TEXT, "values": VALUES, "bound": BOUND})},
                "buckets": BUCKETS,
                "bound": BOUND,
                **SELECTOR,
            }
        )
    }


class RecordMetrics(Section):
    """Metrics that the writer makes of records."""

    record_metrics: Mapping[str, Any] = option(
        METRICS,
        {},
        "Metrics that records make, by name: a count, a sum or a histogram, by labels; see docs/metrics.md.",
        layout=_layout,
    )
    # What the engine is told of each.
    metrics_for_engine: tuple[Mapping[str, Any], ...] = derived()

    @classmethod
    def settle(cls, given: Given) -> Mapping[str, Any]:
        """Checks each, and works out what the engine is told."""
        all_given: dict[str, Any] = {}
        for _, metrics in given.each("record_metrics"):
            # A source that outranks another replaces whole metrics.
            all_given |= metrics
        if all_given and not given.values["use_unified_logging"]:
            given.add_notice("record_metrics has no effect where use_unified_logging is false")
        for_engine: dict[str, dict[str, Any]] = {}
        for name, metric in all_given.items():
            if metric is False:
                continue
            told = _for_engine(name, metric if isinstance(metric, dict) else {}, given)
            if told["name"] in for_engine:
                raise _wrong(given, name, name, f"a name of its own: {told['name']}{_TOTAL} is the same metric")
            shared = next((other for other in for_engine.values() if _samples(told) & _samples(other)), None)
            if shared is not None:
                sample = min(_samples(told) & _samples(shared))
                raise _wrong(
                    given, name, name, f"another name: {sample} belongs to the metric {shared['name']} already"
                )
            for_engine[told["name"]] = told
        if len(for_engine) > _MOST:
            raise _wrong(given, "", len(for_engine), f"{_MOST} metrics at most")
        size = _size(for_engine)
        if size > _BYTES:
            raise _wrong(given, "", f"{size} bytes", f"at most {_BYTES} bytes of names, texts and values in all")
        return {"record_metrics": all_given, "metrics_for_engine": tuple(for_engine.values())}

    def to_engine(self) -> dict[str, dict[str, Any]]:
        """All of them."""
        return {"output": {"to": {"metrics": [*self.metrics_for_engine]}}} if self.metrics_for_engine else {}


def _samples(metric: Mapping[str, Any]) -> set[str]:
    return {metric["name"] + end for end in _SAMPLES[metric["kind"]]}


def _size(for_engine: Mapping[str, Any]) -> int:
    """About as many bytes as the black box keeps."""
    if not for_engine:
        return 0
    import json

    return len(json.dumps([*for_engine.values()]))


def _wrong(given: Given, key: str, value: object, allowed: str) -> ConfigurationError:
    """An error that names the last source that speaks of the metric."""
    source = given.source_of("record_metrics")
    for each, metrics in given.each("record_metrics"):
        if any(f"{key}.".startswith(f"{name}.") for name in metrics):
            source = each
    key = f"record_metrics.{key}" if key else "record_metrics"
    return ConfigurationError(source=source, key=key, value=value, allowed=allowed)


def _for_engine(name: str, metric: Mapping[str, Any], given: Given) -> dict[str, Any]:
    kind = metric.get("type")
    if kind is None:
        raise _wrong(given, f"{name}.type", MISSING, f"one of {_COUNT}, {_SUM}, {_HISTOGRAM}")
    base = name if kind == _HISTOGRAM else name.removesuffix(_TOTAL)
    if not re.fullmatch(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,199}", base) or name.startswith(_OWN) or base.endswith(_ENDS):
        allowed = (
            f"a name of letters, digits, '_' and ':' that begins with no digit and not with {_OWN}, "
            f"and ends with none of {', '.join(_ENDS)} (but {_TOTAL} for a {_COUNT} or {_SUM})"
        )
        raise _wrong(given, name, name, allowed)
    for key, kinds in (("field", (_SUM, _HISTOGRAM)), ("scale", (_SUM, _HISTOGRAM)), ("buckets", (_HISTOGRAM,))):
        if key in metric and kind not in kinds:
            raise _wrong(given, f"{name}.{key}", metric[key], f"given for {' and '.join(kinds)} only")
    field = metric.get("field")
    if kind != _COUNT and (field is None or field in (*_NO_FIELDS, _LEVEL, _LOGGER, *_IDS)):
        raise _wrong(
            given,
            f"{name}.field",
            MISSING if field is None else field,
            f"the name of a field with numbers, for a {kind}",
        )
    select = {"level": 0} | selector_of(metric)
    if "max_level" in select and select["max_level"] < select["level"]:
        allowed = f"{levels.name_of(select['level'])}, the least level of {name}, or more: no record would be counted"
        raise _wrong(given, f"{name}.max_level", levels.name_of(select["max_level"]), allowed)
    for key, value in select.get("fields_equal", ()):
        if key in (*_NO_FIELDS, _LEVEL, _LOGGER):
            allowed = "the value of a field: `level`, `max_level` and `loggers` select by those"
            raise _wrong(given, f"{name}.fields_equal.{key}", value, allowed)
    labels = [
        _label_for_engine(f"{name}.labels.{label}", label, said or {}, metric, given)
        for label, said in (metric.get("labels") or {}).items()
    ]
    if len(labels) > _MOST_LABELS:
        raise _wrong(given, f"{name}.labels", len(labels), f"{_MOST_LABELS} labels at most")
    bound = metric.get("bound", _BOUND)
    known = math.prod(_known(label) for label in labels)
    if known > bound:
        allowed = f"{known} or more: so many series have the values of its labels"
        raise _wrong(given, f"{name}.bound", bound, allowed)
    return {
        "name": base,
        "kind": kind,
        "help": metric.get("help", f"Records, as record_metrics.{name} selects them."),
        "select": select,
        "field": field,
        "scale": metric.get("scale", 1.0),
        "labels": labels,
        "buckets": [*metric.get("buckets", _BUCKETS)] if kind == _HISTOGRAM else [],
        "bound": bound,
    }


def _known(label: Mapping[str, Any]) -> int:
    """How many values of a label are known."""
    return len(label["values"]) if label["values"] is not None else 1


def _label_for_engine(
    key: str, label: str, said: Mapping[str, Any], metric: Mapping[str, Any], given: Given
) -> dict[str, Any]:
    is_reserved = label.startswith("__") or (label == "le" and metric["type"] == _HISTOGRAM)
    if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]{0,99}", label) or is_reserved:
        allowed = "a name of letters, digits and '_' that begins neither with a digit nor with '__', and is not le for a histogram"
        raise _wrong(given, key, label, allowed)
    field = said.get("field", label)
    if field in _NO_FIELDS or field in _IDS:
        raise _wrong(
            given, key, field, "the name of a field that is no id and no part of each record but level and logger"
        )
    values, bound = said.get("values"), said.get("bound")
    if values is None and bound is None and "bound" not in metric and field != _LEVEL:
        allowed = "with `values` or a `bound`, or in a metric with a `bound`: each value of the field would be a series"
        raise _wrong(given, key, field, allowed)
    if values is not None and bound is not None:
        raise _wrong(given, f"{key}.bound", bound, "left out beside `values`")
    values = None if values is None else [_as_label(value) for value in values]
    return {"name": label, "field": field, "values": values, "bound": bound}
