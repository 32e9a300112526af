"""What is told as a process or a thread dies."""

from __future__ import annotations

from ..kinds import BOOLEAN
from ..options import Section, option


class Ends(Section):
    """What is told as a process or a thread dies."""

    log_uncaught: bool = option(
        BOOLEAN, True, "Whether exceptions that nobody caught are logged before the process or thread dies."
    )
    fault_handler: bool = option(BOOLEAN, True, "Whether faulthandler writes to faults.txt in the log directory.")
