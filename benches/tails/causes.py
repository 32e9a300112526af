"""What the calls that lost most lost it to, as far as the kernel's counts for the thread tell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

WORST = 10


@dataclass(frozen=True)
class Lost:
    """A call that took long, and what the counts rose by since the last call before it."""

    lost: int  # ns by itself: without what calls before it took beyond the time it was due
    service: int  # ns in the call
    at: int  # ns since the start
    index: int
    behind: int  # calls that were due before it ended
    minor: int  # page faults
    major: int  # page faults that needed the disk
    blocked: int  # times the thread waited
    preempted: int  # times it was taken off its core

    @property
    def cause(self) -> str:
        """The first of the causes that the counts speak of, in a few words."""
        if self.index == 0:
            return "the first call"
        if self.major:
            return "page fault, disk"
        if self.blocked:
            return "waited: interpreter or lock"
        if self.preempted:
            return "preempted"
        if self.minor:
            return "page fault"
        return "in the call, uncounted" if self.service * 2 > self.lost else "before the call, uncounted"


def worst(passes: Iterable[tuple[int, ...]]) -> list[Lost]:
    """The ten that lost most, the worst first."""
    return sorted((Lost(*one) for one in passes), key=lambda one: -one.lost)[:WORST]
