"""Endpoints of metrics, and what they answer."""

from __future__ import annotations

import socket

from over_http import ask


def port_of(url: str | None) -> int:
    """The port of a URL."""
    assert url is not None
    return int(url.split(":")[2].partition("/")[0])


def free_port() -> int:
    """A port that was free just now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def series(port: int, name: str) -> float:
    """What a series has at an endpoint."""
    lines = ask(port, "/metrics").body.decode().splitlines()
    [found] = [line.rpartition(" ")[2] for line in lines if line.startswith(f"unified_logger_{name} ")]
    return float(found)
