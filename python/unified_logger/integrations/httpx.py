"""Calls made with httpx and httpx2 carry the trace in their headers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from . import _later
from ._outgoing import Outgoing, level_number, replace, restore
from ._partner import need_one_of

need_one_of({"httpx": "0.24", "httpx2": "2.0"}, "httpx")

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from types import ModuleType

_LIBRARIES = ("httpx", "httpx2")
# An SDK may keep its client below another object that keeps it.
_DEEPEST = 3


def install(client: object = None, *, level: int | str | None = None) -> None:
    """Makes calls carry the current trace. Headers that a caller has set stay as they are.

    Args:
        client: The client whose calls carry it: a `Client` or `AsyncClient` of httpx or httpx2, or an object that keeps one as `_client`, as
            the clients of OpenAI's and Anthropic's SDK do. None for every client of the process, also of a library that is imported later.
        level: Level of a record for each call, which is then a span of its own; None for no record and no span.

    Raises:
        TypeError: There is no client in this object.
        ValueError: There is no such level.
    """
    number = level_number(level)
    if client is None:
        for name in _LIBRARIES:
            _later.when_imported(name, partial(_install_all, level=number))
    else:
        _install(_client_in(client), number)


def uninstall(client: object = None) -> None:
    """Reverts `install`.

    Args:
        client: As given to `install`.

    Raises:
        TypeError: There is no client in this object.
    """
    if client is None:
        for name in _LIBRARIES:
            _later.forget(name)
        for kind in _kinds():
            restore(kind, "send")
    else:
        restore(_client_in(client), "send")


def _install_all(module: ModuleType, level: int | None) -> None:
    for kind in _kinds_of(module):
        _install(kind, level)


def _install(owner: Any, level: int | None) -> None:
    of_kind: Any = _carrying_async if _is_async(owner) else _carrying
    replace(owner, "send", partial(of_kind, level=level))


def _kinds() -> Iterator[type]:
    """The classes of clients of the libraries that are imported."""
    for module in map(_later.imported, _LIBRARIES):
        if module is not None:
            yield from _kinds_of(module)


def _kinds_of(module: ModuleType) -> tuple[Any, Any]:
    """The classes that send: other libraries put classes in their place that are derived from them, and clients of either may exist."""
    client, async_client = (
        next((base for base in reversed(getattr(kind, "__mro__", ())) if "send" in vars(base)), kind)
        for kind in (module.Client, module.AsyncClient)
    )
    return client, async_client


def _client_in(given: object) -> object:
    """The client that an object is or keeps."""
    kinds = tuple(_kinds())
    found: Any = given
    for _ in range(_DEEPEST):
        if isinstance(found, kinds):
            return found
        found = getattr(found, "_client", None)
    raise TypeError(f"{type(given).__name__} is no client of httpx or httpx2, and keeps none as `_client`")


def _is_async(owner: Any) -> bool:
    modules = filter(None, map(_later.imported, _LIBRARIES))
    kinds = tuple(_kinds_of(module)[1] for module in modules)
    return issubclass(owner if isinstance(owner, type) else type(owner), kinds)


def _carrying(send: Callable[..., Any], level: int | None) -> Callable[..., Any]:
    def carrying(client: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Sends the request with the headers of the current trace."""
        with Outgoing(__name__, level, request.method, str(request.url), request.headers) as call:
            response = send(client, request, *args, **kwargs)
            call.ended(response.status_code)
            return response

    return carrying


def _carrying_async(send: Callable[..., Awaitable[Any]], level: int | None) -> Callable[..., Awaitable[Any]]:
    async def carrying(client: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Sends the request with the headers of the current trace."""
        with Outgoing(__name__, level, request.method, str(request.url), request.headers) as call:
            response = await send(client, request, *args, **kwargs)
            call.ended(response.status_code)
            return response

    return carrying
