"""What `doctor` looks at: a module for each check. A further one is a module here and its name in the list."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import (
    boxes,
    catalogue,
    clocks,
    configuration,
    core,
    counters,
    directory,
    leftovers,
    lines,
    locks,
    retention,
    space,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ._place import Finding, Place

# In the order in which they are told.
CHECKS: tuple[Callable[[Place], Iterator[Finding]], ...] = (
    directory.look,
    space.look,
    locks.look,
    boxes.look,
    leftovers.look,
    lines.look,
    clocks.look,
    catalogue.look,
    retention.look,
    configuration.look,
    counters.look,
    core.look,
)
