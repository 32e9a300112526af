"""Which calls were made, in a file mapped shared: it survives whatever ends the process, and forked children share it."""

from __future__ import annotations

import mmap
from pathlib import Path

WRITERS = 128
NUMBERS = 200_000  # calls that one writer can note
CALLED, RETURNED, RAISED, READY = 1, 2, 3, 4  # the last is no call: a process is ready


class Ledger:
    """One byte for each writer and number: whether the call was made, returned or raised."""

    def __init__(self, path: Path) -> None:
        with path.open("a+b") as file:
            file.truncate(WRITERS * NUMBERS)
            self.bytes = mmap.mmap(file.fileno(), WRITERS * NUMBERS)

    def note(self, writer: int, number: int, state: int) -> None:
        """Keep what became of a call."""
        self.bytes[writer * NUMBERS + number] = state

    def state(self, writer: int, number: int) -> int:
        """What became of a call; 0 when it was not made."""
        return self.bytes[writer * NUMBERS + number]

    def returned(self, writer: int) -> int:
        """How many calls of that writer have returned."""
        return self.bytes[writer * NUMBERS : (writer + 1) * NUMBERS].count(bytes([RETURNED]))

    def calls(self) -> dict[tuple[int, int], int]:
        """Every call that was made and what became of it."""
        found = {}
        for writer in range(WRITERS):
            states = self.bytes[writer * NUMBERS : (writer + 1) * NUMBERS].rstrip(b"\0")
            found.update({(writer, number): state for number, state in enumerate(states) if 0 < state < READY})
        return found
