"""What processes logged, read back from their files: every line parsed, every number counted, every bound measured.

A record carries who wrote it and which of its records it is: `writer` (any text) and `number` (from 0).
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

from kinds import Record


def files(directory: Path, name: str = "app.log") -> list[Path]:
    """A log file and those rotated from it, the oldest first; their numbers have no gap."""
    rotated = sorted(int(path.name.rpartition(".")[2]) for path in directory.glob(f"{name}.*"))
    assert rotated == list(range(1, len(rotated) + 1)), f"rotated files have gaps or repeat: {rotated}"
    return [*(directory / f"{name}.{number}" for number in reversed(rotated)), directory / name]


def lines(path: Path) -> list[bytes]:
    """The lines of one file, each with its newline; the last must have one too."""
    content = path.read_bytes()
    assert content == b"" or content.endswith(b"\n"), f"{path.name} ends in the middle of a line"
    return content.splitlines(keepends=True)


def records(directory: Path, name: str = "app.log", logger: str = "app") -> list[Record]:
    """The records of one logger in a file and those rotated from it, in the order in which they were written."""
    return [record for path in files(directory, name) for record in parsed(path) if record["logger"] == logger]


def parsed(path: Path) -> Iterator[Record]:
    """One mapping for each line; a torn line is no JSON."""
    for number, line in enumerate(lines(path), 1):
        try:
            record = json.loads(line)
        except ValueError as error:
            raise AssertionError(f"{path.name}:{number} is torn: {line[:200]!r} ({error})") from None
        assert isinstance(record, dict), f"{path.name}:{number} is no record"
        yield record


def by_writer(found: list[Record]) -> dict[str, list[int]]:
    """The numbers of each writer, as they lie on disk."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for record in found:
        numbers[str(record["writer"])].append(record["number"])
    return dict(numbers)


def assert_each_once(found: list[Record], wanted: Mapping[str, int], *, in_order: bool = True) -> None:
    """Every writer's records from 0 on are there once; of one thread also in order."""
    numbers = by_writer(found)
    assert numbers.keys() <= wanted.keys(), f"nobody is called {sorted(numbers.keys() - wanted.keys())}"
    for writer, count in wanted.items():
        own = numbers.get(writer, [])
        complaint = difference(own, count)
        assert not complaint, f"writer {writer}: {complaint}"
        assert not in_order or own == list(range(count)), f"writer {writer}: out of order"


def all_there(directory: Path, wanted: Mapping[str, int]) -> bool:
    """Whether nothing is missing any more, for tests that wait for it; a file may be renamed while it is looked at."""
    try:
        numbers = by_writer(records(directory))
    except (AssertionError, FileNotFoundError):
        return False
    return all(len(set(numbers.get(writer, []))) >= count for writer, count in wanted.items())


def difference(own: list[int], count: int) -> str:
    """What is missing, doubled or too much, in words; nothing if all is as it should be."""
    there = set(own)
    lost = sorted(set(range(count)) - there)
    doubled = sorted(number for number in there if own.count(number) > 1) if len(there) < len(own) else []
    strange = sorted(there - set(range(count)))
    told = [
        f"{len(numbers)} {what} (first {numbers[0]}, last {numbers[-1]})"
        for what, numbers in (("lost", lost), ("doubled", doubled), ("unheard of", strange))
        if numbers
    ]
    return f"of {count} records {', '.join(told)}" if told else ""


def assert_bounds_kept(directory: Path, max_bytes: int, name: str = "app.log") -> None:
    """No file is larger than its bound, except one that holds a single larger record."""
    for path in files(directory, name):
        size = path.stat().st_size
        assert size <= max_bytes or len(lines(path)) == 1, f"{path.name} has {size} bytes, {max_bytes} are allowed"


def assert_rotated_once(directory: Path, max_bytes: int, rotations: int, name: str = "app.log") -> None:
    """Each rotation left one file behind, and none came before the next record would have crossed the bound."""
    all_files = files(directory, name)
    assert rotations == len(all_files) - 1, f"{rotations} rotations left {len(all_files) - 1} files"
    for older, newer in pairwise(all_files):
        first = len(next(iter(lines(newer)), b""))
        if first:
            size = older.stat().st_size
            assert size + first > max_bytes, f"{older.name} was rotated at {size} bytes, {max_bytes} are allowed"
