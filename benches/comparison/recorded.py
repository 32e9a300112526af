"""What a full run records, and what later runs are compared with."""

from __future__ import annotations

import json
import os
import platform
import sysconfig
from dataclasses import asdict, dataclass

from shared import DOCS, machine, processor

from .goals import Goal, Result, figures, goals

FILE = DOCS / "benchmarks" / "comparison.json"


@dataclass(frozen=True)
class Run:
    """A run: where it was, what was measured, and which contenders have no figures, with the reason."""

    taken: str
    processor: str
    cores: int
    python: str
    free_threaded: bool
    failures: dict[str, str]
    results: dict[str, dict[str, Result]]

    @classmethod
    def here(cls, failures: dict[str, str], results: dict[str, dict[str, Result]]) -> Run:
        """One that has just been made."""
        free_threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
        cores, python = os.cpu_count() or 1, platform.python_version()
        return cls(machine(results), processor(), cores, python, free_threaded, failures, results)

    def goals(self) -> list[Goal]:
        """The figures to reach on its machine."""
        return goals(self.cores, self.free_threaded)

    def figures(self) -> dict[str, float]:
        """What it saw of them."""
        return figures(self.goals(), self.results)

    def same_machine(self, other: Run) -> bool:
        """Whether figures in seconds of both can be compared."""
        return (self.processor, self.cores, self.python) == (other.processor, other.cores, other.python)

    def record(self) -> None:
        """Keep it: the figures for readers of the file, the results for the page and for later runs."""
        plain = asdict(self)
        ordered = {**plain, "figures": self.figures(), "results": plain.pop("results")}
        FILE.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def last() -> Run | None:
    """The one recorded last."""
    if not FILE.exists():
        return None
    found = json.loads(FILE.read_text(encoding="utf-8"))
    del found["figures"]  # they follow from the results, by the goals of today
    return Run(**found)
