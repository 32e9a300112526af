"""Answers scrapes of metrics over HTTP, if the option `metrics` asks for it.

One process of a log directory answers for all of them: the first that gets the port. The others try again each second, so that one of them
follows when that process ends, however it ends.
"""

from __future__ import annotations

import errno
import hashlib
import os
import selectors
import socket
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from threading import Thread
from time import sleep
from typing import TYPE_CHECKING, Any

from .. import _core
from ..clocks import monotonic
from . import capabilities, engine, exposition, notices

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..config import Settings

# How often a port that is taken is tried again, seconds.
_PAUSE = 1.0
# How many connections are served at the same time. Others wait for their turn.
_MOST = 8
_BACKLOG = 64
# How long a connection has for its request and for taking the answer, seconds.
_PATIENCE = 5.0
# How long a fork and an end wait for connections, and then for the threads, seconds.
_LAST_ANSWERS = 0.1
_END_PATIENCE = 1.0
# How long the holder of the port has to say who it is, how often it must say nothing until another program is supposed, and how long what it
# has said is believed, seconds.
_ASK_PATIENCE = 0.4
_SILENT = 3
_BELIEVED = 60.0
# A header of every answer. It says for which directory the process answers, and gives no name away.
_MARK = "Unified-Logger-Directory"
# Addresses that stand for all of a host, and one of each at which it can be asked.
_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}


class _Handler(BaseHTTPRequestHandler):
    """Answers one request of a connection, which it closes after that."""

    server: Any  # an `_Endpoint`
    timeout = _PATIENCE

    def __getattr__(self, name: str) -> Callable[[], None]:
        """The same for each method: what methods there are is known elsewhere."""
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def _answer(self) -> None:
        accept, encoding = (", ".join(self.headers.get_all(name, ())) for name in ("Accept", "Accept-Encoding"))
        if self.path.partition("?")[0] == self.server.wanted["path"]:
            status, reason, headers, body = exposition.answer(self.command, accept, encoding)
        else:
            body = b"not found\n"
            status, reason, headers = 404, "Not Found", [("Content-Length", str(len(body)))]
        self.send_response(status, reason)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def end_headers(self) -> None:
        """Ends the headers of every answer, also of those to what is no request."""
        self.send_header(_MARK, self.server.mark())
        super().end_headers()

    def version_string(self) -> str:
        """The server, without the versions of anything."""
        return "unified_logger"

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - named so by its base
        """Nothing: scrapes are no records."""


class _Endpoint:
    """The endpoint of this process: it answers, or waits until no other process does.

    Args:
        wanted: The host, the port and the path.
    """

    def __init__(self, wanted: Mapping[str, Any]) -> None:
        self.wanted = wanted
        self._listener: socket.socket | None = None
        self._thread: Thread | None = None
        self._is_there = False
        self._goes_on = False
        # What wakes the thread, and where that arrives.
        self._waking, self._woken = socket.socketpair()
        self._waking.setblocking(False)
        self._woken.setblocking(False)
        # Connections with the time until which each has to be done.
        self._connections: dict[socket.socket, float] = {}
        self._told: str | None = None
        self._silent = 0
        # Whether the holder of the port is a process of the same directory, and until when that is believed.
        self._is_ours = False
        self._believed_until = 0.0
        # Where there is no directory, nobody else answers for this process.
        self._alone = os.urandom(16).hex()

    def url(self) -> str | None:
        """The URL at which this process answers; None while it does not."""
        listener = self._listener
        if listener is None:
            return None
        host, port, *_ = listener.getsockname()
        return f"http://{f'[{host}]' if ':' in host else host}:{port}{self.wanted['path']}"

    def mark(self) -> str:
        """What processes have in common that answer for each other: their directory."""
        settings = engine.settings()
        try:
            found = os.stat(settings.log_dir)  # type: ignore[union-attr, arg-type] # anything else has no status
        except (OSError, TypeError, AttributeError):
            return self._alone
        return hashlib.sha256(f"{found.st_dev}:{found.st_ino}".encode()).hexdigest()[:32]

    def open(self, asks: bool = True) -> None:
        """Listens, unless that is not possible now; the reason is told once.

        Args:
            asks: Whether the holder of the port is asked who it is, which takes some time.
        """
        host, port = self.wanted["host"], self.wanted["port"]
        try:
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        except (OSError, ValueError) as error:  # A name that is none of the net is a `UnicodeError`.
            if getattr(error, "errno", None) != errno.EADDRINUSE:
                self._tell(f"metrics cannot be answered at {host}, port {port}: {error}")
            elif asks and not self._is_served():
                self._tell(f"metrics cannot be answered at {host}, port {port}: another program has the port")
            return
        listener.setblocking(False)
        self._listener, self._told, self._silent, self._believed_until = listener, None, 0, 0.0

    def _is_served(self) -> bool:
        """Whether a process of the same directory answers, or is about to."""
        now = monotonic()
        if now < self._believed_until:
            return self._is_ours
        answer = _asked(_ANY.get(self.wanted["host"], self.wanted["host"]), self.wanted["port"])
        self._silent = self._silent + 1 if answer is None else 0
        if answer is None and self._silent < _SILENT:
            return True  # It may have ended just now, or be busy.
        self._is_ours = answer is not None and f"{_MARK}: {self.mark()}\r\n".encode() in answer
        self._believed_until = now + _BELIEVED
        if self._is_ours:
            self._told = None
        return self._is_ours

    def _tell(self, sentence: str) -> None:
        if sentence != self._told:
            self._told = sentence
            _core.count("errors")
            notices.report(f"{sentence}; it is tried again each second", dict(self.wanted))

    def begin(self) -> None:
        """Starts the thread, unless it is there. If none can be started, the next start tries again."""
        self._goes_on = True
        if self._is_there:
            return
        self._is_there = True
        try:
            self._thread = Thread(target=self._run, name="unified_logger_metrics", daemon=True)
            self._thread.start()
        except RuntimeError as error:
            self._is_there, self._thread = False, None
            self._tell(f"metrics are not answered, for want of a thread: {error}")

    def pause(self) -> None:
        """Ends the threads. The port stays, and clients wait."""
        self._goes_on = False
        self._wake()
        deadline = monotonic() + _END_PATIENCE
        if self._thread is not None:
            self._thread.join(_END_PATIENCE)
        last = monotonic() + _LAST_ANSWERS
        while self._connections and monotonic() < deadline:
            if monotonic() > last:
                for connection in [*self._connections]:
                    _break_off(connection)
            sleep(0.001)

    def end(self) -> None:
        """Ends the threads and leaves the port to others."""
        self.pause()
        self.close()

    def close(self) -> None:
        """Closes what this process has open, without a word to clients: in a forked child they are those of its parent."""
        for each in (self._listener, self._waking, self._woken, *self._connections):
            if each is not None and each.fileno() >= 0:
                # `close` waits for the files of a connection, and in a child nobody ever closes them.
                socket.close(each.detach())
        self._listener = None

    def _wake(self) -> None:
        with suppress(OSError):
            self._waking.send(b"x")

    def _run(self) -> None:
        # One that holds no descriptor, which a child would inherit.
        selector = getattr(selectors, "PollSelector", selectors.SelectSelector)()
        selector.register(self._woken, selectors.EVENT_READ)
        try:
            while self._goes_on:
                self._try_turn(selector)
        finally:
            selector.close()
            self._is_there = False
            if self._goes_on:  # A fork that did not wait any longer has asked for it again.
                self.begin()

    def _try_turn(self, selector: selectors.BaseSelector) -> None:
        try:
            self._turn(selector)
        except Exception as error:  # The next turn has nothing to do with this one.
            if self._goes_on:
                self._tell(f"metrics were not answered: {error!r}")
                sleep(_PAUSE)

    def _turn(self, selector: selectors.BaseSelector) -> None:
        """Waits for one thing that happens, for a second at most, and does what it asks for."""
        if self._listener is None:
            self.open()
        listener = self._listener
        is_wanted = listener is not None and len(self._connections) < _MOST
        if listener is not None and is_wanted is not (listener in selector.get_map()):
            (selector.register(listener, selectors.EVENT_READ) if is_wanted else selector.unregister(listener))
        for key, _ in selector.select(_PAUSE):
            if key.fileobj is self._woken:
                self._woken.recv(4_096)
            else:
                self._accept()
        now = monotonic()
        for connection, until in [*self._connections.items()]:
            if until < now:
                _break_off(connection)

    def _accept(self) -> None:
        try:
            connection, address = self._listener.accept()  # type: ignore[union-attr] # it is there while it is waited for
        except OSError:  # The client has left, or there is no descriptor now.
            sleep(0.01)
            return
        self._connections[connection] = monotonic() + _PATIENCE
        try:
            Thread(target=self._serve, args=(connection, address), name="unified_logger_scrape", daemon=True).start()
        except RuntimeError:
            del self._connections[connection]
            connection.close()

    def _serve(self, connection: socket.socket, address: Any) -> None:
        try:
            connection.settimeout(_PATIENCE)
            _Handler(connection, address, self)  # type: ignore[arg-type] # has what the class needs of a server
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # The client has left, or was too slow.
        except Exception as error:
            self._tell(f"a scrape of metrics failed: {error!r}")
        finally:
            connection.close()
            self._connections.pop(connection, None)
            if self._goes_on:
                self._wake()


def _asked(host: str, port: int) -> bytes | None:
    """What answers at a port, or None if nothing does. A request that any server understands, and that costs it nothing."""
    answer = b""
    try:
        with socket.create_connection((host, port), timeout=_ASK_PATIENCE) as connection:
            connection.settimeout(_ASK_PATIENCE)
            connection.sendall(b"HEAD /?unified_logger HTTP/1.0\r\n\r\n")
            while b"\r\n\r\n" not in answer and len(answer) < 8_192 and (piece := connection.recv(4_096)):
                answer += piece
    except OSError:
        pass
    return answer or None


def _break_off(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


_endpoint: _Endpoint | None = None


def metrics_url() -> str | None:
    """The URL at which this process answers with the metrics, see `unified_logger.metrics_url`."""
    return None if _endpoint is None else _endpoint.url()


def start(settings: Settings) -> None:
    """Answers where the settings ask for it, and nowhere else any more."""
    global _endpoint
    wanted = settings.metrics
    if _endpoint is not None and wanted is not None and _is_same(_endpoint.wanted, wanted):
        _endpoint.wanted = wanted
        _endpoint.begin()
        return
    _end()
    if wanted is not None:
        _endpoint = _Endpoint(wanted)
        # Before the start returns, so that the port can be asked for.
        _endpoint.open(asks=False)
        _endpoint.begin()


def _is_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return (one["host"], one["port"]) == (other["host"], other["port"])


def _end() -> None:
    global _endpoint
    if _endpoint is not None:
        _endpoint.end()
        _endpoint = None


def stop() -> None:
    """Leaves the port to another process."""
    _end()


def in_child() -> None:
    """Waits for the port, which the parent has. What it answers is none of the child's."""
    global _endpoint
    if _endpoint is not None:
        _endpoint.close()
        _endpoint = _Endpoint(_endpoint.wanted)
        _endpoint.begin()


def _before_fork() -> None:
    """Ends the threads: from 3.12 on Python warns of threads at a fork."""
    if _endpoint is not None:
        _endpoint.pause()


def _begin_again() -> None:
    if _endpoint is not None:
        _endpoint.begin()


engine.when_shut_down.append(_end)
capabilities.before_fork.append(_before_fork)
capabilities.soon_in_parent.append(_begin_again)
capabilities.join(__name__)
