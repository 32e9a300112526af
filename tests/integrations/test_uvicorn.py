"""uvicorn with another configuration of its logging than ours, or without a start of ours."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("uvicorn")

SERVED = """
import threading, time, urllib.request
import uvicorn
from unified_logger import init_logging, shutdown_logging
from unified_logger.integrations.asgi import Middleware

async def app(scope, receive, send):
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x"})

def serve(**options):
    server = uvicorn.Server(uvicorn.Config(Middleware(app), port=0, lifespan="off", **options))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    for _ in range(2):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/orders").read()
    server.should_exit = True
    thread.join()
"""


def test_without_a_start_its_own_line_is_there(run_python: Callable[..., Any]) -> None:
    """Else nothing would be seen of a request: the root logger lets no INFO through. Seen to fail without that question."""
    shown = run_python(SERVED + "serve()")
    assert shown.stdout.count('"GET /orders HTTP/1.1" 200') == 2, shown.stderr


@pytest.mark.parametrize("level", ["INFO", "WARNING"])
def test_after_a_start_ours_takes_its_place_or_none(level: str, run_python: Callable[..., Any]) -> None:
    """Whoever has access records left out wants none of the server's either."""
    shown = run_python(
        SERVED
        + f'init_logging(log_dir="logs", console_format="off", levels={{"unified_logger.access": "{level}"}})\nserve()'
    )
    assert "GET /orders" not in shown.stdout + shown.stderr


@pytest.mark.parametrize("native", [False, True])
def test_the_copy_of_a_message_that_has_colours_is_no_field(
    native: bool, start: Callable[..., Any], records: Callable[..., Any]
) -> None:
    """`log_config=None`: what uvicorn's own formatter would show comes with its records. Another's field of this name stays.

    So do other fields, such as those that a filter adds. Seen to fail with a look at the only field.
    """
    start(native_stdlib=native)
    for _ in range(2):
        for name in ("uvicorn", "uvicorn.error", "uvicorns", "shop"):
            logging.getLogger(name).info(
                "Started process [%d]", 7, extra={"color_message": "Started [\x1b[36m%d\x1b[0m]"}
            )
        logging.getLogger("uvicorn.error").info("more", extra={"color_message": "more", "port": 8000})
    for record in records():
        has_field = record["logger"] in ("uvicorns", "shop")
        assert ("color_message" in record) is has_field, record
        assert record.get("port") == (8000 if record["message"] == "more" else None)
        assert record["function"] == "test_the_copy_of_a_message_that_has_colours_is_no_field"
    assert len(records()) == 10


def test_a_filter_that_adds_a_field_does_not_bring_it_back(
    start: Callable[..., Any], records: Callable[..., Any]
) -> None:
    """The place of the record is known with and without it."""
    start()
    for name in ("uvicorn.error", "uvicorn"):
        for extra in ({}, {"color_message": "m"}, {"color_message": "m", "request_id": 1}, {"color_message": "m"}):
            logging.getLogger(name).info("m", extra=extra)
    assert [("color_message" in record, record.get("request_id")) for record in records()] == [
        (False, None),
        (False, None),
        (False, 1),
        (False, None),
    ] * 2
