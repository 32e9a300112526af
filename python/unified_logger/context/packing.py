"""How objects of this library are copied, and sent to other processes."""

from __future__ import annotations

from .. import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self


class Unchanging:
    """An object that never changes, so a copy of it is the object itself."""

    __slots__ = ()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self


def added(held: object, base: type) -> dict[str, object]:
    """The attributes that classes derived from `base` have given an object, also those with slots."""
    found = dict(getattr(held, "__dict__", {}))
    for kind in type(held).__mro__[: type(held).__mro__.index(base)]:
        slots = vars(kind).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            hidden = name.startswith("__") and not name.endswith("__")
            whole = f"_{kind.__name__.lstrip('_')}{name}" if hidden else name
            if hasattr(held, whole) and name not in ("__dict__", "__weakref__"):
                found[whole] = getattr(held, whole)
    return found


def packed(fields: Mapping[str, object]) -> dict[str, str]:
    """Fields for another process. Values have the form that they have in records, because no other form is sure to arrive."""
    return {name: _core.encode_value(value) for name, value in fields.items()}


def unpacked(texts: Mapping[str, str]) -> dict[str, object]:
    """Fields from the form that `packed` made."""
    return {name: _value(text) for name, text in texts.items()}


def _value(text: str) -> object:
    import json  # Only programs that send fields pay for this import.

    try:
        return json.loads(text)
    except ValueError:  # An integer with more digits than Python reads.
        return text
