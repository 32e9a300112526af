"""A configuration file that is read again."""

from __future__ import annotations

from ..kinds import SECONDS, choice
from ..options import Section, option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..options import Given


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
        """Says what has no effect without a file."""
        for name, off in (("reload_signal", "none"), ("watch_config", 0.0)):
            if not given.has_file and given.has(name) and given.values[name] != off:
                given.say(f"{name} has no effect: logging was not started from a file")
        return {}
