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
PROGRAMS = {
    "uncaught": (UNCAUGHT, "excepthook False"),
    "fastapi": (FASTAPI, "starlette False"),
    "flask": (FLASK, "flask False"),
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
