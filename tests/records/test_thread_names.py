"""A record names its thread as `threading` does at the moment of the call."""

from __future__ import annotations

import threading

from kinds import Records

from unified_logger import UnifiedLogger


class Busy(threading.Thread):
    """Tells in its name what it is doing."""

    doing = "nothing"

    def __init__(self, logger: UnifiedLogger) -> None:
        super().__init__()
        self.logger = logger

    @property
    def name(self) -> str:
        return f"busy with {self.doing}"

    @name.setter
    def name(self, name: str) -> None:
        raise AttributeError(name)

    def run(self) -> None:
        for self.doing in ("one", "two"):
            self.logger.info("m")


def test_a_class_of_its_own_names(logger: UnifiedLogger, records: Records) -> None:
    """Names that are made up anew each time are asked each time.

    Seen to fail with a name that is remembered while `Thread._name` stays what it is.
    """
    thread = Busy(logger)
    thread.start()
    thread.join()
    assert [record["thread"] for record in records()] == ["busy with one", "busy with two"]


def test_a_thread_that_is_renamed(logger: UnifiedLogger, records: Records) -> None:
    """By itself or by another, in the middle of its life."""
    thread = threading.current_thread()
    before = thread.name
    try:
        for name in ("first", "second", "first"):
            thread.name = name
            logger.info("m")
            logger.info("m")
    finally:
        thread.name = before
    assert [record["thread"] for record in records()] == ["first", "first", "second", "second", "first", "first"]
