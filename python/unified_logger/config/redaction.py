"""Redaction: the layout of its rules, and how they are compiled."""

from __future__ import annotations

from .. import _core
from ..errors import ConfigurationError, NotAllowedError, nearest
from .kinds import BOOLEAN, NAMES, TEXT, Kind, choice
from .mappings import Stated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from .mappings import Layout


def layout() -> Layout:
    """The rules as a mapping; true and false only switch them."""
    action = choice("replace", "hash", "mask")
    expression = Kind(
        "expression", "a regular expression", _expression, _expression, {"type": "string", "minLength": 1}
    )
    patterns = Kind(
        "patterns",
        "a list of names of patterns",
        _patterns,
        _patterns,
        {"type": "array", "items": {"enum": _core.redaction_patterns()}},
    )
    return Stated(
        {
            "enabled": BOOLEAN,
            "keys": NAMES,
            "keep_keys": NAMES,
            "patterns": patterns,
            "keep_patterns": patterns,
            "custom": {"*": expression},
            "allow": NAMES,
            "action": action,
            "actions": {"*": action},
        }
    )


def _expression(value: Any) -> str:
    pattern = str(TEXT.parse(value))
    try:
        _core.Redaction({"custom": [("expression", pattern)]})
    except ValueError as error:
        raise NotAllowedError(error.args[-1]) from None
    return pattern


def _patterns(value: Any) -> tuple[str, ...]:
    names: tuple[str, ...] = NAMES.parse(value)
    known = _core.redaction_patterns()
    for name in names:
        if name not in known:
            raise NotAllowedError(f"a list of {', '.join(known)}", nearest(name, known))
    return names


def settle(given: Iterable[tuple[str, bool | Mapping[str, Any]]], hash_key: str | None) -> _core.Redaction | None:
    """Compiles the rules that apply.

    Args:
        given: The value of each source, with the name of the source for messages, the winner last. The last mapping has the rules; true
            and false only switch them. Mappings are checked already.
        hash_key: The key of hashes.

    Returns:
        The rules; None if redaction is off.

    Raises:
        ConfigurationError: The rules are wrong.
    """
    enabled, rules, source = False, {}, "configuration"
    for giver, value in given:
        if isinstance(value, bool):
            enabled = value
        else:
            enabled, rules, source = value.get("enabled") is not False, dict(value), giver
    return _compiled(rules, hash_key, source) if enabled else None


def _compiled(rules: Mapping[str, Any], hash_key: str | None, source: str) -> _core.Redaction:
    patterns = rules.get("patterns")
    kept = rules.get("keep_patterns") or ()
    allow = rules.get("allow")
    custom = rules.get("custom") or {}
    spec = {
        "keys": list(rules.get("keys") or ()),
        "keep_keys": list(rules.get("keep_keys") or ()),
        "patterns": [
            name for name in (_core.redaction_patterns() if patterns is None else patterns) if name not in kept
        ],
        "custom": list(custom.items()),
        "allow": None if allow is None else list(allow),
        "action": (rules.get("action") or "replace").lower(),
        "actions": {name: action.lower() for name, action in (rules.get("actions") or {}).items()},
        "hash_key": hash_key,
    }
    try:
        return _core.Redaction(spec)
    except ValueError as error:
        key, value, allowed = error.args
        name = key.rpartition("redaction.actions.")[2]
        known = ["keys", "allow", *_core.redaction_patterns(), *custom, *_core.redaction_keys()]
        if name == key or name in known:
            raise ConfigurationError(source=source, key=key, value=value, allowed=allowed) from None
        raise ConfigurationError(
            source=source,
            key=key,
            value=value,
            allowed=allowed,
            suggestion=nearest(name, known),
            unknown="rule",
            hint=f"An action is {allowed}",
        ) from None
