"""Methods of `logging.Logger` that the library replaces: the original is called whatever happens to it at that moment."""

from __future__ import annotations

import pytest
from kinds import Run
from programs import program

SWAPPED = program(__file__, "swapped_methods")


@pytest.mark.parametrize("name", ["info", "exception", "log", "isEnabledFor"])
@pytest.mark.parametrize("allocator", ["debug", "malloc"])
def test_an_original_is_held_while_it_is_called(run_python: Run, name: str, allocator: str) -> None:
    """A collection in the middle of the call puts another in its place, and nobody else refers to it.

    Seen to crash without a reference of the call's own.
    """
    assert run_python(SWAPPED, name, PYTHONMALLOC=allocator).stdout == "1000\n"
