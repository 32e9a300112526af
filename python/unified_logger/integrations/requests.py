"""Calls made with requests carry the trace in their headers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ._outgoing import Outgoing, level_number, replace, restore
from ._partner import need

need("requests", "2.28", "requests")

from requests.adapters import HTTPAdapter  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from requests import PreparedRequest, Response, Session


def install(session: Session | None = None, *, level: int | str | None = None) -> None:
    """Makes calls carry the current trace. Headers that a caller has set stay as they are.

    Args:
        session: The session whose calls carry it, by its present adapters; None for every session of the process.
        level: Level of a record for each call, which is then a span of its own; None for no record and no span. A redirect is a call too.

    Raises:
        ValueError: There is no such level.
    """
    number = level_number(level)
    for owner in _owners(session):
        replace(owner, "send", partial(_carrying, level=number))


def uninstall(session: Session | None = None) -> None:
    """Reverts `install`.

    Args:
        session: As given to `install`.
    """
    for owner in _owners(session):
        restore(owner, "send")


def _owners(session: Session | None) -> Iterable[Any]:
    return (HTTPAdapter,) if session is None else session.adapters.values()


def _carrying(send: Callable[..., Response], level: int | None) -> Callable[..., Response]:
    def carrying(adapter: HTTPAdapter, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        """Sends the request with the headers of the current trace."""
        with Outgoing(__name__, level, str(request.method), str(request.url), request.headers) as call:
            response = send(adapter, request, *args, **kwargs)
            call.ended(response.status_code)
            return response

    return carrying
