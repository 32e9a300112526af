"""What programs of the previous module need."""

from __future__ import annotations

from ..kinds import ANYTHING, BOOLEAN, LEVEL, NAMES, SECONDS, TEXT
from ..options import Section, option

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from ..mappings import Layout
    from ..options import Given

# Blocks whose capability is not part of this version: what they hold is checked, and said to have no effect.
_WITHOUT_EFFECT = ("sampling", "alerting")


class Migration(Section):
    """What programs of the previous module need."""

    base_name: str = option(TEXT, "wechat_backend", "Name under which logging_config makes its loggers.")

    @classmethod
    def blocks(cls) -> Layout:
        """What the older file has besides; most of it says nothing."""
        from ..older import ENCODING, RATE, VERSION

        paths = {"always_sample_paths": NAMES, "never_sample_paths": NAMES}
        return {
            "version": VERSION,
            "disable_existing_loggers": BOOLEAN,
            "encoding": ENCODING,
            "formatters": {"*": {"*": ANYTHING}},
            "sampling": {"enabled": BOOLEAN, "sample_rate": RATE, "level_threshold": LEVEL, **paths},
            "alerting": {"enabled": BOOLEAN, "error_rate_threshold": RATE, "window_seconds": SECONDS},
        }

    @classmethod
    def settle(cls, given: Given) -> Mapping[str, Any]:
        """Says which blocks have no effect."""
        for name in _WITHOUT_EFFECT:
            if given.block(name).get("enabled") is True:
                given.say(f"the block {name!r} of the configuration has no effect: this version has no such capability")
        return {}
