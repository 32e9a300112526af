"""Calls made with httpx carry the trace in their headers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ._outgoing import Outgoing, level_number, replace, restore
from ._partner import need

need("httpx", "0.24", "httpx")

import httpx  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

_CLASSES = (httpx.Client, httpx.AsyncClient)


def install(client: httpx.Client | httpx.AsyncClient | None = None, *, level: int | str | None = None) -> None:
    """Makes calls carry the current trace. Headers that a caller has set stay as they are.

    Args:
        client: The client whose calls carry it; None for every client of the process, of both kinds.
        level: Level of a record for each call, which is then a span of its own; None for no record and no span.

    Raises:
        ValueError: There is no such level.
    """
    number = level_number(level)
    for owner in _owners(client):
        of_kind: Any = _carrying_async if _is_async(owner) else _carrying
        replace(owner, "send", partial(of_kind, level=number))


def uninstall(client: httpx.Client | httpx.AsyncClient | None = None) -> None:
    """Reverts `install`.

    Args:
        client: As given to `install`.
    """
    for owner in _owners(client):
        restore(owner, "send")


def _owners(client: httpx.Client | httpx.AsyncClient | None) -> Iterable[Any]:
    return _CLASSES if client is None else (client,)


def _is_async(owner: Any) -> bool:
    return issubclass(owner if isinstance(owner, type) else type(owner), httpx.AsyncClient)


def _carrying(send: Callable[..., httpx.Response], level: int | None) -> Callable[..., httpx.Response]:
    def carrying(client: httpx.Client, request: httpx.Request, *args: Any, **kwargs: Any) -> httpx.Response:
        """Sends the request with the headers of the current trace."""
        with Outgoing(__name__, level, request.method, str(request.url), request.headers) as call:
            response = send(client, request, *args, **kwargs)
            call.ended(response.status_code)
            return response

    return carrying


def _carrying_async(
    send: Callable[..., Awaitable[httpx.Response]], level: int | None
) -> Callable[..., Awaitable[httpx.Response]]:
    async def carrying(client: httpx.AsyncClient, request: httpx.Request, *args: Any, **kwargs: Any) -> httpx.Response:
        """Sends the request with the headers of the current trace."""
        with Outgoing(__name__, level, request.method, str(request.url), request.headers) as call:
            response = await send(client, request, *args, **kwargs)
            call.ended(response.status_code)
            return response

    return carrying
