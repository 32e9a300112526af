"""Whether the bounds of a configuration hold."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ... import _core
from .. import retention as command
from .._table import size
from ._place import OK, WARNING, Finding, some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .._table import size
from ._place import Place

_NAME = "retention"


def look(place: Place) -> Iterator[Finding]:
    """Asks which files would go now. Without a configuration file nobody knows the bounds."""
    settings = place.told[2]
    if place.config is None or settings is None or settings.log_dir is None:
        return
    try:
        told = _core.retention(os.path.realpath(place.directory), command.for_engine(settings, False), True)
    except OSError as error:
        yield Finding(_NAME, WARNING, f"What would go cannot be told: {error}.", "", "")
        return
    goes = told["goes"] if told is not None else []
    if goes:
        total = sum(file["bytes"] for file in goes)
        yield Finding(
            _NAME,
            WARNING,
            f"{len(goes)} files with {size(total)} are kept longer than the bounds allow: {some([file['file'] for file in goes])}.",
            "No program with this configuration has rotated or looked after files since.",
            f"unified-logger retention {place.directory} --config {place.config}",
        )
    else:
        yield Finding(_NAME, OK, "The bounds of the configuration hold.")
