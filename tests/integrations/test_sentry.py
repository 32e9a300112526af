"""What Sentry's SDK catches stays Sentry's: unhandled, with its own mechanism, once."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sentry_sdk")

SENTRY = """
import sentry_sdk, sys
from sentry_sdk.transport import Transport

class Shown(Transport):
    def capture_envelope(self, envelope):
        for item in envelope.items:
            if item.type == "event":
                mechanism = item.payload.json["exception"]["values"][-1]["mechanism"]
                print(mechanism["type"], mechanism["handled"], flush=True)

def sentry():
    sentry_sdk.init(dsn="http://x@127.0.0.1:9/1", transport=Shown)

def ours():
    from unified_logger import init_logging
    init_logging(log_dir="logs", console_format="off")
"""
UNCAUGHT = "1 / 0\n"
FASTAPI = """
import asyncio, httpx
from fastapi import FastAPI
from unified_logger.integrations.fastapi import install

app = FastAPI()
install(app)

@app.get("/broken")
async def broken():
    1 / 0

async def ask():
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get("/broken")

asyncio.run(ask())
"""
FLASK = """
from flask import Flask
from unified_logger.integrations.flask import install

app = Flask("shop")
install(app)

@app.get("/broken")
def broken():
    1 / 0

app.test_client().get("/broken")
"""
AFTER = """
import asyncio, httpx
from sentry_sdk.integrations.asgi import SentryAsgiMiddleware
from unified_logger.integrations.asgi import Middleware

async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"x"})
    1 / 0

async def ask():
    transport = httpx.ASGITransport(app=SentryAsgiMiddleware(Middleware(app)), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get("/")

asyncio.run(ask())
"""
TASK = FASTAPI.replace(
    "async def broken():\n    1 / 0", "async def broken(tasks: BackgroundTasks):\n    tasks.add_task(lambda: 1 / 0)"
).replace("import FastAPI", "import BackgroundTasks, FastAPI")
BODY = """
from wsgiref.util import setup_testing_defaults
from sentry_sdk.integrations.wsgi import SentryWsgiMiddleware
from unified_logger.integrations.wsgi import Middleware

def app(environ, start_response):
    start_response("200 OK", [])
    yield b"a"
    yield b"b"
    1 / 0

environ = {}
setup_testing_defaults(environ)
body = SentryWsgiMiddleware(Middleware(app))(environ, lambda status, headers, error=None: None)
try:
    list(body)
except ZeroDivisionError:
    body.close()
"""
PROGRAMS = {
    "uncaught": (UNCAUGHT, "excepthook False"),
    "fastapi": (FASTAPI, "starlette False"),
    "flask": (FLASK, "flask False"),
    "after the response": (AFTER, "asgi False"),
    "background task": (TASK, "starlette False"),
    "middle of a body": (BODY, "wsgi False"),
}


@pytest.mark.parametrize("order", ["sentry()\nours()\n", "ours()\nsentry()\n"], ids=["before us", "after us"])
@pytest.mark.parametrize("name", PROGRAMS)
def test_an_exception_is_reported_once_as_unhandled(
    run_python: Callable[..., Any], tmp_path: Path, name: str, order: str
) -> None:
    """By whoever caught it, and our record is there. Seen to fail (`logging True`) where ours came first."""
    program, expected = PROGRAMS[name]
    shown = run_python(SENTRY + order + program, check=False)
    assert shown.stdout.splitlines() == [expected], shown.stderr
    told = [json.loads(line) for line in (tmp_path / "logs" / "errors.log").read_text("utf-8").splitlines()]
    assert [record["exception"]["type"] for record in told] == ["ZeroDivisionError"]


def test_what_nobody_else_reports_is_reported_by_our_records(run_python: Callable[..., Any]) -> None:
    """Sentry ignores our loggers for no longer than a record takes, and what the application has it ignore stays ignored."""
    shown = run_python(
        SENTRY
        + """
sentry()
ours()
"""
        + AFTER
        + """
import threading
from unified_logger import get_logger
from sentry_sdk.integrations.logging import ignore_logger

get_logger("unified_logger.uncaught").error("another", exc_info=KeyError("k"))
ignore_logger("unified_logger.uncaught")
asyncio.run(ask())
get_logger("unified_logger.uncaught").error("ignored", exc_info=KeyError("k"))
"""
    )
    assert shown.stdout.splitlines() == ["asgi False", "logging True", "asgi False"]


def test_a_child_forked_in_the_middle_of_such_a_record_leaves_nothing_to_sentry(run_python: Callable[..., Any]) -> None:
    """The thread that would stop that is not there. Seen to fail (a child that waits for the lock, and ignores the logger for good)."""
    run_python(
        """
import os, threading
import sentry_sdk
from sentry_sdk.integrations import asgi, logging
from unified_logger.integrations._sentry import left_to_sentry

begun, ended = threading.Event(), threading.Event()

def leave():
    asgi._asgi_middleware_applied.set(True)
    with left_to_sentry("shop"):
        begun.set()
        ended.wait()

threading.Thread(target=leave).start()
begun.wait()
assert "shop" in logging._IGNORED_LOGGERS
child = os.fork()
if not child:
    os._exit("shop" in logging._IGNORED_LOGGERS)
assert os.waitpid(child, 0)[1] == 0
assert "shop" in logging._IGNORED_LOGGERS
ended.set()
"""
    )
