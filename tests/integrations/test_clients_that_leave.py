"""A client that closes its connection before it has its answer is seen as such, under real servers, and is no error."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from asgi_server import Server
from over_http import ACCESS, eventually

STREAMS = """
import asyncio
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from unified_logger import init_logging
from unified_logger.integrations.fastapi import install

init_logging(log_dir="logs", console_format="off")
app = FastAPI()
install(app, skip=["/ready"])

@app.get("/ready")
async def ready():
    return {}

@app.get("/stream")
async def stream():
    async def pieces():
        while True:
            yield b"x" * 1000
            await asyncio.sleep(0.01)
    return StreamingResponse(pieces())

@app.post("/body")
async def body(request: __import__("fastapi").Request):
    return len(await request.body())
"""
FLASK = """
import time
from flask import Flask, Response
from unified_logger import init_logging
from unified_logger.integrations.flask import install

init_logging(log_dir="logs", console_format="off")
app = Flask("shop")
install(app, skip=["/ready"])

@app.get("/ready")
def ready():
    return ""

@app.get("/stream")
def stream():
    def pieces():
        while True:
            yield b"x" * 1000
            time.sleep(0.01)
    return Response(pieces())
"""
DJANGO = """
import asyncio, time
from django.conf import settings
settings.configure(
    SECRET_KEY="k" * 50, ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, LOGGING_CONFIG=None,
    MIDDLEWARE=["unified_logger.integrations.django.Middleware"], UNIFIED_LOGGER={"skip": ["/ready"]},
)
from unified_logger import init_logging
init_logging(log_dir="logs", console_format="off")
import django
django.setup()
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import path

async def stream(request):
    async def pieces():
        while True:
            yield b"x" * 1000
            await asyncio.sleep(0.01)
    return StreamingHttpResponse(pieces())

def plain(request):
    def pieces():
        while True:
            yield b"x" * 1000
            time.sleep(0.01)
    return StreamingHttpResponse(pieces())

def ready(request):
    return HttpResponse("")

urlpatterns = [path("ready", ready), path("stream", PLAIN)]
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
app = APPLICATION
"""
OVER_ASGI = DJANGO.replace("PLAIN", "stream").replace("APPLICATION", "get_asgi_application()")
OVER_WSGI = DJANGO.replace("PLAIN", "plain").replace("APPLICATION", "get_wsgi_application()")
UVICORN = ("-m", "uvicorn", "--fd", "FD", "service:app")
HYPERCORN = ("-m", "hypercorn", "-b", "fd://FD", "service:app")
GRANIAN = ("-m", "granian", "--interface", "asgi", "--port", "PORT", "service:app")
GUNICORN = ("-m", "gunicorn", "--bind", "fd://FD", "service:app")
WERKZEUG = (
    "-c",
    "import sys; from werkzeug.serving import run_simple; from service import app\n"
    "run_simple('127.0.0.1', PORT, app, threaded=True)",
)


def leave(server: Server, request: str, after: bytes) -> None:
    """Sends a request, and closes the connection once the beginning of the answer is there."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
        connection.sendall(request.encode())
        seen = b""
        while after not in seen:
            seen += connection.recv(65_536)
        # With what is unread, the system ends the connection at once instead of waiting for the server's end.
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def access(server: Server) -> dict[str, Any]:
    """The only access record."""
    (record,) = eventually(lambda: [each for each in server._so_far() if each["logger"] == ACCESS])
    return record  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("partner", "code", "command"),
    [
        ("uvicorn", STREAMS, UVICORN),
        ("hypercorn", STREAMS, HYPERCORN),
        ("granian", STREAMS, GRANIAN),
        ("gunicorn", FLASK, GUNICORN),
        ("gunicorn", FLASK, (*GUNICORN, "-k", "gthread")),
        ("werkzeug", FLASK, WERKZEUG),
        ("uvicorn", OVER_ASGI, UVICORN),
        ("gunicorn", OVER_WSGI, GUNICORN),
    ],
    ids=[
        "uvicorn",
        "hypercorn",
        "granian",
        "gunicorn",
        "gthread",
        "werkzeug",
        "Django on uvicorn",
        "Django on gunicorn",
    ],
)
def test_a_client_that_leaves_a_stream_is_seen(tmp_path: Path, partner: str, code: str, command: Any) -> None:
    """One INFO, which names it; the status is that of the answer that had begun."""
    pytest.importorskip(partner)
    pytest.importorskip("django" if "django" in code else "fastapi")
    (tmp_path / "gunicorn.conf.py").write_text("control_socket_disable = True\n", encoding="utf-8")
    with Server(tmp_path, code, *command) as server:
        leave(server, "GET /stream HTTP/1.1\r\nhost: test\r\n\r\n", b"xxx")
        record = access(server)
        server.stop()
    assert (record["level"], record["status"], record.get("outcome")) == ("INFO", 200, "client_disconnected")
    assert record["function"] in ("stream", "plain")


@pytest.mark.parametrize(
    ("partner", "command"), [("uvicorn", UVICORN), ("hypercorn", HYPERCORN)], ids=["uvicorn", "hypercorn"]
)
def test_a_client_that_leaves_while_it_sends_is_seen(tmp_path: Path, partner: str, command: Any) -> None:
    """Its body never comes: FastAPI raises an exception for that, which is no error."""
    pytest.importorskip(partner)
    with Server(tmp_path, STREAMS, *command) as server:
        head = "POST /body HTTP/1.1\r\nhost: test\r\ncontent-length: 1000\r\nexpect: 100-continue\r\n\r\n"
        leave(server, head, b"100 ")
        record = access(server)
        server.stop()
        assert [each for each in server.records() if each["level"] == "ERROR"] == []
    assert (record["level"], record["outcome"]) == ("INFO", "client_disconnected")
