"""Outputs in addition to the three files and the console, and changes of these four."""

from __future__ import annotations

import json
import re

from ... import _core
from ...errors import ConfigurationError
from ..kinds import BOOLEAN, COUNT, LEVEL, MODE, NAMES, SIZE, Kind, choice
from ..mappings import Switched, joined
from ..options import Section, derived, option
from .files import FAULTS, exposed_files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..mappings import Layout
    from ..options import Given

# Outputs that are there without being named; others give the file or stream that they write to.
_FILES = ("app", "errors", "ai")
_CONSOLE = "console"
_OF_FILES = ("max_bytes", "backup_count", "file_mode")
# The black box has room for so many journals.
_MOST = 60
# Keys of a record itself, which no field can have.
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
    if (isinstance(value, float) and value - value != 0) or (isinstance(value, int) and not -(2**63) <= value < 2**64):
        raise ValueError
    return value


def _outputs(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return value


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
    lambda text: _outputs(json.loads(text)),
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
    """Outputs in addition to the three files and the console, and changes of these four."""

    outputs: Mapping[str, Any] = option(
        OUTPUTS,
        {},
        "Further outputs by name, and what app, errors, ai and console are to take; see docs/outputs.md.",
        layout=_layout,
    )

    # The settings of each output for the engine, joined with those of other sections; None for an output that is off.
    outputs_for_engine: Mapping[str, Any] = derived()

    @classmethod
    def settle(cls, given: Given) -> Mapping[str, Any]:
        """Checks that each output has its own file or stream and can take a record, and works out the settings for the engine."""
        outputs_given: dict[str, Any] = {}
        for _, outputs in given.each("outputs"):
            # A source that outranks a file replaces whole outputs.
            outputs_given |= outputs
        if outputs_given and not given.values["use_unified_logging"]:
            given.add_notice("outputs has no effect where use_unified_logging is false")
        outputs = {name: _of_engine(name, {} if each is None else each, given) for name, each in outputs_given.items()}
        present = _present(given)
        for name in outputs_given.keys() & {*_FILES, _CONSOLE} - present.keys():
            del outputs[name]
            given.add_notice(f"outputs.{name} has no effect: another option turns it off")
        _check(joined(present, outputs), outputs_given, given)
        values = given.values
        names = [
            name for name, output in outputs.items() if output and name not in _FILES and "file" in output.get("to", {})
        ]
        files = [outputs[name]["to"]["file"]["name"] for name in names]
        for notice in exposed_files(values["log_dir"], files, values["file_mode"]):
            given.add_notice(notice)
        console = outputs_given.get(_CONSOLE)
        form = {"console_format": console["format"]} if isinstance(console, dict) and "format" in console else {}
        return {"outputs": outputs_given, "outputs_for_engine": outputs, **form}

    def to_engine(self) -> dict[str, dict[str, Any]]:
        """The outputs that are named here."""
        return {"output": {"to": {"outputs": dict(self.outputs_for_engine)}}}


def _present(given: Given) -> dict[str, Any]:
    """The outputs that are there without being named, with the settings that are checked."""
    values = given.values
    files = {
        file.kind: {"select": {"level": file.level}, "to": {"file": {"name": file.name}}}
        for file in values["files"]
        if file.enabled
    }
    console = {_CONSOLE: {"select": {"level": values["console_level"]}, "to": {"stream": _CONSOLE}}}
    return files | ({} if values["console_format"] == "off" else console)


def _of_engine(name: str, outputs_given: Any, given: Given) -> dict[str, Any] | None:
    """The settings of an output for the engine: all of a new output, otherwise only those that are given. None if it is off."""
    if outputs_given is False:
        return None
    outputs_given = {} if outputs_given is True else outputs_given
    is_new = name not in (*_FILES, _CONSOLE)
    _check_place(name, outputs_given, is_new, given)
    values = given.values
    select = {
        key: outputs_given[key]
        for key in ("level", "max_level", "loggers", "ai", "fields_present")
        if key in outputs_given
    }
    if "fields_equal" in outputs_given:
        select["fields_equal"] = [*(outputs_given["fields_equal"] or {}).items()]
    output: dict[str, Any] = {"select": ({"level": 0} if is_new else {}) | select}
    if is_new or ("format" in outputs_given and name != _CONSOLE):
        form = outputs_given.get("format", "json")
        output["format"] = {"name": form, "color": False} if form == "text" else {"name": form}
    if "stream" in outputs_given:
        output["to"] = {"stream": outputs_given["stream"]}
    elif name != _CONSOLE:
        file = {"max_bytes": values["max_bytes"], "backup_count": values["backup_count"]} if is_new else {}
        file |= {key: outputs_given[key] for key in ("max_bytes", "backup_count") if key in outputs_given}
        if "file" in outputs_given:
            file["name"] = outputs_given["file"]
        if is_new or "file_mode" in outputs_given:
            file["mode"] = (
                outputs_given.get("file_mode", values["file_mode"]),
                "file_mode" in outputs_given or given.has("file_mode"),
            )
        output["to"] = {"file": file}
    return output


def _wrong(given: Given, key: str, value: object, allowed: str) -> ConfigurationError:
    return ConfigurationError(source=given.source_of("outputs"), key=f"outputs.{key}", value=value, allowed=allowed)


def _check_place(name: str, outputs_given: Mapping[str, Any], is_new: bool, given: Given) -> None:
    """Checks that an output has one file or stream, and only the keys that belong to it."""
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name):
        raise _wrong(given, name, name, "a name of up to 64 letters, digits, '_', '-' and '.'")
    for field, value in (outputs_given.get("fields_equal") or {}).items():
        if field in _NO_FIELDS:
            raise _wrong(given, f"{name}.fields_equal.{field}", value, FIELDS.allowed)
    if is_new and ("file" in outputs_given) == ("stream" in outputs_given):
        raise _wrong(given, name, dict(outputs_given), "either `file` or `stream`, which says where it is written")
    misplaced = [
        key
        for key in ("stream", "file")
        if key in outputs_given and name in ((_CONSOLE,) if key == "file" else (*_FILES, _CONSOLE))
    ]
    if misplaced:
        place = "standard error" if name == _CONSOLE else "a file"
        raise _wrong(given, f"{name}.{misplaced[0]}", outputs_given[misplaced[0]], f"left out: {name} is {place}")
    for key in _OF_FILES:
        if key in outputs_given and ("stream" in outputs_given or name == _CONSOLE):
            raise _wrong(given, f"{name}.{key}", outputs_given[key], "given for files only")


def _check(outputs: Mapping[str, Any], outputs_given: Mapping[str, Any], given: Given) -> None:
    """Checks outputs against each other, and that each can take a record."""
    # The file or stream of each output, with the output's name.
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
        raise _wrong(given, files[_MOST], outputs_given.get(files[_MOST]), f"one of at most {_MOST} files")


def _is_one_place(one: str, other: str) -> bool:
    """Whether two names are those of the same file, or one is that of a rotated file of the other."""
    (short, long) = sorted((one.lower(), other.lower()), key=len)
    return long == short or (long.startswith(short + ".") and long[len(short) + 1 :].isdigit())
