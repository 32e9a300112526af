"""Values that are no lists and no mappings, and mappings of them that the environment gives as JSON."""

from __future__ import annotations

from .kinds import MAPPING, Kind, NotAllowedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def mapping_text(text: str) -> dict[Any, Any]:
    """A mapping of the JSON of an environment variable.

    Args:
        text: The JSON.

    Returns:
        The mapping.

    Raises:
        ValueError: It is no JSON, or gives a key twice: the last would silently count.
        TypeError: It is no mapping.
    """
    import json

    try:
        return MAPPING.parse(json.loads(text, object_pairs_hook=_once))  # type: ignore[no-any-return] # a mapping
    except json.JSONDecodeError as error:
        raise NotAllowedError(f"a mapping as JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise ValueError from None


_WORDS = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}


def switched(name: str) -> Kind:
    """A kind of values that are true, false, or a mapping.

    Args:
        name: Its name in the docs.

    Returns:
        The kind. Its option brings the layout of the mapping.
    """

    def parse(value: Any) -> Any:
        return value if isinstance(value, bool) else MAPPING.parse(value)

    def parse_text(text: str) -> Any:
        word = _WORDS.get(text.strip().lower())
        return mapping_text(text) if word is None else word

    allowed = "true, false, or a mapping (in the environment: true, false, or a mapping as JSON)"
    return Kind(name, allowed, parse, parse_text, {"type": ["boolean", "object"]})


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for index, (key, _) in enumerate(pairs) if key in dict(pairs[:index]))
        raise NotAllowedError(f"a mapping that gives {twice!r} once only")
    return found


def _scalar(value: Any) -> Any:
    if value is not None and not isinstance(value, (str, bool, int, float)):
        raise TypeError
    if isinstance(value, str):
        value.encode("utf-8")  # Half a surrogate is no text.
    if (isinstance(value, float) and value - value != 0) or (isinstance(value, int) and not -(2**63) <= value < 2**64):
        raise ValueError
    return value


def _scalars() -> Kind:
    schema = {"type": ["string", "number", "boolean", "null"]}
    return Kind("scalar", "a text, a number, true, false or null", _scalar, _scalar, schema)


SCALAR = _scalars()
# What values of records are compared with. Here a text and a boolean are equally likely, so a file may not leave open which of them is meant.
COMPARED = _scalars()
