"""What readers notice, for standard error."""

from __future__ import annotations

# Files without an index cost time and change no answer, so they are counted.
_NO_INDEX = " is read whole: its index is not there"
# Files that were rotated just now have none yet.
_FEW = 10


def parted(remarks: list[str]) -> tuple[list[str], int]:
    """The remarks that are told as they are, and how many files have no index.

    Args:
        remarks: As a reader gives them.
    """
    others = [remark for remark in remarks if not remark.endswith(_NO_INDEX)]
    return others, len(remarks) - len(others)


def without_index(count: int) -> list[str]:
    """What is said of files without an index: nothing of a few.

    Args:
        count: How many they are.
    """
    if count <= _FEW:
        return []
    return [f"{count} rotated files or more were read whole, because they have no index"]
