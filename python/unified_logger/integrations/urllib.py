"""Calls made with `urllib.request` carry the trace in their headers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.request import AbstractHTTPHandler, OpenerDirector, Request

from ._outgoing import Outgoing, level_number, replace, restore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


def install(opener: OpenerDirector | None = None, *, level: int | str | None = None) -> None:
    """Makes calls carry the current trace. Headers that a caller has set stay as they are.

    Args:
        opener: The opener whose calls carry it; None for every opener of the process, also that of `urlopen`.
        level: Level of a record for each call, which is then a span of its own; None for no record and no span. A redirect is a call too.

    Raises:
        ValueError: There is no such level.
    """
    number = level_number(level)
    for owner in _owners(opener):
        replace(owner, "do_open", partial(_carrying, level=number))


def uninstall(opener: OpenerDirector | None = None) -> None:
    """Reverts `install`.

    Args:
        opener: As given to `install`.
    """
    for owner in _owners(opener):
        restore(owner, "do_open")


def _owners(opener: OpenerDirector | None) -> Iterable[Any]:
    if opener is None:
        return (AbstractHTTPHandler,)
    handlers: list[Any] = opener.handlers  # type: ignore[attr-defined]  # the stubs do not know it
    return [handler for handler in handlers if isinstance(handler, AbstractHTTPHandler)]


class _Headers:
    """The headers of a request that belong to this call alone: a redirect does not take them along."""

    def __init__(self, request: Request) -> None:
        self._request = request

    def __contains__(self, name: object) -> bool:
        return self._request.has_header(str(name).capitalize())

    def __setitem__(self, name: str, value: str) -> None:
        self._request.add_unredirected_header(name, value)

    def __delitem__(self, name: str) -> None:
        self._request.unredirected_hdrs.pop(name.capitalize(), None)


def _carrying(do_open: Callable[..., Any], level: int | None) -> Callable[..., Any]:
    def carrying(handler: AbstractHTTPHandler, http_class: Any, req: Request, **http_conn_args: Any) -> Any:
        """Sends the request with the headers of the current trace."""
        with Outgoing(__name__, level, req.get_method(), req.full_url, _Headers(req)) as call:
            response = do_open(handler, http_class, req, **http_conn_args)
            call.ended(response.status)
            return response

    return carrying
