"""What the counts are told as: the text of a scrape, and the answer to a request for it."""

from __future__ import annotations

import os
import zlib
from typing import NamedTuple

from .. import _core
from . import engine, notices

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from os import PathLike

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
METHODS = ("GET", "HEAD")

_OPEN_METRICS_TYPE = "application/openmetrics-text"
_OPEN_METRICS_VERSION = "1.0.0"
# Counts are nearly all digits and names that repeat: more effort saves little.
_EFFORT = 3
# A window of gzip's with its head and its sum.
_GZIP = 16 + zlib.MAX_WBITS
# Headers of requests are read up to this length, characters.
_LONGEST = 4_096

# What could not be read, which is told once: a scrape comes every few seconds.
_told: set[str] = set()
_MOST_TOLD = 100


class Answer(NamedTuple):
    """The answer to a request.

    Args:
        status: Its status, such as 200.
        reason: The words of the status.
        headers: Names and values.
        body: The body, which is empty for HEAD.
    """

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes


def text(directory: str | PathLike[str] | None = None, open_metrics: bool = False) -> str:
    """What all processes of a log directory have counted.

    Args:
        directory: The log directory. None stands for that of the running configuration; without one, this process is told alone.
        open_metrics: Whether the text is OpenMetrics 1.0. Otherwise it is version 0.0.4 of Prometheus' own format.

    Returns:
        The text. What could not be read is missing in it, and is logged once.
    """
    settings = engine.settings()
    if directory is None and settings is not None:
        directory = settings.log_dir
    found, remarks = _core.directory_metrics(None if directory is None else os.fspath(directory), open_metrics)
    for remark in remarks if settings is not None else ():
        if remark not in _told and len(_told) < _MOST_TOLD:
            _told.add(remark)
            notices.report(f"metrics are not whole: {remark}", {"directory": str(directory)}, function="metrics")
    return found


def own_text() -> str:
    """What this process alone has counted, as OpenMetrics."""
    return _core.directory_metrics(None, True)[0]


def answer(method: str, accept: str, accept_encoding: str, directory: str | PathLike[str] | None = None) -> Answer:
    """Answers a request for the metrics.

    Args:
        method: The method of the request.
        accept: Its header `Accept`. OpenMetrics is sent to a client that names it and likes no other form of ours more.
        accept_encoding: Its header `Accept-Encoding`. The body is packed with gzip for a client that takes it.
        directory: As for `text`.

    Returns:
        The answer, which is 405 for other methods than GET and HEAD.
    """
    if method not in METHODS:
        body = b"only GET and HEAD\n"
        plain = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body)))]
        return Answer(405, "Method Not Allowed", [("Allow", ", ".join(METHODS)), *plain], body)
    wants_open_metrics = _wants_open_metrics(accept)
    body = text(directory, wants_open_metrics).encode()
    headers = [
        ("Content-Type", OPEN_METRICS if wants_open_metrics else TEXT),
        ("Vary", "Accept, Accept-Encoding"),
    ]
    if _takes_gzip(accept_encoding):
        packer = zlib.compressobj(_EFFORT, wbits=_GZIP)
        body = packer.compress(body) + packer.flush()
        headers.append(("Content-Encoding", "gzip"))
    headers.append(("Content-Length", str(len(body))))
    return Answer(200, "OK", headers, b"" if method == "HEAD" else body)


def _wants_open_metrics(accept: str) -> bool:
    # A client that takes anything gets the older form, which people can read, too.
    best = plain = 0.0
    how_near = -1
    for name, parameters, quality in _parts(accept):
        if name == _OPEN_METRICS_TYPE and parameters.get("version", _OPEN_METRICS_VERSION) == _OPEN_METRICS_VERSION:
            best = max(best, quality)
        elif name in ("text/plain", "text/*", "*/*") and parameters.get("version", "0.0.4") == "0.0.4":
            # What names the form more nearly counts.
            near = ("*/*", "text/*", "text/plain").index(name) + ("version" in parameters)
            if near > how_near:
                how_near, plain = near, quality
    return best > 0 and best >= plain


def _takes_gzip(accept_encoding: str) -> bool:
    qualities = {name: quality for name, _, quality in _parts(accept_encoding)}
    return qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0.0))) > 0


def _parts(header: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """The parts of a header with qualities: what is named, its parameters, and how much it is liked, from 0 to 1."""
    for part in header[:_LONGEST].split(","):
        name, *given = (piece.strip() for piece in part.split(";"))
        pairs = (piece.partition("=") for piece in given)
        parameters = {key.strip().lower(): value.strip().strip('"') for key, _, value in pairs}
        try:
            quality = float(parameters.pop("q", "1"))
        except ValueError:
            continue
        if name and 0 <= quality <= 1:
            yield name.lower(), parameters, quality
