"""A FastAPI application, called as a server calls it."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI

from unified_logger.integrations.fastapi import install

from .asgi_app import serving


def _application() -> FastAPI:
    app = FastAPI()

    @app.get("/orders/{number}")
    async def order(number: int) -> str:
        return f"order {number}"

    return app


def plain() -> Callable[[int], None]:
    """Serves that many requests without the middleware."""
    return serving(_application(), b'"order 7"')


def ours() -> Callable[[int], None]:
    """Serves that many requests with it."""
    app = _application()
    install(app)
    return serving(app, b'"order 7"')
