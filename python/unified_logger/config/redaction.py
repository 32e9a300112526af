"""Redaction: from what was given to rules that are compiled."""

from __future__ import annotations

from .. import _core
from ..errors import ConfigurationError
from . import layout
from .kinds import nearest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any


def settle(given: Iterable[tuple[str, bool | Mapping[str, Any]]], hash_key: str | None) -> _core.Redaction | None:
    """Compiles the rules that hold.

    Args:
        given: What each source says, with its name for messages, the one that wins last. The last mapping has the rules; true
            and false only switch them.
        hash_key: The key of hashes.

    Returns:
        The rules; None where nothing is redacted.

    Raises:
        ConfigurationError: Something in them is not as it must be.
    """
    enabled, rules, source = False, {}, "configuration"
    for origin, value in given:
        if isinstance(value, bool):
            enabled = value
        else:
            layout.check_redaction(value, origin)
            enabled, rules, source = value.get("enabled") is not False, dict(value), origin
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
        near = nearest(name, known) if name != key and name not in known else None
        raise ConfigurationError(source=source, key=key, value=value, allowed=allowed, suggestion=near) from None
