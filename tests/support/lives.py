"""Log files, rotated and packed, and their catalogue, read without the library."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOME = ".unified_logger"
_PACKED = (".gz", ".zst")
_ZSTD = shutil.which("zstd")


def reads(method: str) -> bool:
    """Whether files that were packed so can be read here."""
    return method != "zstd" or _ZSTD is not None


def text(path: Path) -> bytes:
    """What a file holds, unpacked by the programs and modules of others."""
    if path.suffix == ".gz":
        with gzip.open(path) as packed:
            return packed.read()
    if path.suffix == ".zst":
        assert _ZSTD is not None
        return subprocess.run([_ZSTD, "-dcq", str(path)], capture_output=True, check=True, timeout=60).stdout
    return path.read_bytes()


def files(directory: Path, name: str = "app.log") -> list[Path]:
    """The current file of a set and its rotated ones, packed or not, those that hold nothing left out."""
    stem, _, extension = name.rpartition(".")
    dated = rf"{re.escape(stem)}-[-0-9T]+\.{re.escape(extension)}"
    of_set = re.compile(rf"(?:{re.escape(name)}|{dated})(?:\.[0-9]+)?(?:\.gz|\.zst)?")
    return sorted(path for path in directory.iterdir() if of_set.fullmatch(path.name) and path.stat().st_size)


def records(directory: Path, name: str = "app.log") -> list[dict[str, Any]]:
    """The records of a set of files. Each line is whole."""
    found = []
    for path in files(directory, name):
        content = text(path)
        assert content.endswith(b"\n"), f"{path.name} ends in the middle of a line"
        found += [json.loads(line) for line in content.splitlines()]
    return found


def by_writer(directory: Path, name: str = "app.log") -> dict[str, list[int]]:
    """The numbers of each writer, in their order."""
    numbers: dict[str, list[int]] = defaultdict(list)
    for record in records(directory, name):
        if "writer" in record:
            numbers[record["writer"]].append(record["number"])
    return {writer: sorted(found) for writer, found in numbers.items()}


def left_over(directory: Path) -> list[str]:
    """Files that are there only while something is done."""
    places = [*directory.iterdir(), *(directory / HOME).iterdir()]
    return sorted(path.name for path in places if path.name.endswith((".tmp", "-packing", "-going")))


@dataclass
class Entry:
    """One file, as the catalogue knows it."""

    generation: int
    set: str
    name: str
    mark: int
    is_closed: bool


def _changes(directory: Path) -> Iterator[tuple[str, Any]]:
    content = (directory / HOME / "catalogue").read_bytes()
    for line in content[: content.rfind(b"\n") + 1].splitlines():
        for change in json.loads(line[17:]):
            yield from change.items()


def catalogue(directory: Path) -> dict[int, Entry]:
    """The files that a catalogue names, by their generations. No generation is ever another file's."""
    known: dict[int, Entry] = {}
    marks: dict[int, int] = {}
    for kind, told in _changes(directory):
        if kind == "file":
            generation, mark = told["generation"], told["mark"]["sum"]
            assert marks.setdefault(generation, mark) == mark, f"generation {generation} is given twice"
            known[generation] = Entry(generation, told["set"], told["name"], mark, "closed" in told)
        elif kind == "moved":
            for generation, name in told:
                if generation in known:
                    known[generation].name = name
        elif kind == "closed":
            if told[0] in known:
                known[told[0]].is_closed = True
        elif kind == "gone":
            known.pop(told, None)
    return known


def unlike(directory: Path, name: str = "app.log") -> str:
    """In what the catalogue and the indices differ from the files; nothing if they do not."""
    known = [entry for entry in catalogue(directory).values() if entry.set == name]
    told: dict[str, tuple[list[str], list[str]]] = {
        "files": (sorted(entry.name for entry in known), [path.name for path in files(directory, name)]),
        "closed": (
            sorted(entry.name for entry in known if entry.is_closed),
            [path.name for path in files(directory, name) if path.name != name],
        ),
    }
    all_known = catalogue(directory).values()
    indices = sorted(path.stem for path in (directory / HOME).glob("*.idx"))
    told["indices"] = (sorted(str(entry.generation) for entry in all_known if entry.is_closed), indices)
    return "; ".join(f"{what}: {one} is not {other}" for what, (one, other) in told.items() if one != other)


def unpacked(directory: Path, name: str = "app.log") -> list[str]:
    """Rotated files that are not packed."""
    return [path.name for path in files(directory, name) if path.name != name and path.suffix not in _PACKED]


NEXT = """
import sys
from unified_logger import init_logging
init_logging(log_dir=sys.argv[1], console_format="off", **eval(sys.argv[2]))
print("started", flush=True)
sys.stdin.read()
"""


def undone(directory: Path) -> list[str]:
    """What is still to be done for files that are to be packed."""
    try:
        told = {
            "temporary files": left_over(directory),
            "not packed": unpacked(directory),
            "unlike": unlike(directory),
        }
    except FileNotFoundError as error:  # renamed meanwhile
        return [str(error)]
    return [f"{what}: {found}" for what, found in told.items() if found]


def undone_by_the_next(directory: Path, options: dict[str, Any], seconds: float = 20) -> list[str]:
    """Starts a program that logs nothing, until all is done, or for so long. Returns what is not."""
    process = subprocess.Popen(
        [sys.executable, "-c", NEXT, str(directory), repr(options)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n", "the next program does not start"
        deadline = time.monotonic() + seconds
        while (left := undone(directory)) and time.monotonic() < deadline:
            time.sleep(0.05)
        process.communicate(timeout=60)
        assert process.returncode == 0
        return left
    finally:
        process.kill()
        process.wait()
