"""The rounds of `make stress`, each once and short: they run, and they would notice."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest
from on_disk import assert_each_once

pytestmark = pytest.mark.stress


def rounds() -> ModuleType:
    """The script, which is no module of a package."""
    spec = importlib.util.spec_from_file_location("rounds", Path(__file__).with_name("rounds.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["rounds"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


ROUNDS = rounds()


@pytest.mark.parametrize("name", ROUNDS.ROUNDS)
def test_a_short_round_finds_every_record_once(name: str, tmp_path: Path) -> None:
    """At the smallest sizes. `kills` fails without the black box: it counts what SIGKILL took."""
    assert ROUNDS.run([name], 1.0, tmp_path)


def test_sizes_grow_with_the_time() -> None:
    """What is always reached, and what is reached in ten minutes."""
    assert (ROUNDS.Size.of(1).processes, ROUNDS.Size.of(1).children) == (6, 20)
    assert (ROUNDS.Size.of(540).processes, ROUNDS.Size.of(540).children) == (64, 1_000)
    assert ROUNDS.Size.of(36_000) == ROUNDS.Size.of(600)


def test_a_violation_is_told_and_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A round that misses a record ends the run, and leaves its directory."""

    def misses(folder: Path, size: object) -> int:
        (folder / "evidence").touch()
        assert_each_once([{"writer": "w", "number": 0}, {"writer": "w", "number": 0}], {"w": 2})
        return 0

    monkeypatch.setitem(ROUNDS.ROUNDS, "misses", misses)
    assert not ROUNDS.run(["misses"], 1.0, tmp_path)
    assert "of 2 records 1 lost (first 1, last 1), 1 doubled (first 0, last 0)" in capsys.readouterr().out
    assert (tmp_path / "1.misses" / "evidence").exists()
