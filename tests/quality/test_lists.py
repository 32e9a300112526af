"""What an entry of each list must bring. The lists are what a capability adds a line to."""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from pathlib import Path

import pytest

from unified_logger import _core
from unified_logger.config import OPTIONS, SECTIONS, sections
from unified_logger.config.options import Section
from unified_logger.process import capabilities

ROOT = Path(__file__).resolve().parents[2]


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
