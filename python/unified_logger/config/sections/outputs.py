"""What is written to besides the three files and the console, and what these are to take."""

from __future__ import annotations

import re

from ... import _core, levels
from ...errors import ConfigurationError
from .. import mappings
from ..formats import format_of, text_format
from ..functions import FUNCTION
from ..kinds import BOOLEAN, COUNT, LEVEL, MAPPING, MODE, NAMES, SIZE, Kind, PartError, choice, nearest
from ..mappings import Switched, joined
from ..options import Frozen, Given, Section, derived, option
from ..scalars import COMPARED, mapping_text
from . import lines, links, rotation
from .files import FAULTS, exposed_files
from .records import BELOW_ALL, is_below_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from ..mappings import Layout

# Outputs that are there without being named; others give the file or stream that they write to.
_FILES = ("app", "errors", "ai")
_CONSOLE = "console"
# The form in which a function gets records.
_DICT = "dict"
# What the engine calls the streams of the console.
_CONSOLES = {"console": "stderr", "console_stdout": "stdout"}
# The black box has room for so many journals.
_MOST = 60
# Keys of a record itself, which no field can have.
_NO_FIELDS = tuple(key for key in _core.reserved_keys() if key not in ("trace_id", "span_id"))


def _file(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[^./\\\0][^/\\\0]*", value) or len(value.encode()) > 200:
        raise ValueError
    return value


def _some_names(value: Any) -> tuple[str, ...]:
    names: tuple[str, ...] = NAMES.parse(value)
    if not names:
        raise ValueError
    return names


def _fields(value: Any) -> tuple[str, ...]:
    names = _some_names(value)
    if any(name in _NO_FIELDS for name in names):
        raise ValueError
    return names


FILE = Kind(
    "file name",
    "the name of a file in the log directory, without a path, that has 200 bytes at most and does not begin with a dot",
    _file,
    _file,
    {"type": "string", "pattern": r"^[^./\\][^/\\]*$", "maxLength": 200},
)
LOGGERS = Kind(
    "loggers",
    "a list of loggers' names, one at least: each names a logger and those below it, or with * (any text) and ? (one character) what it fits",
    _some_names,
    _some_names,
    {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
)
_ARE_NO_FIELDS = f"{', '.join(_NO_FIELDS)} are no fields: `level`, `max_level` and `loggers` select by those"
FIELDS = Kind(
    "fields",
    f"a list of names of fields, one at least; {_ARE_NO_FIELDS}",
    _fields,
    _fields,
    {"type": "array", "items": {"type": "string", "minLength": 1, "not": {"enum": [*_NO_FIELDS]}}, "minItems": 1},
)
OUTPUTS = Kind(
    "outputs",
    "a mapping of outputs' names to what they are (in the environment: as JSON)",
    MAPPING.parse,
    mapping_text,
    MAPPING.schema,
)


def _file_for_engine(_: str, given_output: Mapping[str, Any], is_new: bool, given: Given) -> dict[str, Any]:
    """All of a new file; of one that is there anyway, what is given."""
    values = given.values
    file = {"max_bytes": values["max_bytes"], "backup_count": values["backup_count"]} if is_new else {}
    file |= {key: given_output[key] for key in ("max_bytes", "backup_count") if key in given_output}
    if "file" in given_output:
        file["name"] = given_output["file"]
    if is_new or "file_mode" in given_output:
        is_asked_for = "file_mode" in given_output or given.has("file_mode")
        file["mode"] = (given_output.get("file_mode", values["file_mode"]), is_asked_for)
    return file


class _Place(Frozen):
    """A kind of place that an output can be written to.

    Args:
        key: Where the output says so; the engine knows it by the same name.
        kind: What may stand there.
        further: Keys, and what may stand there, that only such a place has.
        for_engine: What the engine is told of it: of the output's name and keys, whether it is new, and of all that was given.
        name: What no other place may be, of what the engine is told.
    """

    key: str
    kind: Kind
    further: Mapping[str, Kind]
    for_engine: Callable[[str, Mapping[str, Any], bool, Given], Any]
    name: Callable[[Any], str]


# Another kind of place is an entry here, besides its sink in the engine.
_PLACES = (
    _Place(
        "file",
        FILE,
        {"max_bytes": SIZE, "backup_count": COUNT, "file_mode": MODE, **rotation.LAYOUT, **links.LAYOUT},
        _file_for_engine,
        lambda file: file["name"],
    ),
    _Place(
        "stream",
        choice("stdout", "stderr"),
        {},
        lambda _name, given_output, _is_new, _given: given_output["stream"],
        lambda stream: _CONSOLES.get(stream, stream),
    ),
    # Functions may be the same: each output calls its own.
    _Place("function", FUNCTION, {"form": choice(_DICT, "line")}, lambda name, *_: name, lambda name: name),
)


# Keys that select records, here and for metrics.
SELECTOR: Layout = {
    "level": LEVEL,
    "max_level": LEVEL,
    "loggers": LOGGERS,
    "ai": BOOLEAN,
    "fields_present": FIELDS,
    "fields_equal": {"*": COMPARED},
}


def selector_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """What a mapping with keys of `SELECTOR`, each checked, selects, as the engine reads it."""
    select = {key: given[key] for key in SELECTOR if key in given and key != "fields_equal"}
    if "fields_equal" in given:
        select["fields_equal"] = [*(given["fields_equal"] or {}).items()]
    return select


def _layout() -> Layout:
    return {
        "*": Switched(
            {
                **{place.key: place.kind for place in _PLACES},
                **SELECTOR,
                "format": format_of(),
                **lines.LAYOUT,
                **{key: kind for place in _PLACES for key, kind in place.further.items()},
            }
        )
    }


def _layout_of_function() -> Layout:
    """What a function may have that the program adds while logging runs: it follows the settings for lines."""
    others = {key for place in _PLACES if place.key != "function" for key in (place.key, *place.further)}
    output = _layout()["*"]
    return {key: below for key, below in output.items() if key not in {*others, *lines.LAYOUT}}


def _keys_of_add_sink() -> list[str]:
    return ["name", "logger", *(key for key in _layout_of_function() if key != "function")]


class Outputs(Section):
    """Places that records are written to besides the three files and the console, and which records all of these take."""

    outputs: Mapping[str, Any] = option(
        OUTPUTS,
        {},
        "Further outputs by name, and what app, errors, ai and console are to take; see docs/outputs.md.",
        layout=_layout,
    )
    # The functions that get records, each with the form in which it gets them, by the names of their outputs.
    functions: Mapping[str, tuple[Callable[..., Any], str]] = derived()
    # What the engine is told of each, over what other sections say of those that are there anyway. None for one that is off.
    outputs_for_engine: Mapping[str, Any] = derived()

    @classmethod
    def settle(cls, given: Given) -> Mapping[str, Any]:
        """Checks that each has a place of its own and can take a record, and works out what the engine is told."""
        all_given: dict[str, Any] = {}
        for _, outputs in given.each("outputs"):
            # A source that outranks another replaces whole outputs.
            all_given |= outputs
        values = given.values
        if all_given and not values["use_unified_logging"]:
            given.add_notice("outputs has no effect where use_unified_logging is false")
        outputs = {name: _for_engine(name, output, given) for name, output in all_given.items()}
        present = _present(given)
        for name in all_given.keys() & {*_FILES, _CONSOLE} - present.keys():
            del outputs[name]
            given.add_notice(f"outputs.{name} has no effect: another option turns it off")
        everything = joined(present, outputs)
        _check(everything, all_given, given)
        _refuse_nowhere(everything if values["use_unified_logging"] else present, given)
        files = [
            output["to"]["file"]["name"]
            for name, output in outputs.items()
            if output is not None and name not in _FILES and "file" in output.get("to", {})
        ]
        for notice in exposed_files(values["log_dir"], files, values["file_mode"]) if files else ():
            given.add_notice(notice)
        settled = {"outputs": all_given, "outputs_for_engine": outputs, "functions": _functions(all_given)}
        console = all_given[_CONSOLE] if outputs.get(_CONSOLE) else None
        if isinstance(console, dict) and "format" in console and values["use_unified_logging"]:
            settled["console_format"] = console["format"]
        return settled

    def to_engine(self) -> dict[str, dict[str, Any]]:
        """Each that is named here."""
        return {"output": {"to": {"outputs": dict(self.outputs_for_engine)}}}


def _present(given: Given) -> dict[str, Any]:
    """The outputs that are there without being named, as far as they are checked."""
    values = given.values
    files = {
        file.kind: {"select": {"level": file.level}, "to": {"file": {"name": file.name}}}
        for file in values["files"]
        if file.enabled
    }
    stream = next(name for name, stream in _CONSOLES.items() if stream == values["console"])
    console = {_CONSOLE: {"select": {"level": values["console_level"]}, "to": {"stream": stream}}}
    return files | ({} if values["console_format"] == "off" else console)


def _refuse_nowhere(outputs: Mapping[str, Any], given: Given) -> None:
    """Refuses a configuration by which no record would be written anywhere."""
    if given.values["log_dir"] is not None or any(outputs.values()):
        return
    if given.values["console_format"] == "off":
        source, key = given.source_of("console_format"), "console_format"
        allowed = "a format where log_dir is none: no record would be written anywhere"
        raise ConfigurationError(source=source, key=key, value="off", allowed=allowed)
    raise _wrong(given, _CONSOLE, False, "left out where log_dir is none: no record would be written anywhere")


def _for_engine(name: str, output_given: Any, given: Given) -> dict[str, Any] | None:
    """What the engine is told of an output: all of a new one, otherwise what is given."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name):
        raise _wrong(given, name, name, "a name of up to 64 letters, digits, '_', '-' and '.'")
    is_new = name not in (*_FILES, _CONSOLE)
    if output_given is False:
        if is_new and not any(outputs.get(name) for _, outputs in given.each("outputs")):
            meant = nearest(name, (*_FILES, _CONSOLE, *given.values["outputs"]))
            question = "" if meant in (None, name) else f"; did you mean {meant!r}?"
            given.add_notice(
                f"outputs.{name} has no effect: there is no output of this name that it could turn off{question}"
            )
        return None
    output: Mapping[str, Any] = output_given if isinstance(output_given, dict) else {}
    place = _place_of(name, output_given, output, given)
    if is_new and place.key == "file" and given.values["log_dir"] is None:
        raise _wrong(given, f"{name}.file", output["file"], "left out where log_dir is none: no file can be written")
    if "level" in output and is_below_all(output["level"], given):
        given.add_notice(f"outputs.{name}.level {BELOW_ALL}")
    for key in lines.LAYOUT:
        if key in output and output.get("format", "json") not in ("json", "logfmt"):
            raise _wrong(given, f"{name}.{key}", output[key], "left out: lines of text have no keys")
    select = selector_of(output)
    if "function" in output:
        # What a function logs must not come back to it.
        select["except_threads"] = _core.function_threads()
    for_engine: dict[str, Any] = {"select": ({"level": 0} if is_new else {}) | select}
    if is_new or ("format" in output and name != _CONSOLE):
        for_engine["format"] = text_format(output.get("format", "json"))
    if "function" in output and output.get("form", _DICT) == _DICT and output.get("format", "json") != "json":
        raise _wrong(given, f"{name}.format", output["format"], "json, of which mappings are made, or `form: line`")
    if name != _CONSOLE:
        for_engine["to"] = {place.key: place.for_engine(name, output, is_new, given)}
    return for_engine


def _functions(outputs: Mapping[str, Any]) -> dict[str, tuple[Callable[..., Any], str]]:
    return {
        name: (output["function"], output.get("form", _DICT))
        for name, output in outputs.items()
        if output and "function" in output
    }


def function_for_engine(settings: Outputs | None, name: str, output: Mapping[str, Any], source: str) -> dict[str, Any]:
    """What the engine is told of a function that the program adds as an output while logging runs.

    Args:
        settings: The settings with which logging runs; None before the start.
        name: The name of the output.
        output: Its keys, as in the option `outputs`.
        source: Names the caller in errors.

    Raises:
        ConfigurationError: A key or its value is not allowed.
    """
    try:
        parsed = {name: mappings.parse(dict(output), _layout_of_function())}
    except PartError as wrong:
        raise wrong.of(source, hint=f"add_sink has {', '.join(_keys_of_add_sink())}") from None
    given = Given(source, False, False, {}, {"outputs": parsed}, {}, {})
    given.values = {"log_level": 0} if settings is None else vars(settings)
    for_engine = _for_engine(name, parsed[name], given) or {}
    _check_levels(name, for_engine["select"], given)
    return for_engine


def _wrong(given: Given, key: str, value: object, allowed: str, **more: Any) -> ConfigurationError:
    """An error that names the last source that speaks of the output. `more` is what else such an error may say."""
    source = given.source_of("outputs")
    for each, outputs in given.each("outputs"):
        if any(f"{key}.".startswith(f"{name}.") for name in outputs):
            source = each
    return ConfigurationError(source=source, key=f"outputs.{key}", value=value, allowed=allowed, **more)


def _place_of(name: str, output_given: object, output: Mapping[str, Any], given: Given) -> _Place:
    """Where an output is written; refuses one that has none, two, or keys that its place does not have."""
    for field, value in (output.get("fields_equal") or {}).items():
        try:
            FIELDS.parse([field])
        except ValueError:
            raise _wrong(
                given, f"{name}.fields_equal.{field}", value, f"the value of a field: {_ARE_NO_FIELDS}"
            ) from None
    named = [place for place in _PLACES if place.key in output]
    if name in (*_FILES, _CONSOLE):
        console = "standard output" if given.values["console"] == "stdout" else "standard error"
        own, what = (_PLACES[1], console) if name == _CONSOLE else (_PLACES[0], "a file")
        for place in named:
            if place is not own or name == _CONSOLE:
                raise _wrong(given, f"{name}.{place.key}", output[place.key], f"left out: {name} is {what}")
    elif len(named) != 1:
        place_of_its_own = (
            f"either {' or '.join(f'`{place.key}`' for place in _PLACES)}, which says where it is written"
        )
        # A short name is like any other.
        meant = None if named or len(name) < 4 else nearest(name, (*_FILES, _CONSOLE))
        more = {}
        if meant is not None:
            hint = f"An output of another name has {place_of_its_own}"
            more = {"suggestion": meant, "unknown": "output", "hint": hint}
        raise _wrong(given, name, output_given, f"a mapping with {place_of_its_own}", **more)
    else:
        own = named[0]
    for place in _PLACES:
        for key in place.further:
            if key in output and place is not own:
                raise _wrong(given, f"{name}.{key}", output[key], f"given for outputs with `{place.key}` only")
    return own


def _check(outputs: Mapping[str, Any], all_given: Mapping[str, Any], given: Given) -> None:
    """Checks outputs against each other, and that each can take a record."""
    # Where each is written, and which one that is.
    taken: dict[tuple[str, str], str] = {("file", FAULTS): "fault_handler"} if given.values["fault_handler"] else {}
    for name, output in outputs.items():
        if output is None:
            continue
        _check_levels(name, output["select"], given)
        place = next(place for place in _PLACES if place.key in output["to"])
        place_name = place.name(output["to"][place.key])
        for (key, other_name), other in taken.items():
            if key == place.key and _is_one_place(other_name, place_name):
                # Of two that are there anyway neither is named here, so their option has told it.
                blamed = name if name in all_given else other
                allowed = f"a place of its own: {other if blamed == name else name} writes there too"
                raise _wrong(given, f"{blamed}.{place.key}", place_name, allowed)
        taken[place.key, place_name] = name
    files = [name for name, output in outputs.items() if output and "file" in output["to"]]
    if len(files) > _MOST:
        raise _wrong(given, files[_MOST], all_given.get(files[_MOST]), f"one of at most {_MOST} files")


def _check_levels(name: str, select: Mapping[str, Any], given: Given) -> None:
    """Checks that an output takes some level."""
    most = select.get("max_level")
    if most is not None and most < select["level"]:
        allowed = f"{levels.name_of(select['level'])}, the least level of {name}, or more: it would take nothing"
        raise _wrong(given, f"{name}.max_level", levels.name_of(most), allowed)


def _is_one_place(one: str, other: str) -> bool:
    """Whether two names are the same file's, or one is that of a file that was rotated from the other."""
    one, other = one.lower(), other.lower()
    return one == other or _core.is_rotated(one, other) or _core.is_rotated(other, one)
