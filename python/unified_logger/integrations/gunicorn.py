"""gunicorn's logger.

gunicorn --logger-class unified_logger.integrations.gunicorn.Logger service:application
"""

from __future__ import annotations

import errno
import logging
import os
import stat
import sys

from .. import _core
from ._partner import need

need("gunicorn", "21.2", "gunicorn")

from gunicorn import glogging  # noqa: E402

from ..clocks import perf_counter_ns  # noqa: E402
from ..config.sections.files import FAULTS  # noqa: E402
from ..process import engine, notices, rotation, start  # noqa: E402
from ._environ import Headers, path_of  # noqa: E402
from ._options import Options  # noqa: E402
from ._request import Request, is_logged, leave_out_line  # noqa: E402

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import timedelta
    from typing import Any


# Further files of a log directory.
_BESIDE = (".unified_logger.lock", ".unified_logger", FAULTS)


def _hand_over(user: int, group: int) -> None:
    """Gives the log files, and a directory with no other files, to the user of the workers.

    Workers could neither rotate files of root nor open them again. A file that the engine makes later in place of another gets its owner
    by itself. Only files of root are given away. If the directory belongs to another user already, that user may have put links to files
    of root there.
    """
    settings = engine.settings()
    if settings is None or settings.log_dir is None:
        return
    names = tuple(file.name for file in settings.files if file.enabled)
    directory = os.open(settings.log_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        found = os.listdir(directory)
        own_files = [name for name in found if name in _BESIDE or name in names or _is_rotated(name, names)]
        for name in own_files:
            if name != ".unified_logger":
                _give(name, directory, user, group)
        if len(own_files) + sum(_is_link(name, names, directory) for name in found) == len(found):
            if os.fstat(directory).st_uid == 0:
                os.fchown(directory, user, group)
        elif os.fstat(directory).st_uid == 0:
            notices.report(
                f"the log directory holds other files too and stays root's: workers, who are user {user}, cannot rotate files there"
            )
    finally:
        os.close(directory)


def _is_rotated(name: str, names: tuple[str, ...]) -> bool:
    return any(_core.is_rotated(current, name) for current in names)


def _is_link(name: str, names: tuple[str, ...], directory: int) -> bool:
    """Whether it leads to a current file."""
    try:
        return os.readlink(name, dir_fd=directory) in names
    except OSError:
        return False


def _give(name: str, directory: int, user: int, group: int) -> None:
    try:
        file = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP):
            return  # Another process has rotated it, or it is a link.
        raise
    try:
        found = os.fstat(file)
        if stat.S_ISREG(found.st_mode) and found.st_uid == 0 and found.st_nlink == 1:
            os.fchown(file, user, group)
    finally:
        os.close(file)


class Logger(glogging.Logger):  # type: ignore[misc]
    """Sends the records of gunicorn into the same files as everything else, as records of `gunicorn.error`.

    It starts logging in the master, with the options of the environment, unless gunicorn.conf.py has done so. It logs the access record
    of each request that no middleware of this library has logged. The files and formats of gunicorn's own options (`--error-logfile`,
    `--access-logfile`, `--access-logformat`) are not used. If its options name a syslog or a `logging` configuration, these get
    the records too.
    """

    def setup(self, cfg: Any) -> None:
        """Takes gunicorn's settings, at its start and at each reload."""
        if not start.is_started():
            start.start({})
        if os.geteuid() == 0 and cfg.uid != 0:
            try:
                _hand_over(cfg.uid, cfg.gid)
            except OSError as error:
                notices.report(f"the log files cannot be given to the user of the workers: {error}")
        self._options = Options()
        self._headers = Headers()
        self._master = os.getpid()
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            if not log.handlers:
                self._set_handler(log)  # gunicorn gives none to a log without a file.
            # If a configuration of `logging` has removed the handler, they propagate.
            log.propagate = not any(isinstance(handler, _ToRoot) for handler in log.handlers)

    def reopen_files(self) -> None:
        """Opens gunicorn's own files again: at SIGUSR1, which workers get too. If it is also the signal for new log files, this asks for them.

        A handler that was set in the master is gone: gunicorn takes the signal after that.
        """
        super().reopen_files()
        settings = engine.settings()
        if settings is not None and settings.rotation_signal == "SIGUSR1" and os.getpid() != self._master:
            rotation.ask("SIGUSR1")

    @property
    def access_log_enabled(self) -> bool:
        """Whether gunicorn logs requests: always, because the level of the logger decides."""
        return True

    def exception(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Logs the exception being handled, unless a middleware has logged it."""
        if not is_logged(sys.exc_info()[1]):
            self.error_log.exception(msg, *args, **kwargs)

    def access(self, resp: Any, req: Any, environ: Any, request_time: timedelta) -> None:
        """Logs the access record of a request, unless a middleware has logged it."""
        if leave_out_line() or is_logged(sys.exc_info()[1]):
            return
        environ = environ or {}  # There is none if a worker could not read the request.
        request = Request(self._options, self._headers.of(environ))
        # Not every worker passes a `timedelta`.
        request.started = perf_counter_ns() - (request_time.seconds * 1_000_000 + request_time.microseconds) * 1_000
        try:
            request.status = int(str(resp.status).split(None, 1)[0])
        except (AttributeError, IndexError, ValueError):
            request.status = 0
        request.sent = getattr(resp, "sent", None) or 0
        request.finish(environ.get("REQUEST_METHOD", ""), path_of(environ), None, environ.get("REMOTE_ADDR"))
        request.leave()
        leave_out_line()

    def _set_handler(self, log: logging.Logger, *args: object, **kwargs: object) -> None:
        """Replaces gunicorn's own handlers with one that gives records to the handlers of the root logger."""
        if not any(isinstance(handler, _ToRoot) for handler in log.handlers):
            log.addHandler(_ToRoot())


class _ToRoot(logging.Handler):
    """Gives records to the handlers of the root logger, as if their logger propagated.

    Workers of other projects, uvicorn's among them, attach the handlers of gunicorn's loggers to loggers of their own that do not propagate.
    """

    def handle(self, record: logging.LogRecord) -> bool:
        logging.getLogger().callHandlers(record)
        return True
