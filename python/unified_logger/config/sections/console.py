"""Lines on standard error."""

from __future__ import annotations

import os
import sys

from ..kinds import LEVEL, choice
from ..options import Section, option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..options import Given


class Console(Section):
    """Lines on standard error."""

    console_level: int = option(
        LEVEL,
        "INFO",
        "Least level on the console.",
        "LOG_CONSOLE_LEVEL",
        file=("console_level", "handlers.console.level"),
    )
    console_format: str = option(
        choice("auto", "text", "json", "off"),
        "auto",
        "Console lines for people or machines; auto is text on a terminal, JSON elsewhere.",
    )

    @classmethod
    def settle(cls, given: Given) -> Mapping[str, Any]:
        """The origin's block switches it off, unless an option says how it is to be."""
        values = given.values
        if given.has("console_level") and values["console_level"] < values["log_level"]:
            given.say("console_level is below log_level and has no effect there: records below log_level are not made")
        disabled = given.block("handlers", "console").get("enabled") is False
        return {"console_format": "off"} if disabled and not given.has("console_format") else {}

    def console(self) -> tuple[str, bool]:
        """Format and colour as the process is now: for people on a terminal, for machines elsewhere."""
        try:
            terminal = os.isatty(2)
        except OSError:
            terminal = False
        environ = os.environ
        color = terminal and not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
        if environ.get("FORCE_COLOR") and not environ.get("NO_COLOR"):
            color = True
        if self.console_format != "auto":
            return self.console_format, color
        replaced = sys.stderr is not None and sys.stderr is not sys.__stderr__
        return ("text" if terminal or replaced else "json"), color

    def to_engine(self) -> dict[str, dict[str, Any]]:
        """All of it; None where there is no console."""
        if self.console_format == "off":
            return {"output": {"console": None}}
        name, color = self.console()
        form = {"name": name, "color": color} if name == "text" else {"name": name}
        return {"output": {"console": {"level": self.console_level, "format": form}}}
