"""Options of the process: its queue, console and black box, its end, its configuration file, and what the previous module had."""

from __future__ import annotations

import os
import sys

from ... import _core
from ...errors import ConfigurationError
from ..formats import format_of, shows_colors, terminal_columns, text_format
from ..kinds import ANYTHING, BOOLEAN, BOX, LEVEL, MIB, QUEUE, RATE, SECONDS, SIZE, TEXT, choice
from ..options import Section, option
from .records import BELOW_ALL, is_below_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..mappings import Layout
    from ..options import Given

# The level of exceptions that end a thread.
_ERROR = 40
# Blocks for capabilities that this version does not have: they are checked, and a notice says that they have no effect.
_WITHOUT_EFFECT = ("alerting",)


class Queue(Section):
    """The bounded queue between callers and the writer."""

    queue_size: int = option(
        QUEUE, 10_000, "Records the queue holds.", "LOG_QUEUE_SIZE", file=("queue_size", "queue.max_size")
    )
    overflow: str = option(
        choice("block", "drop_new", "drop_old", "drop_low"),
        "block",
        "What happens to records below ERROR when the queue is full.",
    )
    overflow_timeout: float = option(
        SECONDS,
        5.0,
        "How long a call waits for room in the queue, seconds.",
        file=("overflow_timeout", "queue.timeout"),
    )
    queue_bytes: int = option(SIZE, 64 * MIB, "Memory that queued records may hold beside the fixed pool, bytes.")

    @classmethod
    def blocks(cls) -> Layout:
        """The block of the previous module's layout."""
        return {"queue": {"max_size": QUEUE, "timeout": SECONDS}}

    def to_engine(self) -> dict[str, dict[str, Any]]:
        """All options of the queue."""
        return {
            "queue": {
                "size": self.queue_size,
                "bytes": self.queue_bytes,
                "overflow": self.overflow,
                "overflow_timeout": self.overflow_timeout,
            }
        }


class Console(Section):
    """Lines on standard error, or on standard output."""

    console: str = option(
        choice("stdout", "stderr"), "stderr", "The stream of the console: standard output or standard error."
    )
    console_level: int = option(
        LEVEL,
        "INFO",
        "Least level on the console.",
        "LOG_CONSOLE_LEVEL",
        file=("console_level", "handlers.console.level"),
    )
    console_format: str = option(
        format_of("auto", *_core.formats(), "off"),
        "auto",
        "Console lines for people or machines; auto is text on a terminal, JSON elsewhere. See docs/console.md.",
    )

    @classmethod
    def settle(cls, given: Given) -> Mapping[str, Any]:
        """The format; the previous module's block can turn the console off, unless an option gives the format."""
        values = given.values
        if given.has("console_level") and is_below_all(values["console_level"], given):
            given.add_notice(f"console_level {BELOW_ALL}")
        disabled = given.block("handlers", "console").get("enabled") is False
        return {"console_format": "off"} if disabled and not given.has("console_format") else {}

    def console_now(self) -> dict[str, Any]:
        """The format for the process as it is now: text on a terminal, JSON elsewhere."""
        is_output = self.console == "stdout"
        try:
            terminal = os.isatty(1 if is_output else 2)
        except OSError:
            terminal = False
        stream, own = (sys.stdout, sys.__stdout__) if is_output else (sys.stderr, sys.__stderr__)
        replaced = stream is not None and stream is not own
        name = self.console_format
        if name == "auto":
            name = "text" if terminal or replaced else "json"
        columns = terminal_columns(1 if is_output else 2) if terminal else None
        return text_format(name, shows_colors(terminal), is_live=terminal or replaced, columns=columns)

    def shows_exceptions(self) -> bool:
        """Whether the console shows people all exceptions at ERROR and above, with their tracebacks."""
        return (
            self.console_format != "off"
            and self.console_now()["name"] == "text"
            and "{exception:" not in self.console_format
            and self.console_level <= _ERROR
        )

    def to_engine(self) -> dict[str, dict[str, Any]]:
        """An output, unless it is off."""
        if self.console_format == "off":
            return {}
        output = {
            "select": {"level": self.console_level},
            "format": self.console_now(),
            "to": {"stream": "console_stdout" if self.console == "stdout" else "console"},
        }
        return {"output": {"to": {"outputs": {"console": output}}}}


def _service() -> str:
    """What processes that may write what another one left have in common, where there is no log directory: program and working directory."""
    try:
        directory = os.getcwd()
    except OSError:
        directory = ""
    program = next(iter(getattr(sys, "argv", ())), "")
    return ascii((directory, program))


class BlackBox(Section):
    """Where records wait that must survive the process."""

    black_box: str = option(
        choice("auto", "shm", "dir", "off"),
        "auto",
        "Where records wait that must survive the process: shared memory, beside the logs, or (auto) the better of both. "
        "Without log_dir only shm makes one.",
    )
    black_box_bytes: int = option(BOX, 8 * MIB, "Size of the black box, bytes; what does not fit is unprotected.")

    @classmethod
    def settle(cls, given: Given) -> Mapping[str, Any]:
        """Refuses a box without the directory that it belongs to."""
        values = given.values
        if values["log_dir"] is None and values["black_box"] == "dir":
            raise ConfigurationError(
                source=given.source_of("black_box"),
                key="black_box",
                value=values["black_box"],
                allowed="shm, or auto or off for no box, where log_dir is none: there is no directory for it",
            )
        return {}

    def to_engine(self) -> dict[str, dict[str, Any]]:
        """All options of the black box."""
        return {"black_box": {"place": self.black_box, "bytes": self.black_box_bytes, "service": _service()}}


class Ends(Section):
    """What is logged when a process or a thread dies."""

    log_uncaught: bool = option(
        BOOLEAN, True, "Whether exceptions that nobody caught are logged before the process or thread dies."
    )
    fault_handler: bool = option(
        BOOLEAN,
        True,
        "Whether faulthandler writes to faults.txt in the log directory, or to standard error without a directory.",
    )


class Reload(Section):
    """A configuration file that is read again."""

    reload_signal: str = option(
        choice("none", "sighup", "sigusr1", "sigusr2"),
        "none",
        "The signal at which the configuration file is read again.",
    )
    watch_config: float = option(
        SECONDS, 0.0, "How often the configuration file is looked at for changes, seconds; 0 never.", kept=True
    )

    @classmethod
    def settle(cls, given: Given) -> Mapping[str, Any]:
        """Adds notices about options that have no effect without a file."""
        for name, off in (("reload_signal", "none"), ("watch_config", 0.0)):
            if not given.has_file and given.has(name) and given.values[name] != off:
                given.add_notice(f"{name} has no effect: logging was not started from a file")
        return {}


class Migration(Section):
    """Options that programs of the previous module need."""

    base_name: str = option(TEXT, "wechat_backend", "Name under which logging_config makes its loggers.")

    @classmethod
    def blocks(cls) -> Layout:
        """Further blocks of the previous module's layout; most of them have no effect."""
        from ..older import ENCODING, VERSION

        return {
            "version": VERSION,
            "disable_existing_loggers": BOOLEAN,
            "encoding": ENCODING,
            "formatters": {"*": {"*": ANYTHING}},
            "alerting": {"enabled": BOOLEAN, "error_rate_threshold": RATE, "window_seconds": SECONDS},
        }

    @classmethod
    def settle(cls, given: Given) -> Mapping[str, Any]:
        """Adds notices about blocks that have no effect."""
        for name in _WITHOUT_EFFECT:
            if given.block(name).get("enabled") is True:
                given.add_notice(
                    f"the block {name!r} of the configuration has no effect: this version has no such capability"
                )
        return {}
