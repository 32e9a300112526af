"""Programs that tests run, each a file of its own in `programs/` beside the tests."""

from __future__ import annotations

from pathlib import Path


def program(test: str, name: str) -> str:
    """`program(__file__, "flood")`: the text of `programs/flood.py` in the folder of a test module."""
    return (Path(test).parent / "programs" / f"{name}.py").read_text(encoding="utf-8")
