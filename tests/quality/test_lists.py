"""What an entry of each list must bring. The lists are what a capability adds a line to."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from unified_logger import _core
from unified_logger.config import OPTIONS, SECTIONS, Settings, file, layout, options, resolve, sections
from unified_logger.config.kinds import BOOLEAN, LEVEL, MAPPING, PartError, choice
from unified_logger.config.layout import LAYOUT
from unified_logger.config.mappings import joined
from unified_logger.config.options import Derived, Option, Section
from unified_logger.process import capabilities, reload

resolve_module = importlib.import_module("unified_logger.config.resolve")
ROOT = Path(__file__).resolve().parents[2]
BINDING = ROOT / "rust_core" / "binding" / "src"
FILTERS = re.findall(
    r"\b(\w+)::FILTER\b(?=[^;]*\];)", (BINDING / "filter" / "mod.rs").read_text("utf-8").partition("static FILTERS")[2]
)


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_a_section_brings_its_options(section: type[Section]) -> None:
    """Each in the schema, in the docs' table and on a page of its own; and it says what it is."""
    assert inspect.getdoc(section)
    schema = json.loads((ROOT / "python" / "unified_logger" / "config" / "schema.json").read_text("utf-8"))
    table = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    assert section.options()
    for option in section.options():
        assert OPTIONS[option.name] is option
        assert option.help.endswith(".")
        assert schema["properties"][option.name]["description"] == option.help
        assert f"| `{option.name}` |" in table


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_what_a_section_derives_is_worked_out(section: type[Section]) -> None:
    """By itself, from nothing given, and told under names that there are."""
    settings = resolve({}, environ={})
    fields = {name: getattr(section, name) for name in vars(section).get("__annotations__", {})}
    assert [name for name, field in fields.items() if not isinstance(field, (Option, Derived))] == []
    assert [name for name in fields if isinstance(getattr(settings, name), (Option, Derived))] == []
    reported_as = [option.reported_as for option in section.options() if option.reported_as]
    assert [name for name in reported_as if name not in Settings.names()] == []


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.__name__)
def test_blocks_of_a_section_are_part_of_a_file(section: type[Section]) -> None:
    """Beside the options, and none has the name of one."""
    assert section.blocks().keys() <= LAYOUT.keys() - OPTIONS.keys()


@pytest.mark.parametrize("module", [resolve_module, layout, file, reload], ids=lambda module: module.__name__)
def test_no_option_is_named_where_all_are_handled(module: ModuleType) -> None:
    """So that a new one edits none of these. Seen to fail with the options that a reload told of in its own way."""
    named = set(re.findall(r"[\"']([a-z_]+)[\"']", inspect.getsource(module)))
    assert named & OPTIONS.keys() == set()


class Sample(Section):
    """A section that is in no list."""

    samples: dict[str, Any] = options.option(
        MAPPING, {}, "Samples.", layout=lambda: {"*": {"level": LEVEL, "on": BOOLEAN, "word": choice("no", "yes")}}
    )


def test_a_mapping_is_parsed_and_told_by_its_layout() -> None:
    """Down to the leaves."""
    [samples] = Sample.options()
    parsed = samples.parse({"a": {"level": "debug", "word": "NO"}, "b": None})
    assert parsed == {"a": {"level": 10, "word": "no"}, "b": None}
    assert dict(samples.reported(parsed)) == {"samples.a.level": "DEBUG", "samples.a.word": "no", "samples.b": None}


@pytest.mark.parametrize(
    ("value", "part", "suggestion"),
    [
        ({"a": {"levle": 1}}, "a.levle", "level"),
        ({"a": {"on": "true"}}, "a.on", None),
        ({"a": [1]}, "a", None),
        ({1: {}}, "1", None),
    ],
)
def test_what_is_wrong_in_a_mapping_is_named_by_its_keys(value: object, part: str, suggestion: str | None) -> None:
    """With the key that was meant, where there is one like it."""
    [samples] = Sample.options()
    with pytest.raises(PartError) as caught:
        samples.parse(value)
    assert (caught.value.part, caught.value.suggestion) == (part, suggestion)


def test_what_sections_tell_the_engine_is_joined_key_by_key() -> None:
    """The later one is right, and nothing that was handed over changes."""
    first = {"output": {"console": {"level": 20, "format": {"name": "text"}}, "files": [1]}}
    second = {"output": {"console": {"level": 30}, "files": [2], "outputs": {"audit": {}}}, "queue": {}}
    whole = {"console": {"level": 30, "format": {"name": "text"}}, "files": [2], "outputs": {"audit": {}}}
    assert joined(first, second) == {"output": whole, "queue": {}}
    assert joined(first, {"output": {"console": None}})["output"]["console"] is None
    assert first == {"output": {"console": {"level": 20, "format": {"name": "text"}}, "files": [1]}}


def test_every_section_is_in_the_list() -> None:
    """Seen to fail with a module that nobody lists."""
    found = set()
    for module in pkgutil.iter_modules(sections.__path__):
        names = vars(importlib.import_module(f"{sections.__name__}.{module.name}")).values()
        found |= {each for each in names if inspect.isclass(each) and issubclass(each, Section) and each is not Section}
    assert found == {*SECTIONS}


@pytest.mark.parametrize("entry", capabilities.CAPABILITIES, ids=str)
def test_a_capability_starts_stops_and_begins_anew(entry: object) -> None:
    """With a word on each."""
    if isinstance(entry, str):
        package, _, partner = entry.rpartition(".")
        if package == "integrations":
            pytest.importorskip(f"{partner.strip('_')}_sdk", reason="the partner is not installed")
        entry = importlib.import_module(f"unified_logger.{entry}")
    for name in ("start", "stop", "in_child"):
        assert inspect.getdoc(getattr(entry, name)), f"{entry} has no {name}, or no word on it"


def test_what_is_counted_is_told() -> None:
    """Its page says the rest, see tests/docs."""
    page = (ROOT / "docs" / "statistics.md").read_text("utf-8")
    assert len(_core.counted()) > 20
    assert [name for group, name, *_ in _core.counted() if not group and f"| `{name}` |" not in page] == []


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_says_what_it_refuses(name: str) -> None:
    """Above its entry and in the first lines of its file, and in the docs' table. It says where it is asked, too."""
    text = (BINDING / "filter" / f"{name}.rs").read_text("utf-8")
    assert re.match(r"//! [A-Z].*\.\n", text)
    entry = re.search(r"((?:^/// .*\n)+)pub const FILTER: Filter = Filter \{([^}]*)\};", text, re.MULTILINE)
    assert entry is not None
    assert re.match(r"/// Refuses [^.]+\.", entry[1])
    assert set(re.findall(r"\b(?:wants|refuses|is_level)\b", entry[2])) == {"wants", "refuses", "is_level"}
    assert f"| `{name}` |" in (ROOT / "docs" / "architecture.md").read_text("utf-8")


def test_every_filter_is_in_the_list() -> None:
    """Once. Seen to fail with a module that nobody lists."""
    folder = BINDING / "filter"
    found = [path.stem for path in folder.glob("*.rs") if "const FILTER: Filter" in path.read_text("utf-8")]
    assert sorted(FILTERS) == sorted(found)
    assert len(FILTERS) > 1


def test_nobody_else_refuses_a_call() -> None:
    """Whoever counts a call as filtered, or asks what decides on it, is in the room of filters.

    But for records from before the start, whose level is asked for once it is known, unless a context has decided. And for processors, which are
    the program's own.
    Seen to fail with the context's level asked for in the capture.
    """
    asks = re.compile(
        r"\bFILTERED\.add\b|\bcontext::(?:least|may_decide_on_levels)\b"
        r"|\.is_(?:above|enabled|open_to)\(|\benum Verdict\b"
    )
    asking = {path.relative_to(BINDING) for path in BINDING.rglob("*.rs") if asks.search(path.read_text("utf-8"))}
    others = {path.as_posix() for path in asking if path.parts[0] not in ("filter", "context")}
    assert others == {"handover/early.rs", "handover/submit.rs", "processors/mod.rs"}


def test_every_format_is_told() -> None:
    """On the page of outputs."""
    page = (ROOT / "docs" / "outputs.md").read_text("utf-8")
    assert [name for name in _core.formats() if f"- `{name}`: " not in page] == []


def test_every_module_that_runs_with_logging_is_in_the_list() -> None:
    """Seen to fail with a module that nobody lists."""
    listed = {
        entry if isinstance(entry, str) else entry.__name__.partition(".")[2] for entry in capabilities.CAPABILITIES
    }
    process = importlib.import_module("unified_logger.process")
    found = set()
    for module in pkgutil.iter_modules(process.__path__):
        name = f"process.{module.name}"
        if {"start", "stop", "in_child"} <= vars(importlib.import_module(f"unified_logger.{name}")).keys():
            found.add(name)
    assert found - listed == {"process.capabilities"}  # itself
