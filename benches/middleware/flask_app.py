"""A Flask application, called as a server calls it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from werkzeug.test import EnvironBuilder

from unified_logger.integrations.flask import install


def _application() -> Flask:
    app = Flask(__name__)

    @app.get("/orders/<int:number>")
    def order(number: int) -> str:
        return f"order {number}"

    return app


def _serve(app: Flask) -> Callable[[int], None]:
    environ = EnvironBuilder("/orders/7", headers={"X-Real-Ip": "10.0.0.1"}).get_environ()
    answers: list[tuple[str, list[Any]]] = []

    def start_response(status: str, headers: list[Any], exc_info: object = None) -> Callable[[bytes], None]:
        answers.append((status, headers))
        return answers.clear  # type: ignore[return-value]

    def serve(calls: int) -> None:
        for _ in range(calls):
            answers.clear()
            body: Any = app(dict(environ), start_response)
            assert b"".join(body) == b"order 7"
            body.close()
            assert answers[0][0] == "200 OK"

    return serve


def plain() -> Callable[[int], None]:
    """Serves that many requests without the middleware."""
    return _serve(_application())


def ours() -> Callable[[int], None]:
    """Serves that many requests with it."""
    app = _application()
    install(app)
    return _serve(app)
