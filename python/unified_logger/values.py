"""What values without a native form become in a record.

The native core writes `None`, booleans, numbers, texts, dicts, lists and tuples by itself. Everything else comes here and
leaves as one of those. Nothing raised by a value leaves: it becomes a marker in the value's place.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

# More items than a record keeps; what a large array holds beyond is not even made into a list.
_ITEMS = 10_001

_registered: dict[type, Callable[[Any], Any]] = {}
# What was decided for each class met, so that it is decided once.
_decided: dict[type, Callable[[Any], Any]] = {}
_DECIDED_LIMIT = 4_096


def register(kind: type, function: Callable[[Any], Any]) -> None:
    """Says what values of a class become in records. Outranks everything this module knows.

    Args:
        kind: The class; subclasses follow it unless they have a function of their own.
        function: Takes the value, returns what is logged in its place (again any value).
    """
    _registered[kind] = function
    _decided.clear()


def convert(value: Any) -> Any:
    """What a value becomes: one the native core can write, or that contains such.

    Args:
        value: Anything.

    Returns:
        None, a boolean, number, text, dict, list or tuple. A value that raises becomes
        `{"$error": "<exception>", "$type": "<class>"}`.
    """
    kind = type(value)
    function = _decided.get(kind)
    try:
        if function is None:
            function = _decide(kind)
            if len(_decided) >= _DECIDED_LIMIT:
                _decided.clear()
            _decided[kind] = function
        return function(value)
    except Exception as error:  # What is none (Ctrl-C, a green thread's end) the native core raises after the call.
        return {"$error": describe(error), "$type": f"{kind.__module__}.{kind.__qualname__}"}


def describe(error: BaseException) -> str:
    """An exception in one line: its class, and its text where it has one. Nothing it raises leaves."""
    try:
        text = str(error)
    except Exception:
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _decide(kind: type) -> Callable[[Any], Any]:
    for base in kind.__mro__:
        if base in _registered:
            return _registered[base]
    if hasattr(kind, "__attrs_attrs__"):
        return _attrs
    if hasattr(kind, "__dataclass_fields__"):
        return _dataclass
    if callable(getattr(kind, "model_dump", None)):
        return _pydantic
    if hasattr(kind, "__fields__") and callable(getattr(kind, "dict", None)):
        return _pydantic_v1
    if issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return _named_tuple
    for base in kind.__mro__:
        function = _BY_CLASS.get(base) or _BY_NAME.get(f"{base.__module__}.{base.__qualname__}")
        if function is not None:
            return function
    if _is_mapping(kind):
        return _mapping
    return repr


def _is_mapping(kind: type) -> bool:
    abc = sys.modules.get("collections.abc")
    return abc is not None and issubclass(kind, abc.Mapping)


def _mapping(value: Any) -> dict[Any, Any]:
    return {key: value[key] for key in value}


def _dataclass(value: Any) -> Any:
    if isinstance(value, type):
        return repr(value)
    return {name: getattr(value, name, None) for name in value.__dataclass_fields__}


def _attrs(value: Any) -> Any:
    return {field.name: getattr(value, field.name, None) for field in value.__attrs_attrs__}


def _pydantic(value: Any) -> Any:
    return value.model_dump()


def _pydantic_v1(value: Any) -> Any:
    return value.dict()


def _named_tuple(value: Any) -> Any:
    return dict(zip(value._fields, value, strict=False))


def _bytes(value: Any) -> str:
    return bytes(value).decode("utf-8", "backslashreplace")


def _set(value: Any) -> list[Any]:
    try:
        return sorted(value)
    except TypeError:
        return list(value)


def _exception(value: BaseException) -> str:
    return describe(value)


def _isoformat(value: Any) -> str:
    text: str = value.isoformat()
    return text


def _seconds(value: Any) -> float:
    seconds: float = value.total_seconds()
    return seconds


def _enum(value: Any) -> Any:
    return value.value


def _array(value: Any) -> Any:
    if value.size >= _ITEMS:
        value = value.ravel()[:_ITEMS]
    return value.tolist()


def _scalar(value: Any) -> Any:
    item = value.item()
    return repr(value) if type(item) is type(value) else item


_BY_CLASS: dict[type, Callable[[Any], Any]] = {
    # Subclasses of native types, as their base. `str.__str__` and the like would ask the subclass again.
    str: lambda value: str.__getitem__(value, slice(None)),
    bool: bool,
    int: lambda value: int.__add__(value, 0),
    float: lambda value: float.__add__(value, 0.0),
    dict: lambda value: dict(dict.items(value)),
    list: lambda value: list.__getitem__(value, slice(None)),
    tuple: lambda value: tuple.__add__(value, ()) if type(value) is tuple else tuple.__getitem__(value, slice(None)),
    bytes: _bytes,
    bytearray: _bytes,
    memoryview: _bytes,
    set: _set,
    frozenset: _set,
    BaseException: _exception,
}

# By name, so that nothing is imported that the program does not use.
_BY_NAME: dict[str, Callable[[Any], Any]] = {
    "datetime.datetime": _isoformat,
    "datetime.date": _isoformat,
    "datetime.time": _isoformat,
    "datetime.timedelta": _seconds,
    "uuid.UUID": str,
    "decimal.Decimal": str,
    "fractions.Fraction": str,
    "enum.Enum": _enum,
    "pathlib.PurePath": str,
    "pathlib._local.PurePath": str,
    "ipaddress._IPAddressBase": str,
    "collections.deque": list,
    "types.SimpleNamespace": lambda value: dict(vars(value)),
    "numpy.generic": _scalar,
    "numpy.ndarray": _array,
}
