"""A configuration file that is read again."""

from __future__ import annotations

from ..kinds import SECONDS, choice
from ..options import Section, option


class Reload(Section):
    """A configuration file that is read again."""

    reload_signal: str = option(
        choice("none", "sighup", "sigusr1", "sigusr2"),
        "none",
        "The signal at which the configuration file is read again.",
    )
    watch_config: float = option(
        SECONDS, 0.0, "How often the configuration file is looked at for changes, seconds; 0 never."
    )
