"""Classes of the standard library and of others that have a form in records, with their converters."""

from __future__ import annotations

from itertools import islice

from . import shown
from .failed import describe

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    Converter = Callable[[Any], Any]

# Items of a container that a record keeps; further ones are not even read.
_ITEMS = 10_000


def converter(kind: type) -> Converter | None:
    """The converter of a known class, or of a class that is derived from one. None for other classes."""
    names = [f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__]
    if "enum.Enum" in names:
        return _enum
    for base, name in zip(kind.__mro__, names, strict=True):
        if base is tuple and hasattr(kind, "_fields"):
            return _fields if shown.is_of_named_tuple(kind) else repr
        function = _CONTAINERS.get(base) or _CONTAINERS_BY_NAME.get(name)
        if function is not None:
            return repr if shown.has_own_words(kind, base) else function
        function = _BY_CLASS.get(base) or _BY_NAME.get(name)
        if function is not None:
            return function
    return None


def _enum(value: Any) -> Any:
    return value.value


def _exception(value: BaseException) -> str:
    return describe(value)


def _bytes(value: Any) -> str:
    return bytes(value).decode("utf-8", "backslashreplace")


def _items(value: Any) -> list[Any]:
    return _first(value, len(value))


def _first(items: Iterable[Any], count: int) -> list[Any]:
    """As many items as a record keeps, and how many more there are."""
    if count <= _ITEMS:
        return list(items)
    return [*islice(items, _ITEMS - 1), f"… {count - _ITEMS + 1} more"]


def _set(value: Any) -> list[Any]:
    if len(value) > _ITEMS:
        return _items(value)
    try:
        return sorted(value)
    except TypeError:
        return list(value)


def _mapping(value: Any) -> dict[Any, Any]:
    return _pairs(((key, value[key]) for key in value), len(value))


def _pairs(pairs: Iterable[tuple[Any, Any]], count: int) -> dict[Any, Any]:
    """Pairs as an object; the values of a key that comes more than once are a list."""
    found: dict[Any, list[Any]] = {}
    for key, item in pairs if count <= _ITEMS else islice(pairs, _ITEMS - 1):
        found.setdefault(key, []).append(item)
    if count > _ITEMS:
        found["$truncated"] = [f"{count - _ITEMS + 1} more"]
    return {key: items[0] if len(items) == 1 else items for key, items in found.items()}


def _multi_items(value: Any) -> dict[Any, Any]:
    return _pairs(value.multi_items(), len(value))


def _item_pairs(value: Any) -> dict[Any, Any]:
    return _pairs(value.items(), len(value))


def _werkzeug(value: Any) -> dict[Any, Any]:
    return _pairs(value.items(multi=True), len(value))


def _django_multi(value: Any) -> dict[Any, Any]:
    return _pairs(((key, item) for key, items in value.lists() for item in items), len(value))


# As the class's own `repr` does.
_MASKED_BY_HTTPX = ("authorization", "proxy-authorization")


def _httpx_headers(value: Any) -> dict[Any, Any]:
    pairs = value.multi_items()
    return _pairs(((key, "[secure]" if key.lower() in _MASKED_BY_HTTPX else item) for key, item in pairs), len(pairs))


def _fields(value: Any) -> dict[Any, Any]:
    return dict(zip(value._fields, value, strict=False))


def _isoformat(value: Any) -> str:
    text: str = value.isoformat()
    return text


def _seconds(value: Any) -> float:
    seconds: float = value.total_seconds()
    return seconds


def _struct_time(value: Any) -> str:
    year, month, day, hour, minute, second = value[:6]
    return f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}"


def _partial(value: Any) -> dict[str, Any]:
    return {"function": repr(value.func), "args": value.args, "keywords": value.keywords}


def _array(value: Any) -> Any:
    if value.dtype.kind in "mM":
        return _first((_array(part) for part in value), len(value)) if value.ndim else _scalar(value[()])
    return value.tolist() if value.size <= _ITEMS else _first(value.ravel()[:_ITEMS].tolist(), value.size)


def _scalar(value: Any) -> Any:
    if value.dtype.kind == "M":
        return _numpy_time(value)
    if value.dtype.kind == "m":
        return _numpy_duration(value)
    item = value.item()
    return repr(value) if type(item) is type(value) else item


def _numpy_time(value: Any) -> str | None:
    """ISO 8601, with microseconds, or with nanoseconds if there are any."""
    if value != value:
        return None  # NaT
    unit = value.dtype.name[11:-1]
    text = str(value)
    if unit in ("ns", "ps", "fs", "as"):
        short = value.astype("datetime64[us]")
        text = str(short) if short == value else text
    elif unit in ("h", "m"):
        text = str(value.astype("datetime64[s]"))
    # As `isoformat`: no fraction if it is zero, otherwise six digits.
    whole, dot, fraction = text.partition(".")
    return text if len(fraction) > 6 else whole if not fraction.strip("0") else f"{whole}{dot}{fraction:0<6}"


def _numpy_duration(value: Any) -> float | int | str | None:
    """Seconds; months and years have no fixed number of them."""
    if value != value:
        return None
    unit = value.dtype.name[12:-1]
    if unit in ("Y", "M"):
        return str(value)
    if not unit:
        count: int = value.astype("int64").item()
        return count
    second = type(value)(1, "s")
    seconds: float = float(value / second)
    return seconds


# Their content is shown, unless a class in between has a `repr` of its own.
_CONTAINERS: dict[type, Converter] = {
    dict: dict.copy,
    list: lambda value: list.__getitem__(value, slice(None)),
    tuple: lambda value: tuple.__getitem__(value, slice(None)),
    set: _set,
    frozenset: _set,
    bytes: _bytes,
    bytearray: _bytes,
    memoryview: _bytes,
}

# By name, so that no library is imported that the program does not use.
_CONTAINERS_BY_NAME: dict[str, Converter] = {
    "builtins.mappingproxy": _mapping,
    "builtins.dict_keys": _items,
    "builtins.dict_values": _items,
    "builtins.dict_items": _items,
    "builtins.odict_keys": _items,
    "builtins.odict_values": _items,
    "builtins.odict_items": _items,
    "collections.ChainMap": _mapping,
    "collections.UserDict": _mapping,
    "collections.UserList": lambda value: value.data,
    "collections.UserString": lambda value: value.data,
    "collections.deque": _items,
    "os._Environ": _mapping,
    "django.utils.datastructures.MultiValueDict": _django_multi,
    "httpx.Headers": _httpx_headers,
    "httpx.QueryParams": _multi_items,
    "multidict._multidict.CIMultiDictProxy": _item_pairs,
    "multidict._multidict.MultiDict": _item_pairs,
    "multidict._multidict.MultiDictProxy": _item_pairs,
    "requests.structures.CaseInsensitiveDict": _mapping,
    "sqlalchemy.engine.row.Row": _fields,
    "sqlalchemy.engine.row.RowMapping": _mapping,
    "starlette.datastructures.FormData": _multi_items,
    "starlette.datastructures.Headers": _item_pairs,
    "starlette.datastructures.ImmutableMultiDict": _multi_items,
    "starlette.datastructures.QueryParams": _multi_items,
    "werkzeug.datastructures.structures.MultiDict": _werkzeug,
    "types.SimpleNamespace": lambda value: dict(vars(value)),
}

_BY_CLASS: dict[type, Converter] = {
    # Subclasses of native types are written like their base. `int.__str__` and the like would call the subclass again.
    str: shown.content,
    bool: bool,
    int: lambda value: int.__add__(value, 0),
    float: lambda value: float.__add__(value, 0.0),
    BaseException: _exception,
}

_BY_NAME: dict[str, Converter] = {
    "datetime.datetime": _isoformat,
    "datetime.date": _isoformat,
    "datetime.time": _isoformat,
    "datetime.timedelta": _seconds,
    "decimal.Decimal": str,
    "django.utils.functional.Promise": str,
    "fractions.Fraction": str,
    "functools.partial": _partial,
    "ipaddress._IPAddressBase": str,
    "numpy.generic": _scalar,
    "numpy.ndarray": _array,
    "pandas._libs.tslibs.nattype.NaTType": lambda value: None,
    "pandas.api.typing.NaTType": lambda value: None,
    "pathlib.PurePath": str,
    "pathlib._local.PurePath": str,
    "time.struct_time": _struct_time,
    "unified_logger.values.deferred.lazy": lambda value: value._get(),
    "urllib.parse.ParseResult": lambda value: value.geturl(),
    "urllib.parse.SplitResult": lambda value: value.geturl(),
    "uuid.UUID": str,
}
