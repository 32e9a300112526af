"""What a child process has in its hands: the library under test, its directory, the ledger. Started by `stage`."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

from .ledger import CALLED, RAISED, RETURNED, Ledger


def text(writer: int | str, number: int | str) -> str:
    """What stands in the message of a record, and is looked for in the files."""
    return f"w={writer} n={number} end"


class App:
    """A program that logs."""

    def __init__(self, logger: str, root: Path, part: int = 0) -> None:
        self.name = logger
        self.root = root
        self.part = part
        self.folder = root / "logs"
        self.told = False
        self.ledger = Ledger(root / "ledger")
        self.logger = importlib.import_module(f"guarantees.loggers.{logger}")

    def start(self, **options: Any) -> None:
        """Set the library up."""
        self.folder.mkdir(exist_ok=True)
        self.logger.start(self.folder, **options)

    def log(self, writer: int, number: int) -> None:
        """A record, in the library's own way."""
        place = self.logger.PLACE
        self.call(writer, number, self.logger.log, text(place, place), writer, number)

    def logs(self, writer: int, count: int, start: int = 0) -> None:
        """So many of them."""
        for number in range(start, start + count):
            self.log(writer, number)

    def logs_large(self, writer: int, count: int, size: int) -> None:
        """So many records of so many bytes."""
        place = self.logger.PLACE
        for number in range(count):
            self.call(writer, number, self.logger.log, "x" * size + " " + text(place, place), writer, number)

    def call(self, writer: int, number: int, function: Any, *args: object) -> None:
        """A logging call; nothing that it raises goes on, but it is noted."""
        self.ledger.note(writer, number, CALLED)
        try:
            function(*args)
        except Exception as error:
            self.ledger.note(writer, number, RAISED)
            if not self.told:
                self.told = True
                self.note("raised", f"{type(error).__name__}: {error}"[:100])
        else:
            self.ledger.note(writer, number, RETURNED)

    def note(self, key: str, value: object) -> None:
        """Tell the stage something."""
        with (self.root / "notes").open("a", encoding="utf-8") as file:
            file.write(json.dumps({key: value}) + "\n")

    def paths(self) -> list[Path]:
        """The files of the log, rotated ones too."""
        return sorted(path for path in self.folder.iterdir() if path.name.startswith("app"))


def main() -> None:
    """Run an event: `python -m guarantees.app LOGGER EVENT ROOT PART`."""
    logger, event, root, part = sys.argv[1:]
    from .events import ALL

    ALL[event].child(App(logger, Path(root), int(part)))


if __name__ == "__main__":
    main()
