"""Flask applications.

from unified_logger.integrations.flask import install

install(app)
"""

from __future__ import annotations

import logging

from ._partner import need

need("flask", "2.3", "flask")

from flask.logging import default_handler  # noqa: E402

from ._request import Options  # noqa: E402
from .wsgi import Middleware  # noqa: E402

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from flask import Flask

    from .wsgi import Environ

_NAME = "unified_logger"


def install(app: Flask, *, skip: Iterable[str] = (), trusted_proxies: int = 0) -> None:
    """Gives every request of an application its context, an access record, and a response header with its trace.

    The application itself logs exceptions, through `app.logger`, with the trace of the request. The default handler of that logger leaves them
    out, since it would print the same records without format. A second call changes the options.

    Args:
        app: The application.
        skip: Paths without an access record: whole paths, and beginnings that end with `*`.
        trusted_proxies: How many proxies are before this server, each of which appends to `X-Forwarded-For`.

    Raises:
        ConfigurationError: An option is not allowed.
    """
    installed = app.extensions.get(_NAME)
    if isinstance(installed, Middleware):
        installed.options = Options(skip, trusted_proxies)
        return
    middleware = Middleware(app.wsgi_app, skip=skip, trusted_proxies=trusted_proxies, route=_route)
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


def _route(environ: Environ) -> str | None:
    """The rule that matched, from the request that Werkzeug leaves in the environ."""
    request = environ.get("werkzeug.request")
    rule = None if request is None else request.url_rule
    return None if rule is None else rule.rule
