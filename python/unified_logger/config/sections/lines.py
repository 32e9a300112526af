"""What lines look like: the fields of the process, presets, keys, and the time zone."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ... import _core
from ...errors import ConfigurationError, NotAllowedError, nearest_word
from ...texts import whole
from ..kinds import MAPPING, NAMES, TEXT, Kind, PartError, choice, name_of
from ..mappings import joined
from ..options import Section, derived, option
from ..scalars import SCALAR, mapping_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..mappings import Layout
    from ..options import Given

    Fields = tuple[tuple[str, Any], ...]

_NO_PRESET = "none"
# What lines look like without any option.
_PLAIN = {"preset": _NO_PRESET, "keys": {}, "time_zone": "utc"}
# Formats whose lines have keys.
_WITH_KEYS = ("json", "logfmt")
# Conventional names of what Kubernetes' downward API puts into the environment, the one that wins first.
_OF_KUBERNETES = {
    "pod": ("POD_NAME", "K8S_POD_NAME", "MY_POD_NAME"),
    "namespace": ("POD_NAMESPACE", "K8S_POD_NAMESPACE", "K8S_NAMESPACE", "MY_POD_NAMESPACE"),
    "node": ("NODE_NAME", "K8S_NODE_NAME", "MY_NODE_NAME"),
}
_SOURCES = ("otel", "kubernetes", "none")
_OF_GOOGLE_CLOUD = ("GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "GCP_PROJECT")


def _fields(value: Any) -> dict[str, Any]:
    for name, field in MAPPING.parse(value).items():
        try:
            TEXT.parse(name)
        except (ValueError, TypeError):
            raise PartError(name_of(name), field, "the value of a field by its name, a text") from None
    return value  # type: ignore[no-any-return] # a mapping


def _fields_text(text: str) -> dict[str, Any]:
    if text.lstrip().startswith("{"):
        return _fields(mapping_text(text))
    fields: dict[str, str] = {}
    for part in (part.strip() for part in text.split(",") if part.strip()):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals or not name:
            raise PartError(part, "", "a name and a value, with '=' between")
        if name in fields:
            raise PartError(name, value, "given once only")
        fields[name] = value
    return _fields(fields)


def _sources(value: Any) -> tuple[str, ...]:
    names = tuple(name.lower() for name in ([value] if isinstance(value, str) else NAMES.parse(value)))
    for name in names:
        if name not in _SOURCES:
            raise NotAllowedError(SOURCES.allowed, nearest_word(name, _SOURCES))
    if "none" in names and len(names) > 1:
        raise ValueError
    return tuple(name for name in names if name != "none")


def _zone(value: Any) -> str:
    name: str = TEXT.parse(value).strip()
    name = name.lower() if name.lower() in ("utc", "local") else name
    if not _core.is_time_zone(name):
        from zoneinfo import available_timezones

        raise NotAllowedError(ZONE.allowed, nearest_word(name, available_timezones()))
    return name


FIELDS = Kind(
    "fields of the process",
    "a mapping of names to texts, numbers, true, false or null (in the environment: name=value with commas between, or JSON)",
    _fields,
    _fields_text,
    MAPPING.schema,
)
SOURCES = Kind(
    "sources of fields",
    "a list of otel and kubernetes, or none (in the environment: with commas between)",
    _sources,
    lambda text: _sources([name.strip() for name in text.split(",") if name.strip()]),
    {"type": ["array", "string"], "items": {"enum": [*_SOURCES]}},
)
PRESET = choice(_NO_PRESET, *_core.presets())
KEYS = Kind(
    "keys",
    "a mapping with rename, omit and first (in the environment: as JSON)",
    MAPPING.parse,
    mapping_text,
    MAPPING.schema,
)
ZONE = Kind(
    "time zone",
    "utc, local, or the name of a time zone such as Asia/Shanghai",
    _zone,
    _zone,
    {"type": "string", "minLength": 1, "examples": ["utc", "local"]},
)


def _keys() -> Layout:
    return {"rename": {"*": TEXT}, "omit": NAMES, "first": NAMES}


# What an output may have of its own.
LAYOUT: Layout = {"preset": PRESET, "keys": _keys(), "time_zone": ZONE}


class Lines(Section):
    """What lines look like, and what each of them says of the process."""

    fields: Mapping[str, Any] = option(
        FIELDS,
        {},
        "Fields of the process, such as service, env and version: each record has them; see docs/shapes.md.",
        layout=lambda: {"*": SCALAR},
        hidden=True,  # A value may be a secret, which only the rules of redaction tell.
    )
    fields_from: tuple[str, ...] = option(
        SOURCES,
        ("otel",),
        "Where further fields of the process are found: the variables of OpenTelemetry, and those of Kubernetes' downward API.",
    )
    preset: str = option(PRESET, _NO_PRESET, "The shape of lines of JSON and logfmt that a log store knows.")
    keys: Mapping[str, Any] = option(
        KEYS, {}, "Keys of lines that are renamed, left out or put first; see docs/shapes.md.", layout=_keys
    )
    time_zone: str = option(ZONE, "utc", "The time zone of the stamps in lines of JSON and logfmt.")
    # Those that were given and those that were found.
    process_fields: Fields = derived()
    # The shape of lines as the engine has it, and those of outputs that have another.
    shape: Mapping[str, Any] = derived()
    shapes: Mapping[str, Mapping[str, Any]] = derived()

    @classmethod
    def settle(cls, given: Given) -> Mapping[str, Any]:
        """The fields, and the shape of each output, checked."""
        fields = _settled_fields(given)
        values = given.values
        looks = {"": {key: values[key] for key in LAYOUT}}
        for name, output in values["outputs"].items():
            own = {key: output[key] for key in LAYOUT if key in output} if isinstance(output, dict) else {}
            if own:
                base = _PLAIN if "function" in output else looks[""]
                # Keys are named as the preset has them.
                looks[name] = {**base, **({"keys": {}} if "preset" in own else {}), **own}
        shapes = {name: _shape(look, fields, given) for name, look in looks.items()}
        for name, shape in shapes.items():
            _check(name, shape, fields, given)
        return {"process_fields": fields, "shape": shapes.pop(""), "shapes": shapes}

    def to_engine(self) -> dict[str, dict[str, Any]]:
        """The fields of the process."""
        return {"output": {"to": {"fields": self.process_fields}}}

    def amended(self, rooms: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Gives each output whose lines have keys its shape."""
        outputs = {
            # Functions get records with their own keys, unless their output says otherwise.
            name: {"format": dict(self.shapes.get(name, {} if "function" in output["to"] else self.shape))}
            for name, output in rooms["output"]["to"]["outputs"].items()
            if output and output["format"]["name"] in _WITH_KEYS
        }
        return joined(rooms, {"output": {"to": {"outputs": outputs}}})


def _settled_fields(given: Given) -> Fields:
    """The fields that were found, under those that were given. None removes one that was found."""
    found = dict(_found(given))
    for name in [name for name in found if _core.check_lines({}, [(name, found[name])])]:
        del found[name]
        given.add_notice(f"{name!r} in OTEL_RESOURCE_ATTRIBUTES is left out: it is a key of every record")
    for _, fields in given.each("fields"):
        short = {_core.short_name(name) for name in fields}
        found = {name: value for name, value in found.items() if _core.short_name(name) not in short} | fields
    _refuse_doubles(found, given)
    return tuple((name, value) for name, value in found.items() if value is not None)


def _refuse_doubles(fields: Mapping[str, Any], given: Given) -> None:
    seen: dict[str, str] = {}
    for name in fields:
        other = seen.setdefault(_core.short_name(name), name)
        if other != name:
            allowed = f"given under one name only: {other} is the same"
            raise ConfigurationError(
                source=_source_of(f"fields.{name}", given), key=f"fields.{name}", value=fields[name], allowed=allowed
            )


def _found(given: Given) -> Iterator[tuple[str, Any]]:
    """The fields that the environment tells, by their short names."""
    sources = given.values["fields_from"]
    if "kubernetes" in sources:
        here = [
            (name, next((given.environ[variable] for variable in variables if given.environ.get(variable)), None))
            for name, variables in _OF_KUBERNETES.items()
        ]
        yield from ((name, whole(value)) for name, value in here if value is not None)
        if all(value is None for _, value in here):
            names = ", ".join(variables[0] for variables in _OF_KUBERNETES.values())
            given.add_notice(f"fields_from names kubernetes, and none of {names} is in the environment")
    if "otel" in sources:
        yield from _resource(given)
        service = given.environ.get("OTEL_SERVICE_NAME", "").strip()
        if service:
            yield "service", whole(service)


def _resource(given: Given) -> Iterator[tuple[str, str]]:
    """The attributes of `OTEL_RESOURCE_ATTRIBUTES`. As OpenTelemetry has it, a variable with an error counts for nothing."""
    text = given.environ.get("OTEL_RESOURCE_ATTRIBUTES", "")
    attributes: dict[str, str] = {}
    for part in (part for part in text.split(",") if part.strip()):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        try:
            if not equals or not name:
                raise ValueError
            attributes[_core.short_name(_decoded(name))] = _decoded(value)
        except ValueError:
            given.add_notice(
                "OTEL_RESOURCE_ATTRIBUTES is left out: it must be key=value pairs with commas between, percent-encoded"
            )
            return
    yield from attributes.items()


def _decoded(text: str) -> str:
    from urllib.parse import unquote

    if re.search(r"%(?![0-9A-Fa-f]{2})", text):
        raise ValueError
    decoded = unquote(text, errors="strict")
    decoded.encode("utf-8")  # A lone surrogate stands for a byte that is not UTF-8.
    return decoded


def _shape(look: Mapping[str, Any], fields: Fields, given: Given) -> dict[str, Any]:
    """A shape as the engine has it."""
    shape: dict[str, Any] = {}
    if look["preset"] != _NO_PRESET:
        shape["preset"] = look["preset"]
    keys = look["keys"] or {}
    named = {
        "rename": [*(keys.get("rename") or {}).items()],
        "omit": keys.get("omit") or (),
        "first": keys.get("first") or (),
    }
    if any(named.values()):
        shape["keys"] = named
    if look["time_zone"] != "utc":
        shape["zone"] = look["time_zone"]
    if look["preset"] == "gcp" and not any(_core.short_name(name) == "project" for name, _ in fields):
        project = next((given.environ[name] for name in _OF_GOOGLE_CLOUD if given.environ.get(name)), None)
        if project is not None:
            shape["project"] = whole(project)
    return shape


def _check(output: str, shape: dict[str, Any], fields: Fields, given: Given) -> None:
    """Refuses a shape that makes lines in which a key stands twice, or that names what is not there."""
    wrong = _core.check_lines(shape, [*fields])
    if wrong is None:
        return
    path, told, allowed = wrong
    value: object = dict(fields).get(path[1]) if path[0] == "fields" else told
    within = ("outputs", output, "keys") if output else ("keys",)
    key = ".".join(path if path[0] == "fields" else (*within, *path))
    raise ConfigurationError(source=_source_of(key, given), key=key, value=value, allowed=allowed)


def _source_of(key: str, given: Given) -> str:
    """The source that gives what is wrong, for messages: the last that names it."""
    option, _, rest = key.partition(".")
    name = rest.partition(".")[0]
    sources = [source for source, value in given.each(option) if name in value]
    return sources[-1] if sources else given.source_of(option)
