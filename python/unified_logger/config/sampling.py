"""Rules of sampling: their layout, and what the engine gets of them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from .. import levels
from ..errors import PartError
from . import mappings
from .kinds import BOOLEAN, LEVEL, TEXT, Kind, NotAllowedError, choice
from .scalars import COMPARED, mapping_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from .mappings import Layout

WARNING, ERROR = 30, 40
# The ways of a rule, of which it has one.
WAYS = ("rate", "first", "per_second", "target_per_second", "fold", "keep")
# Further keys of a way.
_OF_WAYS = {"then_every": "first", "interval": "first", "burst": "per_second"}
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_LONGEST = 4_000_000  # seconds: milliseconds fit into 32 bits
_MOST_RULES = 100


def _number(value: Any, least: float, most: float, above: bool = False) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError
    if not least <= value <= most or (above and value == least):
        raise ValueError
    return float(value)


def _numbers(allowed: str, least: float, most: float, above: bool = False) -> Kind:
    def parse(value: Any) -> float:
        return _number(value, least, most, above)

    bound = "exclusiveMinimum" if above else "minimum"
    return Kind(
        "number", allowed, parse, lambda text: parse(float(text)), {"type": "number", bound: least, "maximum": most}
    )


def _count(value: Any) -> int:
    number = _number(value, 1, 2**31)
    if number != int(number):
        raise ValueError
    return int(number)


def _interval(value: Any) -> float:
    if isinstance(value, str):
        found = re.fullmatch(r"\s*(\d{1,9}(?:\.\d{1,6})?)\s*(ms|s|m|min|h|d)\s*", value.lower())
        if found is None:
            raise ValueError
        units = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
        value = float(found[1]) * units[found[2]]
    return _number(value, 0.01, _LONGEST)


def _rule_name(value: Any) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError
    return value


def _logger(value: Any) -> str:
    name = str(TEXT.parse(value))
    # `shop.*` is what others write for the loggers below `shop`.
    name = name[:-2] if name.endswith(".*") else name
    if "*" in name or "?" in name:
        raise ValueError
    return name


def _paths(value: Any) -> tuple[str, ...]:
    paths = (value,) if isinstance(value, str) else value
    if not isinstance(paths, (list, tuple)) or not paths:
        raise ValueError
    if not all(isinstance(path, str) and path.startswith("/") and "*" not in path[:-1] for path in paths):
        raise ValueError
    return tuple(paths)


def _values(value: Any) -> tuple[Any, ...]:
    values = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    if not values or not all(one is None or isinstance(one, (str, int, float)) for one in values):
        raise ValueError
    return values


def _conditions(value: Any) -> dict[str, tuple[Any, ...]]:
    if not isinstance(value, Mapping) or not value:
        raise ValueError
    conditions = {}
    for name, values in value.items():
        if not isinstance(name, str) or not name:
            raise ValueError
        try:
            conditions[name] = _values(values)
        except ValueError:
            raise PartError(name, values, "a text, a number, true, false or null, or a list of them") from None
    return conditions


def _key(value: Any) -> tuple[str, ...] | str:
    if value in ("site", "call", "rule"):
        return str(value)
    fields = (value,) if isinstance(value, str) else value
    if not isinstance(fields, (list, tuple)) or not fields or len(fields) > 8:
        raise ValueError
    if not all(isinstance(field, str) and field for field in fields):
        raise ValueError
    return tuple(fields)


def _kind(name: str, allowed: str, parse: Any, schema: dict[str, Any], below: Any = None) -> Kind:
    return Kind(name, allowed, parse, parse, schema, below=below)


_COUNT = _kind("count", "a whole number from 1", _count, {"type": "integer", "minimum": 1})
_INTERVAL = _kind(
    "time", "a time from 10 ms, in seconds or with a unit (500ms, 10s, 1m)", _interval, {"type": ["number", "string"]}
)
_RATE = _numbers("a number above 0 and below 1, such as 0.1", 0.000_001, 0.999_999)
_PER_SECOND = _numbers("a number above 0", 0, 1_000_000, above=True)
RULE: Layout = {
    "name": _kind("name", "a name of letters, digits, '_', '-' and '.'", _rule_name, {"type": "string"}),
    "level": LEVEL,
    "logger": _kind(
        "logger",
        "the name of a logger, which stands for those below it too, without * and ?",
        _logger,
        {"type": "string", "minLength": 1},
    ),
    "path": _kind(
        "paths",
        "the path of requests, which begins with / and may end with *, or a list of them",
        _paths,
        {"type": ["string", "array"], "items": {"type": "string"}},
    ),
    "where": _kind("conditions", "a mapping of fields to their values", _conditions, {"type": "object"}, COMPARED),
    "key": _kind(
        "key",
        "site, call, rule, the name of a field, or a list of at most 8 fields",
        _key,
        {"type": ["string", "array"], "items": {"type": "string"}},
    ),
    "rate": _RATE,
    "first": _COUNT,
    "then_every": _COUNT,
    "interval": _INTERVAL,
    "per_second": _PER_SECOND,
    "burst": _numbers("a number from 1", 1, 1_000_000),
    "target_per_second": _PER_SECOND,
    "fold": _INTERVAL,
    "keep": choice("all", "none"),
}


def _rules(value: Any) -> tuple[dict[str, Any], ...]:
    """Checks each rule by itself, then beside the others."""
    if not isinstance(value, (list, tuple)):
        raise ValueError
    if len(value) > _MOST_RULES:
        raise NotAllowedError(f"at most {_MOST_RULES} rules")
    rules: list[dict[str, Any]] = []
    for index, given in enumerate(value):
        try:
            rule = mappings.parse(given, RULE)
            _check(rule, given)
        except PartError as wrong:
            path = (str(index), *wrong.path)
            shown = mappings.shown(path)
            raise PartError(shown, wrong.value, wrong.allowed, path, wrong.known, wrong.suggestion) from None
        rule = {key: one for key, one in rule.items() if one is not None}
        rule.setdefault("name", f"rule-{index + 1}")
        _check_beside(rule, rules, index)
        rules.append(rule)
    return tuple(rules)


def _check(rule: Mapping[str, Any], given: object) -> None:
    """A rule has one way, keys that belong to it, and a level that can be left out."""
    ways = [way for way in WAYS if rule.get(way) is not None]
    if not ways:
        raise PartError("", given, f"a rule with one of {', '.join(WAYS)}", ())
    if len(ways) > 1:
        raise PartError(ways[1], rule[ways[1]], f"given without {ways[0]}: a rule has one way of choosing")
    for key, way in _OF_WAYS.items():
        if rule.get(key) is not None and way != ways[0]:
            raise PartError(key, rule[key], f"given with {way} only")
    level = rule.get("level")
    if level is not None and level >= ERROR:
        raise PartError("level", levels.name_of(level), "a level below ERROR: records from ERROR on are never left out")


def _check_beside(rule: Mapping[str, Any], others: Sequence[Mapping[str, Any]], index: int) -> None:
    """Two rules have two names, and no rule comes after one that takes all of its calls."""
    for number, other in enumerate(others):
        if other["name"] == rule["name"]:
            raise PartError(f"{index}.name", rule["name"], "given once only", (str(index), "name"))
        if _covers(other, rule):
            allowed = f"a rule for other calls than {other['name']!r}, rule {number + 1}: that one is asked first, and decides on all of these"
            raise PartError(str(index), rule["name"], allowed)


def _covers(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether each call of the other rule is one of this rule, too."""
    logger, below = one.get("logger"), other.get("logger")
    if one.get("level", WARNING + 9) < other.get("level", WARNING + 9):
        return False
    if logger is not None and (below is None or not f"{below}.".startswith(f"{logger}.")):
        return False
    paths = one.get("path")
    if paths is not None and not set(paths).issuperset(other.get("path") or ("",)):
        return False
    theirs = other.get("where") or {}
    return all(
        set(values).issuperset(theirs.get(name) or (_NOTHING,)) for name, values in (one.get("where") or {}).items()
    )


_NOTHING = object()

RULES = Kind(
    "rules",
    "a list of rules",
    _rules,
    mapping_text,
    {"type": "array", "items": {"type": "object"}, "maxItems": _MOST_RULES},
    below=RULE,
)
MAX_KEYS = _kind(
    "count",
    "a whole number from 16 to 1000000",
    lambda value: int(_number(value, 16, 1_000_000)),
    {"type": "integer", "minimum": 16, "maximum": 1_000_000},
)
LAYOUT: Layout = {"rules": RULES, "dry_run": BOOLEAN, "max_keys": MAX_KEYS}


def older(block: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The rules that a block of the older layout stands for.

    Args:
        block: `enabled`, `sample_rate`, `level_threshold`, `always_sample_paths` and `never_sample_paths`, each checked.
    """
    if block.get("enabled") is not True:
        return
    threshold = block.get("level_threshold")
    most = (WARNING if threshold is None else threshold) - 1
    for name, keep in (("never_sample_paths", "none"), ("always_sample_paths", "all")):
        paths = block.get(name)
        if paths:
            starts = tuple(path if path.endswith("*") else f"{path}*" for path in paths)
            yield {"name": name, "level": min(most, ERROR - 1), "path": starts, "keep": keep}
    rate = block.get("sample_rate")
    rate = 1.0 if rate is None else float(rate)
    if rate < 1:
        way: dict[str, Any] = {"rate": rate} if rate > 0 else {"keep": "none"}
        yield {"name": "sample_rate", "level": min(most, ERROR - 1), **way}


def to_engine(rules: Sequence[Mapping[str, Any]], dry_run: bool, max_keys: int) -> dict[str, Any]:
    """The rules as the engine reads them."""
    return {"rules": [_rule(rule) for rule in rules], "dry_run": dry_run, "max_keys": max_keys}


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    conditions = dict(rule.get("where") or {})
    if rule.get("path"):
        conditions["path"] = rule["path"]
    key = rule.get("key")
    if key is None:
        key = "call" if rule.get("fold") is not None else "site"
    return {
        "name": rule["name"],
        "level": rule.get("level", ERROR - 1),
        "logger": rule.get("logger", ""),
        "conditions": [{"field": name, "values": list(values)} for name, values in conditions.items()],
        "key": {"fields": list(key)} if isinstance(key, tuple) else {"rule": "one"}.get(key, key),
        "way": _way(rule),
    }


def _way(rule: Mapping[str, Any]) -> dict[str, Any]:
    if rule.get("rate") is not None:
        return {"rate": {"rate": rule["rate"]}}
    if rule.get("first") is not None:
        interval = rule.get("interval", 1.0)
        return {
            "first": {
                "first": rule["first"],
                "then_every": rule.get("then_every", 0),
                "interval_ms": round(interval * 1_000),
            }
        }
    if rule.get("per_second") is not None:
        per_second = rule["per_second"]
        return {"per_second": {"per_second": per_second, "burst": rule.get("burst", max(1.0, per_second))}}
    if rule.get("target_per_second") is not None:
        return {"target": {"target_per_second": rule["target_per_second"]}}
    if rule.get("fold") is not None:
        return {"first": {"first": 1, "then_every": 0, "interval_ms": round(rule["fold"] * 1_000)}}
    return {"nothing": {}} if rule["keep"] == "none" else {"all": {}}
