"""Modules of both crates know those before them and none after. The order is that of `lib.rs`, which is the order in which records flow."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CRATES = {
    "engine": Path("rust_core/src"),
    "binding": Path("rust_core/binding/src"),
}
ROOT = Path(__file__).resolve().parents[2]


def modules(crate: Path) -> list[str]:
    """The modules in the order in which `lib.rs` names them."""
    text = (crate / "lib.rs").read_text("utf-8")
    return re.findall(r"^(?:pub )?mod (\w+);$", text, re.MULTILINE)


def references(file: Path) -> set[str]:
    """The modules of its crate that a file names, comments aside."""
    code = re.sub(r"//.*$", "", file.read_text("utf-8"), flags=re.MULTILINE)
    grouped = " ".join(re.findall(r"crate::\{([^;]*)\};", code))
    return set(re.findall(r"\bcrate::(\w+)", code)) | set(re.findall(r"(?:^|[\s,{])(\w+)", grouped))


def upward(crate: Path) -> list[str]:
    """References to modules that come later."""
    order = modules(crate)
    found = []
    for file in sorted(crate.rglob("*.rs")):
        own = file.relative_to(crate).parts[0].removesuffix(".rs")
        if own in order:
            later = order[order.index(own) + 1 :]
            found += [f"{file.relative_to(crate)} -> {name}" for name in sorted(references(file) & {*later})]
    return found


@pytest.mark.parametrize("crate", CRATES.values(), ids=CRATES)
def test_no_module_knows_one_that_comes_later(crate: Path) -> None:
    """So there is no circle either. Seen to fail with `table` of the engine, which asked `slab` for the count of forks."""
    assert upward(ROOT / crate) == []


@pytest.mark.parametrize("crate", CRATES.values(), ids=CRATES)
def test_every_file_is_in_a_module(crate: Path) -> None:
    """What is in no module of `lib.rs` would be looked at by nobody."""
    order = modules(ROOT / crate)
    others = {path.name.removesuffix(".rs") for path in (ROOT / crate).iterdir()} - {*order, "lib"}
    assert others == set()
    assert len(order) > 10


def test_a_reference_upward_is_found(tmp_path: Path) -> None:
    """In each form that Rust has for it, and not in a comment."""
    (tmp_path / "lib.rs").write_text("mod low;\nmod middle;\npub mod high;\n")
    (tmp_path / "low.rs").write_text("use crate::high::Thing;\n// crate::middle\n")
    (tmp_path / "middle").mkdir()
    (tmp_path / "middle" / "mod.rs").write_text("use crate::{low, high};\n")
    (tmp_path / "high.rs").write_text("fn f() { crate::low::g(); crate::middle::h(); }\n")
    assert upward(tmp_path) == ["low.rs -> high", "middle/mod.rs -> high"]
