"""Write the types of options and counts that editors and type checkers read, from the sections and from the list of counts.

`make tables` runs this with the interpreter in which the package is installed. Tests compare the result with the files.
"""

from __future__ import annotations

import inspect
import json
import keyword
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import unified_logger
from unified_logger import _core
from unified_logger.config import OPTIONS
from unified_logger.config.kinds import LEVEL, MIB, Kind
from unified_logger.config.layout import default_shown
from unified_logger.config.mappings import Switched, Worded
from unified_logger.config.options import Option

FOLDER = Path(__file__).resolve().parent.parent / "python" / "unified_logger" / "typing"
# Where names of annotations come from. A kind may use any of these.
MODULES = {
    "collections.abc": ("Callable", "Iterable", "Mapping", "Sequence"),
    "datetime": ("datetime", "timedelta", "tzinfo"),
    "os": ("PathLike",),
    "pathlib": ("Path",),
    "types": ("ModuleType",),
    "typing": ("Any", "Literal", "TypedDict"),
}
SIMPLE = {"integer": "int", "number": "float", "string": "str", "boolean": "bool", "null": "None"}
# Names that a class for the keys of a mapping cannot have.
TAKEN = ("FurtherOptions", "Level", "Options", *(name for names in MODULES.values() for name in names))
# What stands below a key of `get_stats` that is no number.
COUNTS = {
    "files": "The outputs that are files, by their names.",
    "console": "Lines on the console.",
    "sinks": "Functions that get records, by their names.",
    "record_metrics": "Metrics that records make, by their names.",
    "sampling": "Rules of sampling, by their names.",
    "streams": "Further outputs that are streams, by their names.",
    "dropped_by_reason": "Dropped records by reason, and in each by level.",
    "native_stdlib": "Whether loggers of the standard library log natively, and why not.",
}


def named_options() -> list[str]:
    """The options that `init_logging` takes by position, too."""
    parameters = inspect.signature(unified_logger.init_logging).parameters.values()
    return [parameter.name for parameter in parameters if parameter.kind is parameter.POSITIONAL_OR_KEYWORD]


def annotation_of(kind: Kind) -> str:
    """The type of a value of a kind. A path may be an object, which JSON does not know."""
    if kind.annotation is not None:
        return kind.annotation
    found = _of_schema(kind.schema)
    return re.sub(r"\bstr\b", "str | PathLike[str]", found, count=1) if kind.name.startswith("path") else found


def _of_schema(schema: Mapping[str, Any]) -> str:
    return "Level" if schema == LEVEL.schema else _in_full(schema)


def _in_full(schema: Mapping[str, Any]) -> str:
    """The type of a schema, also that of levels."""
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_of_schema(each) for each in schema["anyOf"]))
    if "const" in schema or "enum" in schema:
        return _literal(schema.get("enum", [schema.get("const")]))
    types = schema.get("type", [])
    found = [_of_type(name, schema) for name in ([types] if isinstance(types, str) else types)]
    if "examples" in schema:
        found.insert(0, _literal(schema["examples"]))
    return " | ".join(found) or "Any"


def _literal(words: Iterable[object]) -> str:
    words = list(words)
    others = [word for word in words if not isinstance(word, bool)]
    # For type checkers `bool` is more than its two values.
    if len(words) - len(others) < 2:
        others = words
    shown = (json.dumps(word, ensure_ascii=False) if isinstance(word, str) else repr(word) for word in others)
    literal = [f"Literal[{', '.join(shown)}]"] if others else []
    return " | ".join(literal if others is words else [*literal, "bool"])


def _of_type(name: str, schema: Mapping[str, Any]) -> str:
    if name == "array":
        item = _of_schema(schema.get("items", {}))
        return f"list[{item}] | tuple[{item}, ...]"
    if name == "object":
        below = schema.get("additionalProperties")
        return f"Mapping[str, {_of_schema(below) if isinstance(below, dict) else 'Any'}]"
    return SIMPLE[name]


class Classes:
    """The classes of a module, in an order in which each is defined before it is used."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def add(self, name: str, doc: str, keys: Iterable[tuple[str, str, str]], base: str = "TypedDict") -> str:
        """Adds a class of mappings.

        Args:
            name: Its name.
            doc: Its docstring.
            keys: Each key with its type and its docstring, which may be empty.
            base: A class with further keys, or `TypedDict`; followed by `total=False` if keys may be missing.

        Returns:
            The name.
        """
        keys = list(keys)
        assert name not in self.texts
        if all(key.isidentifier() and not keyword.iskeyword(key) for key, *_ in keys):
            lines = [line for key, type_, text in keys for line in (f"{key}: {type_}", *([_doc(text)] if text else []))]
            body = "".join(f"    {line}\n" for line in lines)
            self.texts[name] = f"class {name}({base}):\n    {_doc(doc)}\n\n{body}"
        else:  # `class` and `@timestamp` can be keys, but not attributes.
            first, _, total = base.partition(", ")
            assert first == "TypedDict"
            lines = [f"        {key!r}: {type_!r},\n" for key, type_, _ in keys]
            end = f", {total}" if total else ""
            self.texts[name] = f'{name} = TypedDict(\n    "{name}",\n    {{\n{"".join(lines)}    }}{end},\n)\n'
        return name

    def unused(self, name: str) -> str:
        """The name, or another one if there is something of this name."""
        while name in self.texts or name in TAKEN:
            name += "Keys"
        return name

    def module(self, doc: str, before: str = "") -> str:
        """The text of the module."""
        body = "\n\n".join([*([before] if before else []), *self.texts.values()])
        words = set(re.findall(r"\w+", re.sub(r'""".*?"""', "", body, flags=re.DOTALL)))
        imports = [
            f"from {module} import {', '.join(name for name in names if name in words)}\n"
            for module, names in MODULES.items()
            if words.intersection(names)
        ]
        head = f"# Written by `make tables`.\n# fmt: off\n{_doc(doc)}\n\nfrom __future__ import annotations\n\n"
        return "\n".join([f"{head}{''.join(imports)}", *([] if before else [""]), body])


def _doc(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"""', "'''")
    return f'"""{escaped}"""'


def _class_name(name: str) -> str:
    return "".join(word.capitalize() for word in re.findall(r"[A-Za-z0-9]+", name))


def _of_layout(layout: Any, name: str, what: str, classes: Classes) -> str:
    """The type of a value with a layout: a kind, a class of mappings, or mappings with any keys."""
    if isinstance(layout, Kind):
        return annotation_of(layout)
    named = {key: below for key, below in layout.items() if key != "*"}
    keys = [
        (key, _of_block(below, name + _class_name(key), f"`{key}` in {what}", classes), _allowed(below))
        for key, below in named.items()
    ]
    if "*" not in layout:
        return classes.add(classes.unused(name), f"The keys of {what}.", keys, "TypedDict, total=False")
    entry = name[:-1] if name.endswith("s") else f"{name}Entry"
    types = [_of_block(layout["*"], entry, f"an entry of {what}", classes), *(type_ for _, type_, _ in keys)]
    return f"Mapping[str, {' | '.join(dict.fromkeys(types))}]"


def _of_block(layout: Any, name: str, what: str, classes: Classes) -> str:
    """The type of a value below a key, with what may stand in place of a block."""
    type_ = _of_layout(layout, name, what, classes)
    if isinstance(layout, Kind):
        return type_
    if isinstance(layout, Worded):
        types = layout.kind.schema["type"]
        others = [SIMPLE[name] for name in ([types] if isinstance(types, str) else types) if name != "object"]
        return " | ".join([type_, *others])
    return f"{type_} | bool | None" if isinstance(layout, Switched) else f"{type_} | None"


def _allowed(layout: Any) -> str:
    if isinstance(layout, Kind):
        return _sentence(layout.allowed)
    return "A mapping of names to values." if "*" in layout else "A mapping of keys to values."


def _sentence(words: str) -> str:
    """What is allowed or counted, without what holds for the environment, and without links."""
    words = re.sub(r" \(in the environment: [^)]*\)", "", words)
    words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", words)
    return f"{words[:1].upper()}{words[1:]}."


def type_of(option: Option, classes: Classes) -> str:
    """The type of the value of an option. Classes for the keys of mappings are added."""
    if option.layout is None:
        return annotation_of(option.kind)
    layout = _of_layout(option.layout(), _class_name(option.name), f"`{option.name}`", classes)
    if option.kind.annotation is not None:
        return f"{layout} | {option.kind.annotation}"
    types = option.kind.schema.get("type", "object")
    others = [SIMPLE[name] for name in ([types] if isinstance(types, str) else types) if name != "object"]
    return " | ".join([layout, *others])


def options_module() -> str:
    """The module of the options."""
    classes = Classes()
    keys = {option.name: (option.name, type_of(option, classes), _described(option)) for option in OPTIONS.values()}
    named = named_options()
    further = [key for name, key in keys.items() if name not in named]
    classes.add(
        "FurtherOptions",
        "The options of `init_logging` that are given by name only.",
        further,
        "TypedDict, total=False",
    )
    classes.add(
        "Options", "All options of `init_logging`.", [keys[name] for name in named], "FurtherOptions, total=False"
    )
    level = f"# A level by its name or number.\nLevel = {_in_full(LEVEL.schema)}\n"
    return classes.module("The options of `init_logging`, as types.", level)


def _described(option: Option) -> str:
    default = default_shown(option)
    if option.kind.name == "size" and option.default and option.default % MIB == 0:
        default = f"{default} ({option.default // MIB} MiB)"
    elif option.kind.name == "seconds":
        default += " seconds"
    return f"{option.help} Takes {_sentence(option.kind.allowed)[:1].lower()}{_sentence(option.kind.allowed)[1:]} Default: {default}."


def stats_module() -> str:
    """The module of the counts."""
    groups: dict[str, dict[str, tuple[str, str, str]]] = {}
    for group, name, kind, unit, text in _core.counted():
        groups.setdefault(group, {})[name] = (name, "int", f"{_sentence(text)} A {kind}, in {unit}.")
    classes = Classes()
    counts = {
        group: classes.add(f"{_class_name(group).removesuffix('s')}Counts", f"The counts in `{group}`.", keys.values())
        for group, keys in groups.items()
        if group
    }
    present = unified_logger.get_stats()
    keys = []
    for name, value in present.items():
        keys.append(groups[""].get(name) or (name, _of_counts(name, value, counts, classes), COUNTS.get(name, "")))
    seldom = {"streams": counts["console"]} | {group: name for group, name in counts.items() if group not in present}
    absent = [(group, f"dict[str, {name}]", COUNTS.get(group, "By name.")) for group, name in seldom.items()]
    classes.add(
        "Seldom", "Counts that are there only where there is something to count.", absent, "TypedDict, total=False"
    )
    classes.add("Stats", "The result of `get_stats`.", keys, "Seldom")
    return classes.module("The counts that `get_stats` returns, as types.")


def _of_counts(name: str, value: Any, counts: Mapping[str, str], classes: Classes) -> str:
    """The type of counts below a key."""
    if not isinstance(value, dict):
        return type(value).__name__
    by_name = all(isinstance(below, dict) for below in value.values())
    if name in counts:
        return f"dict[str, {counts[name]}]" if by_name else counts[name]
    if not by_name:
        return _counts_by(name, value, classes)
    below, *others = value.values()
    assert all(other.keys() == below.keys() for other in others), f"the counts below {name} differ"
    each = _counts_by("Level", below, classes)
    return classes.add(_class_name(name), f"The counts in `{name}`.", [(key, each, "") for key in value])


def _counts_by(name: str, value: Mapping[str, int], classes: Classes) -> str:
    return classes.add(classes.unused(f"By{_class_name(name)}"), "Counts by name.", [(key, "int", "") for key in value])


def modules() -> dict[str, str]:
    """The text of each module, by the name of its file."""
    return {"options.py": options_module(), "stats.py": stats_module()}


if __name__ == "__main__":
    for file_name, text in modules().items():
        (FOLDER / file_name).write_text(text, encoding="utf-8")
