"""Longer messages, in three scripts."""

from __future__ import annotations

from collections.abc import Callable

from ..bench import Bench, in_burst
from ..curve import Curve, Measure

# A call costs about as much as copying this many bytes, and bringing one to disk as writing this many.
CALL = {"ASCII": 5_000, "Chinese": 300, "emoji": 300}
RECORD = 1_000
# Characters of a text that are kept.
KEPT = 262_144
LETTERS = {"ASCII": "x", "Chinese": "字", "emoji": "😀"}


def caller(bench: Bench, text: str) -> Callable[[int], None]:
    """Calls with this text as their message."""
    logger = bench.logger

    def calls(count: int) -> None:
        for _ in range(count):
            logger.info(text)

    return calls


def letters(script: str, size: int) -> str:
    """A text of about `size` bytes in UTF-8."""
    letter = LETTERS[script]
    return letter * max(1, size // len(letter.encode()))


def measured(script: str, *, written: bool) -> Measure:
    """Calls with messages in this script."""

    def measure(bench: Bench, size: int) -> float:
        bench.start()
        return bench.calls(caller(bench, letters(script, size)), in_burst(size), written=written)

    return measure


def kept(script: str, size: int) -> int:
    """Bytes that are kept of a text of `size`."""
    return min(size, KEPT * len(LETTERS[script].encode()))


POINTS = (10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)

CURVES = [
    Curve(
        name="messages",
        title="Length of the message",
        axis="bytes in UTF-8",
        points=POINTS,
        few=(10, 1_000, 10_000, 100_000),
        series={script: measured(script, written=False) for script in LETTERS},
        factor=3,
        weight=lambda script, size: CALL[script] + kept(script, size),
        unit="ns per byte, a call counted as 5,000 of ASCII or 300 of another script",
        why="Up to some hundred bytes a message costs nothing beside the call; then what counts is copying it, and for what is not ASCII "
        "encoding it as UTF-8, character by character. Past 4 kB and past 64 kB a record lies in a larger buffer, the last of which are "
        "used again while there is work. A text is cut off after 262,144 characters; the rest of it costs nothing.",
    ),
    Curve(
        name="messages-written",
        title="Length of the message, until it is on disk",
        axis="bytes in UTF-8",
        points=POINTS,
        few=(10, 1_000, 10_000, 100_000),
        series={script: measured(script, written=True) for script in LETTERS},
        factor=8,
        weight=lambda script, size: RECORD + kept(script, size),
        unit=f"ns per byte, a record counted as {RECORD:,}",
        cost="ns per record",
        why="Copying, escaping as JSON, and the system's own copy into its page cache: all of them by the byte. A round is a "
        "burst of at most 5,000 records or 2 MiB, from the first call until a flush has answered. Lines of hundreds of kilobytes outgrow "
        "the processor's caches and the buffers that are kept for the next batch (1 MiB).",
    ),
]
