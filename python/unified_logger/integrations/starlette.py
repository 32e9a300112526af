"""Starlette: `install(app)`, and every request has a context and an access record."""

from __future__ import annotations

from ._partner import need
from .asgi import Middleware

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from starlette.applications import Starlette
    from starlette.types import ASGIApp

need("starlette", "0.27", "starlette")


def install(app: Starlette, *, skip: Iterable[str] = (), trusted_proxies: int = 0) -> None:
    """Puts the middleware around an application, outside of all others: answers to errors have the trace too.

    Args:
        app: The application. Middleware and routes may be added to it later.
        skip: Paths without an access record: whole paths, and beginnings that end with `*`.
        trusted_proxies: How many proxies are before this server, each of which appends to `X-Forwarded-For`.

    Raises:
        ConfigurationError: An option is not allowed.
    """
    # `add_middleware` would put it inside the middleware that answers to errors.
    middleware: Any = Middleware(app, skip=skip, trusted_proxies=trusted_proxies)
    build = app.build_middleware_stack

    def around() -> ASGIApp:
        middleware.app = build()
        return middleware  # type: ignore[no-any-return]

    app.build_middleware_stack = around  # type: ignore[method-assign]
    if app.middleware_stack is not None:
        middleware.app, app.middleware_stack = app.middleware_stack, middleware
