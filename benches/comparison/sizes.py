"""How much is measured of a contender: about as many seconds of each, whatever its speed."""

from __future__ import annotations

LOOP = 5_000  # calls of a round of the tight loop
ERRORS = 200  # records with an exception of a round
ROUNDS = 5  # of a slow contender: the best of fewer says little
FEWEST = 1_000  # records that are worth writing


def records(per_record: float, seconds: float, most: int) -> int:
    """How many records to write.

    Args:
        per_record: Seconds that the contender takes for one, the disk included.
        seconds: How long it may take.
        most: What a fast contender writes.

    Returns:
        A multiple of four, so that four threads or processes write as many: what fits into `seconds`, but at least `FEWEST`
        where `most` allows it, and never more than `most`.
    """
    fit = most if per_record <= 0 else round(min(most, seconds / per_record))
    return max(fit, min(FEWEST, most)) // 4 * 4


def loop(per_call: float, seconds: float, most: int) -> int:
    """How many calls a round has, so that `ROUNDS` of them fit into `seconds`: at least a twentieth of `most`."""
    fit = most if per_call <= 0 else round(min(most, seconds / ROUNDS / per_call))
    return max(fit, most // 20)


def rounds(per_call: float, calls: int, seconds: float, most: int) -> int:
    """How many rounds of so many calls fit into `seconds`: at least `ROUNDS` where `most` allows it, never more than `most`."""
    fit = most if per_call <= 0 else round(min(most, seconds / (per_call * calls)))
    return max(fit, min(ROUNDS, most))


def slope(few: int, taken_few: float, many: int, taken_many: float) -> float:
    """Seconds for each further record, from how long two runs of different sizes took.

    What both have in common, such as waiting for a file to be quiet, counts for nothing.
    """
    return max(0.0, (taken_many - taken_few) / (many - few))
