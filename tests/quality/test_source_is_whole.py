"""What is tracked is finished and stands on its own."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

# Written in pieces, so that this file does not find itself.
UNFINISHED = "todo" + r"!\(|unimplemented" + r"!\(|NotImplemented" + "Error"
OUTSIDE = r"\.\./share" + r"d|(?<![\w.])/roo" + r"t/|(?<![\w.])/wor" + "k/"


def tracked(project: Path) -> list[Path]:
    """The files under version control."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=project, capture_output=True, text=True, check=True)
    return [path for name in done.stdout.split("\0") if name and (path := project / name).is_file()]


@pytest.mark.parametrize(
    ("pattern", "suffixes"),
    [(UNFINISHED, {".rs", ".py", ".pyi"}), (OUTSIDE, None)],
    ids=["unfinished code", "paths outside the project"],
)
def test_no_tracked_file_contains(pattern: str, suffixes: set[str] | None, project: Path) -> None:
    """No placeholder is left in code, and nothing refers to a place outside the project."""
    found = [
        f"{path.relative_to(project)}: {line.strip()}"
        for path in tracked(project)
        if suffixes is None or path.suffix in suffixes
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines()
        if re.search(pattern, line)
    ]
    assert found == []


def test_the_engine_does_not_depend_on_python(project: Path) -> None:
    """The engine's crate names no PyO3."""
    assert "pyo3" not in (project / "rust_core" / "Cargo.toml").read_text(encoding="utf-8")


def test_only_the_platform_room_asks_for_linux(project: Path) -> None:
    """Code for one system alone stands in `platform`, so that the engine compiles elsewhere."""
    sources = (project / "rust_core" / "src").rglob("*.rs")
    asks = re.compile(r'target_os\s*=\s*"linux"')
    found = [path for path in sources if "platform" not in path.parts and asks.search(path.read_text(encoding="utf-8"))]
    assert found == []
