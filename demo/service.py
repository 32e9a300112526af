"""The guide's application, served for real: its text unchanged, with the names it leaves open.

python service.py MODEL_PORT        (main.py, cut from the guide, lies in the working directory)
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

import requests
from flask import Flask, request
from waitress import create_server

sys.path.insert(0, str(Path.cwd()))
import main as guide  # the appendix: starts logging and makes the Flask application

from unified_logger import flush_logging, get_logger, get_stats, mark_wrapper, metrics_url

MODEL = f"http://127.0.0.1:{sys.argv[1]}/v1/chat"
THREADS = 8

app: Flask = guide.app
ai_logger = get_logger("wechat_backend.ai")
shop_logger = get_logger("wechat_backend.shop")
sessions = threading.local()
# Nanoseconds each log call took, as its caller saw it.
latencies: list[int] = []


@mark_wrapper
def timed(log: Any, message: str, **fields: object) -> None:
    """Logs, and notes how long the call took."""
    started = time.perf_counter_ns()
    log(message, **fields)
    latencies.append(time.perf_counter_ns() - started)


def process_chat() -> dict[str, Any]:
    """What the guide leaves open: asks the model, or looks an order up."""
    asked = request.get_json()
    trace = get_logger("wechat_backend.api").get_trace_context()
    if asked["kind"] == "order":
        timed(shop_logger.info, "订单已查询", marker=asked["marker"], order={"id": asked["number"], "状态": "已发货"})
        return {"answer": "已发货", "trace_id": trace["trace_id"]}
    if not hasattr(sessions, "session"):
        sessions.session = requests.Session()
    started = time.perf_counter()
    # Kept for the caller of a request that fails: it has no body to find it in.
    timed(ai_logger.info, "询问模型", marker=asked["marker"])
    response = sessions.session.post(MODEL, json={"prompt": asked["prompt"]}, timeout=10)
    response.raise_for_status()
    answer = response.json()
    timed(
        ai_logger.info,
        "模型回答",
        marker=asked["marker"],
        latency_ms=round((time.perf_counter() - started) * 1000, 3),
        **{
            "gen_ai.request.model": "demo-1",
            "gen_ai.prompt": asked["prompt"],
            "gen_ai.completion": answer["answer"],
            "gen_ai.usage.output_tokens": answer["tokens"],
        },
    )
    return {"answer": answer["answer"], "trace_id": trace["trace_id"]}


guide.process_chat = process_chat  # type: ignore[attr-defined]
exec(Path("teardown.py").read_text(encoding="utf-8"), {"app": app, "get_logger": get_logger})
# A library that logs each of its requests through the standard library.
logging.getLogger("urllib3").setLevel(logging.DEBUG)


@app.post("/demo/burst")
def burst() -> dict[str, Any]:
    """Logs as fast as it can, then waits until all of it is on disk."""
    asked = request.get_json()
    logger = get_logger("wechat_backend.burst")
    started = time.perf_counter()
    for number in range(asked["count"]):
        logger.info("burst", marker=asked["marker"], number=number)
    called = time.perf_counter()
    on_disk = flush_logging(30.0)
    return {"on_disk": on_disk, "calls_s": called - started, "total_s": time.perf_counter() - started}


@app.get("/demo/state")
def state() -> dict[str, Any]:
    """What the log calls cost their callers, and what the library counted."""
    return {
        "latencies_ns": sorted(latencies),
        "flushed": flush_logging(30.0),
        "stats": get_stats(),
        "metrics_url": metrics_url(),
    }


def serve() -> None:
    """Serves until told to stop; says its port first."""
    server = create_server(app, host="127.0.0.1", port=0, threads=THREADS, ident=None)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(server.effective_port, flush=True)
    server.run()


if __name__ == "__main__":
    serve()
