"""Objects that declare their fields: dataclasses, attrs, pydantic's models.

Each class is examined once for what it shows. A field with `repr=False` is left out, and so is a field that is hidden from dumps. A class
with a `repr` of its own is written as that text. Only values that are in the object are read: no property, and no descriptor that may
use a database.
"""

from __future__ import annotations

import sys
from types import MemberDescriptorType

from . import shown
from .failed import attempt

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

_MISSING: Any = object()
# Libraries whose methods were not written by the application.
_LIBRARIES = ("pydantic", "sqlmodel")
# Containers of schemas that may hold serializers; pydantic nests a few of them.
_DEPTH = 32


def reader(kind: type) -> Callable[[Any], Any] | None:
    """A function that reads the objects of a class that declares its fields. None for other classes."""
    if hasattr(kind, "__attrs_attrs__"):
        return _attrs(kind)
    if hasattr(kind, "__dataclass_fields__"):
        return _dataclass(kind)
    if callable(getattr(kind, "model_dump", None)) and hasattr(kind, "__pydantic_decorators__"):
        return _pydantic(kind)
    if hasattr(kind, "__fields__") and callable(getattr(kind, "dict", None)):
        return _pydantic_v1(kind)
    return None


def fields_of(kind: type, names: Iterable[str]) -> Callable[[Any], dict[str, Any]]:
    """A function that reads fields by their names, if they are in the object.

    Args:
        kind: The objects' class.
        names: The fields to read. A field that an object lacks, or that would have to be computed or fetched, is left out.
    """
    names = tuple(names)
    statics = {name: _static(kind, name) for name in names}
    slots = {name: static for name, static in statics.items() if isinstance(static, MemberDescriptorType)}
    defaults = {
        name: static
        for name, static in statics.items()
        if static is not _MISSING and not hasattr(type(static), "__get__")
    }

    def read_some(value: Any) -> dict[str, Any]:
        own = getattr(value, "__dict__", {})
        found = {}
        for name in names:
            if name in slots:
                try:
                    found[name] = slots[name].__get__(value, kind)
                except AttributeError:
                    continue
            elif name in own:
                found[name] = own[name]
            elif name in defaults:
                found[name] = defaults[name]
        return found

    def read(value: Any) -> dict[str, Any]:
        own = value.__dict__
        try:
            return {name: own[name] for name in names}
        except KeyError:
            return read_some(value)

    if not slots:
        return read if getattr(kind, "__dictoffset__", 0) else read_some
    if len(slots) < len(names):
        return read_some

    def read_slots(value: Any) -> dict[str, Any]:
        try:
            return {name: getattr(value, name) for name in names}
        except AttributeError:
            return read_some(value)

    return read_slots


def _static(kind: type, name: str) -> Any:
    return next((base.__dict__[name] for base in kind.__mro__ if name in base.__dict__), _MISSING)


def _attrs(kind: Any) -> Callable[[Any], Any]:
    if not shown.is_generated(kind):
        return repr
    attributes = [attribute for attribute in kind.__attrs_attrs__ if attribute.repr]
    read = fields_of(kind, (attribute.name for attribute in attributes))
    texts = {attribute.name: attribute.repr for attribute in attributes if callable(attribute.repr)}
    if not texts:
        return read

    def read_with_texts(value: Any) -> dict[str, Any]:
        found = read(value)
        return {name: attempt(texts[name], field) if name in texts else field for name, field in found.items()}

    return read_with_texts


def _dataclass(kind: Any) -> Callable[[Any], Any]:
    if not shown.is_generated(kind):
        return repr
    # Pydantic's dataclasses know more about their fields.
    known = kind.__dict__.get("__pydantic_fields__", {})
    fields = sys.modules["dataclasses"].fields(kind)
    return fields_of(kind, (field.name for field in fields if field.repr and _is_shown(known.get(field.name))))


def _is_shown(field: Any) -> bool:
    """Whether pydantic shows a field in texts and in dumps."""
    return field is None or (bool(getattr(field, "repr", True)) and not getattr(field, "exclude", None))


def _pydantic(kind: Any) -> Callable[[Any], Any]:
    if _is_own(kind, "model_dump"):
        return lambda value: value.model_dump()
    if kind.__pydantic_decorators__.model_serializers:
        return lambda value: value.model_dump(warnings=False)
    if (own := _own_words(kind)) is not None:
        return own
    fields = getattr(kind, "__pydantic_fields__", None) or kind.model_fields
    names = [name for name, field in fields.items() if _is_shown(field)]
    dumped = {name for name in names if getattr(fields[name], "exclude_if", None)} | _serialized(kind, names)
    read = fields_of(kind, names)
    if dumped:
        read = _with_dumped(read, dumped)
    if getattr(kind, "__pydantic_root_model__", False):
        return lambda value: read(value)["root"]
    if kind.model_config.get("extra") == "allow":
        return lambda value: {**read(value), **(value.__pydantic_extra__ or {})}
    return read


def _with_dumped(read: Callable[[Any], dict[str, Any]], dumped: set[str]) -> Callable[[Any], dict[str, Any]]:
    """Reads fields, and dumps those that have a serializer, one by one, because another may fail."""

    def dump(value: Any, name: str) -> Any:
        return attempt(lambda model: model.model_dump(include={name}, warnings=False).get(name, _MISSING), value)

    def read_and_dump(value: Any) -> dict[str, Any]:
        found = read(value)
        found = {name: dump(value, name) if name in dumped else field for name, field in found.items()}
        return {name: field for name, field in found.items() if field is not _MISSING}

    return read_and_dump


def _is_own(kind: type, name: str) -> bool:
    """Whether a method was written for the class, and not by the library."""
    return shown.definer(kind, name).__module__.partition(".")[0] not in _LIBRARIES


def _own_words(kind: type) -> Callable[[Any], Any] | None:
    """A function that reads objects of a class that decides itself what it shows. None if the library decides."""
    if _is_own(kind, "__repr__"):
        return repr
    if _is_own(kind, "__repr_args__"):
        return lambda value: {name: field for name, field in value.__repr_args__() if name is not None}
    return None


def _serialized(kind: Any, names: list[str]) -> set[str]:
    """The fields for which the class, or their type, has a serializer."""
    decorated = {
        name for decorator in kind.__pydantic_decorators__.field_serializers.values() for name in decorator.info.fields
    }
    if "*" in decorated:
        return set(names)
    fields = _schemas_of_fields(kind.__pydantic_core_schema__)
    return {name for name in names if name in decorated or _has_serializer(fields.get(name), _DEPTH)}


def _schemas_of_fields(schema: Any) -> dict[str, Any]:
    """The part of a model's schema with its fields. It may be wrapped in validators, and has a name if a model contains itself."""
    named: dict[Any, Any] = {}
    for _ in range(_DEPTH):
        if not isinstance(schema, dict):
            break
        if schema.get("type") == "model-fields":
            fields: dict[str, Any] = schema["fields"]
            return fields
        named |= {definition.get("ref"): definition for definition in schema.get("definitions", ())}
        schema = named.get(schema.get("schema_ref")) if schema.get("type") == "definition-ref" else schema.get("schema")
    return {}


def _has_serializer(schema: Any, depth: int) -> bool:
    if depth == 0:
        return False
    if isinstance(schema, list | tuple):
        return any(_has_serializer(item, depth - 1) for item in schema)
    if not isinstance(schema, dict):
        return False
    serialization = schema.get("serialization")
    if isinstance(serialization, dict):
        when = serialization.get("when_used", "always")
        if str(serialization.get("type")).startswith("function") and not str(when).startswith("json"):
            return True
    if schema.get("type") in ("model", "dataclass"):
        return False  # Classes inside it decide for themselves.
    return any(_has_serializer(item, depth - 1) for name, item in schema.items() if name != "serialization")


def _pydantic_v1(kind: Any) -> Callable[[Any], Any]:
    if _is_own(kind, "dict"):
        return lambda value: value.dict()
    if (own := _own_words(kind)) is not None:
        return own
    fields = kind.__fields__
    names = [name for name, field in fields.items() if _is_shown(getattr(field, "field_info", None))]
    read = fields_of(kind, names)
    if "__root__" in fields:
        return lambda value: read(value)["__root__"]
    hidden = fields.keys() - set(names)

    def read_with_extra(value: Any) -> dict[str, Any]:
        return {name: field for name, field in value.__dict__.items() if name not in hidden}

    return read_with_extra if str(getattr(kind.__config__, "extra", "")).endswith("allow") else read
