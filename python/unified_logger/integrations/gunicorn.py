"""gunicorn's logger.

gunicorn --logger-class unified_logger.integrations.gunicorn.Logger service:application
"""

from __future__ import annotations

import sys
from time import perf_counter_ns

from ._partner import need

need("gunicorn", "21.2", "gunicorn")

from gunicorn import glogging  # noqa: E402

from .. import _lifecycle  # noqa: E402
from ._request import Options, Request, is_logged, took_over  # noqa: E402
from .wsgi import Headers, path_of  # noqa: E402

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import timedelta
    from typing import Any


class Logger(glogging.Logger):  # type: ignore[misc]
    """Sends what gunicorn logs into the same files as everything else, as records of `gunicorn.error`.

    It starts logging in the master, with the options of the environment, unless gunicorn.conf.py has done so. Each request that no
    middleware of this library saw has its access record from here. The files and formats of gunicorn's own options
    (`--error-logfile`, `--access-logfile`, `--access-logformat`) are not used; where its options name a syslog or a `logging`
    configuration, these have the records too.
    """

    def setup(self, cfg: Any) -> None:
        """Takes gunicorn's settings, at its start and at each reload."""
        if not _lifecycle.is_started():
            _lifecycle.start({})
        self._options = Options()
        self._headers = Headers()
        super().setup(cfg)
        self.error_log.propagate = self.access_log.propagate = True

    @property
    def access_log_enabled(self) -> bool:
        """Whether gunicorn is to tell of requests: always, the level of the logger decides."""
        return True

    def exception(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Logs the exception being handled, unless a middleware has."""
        if not is_logged(sys.exc_info()[1]):
            self.error_log.exception(msg, *args, **kwargs)

    def access(self, resp: Any, req: Any, environ: Any, request_time: timedelta) -> None:
        """Logs the access record of a request, unless a middleware does."""
        if took_over() or is_logged(sys.exc_info()[1]):
            return
        environ = environ or {}  # There is none where a worker could make nothing of what it received.
        request = Request(self._options, self._headers.of(environ))
        # Not every worker gives a `timedelta`.
        request.started = perf_counter_ns() - (request_time.seconds * 1_000_000 + request_time.microseconds) * 1_000
        try:
            request.status = int(str(resp.status).split(None, 1)[0])
        except (AttributeError, IndexError, ValueError):
            request.status = 0
        request.sent = getattr(resp, "sent", None) or 0
        request.finish(environ.get("REQUEST_METHOD", ""), path_of(environ), None, environ.get("REMOTE_ADDR"))
        request.leave()
        took_over()

    def _set_handler(self, *args: object, **kwargs: object) -> None:
        """Leaves out gunicorn's own handlers: the root logger's has the records."""
