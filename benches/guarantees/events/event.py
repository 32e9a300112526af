"""What an event is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..app import App
    from ..lines import Outcome
    from ..stage import Stage


def once(stage: Stage) -> None:
    """One child from start to end."""
    stage.run()


def nothing_more(outcome: Outcome, stage: Stage) -> None:
    """The counts say it all."""


@dataclass(frozen=True)
class Event:
    """Something that happens to a program that logs.

    Attributes:
        name: its word on the command line and in the results.
        title: what happens.
        promise: what this library keeps then.
        tests: files and folders of tests that hold it to that.
        child: what the child process does.
        drive: how the child processes are started.
        judge: adds remarks to what was counted.
        ends: the exit code that the event wants; a signal is negative.
        timeout: seconds after which a process hangs.
        bound: bytes that no file may exceed; 0 for no bound.
        needs: why the event cannot be run here; "" when it can.
        short: whether it is part of the short selection.
    """

    name: str
    title: str
    promise: str
    tests: tuple[str, ...]
    child: Callable[[App], None]
    drive: Callable[[Stage], None] = once
    judge: Callable[[Outcome, Stage], None] = nothing_more
    ends: int = 0
    timeout: float = 30.0
    bound: int = 0
    needs: str = ""
    short: bool = False
