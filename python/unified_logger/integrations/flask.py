"""Flask applications.

from unified_logger.integrations.flask import install

install(app)
"""

from __future__ import annotations

import logging

from ._partner import need

need("flask", "2.3", "flask")

from flask.logging import default_handler  # noqa: E402

from ._options import Options  # noqa: E402
from .wsgi import Middleware  # noqa: E402

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from flask import Flask

    from ._access import Fields

_NAME = "unified_logger"


def install(
    app: Flask,
    *,
    skip: Iterable[str] = (),
    trusted_proxies: int = 0,
    access_fields: Fields | None = None,
    user_agent: bool = False,
    request_bytes: bool = False,
) -> None:
    """Gives every request of an application its context, an access record, and a response header with its trace.

    The application itself logs exceptions, through `app.logger`, with the trace of the request. The default handler of that logger leaves them
    out, since it would print the same records without format. A second call changes the options.

    Args:
        app: The application.
        skip: Paths without an access record: whole paths, and beginnings that end with `*`.
        trusted_proxies: How many proxies are before this server, each of which appends to `X-Forwarded-For`.
        access_fields: A function that is called with Flask's request and the response (`status`, `headers`, `bytes`), and returns further
            fields of the access record.
        user_agent: Whether access records have the client's `User-Agent`.
        request_bytes: Whether they have the size of the request's body.

    Raises:
        ConfigurationError: An option is not allowed.
    """
    installed = app.extensions.get(_NAME)
    options = Options(skip, trusted_proxies, access_fields, user_agent, request_bytes)
    if isinstance(installed, Middleware):
        installed.options = options
        return
    middleware = _Middleware(app.wsgi_app)
    middleware.options = options
    middleware.flask = app
    app.extensions[_NAME] = middleware
    app.wsgi_app = middleware  # type: ignore[method-assign]
    # The application's logger is made at its first use, and takes its level from `debug` then. So it is not used here.
    if not any(isinstance(found, _LeaveOut) for found in default_handler.filters):
        default_handler.addFilter(_LeaveOut())
    _installed.add(app.name)


# Names of applications, which are those of their loggers.
_installed: set[str] = set()


class _LeaveOut(logging.Filter):
    """Leaves records of these applications to the root logger's handler, which Flask's own handler would print."""

    def filter(self, record: logging.LogRecord) -> bool:
        return record.name not in _installed


class _Middleware(Middleware):
    """The middleware, which asks Flask for the rule and the view of a request."""

    flask: Flask

    def look_at(self, exchange: Any) -> None:
        """Takes both from the request that Werkzeug leaves in the environ. It is gone before the end of the response."""
        request = exchange.environ.get("werkzeug.request")
        if request is None:
            # Flask has answered without a context.
            if self.options.access_fields is not None:
                exchange.shown_request = self.flask.request_class(exchange.environ)
            return
        exchange.shown_request = request
        rule = request.url_rule
        if rule is not None:
            exchange.route = rule.rule
            view: Any = self.flask.view_functions.get(rule.endpoint)
            exchange.endpoint = getattr(view, "view_class", view)
