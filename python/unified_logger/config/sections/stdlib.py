"""Records of the standard library."""

from __future__ import annotations

from ..kinds import BOOLEAN
from ..options import Section, option


class Stdlib(Section):
    """Records of the standard library."""

    native_stdlib: bool = option(
        BOOLEAN,
        False,
        "Whether the loggers of the standard library log natively where nobody else would see their records.",
    )
    use_unified_logging: bool = option(
        BOOLEAN,
        True,
        "False serves the same API and files with plain handlers of the standard library.",
        "USE_UNIFIED_LOGGING",
    )
