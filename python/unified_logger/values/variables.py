"""Local variables as texts, as their `repr` would show them, within bounds.

Values of built-in types and objects that declare their fields are read here, and no further than they are shown. Other objects are asked for
their `repr` if their class has one of its own. An exception that this raises does not leave the module.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict, deque
from itertools import islice

from . import models, registered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

# Characters of one text.
_CHARACTERS = 256
# What ends a word, and digits in groups.
_ENDS = " \t\n\r\v\f'\"`,;&()[]{}<>\\"
_DIGITS = "0123456789 -"
# Items shown of a container, by how many containers are around it; of a deeper one none is shown.
_ITEMS = (10, 5, 3)
_BITS = 1_024
# Characters or bytes of a text that is read at all.
_READ = 65_536
# The `repr` of these is the answer of a database.
_FETCHING = frozenset(
    (
        ("django.db.models.query", "QuerySet"),
        ("django.db.models.query", "RawQuerySet"),
        ("mongoengine.queryset.base", "BaseQuerySet"),
    )
)
_DECIDED_LIMIT = 1_024

# How the objects of each class that was met are shown.
_decided: dict[type, Callable[[Any, tuple[int, ...]], str]] = {}


def texts(variables: Iterable[tuple[str, object]]) -> list[tuple[str, str]]:
    """The texts of variables.

    Args:
        variables: Names and values.

    Returns:
        Names and texts, each of 256 characters at most and the number of those that are missing.
    """
    return [(name, _cut(_shown(value, ()))) for name, value in variables]


def _cut(text: str) -> str:
    """The beginning of a text, without the last word: of a secret that was torn, no pattern of redaction would know what is left."""
    if len(text) <= _CHARACTERS:
        return text
    end = _CHARACTERS
    while end and text[end - 1] not in _ENDS:
        end -= 1
    start = text[:end].rstrip(_DIGITS)
    return f"{start}…(+{len(text) - len(start)} characters)"


def _shown(value: Any, around: tuple[int, ...]) -> str:
    """The text of a value inside of containers with these ids."""
    kind = type(value)
    try:
        show = _decided.get(kind)
        if show is None:
            show = _decide(kind)
            if len(_decided) >= _DECIDED_LIMIT:
                _decided.clear()
            _decided[kind] = show
        return show(value, around)
    except Exception as error:  # Others, Ctrl-C for example, the native core raises after the call.
        return f"<repr() of {_name(kind)} failed: {type(error).__name__}>"


def _decide(kind: type) -> Callable[[Any, tuple[int, ...]], str]:
    function = registered(kind)
    if function is not None:
        return lambda value, around: _inside(value, around, lambda value, around: _shown(function(value), around))
    if any((base.__module__, base.__qualname__) in _FETCHING for base in kind.__mro__):
        return _named
    known = _BUILT_IN.get(kind.__repr__)
    if known is not None:
        return known
    read = models.reader(kind)
    if read is not None and read is not repr:
        return lambda value, around: _inside(
            value, around, lambda value, around: _call(_name(kind), read(value), around)
        )
    return lambda value, around: _bounded(str.__getitem__(repr(value), slice(None)), around)


def _bounded(text: str, around: tuple[int, ...]) -> str:
    """Of a long text inside of a container only the length: where others follow, no end of it is marked."""
    return f"<{len(text)} characters>" if around and len(text) > _CHARACTERS else text


def _name(kind: type) -> str:
    return str(kind.__qualname__)


def _named(value: object, _: tuple[int, ...]) -> str:
    kind = type(value)
    return f"<{kind.__module__}.{_name(kind)} object>"


def _characters(kind: Any) -> Callable[[Any, tuple[int, ...]], str]:
    def show(value: Any, around: tuple[int, ...]) -> str:
        length = kind.__len__(value)
        if length > _READ:
            return f"<{_name(type(value))} of {length}>"
        return _bounded(kind.__repr__(value), around)

    return show


def _number(value: int, _: tuple[int, ...]) -> str:
    bits = int.bit_length(value)
    return int.__repr__(value) if bits <= _BITS else f"<int of {bits} bits>"


def _plain(value: object, _: tuple[int, ...]) -> str:
    return repr(value)


def _inside(value: Any, around: tuple[int, ...], show: Callable[[Any, tuple[int, ...]], str]) -> str:
    """What `show` makes of a container, unless it is inside itself or too deep."""
    if len(around) >= len(_ITEMS) or id(value) in around:
        return "…"
    return show(value, (*around, id(value)))


def _items(texts: Iterable[str], count: int, around: tuple[int, ...]) -> str:
    most = _ITEMS[len(around) - 1]
    shown = list(islice(texts, most))
    if count > most:
        shown.append(f"… {count - most} more")
    return ", ".join(shown)


def _sequence(begin: str, end: str, kind: Any) -> Callable[[Any, tuple[int, ...]], str]:
    def show(value: Any, around: tuple[int, ...]) -> str:
        count = kind.__len__(value)
        if count == 0 and kind in (set, frozenset):
            return f"{kind.__name__}()"
        comma = "," if count == 1 and kind is tuple else ""
        texts = (_shown(item, around) for item in kind.__iter__(value))
        return f"{begin}{_items(texts, count, around)}{comma}{end}"

    return lambda value, around: _inside(value, around, show)


def _mapping(begin: str, end: str, kind: Any) -> Callable[[Any, tuple[int, ...]], str]:
    def show(value: Any, around: tuple[int, ...]) -> str:
        texts = (f"{_shown(key, around)}: {_shown(item, around)}" for key, item in kind.items(value))
        return f"{begin}{_items(texts, kind.__len__(value), around)}{end}"

    return lambda value, around: _inside(value, around, show)


def _call(name: str, fields: Any, around: tuple[int, ...]) -> str:
    if not isinstance(fields, dict):
        return f"{name}({_shown(fields, around)})"
    texts = (f"{field}={_shown(value, around)}" for field, value in fields.items())
    return f"{name}({_items(texts, len(fields), around)})"


# By the `repr` of a class: a subclass that has none of its own is shown as its base.
_BUILT_IN: dict[Any, Callable[[Any, tuple[int, ...]], str]] = {
    object.__repr__: _named,
    str.__repr__: _characters(str),
    bytes.__repr__: _characters(bytes),
    bytearray.__repr__: _characters(bytearray),
    int.__repr__: _number,
    bool.__repr__: _plain,
    float.__repr__: _plain,
    complex.__repr__: _plain,
    type(None).__repr__: _plain,
    list.__repr__: _sequence("[", "]", list),
    tuple.__repr__: _sequence("(", ")", tuple),
    set.__repr__: _sequence("{", "}", set),
    frozenset.__repr__: _sequence("frozenset({", "})", frozenset),
    deque.__repr__: _sequence("deque([", "])", deque),
    dict.__repr__: _mapping("{", "}", dict),
    defaultdict.__repr__: _mapping("defaultdict({", "})", dict),
    OrderedDict.__repr__: _mapping("OrderedDict({", "})", OrderedDict),
}
