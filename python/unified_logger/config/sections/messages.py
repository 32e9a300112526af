"""Options of messages."""

from __future__ import annotations

from ..kinds import choice
from ..options import Section, option


class Messages(Section):
    """How messages take their arguments."""

    message_style: str = option(
        choice("%", "{"),
        "%",
        "How messages of get_logger take their arguments: % as in logging, { as str.format; see docs/messages.md.",
    )
