"""A rule with a path is for all records of requests to it, not only for the access record."""

from __future__ import annotations

import json
from pathlib import Path

from kinds import Run

PROGRAM = """
import asyncio
import logging
from unified_logger import get_logger, init_logging, shutdown_logging
from unified_logger.integrations.{module} import Middleware

init_logging(log_dir="logs", console_format="off", max_bytes=0, sampling={{"rules": [
    {{"path": "/health*", "key": "rule", "keep": "none"}}]}})
logger = get_logger("app")
{serve}
for path in ("/health", "/shop", "/healthz", "/health/live"):
    serve(path)
logger.info("outside")
shutdown_logging()
"""
WSGI = """
def app(environ, start_response):
    logger.info("in %s", environ["PATH_INFO"])
    start_response("200 OK", [])
    return [b""]

served = Middleware(app)
def serve(path):
    list(served({"REQUEST_METHOD": "GET", "PATH_INFO": path}, lambda *given: None))
"""
ASGI = """
async def app(scope, receive, send):
    logger.info("in %s", scope["path"])
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})

served = Middleware(app)
async def nothing(*given):
    return {"type": "http.request", "body": b"", "more_body": False}
def serve(path):
    scope = {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b""}
    asyncio.run(served(scope, nothing, nothing))
"""


def messages(directory: Path) -> list[tuple[str, str]]:
    records = [json.loads(line) for line in (directory / "logs" / "app.log").read_text(encoding="utf-8").splitlines()]
    return [(record["message"], record.get("path", "")) for record in records if record["logger"] != "unified_logger"]


def check(found: list[tuple[str, str]]) -> None:
    """The first of its kind is kept, and what comes after the requests."""
    assert [message for message, _ in found if not message.startswith("GET")] == ["in /health", "in /shop", "outside"]
    assert [path for message, path in found if path] == ["/shop"]


def test_records_within_a_request_of_wsgi(run_python: Run, tmp_path: Path) -> None:
    """Seen to fail with the field `path` asked for alone."""
    run_python(PROGRAM.format(module="wsgi", serve=WSGI))
    check(messages(tmp_path))


def test_records_within_a_request_of_asgi(run_python: Run, tmp_path: Path) -> None:
    """The same, in the context of a task."""
    run_python(PROGRAM.format(module="asgi", serve=ASGI))
    check(messages(tmp_path))
