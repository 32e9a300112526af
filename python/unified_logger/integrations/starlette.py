"""Starlette: `install(app)`, and every request has a context and an access record."""

from __future__ import annotations

from ._partner import need

need("starlette", "0.27", "starlette")

from starlette.requests import HTTPConnection, Request  # noqa: E402

from .asgi import Middleware  # noqa: E402

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from starlette.applications import Starlette
    from starlette.types import ASGIApp

    from ._access import Fields, Response


def install(
    app: Starlette,
    *,
    skip: Iterable[str] = (),
    trusted_proxies: int = 0,
    access_fields: Fields | None = None,
    user_agent: bool = False,
    request_bytes: bool = False,
) -> None:
    """Puts the middleware around an application, outside of all others: answers to errors have the trace too.

    Args:
        app: The application. Middleware and routes may be added to it later.
        skip: Paths without an access record: whole paths, and beginnings that end with `*`.
        trusted_proxies: How many proxies are before this server, each of which appends to `X-Forwarded-For`.
        access_fields: A function that is called with Starlette's request (its `HTTPConnection`, for a websocket) and the response (`status`,
            `headers`, `bytes`), and returns further fields of the access record.
        user_agent: Whether access records have the client's `User-Agent`.
        request_bytes: Whether they have the size of the request's body.

    Raises:
        ConfigurationError: An option is not allowed.
    """
    # `add_middleware` would put it inside the middleware that answers to errors.
    middleware: Any = Middleware(
        app,
        skip=skip,
        trusted_proxies=trusted_proxies,
        access_fields=_Fields(access_fields) if callable(access_fields) else access_fields,
        user_agent=user_agent,
        request_bytes=request_bytes,
    )
    build = app.build_middleware_stack

    def around() -> ASGIApp:
        middleware.app = build()
        return middleware  # type: ignore[no-any-return]

    app.build_middleware_stack = around  # type: ignore[method-assign]
    if app.middleware_stack is not None:
        middleware.app, app.middleware_stack = app.middleware_stack, middleware


class _Fields:
    """Calls the function of an application with a request of Starlette's."""

    def __init__(self, function: Fields) -> None:
        self.of_application = function

    def __call__(self, scope: Any, response: Response) -> Any:
        kind = Request if scope["type"] == "http" else HTTPConnection
        return self.of_application(kind(scope), response)
