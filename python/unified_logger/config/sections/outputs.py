"""What is written to besides the three files and the console, and what these are to take."""

from __future__ import annotations

import json
import re

from ... import _core
from ...errors import ConfigurationError
from ..kinds import BOOLEAN, COUNT, LEVEL, MODE, NAMES, SIZE, Kind, NotAllowedError, choice
from ..mappings import Switched, joined
from ..options import Section, derived, option
from .files import FAULTS, exposed_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..mappings import Layout
    from ..options import Given

# Those that are there without being named; the others name what they write to.
_FILES = ("app", "errors", "ai")
_CONSOLE = "console"
_OF_FILES = ("max_bytes", "backup_count", "file_mode")
# The black box has room for so many journals.
_MOST = 60
# Keys of a line that no field has: a record's own.
_NO_FIELDS = (
    *("timestamp", "level", "logger", "message", "module", "function", "line", "thread", "process"),
    *("exception", "stack", "recovered"),
)


def _file(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[^./\\\0][^/\\\0]*", value) or len(value.encode()) > 200:
        raise ValueError
    return value


def _fields(value: Any) -> tuple[str, ...]:
    names: tuple[str, ...] = NAMES.parse(value)
    if not names or any(name in _NO_FIELDS for name in names):
        raise ValueError
    return names


def _loggers(value: Any) -> tuple[str, ...]:
    names: tuple[str, ...] = NAMES.parse(value)
    if not names:
        raise ValueError
    return names


def _scalar(value: Any) -> Any:
    if value is not None and not isinstance(value, (str, bool, int, float)):
        raise TypeError
    if isinstance(value, str):
        value.encode("utf-8")  # Half a surrogate is no text.
    if (isinstance(value, float) and value - value != 0) or (isinstance(value, int) and not -(2**63) <= value < 2**64):
        raise ValueError
    return value


def _outputs(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _outputs_text(text: str) -> dict[str, Any]:
    try:
        return _outputs(json.loads(text, object_pairs_hook=_once))
    except RecursionError:
        raise ValueError from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A mapping of JSON, unless it gives a key twice: the last would silently count."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for index, (key, _) in enumerate(pairs) if key in dict(pairs[:index]))
        raise NotAllowedError(f"a mapping that gives {twice!r} once only")
    return found


FILE = Kind(
    "file name",
    "the name of a file in the log directory, without a path, that does not begin with a dot",
    _file,
    _file,
    {"type": "string", "pattern": r"^[^./\\][^/\\]*$", "maxLength": 200},
)
LOGGERS = Kind(
    "loggers",
    "a list of loggers' names, one at least: each names a logger and those below it, or with * (any text) and ? (one character) what it fits",
    _loggers,
    _loggers,
    {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1},
)
FIELDS = Kind(
    "fields",
    f"a list of names of fields, one at least; {', '.join(_NO_FIELDS)} are no fields: `level`, `max_level` and `loggers` select by those",
    _fields,
    _fields,
    {"type": "array", "items": {"type": "string", "minLength": 1, "not": {"enum": [*_NO_FIELDS]}}, "minItems": 1},
)
SCALAR = Kind(
    "scalar",
    "a text, a number, true, false or null",
    _scalar,
    _scalar,
    {"type": ["string", "number", "boolean", "null"]},
)
OUTPUTS = Kind(
    "outputs",
    "a mapping of outputs' names to what they are (in the environment: as JSON)",
    _outputs,
    _outputs_text,
    {"type": "object"},
)


def _layout() -> Layout:
    return {
        "*": Switched(
            {
                "file": FILE,
                "stream": choice("stdout", "stderr"),
                "level": LEVEL,
                "max_level": LEVEL,
                "loggers": LOGGERS,
                "ai": BOOLEAN,
                "fields_present": FIELDS,
                "fields_equal": {"*": SCALAR},
                "format": choice(*_core.formats()),
                "max_bytes": SIZE,
                "backup_count": COUNT,
                "file_mode": MODE,
            }
        )
    }


class Outputs(Section):
    """What is written to besides the three files and the console, and what these are to take."""

    outputs: Mapping[str, Any] = option(
        OUTPUTS,
        {},
        "Further outputs by name, and what app, errors, ai and console are to take; see docs/outputs.md.",
        layout=_layout,
    )

    # What the engine is told of each, over what other sections say of those that are there anyway; None for one that is off.
    outputs_for_engine: Mapping[str, Any] = derived()

    @classmethod
    def settle(cls, given: Given) -> Mapping[str, Any]:
        """Checks that each has a place of its own and can take a record, and works out what the engine is told."""
        said: dict[str, Any] = {}
        for _, outputs in given.each("outputs"):
            # What outranks a file says otherwise about whole outputs.
            said |= outputs
        if said and not given.values["use_unified_logging"]:
            given.say("outputs has no effect where use_unified_logging is false")
        outputs = {name: _of_engine(name, {} if each is None else each, given) for name, each in said.items()}
        present = _present(given)
        for name in said.keys() & {*_FILES, _CONSOLE} - present.keys():
            del outputs[name]
            given.say(f"outputs.{name} has no effect: another option turns it off")
        _check(joined(present, outputs), said, given)
        values = given.values
        names = [
            name for name, output in outputs.items() if output and name not in _FILES and "file" in output.get("to", {})
        ]
        files = [outputs[name]["to"]["file"]["name"] for name in names]
        for notice in exposed_files(values["log_dir"], files, values["file_mode"]):
            given.say(notice)
        console = outputs.get(_CONSOLE) and said[_CONSOLE]
        has_form = isinstance(console, dict) and "format" in console and values["use_unified_logging"]
        return {
            "outputs": said,
            "outputs_for_engine": outputs,
            **({"console_format": console["format"]} if has_form else {}),
        }

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
    console = {_CONSOLE: {"select": {"level": values["console_level"]}, "to": {"stream": _CONSOLE}}}
    return files | ({} if values["console_format"] == "off" else console)


def _of_engine(name: str, said: Any, given: Given) -> dict[str, Any] | None:
    """What the engine is told of an output: all of a new one, otherwise what is said."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name):
        raise _wrong(given, name, name, "a name of up to 64 letters, digits, '_', '-' and '.'")
    is_new = name not in (*_FILES, _CONSOLE)
    if said is False:
        if is_new and not any(outputs.get(name) for _, outputs in given.each("outputs")):
            given.say(f"outputs.{name} has no effect: there is no output of this name that it could turn off")
        return None
    said = {} if said is True else said
    _check_place(name, said, is_new, given)
    values = given.values
    select = {key: said[key] for key in ("level", "max_level", "loggers", "ai", "fields_present") if key in said}
    if "fields_equal" in said:
        select["fields_equal"] = [*(said["fields_equal"] or {}).items()]
    output: dict[str, Any] = {"select": ({"level": 0} if is_new else {}) | select}
    if is_new or ("format" in said and name != _CONSOLE):
        form = said.get("format", "json")
        output["format"] = {"name": form, "color": False} if form == "text" else {"name": form}
    if "stream" in said:
        output["to"] = {"stream": said["stream"]}
    elif name != _CONSOLE:
        file = {"max_bytes": values["max_bytes"], "backup_count": values["backup_count"]} if is_new else {}
        file |= {key: said[key] for key in ("max_bytes", "backup_count") if key in said}
        if "file" in said:
            file["name"] = said["file"]
        if is_new or "file_mode" in said:
            file["mode"] = (said.get("file_mode", values["file_mode"]), "file_mode" in said or given.has("file_mode"))
        output["to"] = {"file": file}
    return output


def _wrong(given: Given, key: str, value: object, allowed: str) -> ConfigurationError:
    """What is said where an output cannot be, of whatever says last what that is."""
    source = given.origin("outputs")
    for each, outputs in given.each("outputs"):
        if any(f"{key}.".startswith(f"{name}.") for name in outputs):
            source = each
    return ConfigurationError(source=source, key=f"outputs.{key}", value=value, allowed=allowed)


def _check_place(name: str, said: Mapping[str, Any], is_new: bool, given: Given) -> None:
    """Each writes to one place, and has what belongs to that."""
    for field, value in (said.get("fields_equal") or {}).items():
        try:
            FIELDS.parse([field])
        except ValueError:
            raise _wrong(given, f"{name}.fields_equal.{field}", value, FIELDS.allowed) from None
    if is_new and ("file" in said) == ("stream" in said):
        raise _wrong(given, name, dict(said), "either `file` or `stream`, which says where it is written")
    misplaced = [
        key
        for key in ("stream", "file")
        if key in said and name in ((_CONSOLE,) if key == "file" else (*_FILES, _CONSOLE))
    ]
    if misplaced:
        place = "standard error" if name == _CONSOLE else "a file"
        raise _wrong(given, f"{name}.{misplaced[0]}", said[misplaced[0]], f"left out: {name} is {place}")
    for key in _OF_FILES:
        if key in said and ("stream" in said or name == _CONSOLE):
            raise _wrong(given, f"{name}.{key}", said[key], "given for files only")


def _check(outputs: Mapping[str, Any], said: Mapping[str, Any], given: Given) -> None:
    """Checks outputs against each other, and that each can take a record."""
    # Where each writes to, and the one that does.
    taken: dict[str, str] = {FAULTS: "fault_handler"} if given.values["fault_handler"] else {}
    for name, output in outputs.items():
        if output is None:
            continue
        select, to = output["select"], output["to"]
        most = select.get("max_level")
        if most is not None and most < select["level"]:
            raise _wrong(
                given,
                f"{name}.max_level",
                most,
                f"{select['level']}, the least level of {name}, or more: it would take nothing",
            )
        place = to["file"]["name"] if "file" in to else {_CONSOLE: "stderr"}.get(to["stream"], to["stream"])
        other = next((taken[each] for each in taken if _is_one_place(each, place)), None)
        if other is not None:
            key = f"{name}.{'file' if 'file' in to else 'stream'}"
            raise _wrong(given, key, place, f"a place of its own: {other} writes there too")
        taken[place] = name
    files = [name for name, output in outputs.items() if output and "file" in output["to"]]
    if len(files) > _MOST:
        raise _wrong(given, files[_MOST], said.get(files[_MOST]), f"one of at most {_MOST} files")


def _is_one_place(one: str, other: str) -> bool:
    """Whether two names are the same file's, or one is that of a file that was rotated from the other."""
    (short, long) = sorted((one.lower(), other.lower()), key=len)
    return long == short or (long.startswith(short + ".") and long[len(short) + 1 :].isdigit())
