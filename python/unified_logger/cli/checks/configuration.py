"""Errors and warnings of the configuration."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ... import _core
from ._place import OK, TROUBLE, WARNING, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ._place import Place

_NAME = "configuration"


def look(place: Place) -> Iterator[Finding]:
    """Loads the file, if one is given, and the environment."""
    errors, warnings, settings = place.told
    of = "the environment" if place.config is None else _core.escape_text(place.config)
    for error in errors:
        yield Finding(
            _NAME,
            TROUBLE,
            error.sentence,
            "A program with this configuration does not start to log.",
            f"Write {_core.escape_text(error.allowed)}."
            if error.suggestion is None
            else f"Write {error.suggestion!r}.",
        )
    for warning in warnings:
        yield Finding(
            _NAME, WARNING, _core.escape_text(warning), "It is logged once at each start.", "Change it, or take it out."
        )
    if settings is not None and place.config is not None and settings.log_dir is not None:
        asked, given = os.path.realpath(place.directory), os.path.realpath(settings.log_dir)
        if asked != given:
            yield Finding(
                _NAME,
                WARNING,
                f"The configuration writes to {given!r}, and you ask about {asked!r}.",
                "Relative paths are those of the working directory of the program.",
                "Ask about the other directory, or give log_dir as an absolute path.",
            )
    if settings is not None and not settings.use_unified_logging:
        yield Finding(
            _NAME,
            WARNING,
            "use_unified_logging is false: plain handlers of the standard library write the files.",
            "Outputs, sampling, packing and black boxes have no effect.",
            "Take USE_UNIFIED_LOGGING out of the environment.",
        )
    if not errors and not warnings:
        yield Finding(_NAME, OK, f"Nothing is wrong with {of}.")
