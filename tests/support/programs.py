"""Programs that tests run, each a file of its own in `programs/` beside the tests."""

from __future__ import annotations

from pathlib import Path


def program(test: str, name: str) -> str:
    """`program(__file__, "flood")`: the text of `programs/flood.py` in the folder of a test module."""
    return (Path(test).parent / "programs" / f"{name}.py").read_text(encoding="utf-8")


# The names of the files that a process has open, for a program that imports `os`.
OPEN_FILES = """
def open_files():
    found = []
    for number in os.listdir("/proc/self/fd"):
        try:
            found.append(os.path.basename(os.readlink(f"/proc/self/fd/{number}")))
        except OSError:
            pass
    return found
"""
