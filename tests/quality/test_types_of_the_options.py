"""`unified_logger.typing` says of the options and counts what the sections and the list of counts have."""

from __future__ import annotations

import importlib.util
import inspect
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any, Literal, get_args, get_origin, get_type_hints

import pytest

from unified_logger import UnifiedLoggerFactory, get_stats, init_logging, typing
from unified_logger.config import OPTIONS
from unified_logger.config.kinds import BOOLEAN, LEVEL, MAPPING, NAMES, PATH, Kind, choice
from unified_logger.config.mappings import Switched
from unified_logger.config.options import Option

HINTS = get_type_hints(typing.Options)


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script that writes the types."""
    path = Path(__file__).resolve().parents[2] / "scripts" / "annotations.py"
    spec = importlib.util.spec_from_file_location("annotations", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_types_are_those_that_the_script_writes(script: ModuleType) -> None:
    """`make tables` has been run."""
    for name, text in script.modules().items():
        assert (files("unified_logger") / "typing" / name).read_text(encoding="utf-8") == text


def test_every_option_has_a_type() -> None:
    """And no other name has one."""
    assert HINTS.keys() == OPTIONS.keys()


@pytest.mark.parametrize("function", [init_logging, UnifiedLoggerFactory.initialize])
def test_options_with_a_position_have_the_types_of_their_kinds(
    function: Callable[..., Any], script: ModuleType
) -> None:
    """Type checkers allow no name twice, so the other options are in `FurtherOptions`."""
    named = {name: parameter.annotation for name, parameter in inspect.signature(function).parameters.items()}
    named.pop("self", None)
    assert named.pop("options") == "Unpack[FurtherOptions]"
    assert named == {name: script.type_of(OPTIONS[name], script.Classes()) for name in named}
    assert get_type_hints(typing.FurtherOptions).keys() == HINTS.keys() - named.keys()


@pytest.mark.parametrize("option", OPTIONS.values(), ids=lambda option: option.name)
def test_words_of_a_type_are_allowed(option: Option) -> None:
    """Each that an editor offers is accepted."""
    hint = HINTS[option.name]
    parts = [hint] if get_origin(hint) is Literal else get_args(hint)
    for word in (word for part in parts if get_origin(part) is Literal for word in get_args(part)):
        assert option.parse(word) is not None


def test_counts_are_those_of_the_types() -> None:
    """Each is an integer, and in a place that has a type."""
    hints = get_type_hints(typing.Stats)
    stats: Any = get_stats()
    assert hints.keys() - stats.keys() <= {"streams"}
    assert stats.keys() <= hints.keys()
    assert {name for name, hint in hints.items() if hint is int} == {
        name for name, value in stats.items() if isinstance(value, int)
    }
    by_reason = get_type_hints(hints["dropped_by_reason"])
    assert by_reason.keys() == stats["dropped_by_reason"].keys()
    assert get_type_hints(get_args(hints["files"])[1]).keys() == stats["files"]["app"].keys()


def kind(schema: dict[str, Any], annotation: str | None = None) -> Kind:
    """A kind with this schema."""
    return Kind("anything", "anything", lambda value: value, lambda text: text, schema, annotation)


@pytest.mark.parametrize(
    ("kind", "annotation"),
    [
        (kind({"type": "integer"}), "int"),
        (kind({"type": ["number", "null"]}), "float | None"),
        (kind({"type": ["integer", "string"], "minimum": 0}), "int | str"),
        (kind({"const": 1}), "Literal[1]"),
        (kind({"type": "array", "items": {"type": "string"}}), "list[str] | tuple[str, ...]"),
        (kind({"type": "object"}), "Mapping[str, Any]"),
        (kind({"type": "object", "additionalProperties": {"type": "boolean"}}), "Mapping[str, bool]"),
        (kind({}), "Any"),
        (kind({"enum": ["auto", True, False]}), 'Literal["auto"] | bool'),
        (kind({"anyOf": [{"enum": ["a"]}, {"type": "string", "pattern": "b"}]}), 'Literal["a"] | str'),
        (Kind("path or none", "", str, str, {"type": ["string", "null"]}), "str | PathLike[str] | None"),
        (kind({"type": "array"}, "Sequence[Callable[..., Any]]"), "Sequence[Callable[..., Any]]"),
        (choice("a", "b"), 'Literal["a", "b"]'),
        (PATH, "str | PathLike[str]"),
        (LEVEL, "Level"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_type_of_a_kind_follows_from_its_schema(kind: Kind, annotation: str, script: ModuleType) -> None:
    """Unless the kind brings a type that JSON does not know."""
    assert script.annotation_of(kind) == annotation


def test_keys_of_mappings_become_classes(script: ModuleType) -> None:
    """Down to the leaves, also keys that are no names of Python."""
    layout = {"*": Switched({"level": LEVEL, "on": BOOLEAN, "paths": {"*": {"class": PATH, "@id": NAMES}}})}
    option = Option(MAPPING, {}, "Reports.", layout=lambda: layout)
    option.__set_name__(type, "reports")
    classes = script.Classes()
    assert script.type_of(option, classes) == "Mapping[str, Report | bool | None]"
    module: dict[str, Any] = {"__name__": "types_of_reports"}
    exec(compile(classes.module("Types.", "Level = str\n"), "<types>", "exec", dont_inherit=True), module)
    hints = get_type_hints(module["Report"], module)
    assert hints.keys() == {"level", "on", "paths"}
    [(_, path)] = [(name, value) for name, value in module.items() if name.startswith("ReportPath")]
    assert get_type_hints(path, module).keys() == {"class", "@id"}


def test_an_option_says_what_it_is_below_its_key() -> None:
    """Editors show the text there: its help with the unit, and its default."""
    source = (files("unified_logger") / "typing" / "options.py").read_text(encoding="utf-8")
    for option in OPTIONS.values():
        found = re.search(rf'^    {option.name}: .*\n    """(.*)"""$', source, re.MULTILINE)
        assert found is not None, option.name
    queue_bytes = re.search(r'^    queue_bytes: .*\n    """(.*)"""$', source, re.MULTILINE)
    assert queue_bytes is not None
    assert queue_bytes[1].startswith(OPTIONS["queue_bytes"].help)
    assert queue_bytes[1].endswith("Default: 67108864 (64 MiB).")


def test_the_package_does_not_import_its_types(run_python: Callable[..., Any]) -> None:
    """Nor `typing_extensions`, which need not be installed."""
    code = """
import sys
sys.modules["typing_extensions"] = None
import unified_logger
from unified_logger import *
print("unified_logger.typing" in sys.modules)
import unified_logger.typing
print(unified_logger.typing.Options.__total__)
"""
    assert run_python(code).stdout.split() == ["False", "False"]
