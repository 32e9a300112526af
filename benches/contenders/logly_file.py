"""logly with serialize=True and enqueue=True: a Rust core with a thread of its own."""

from __future__ import annotations

from pathlib import Path

from logly import logger

TITLE = "logly, serialize=True, enqueue=True"
OMITS = "fields given to a call"
KIND = "logger"

bound = logger


def start(folder: Path) -> None:
    global bound
    logger.remove()
    logger.add(str(folder / "app.log"), level="INFO", serialize=True, enqueue=True)
    bound = logger.bind(trace_id="abc-123-xyz", span_id="def-456")


def calls(count: int) -> None:
    for _ in range(count):
        bound.info(
            "API 请求处理", endpoint="/api/ai/chat", method="POST", user_id="user_001", latency_ms=234, status_code=200
        )


def disabled(count: int) -> None:
    for _ in range(count):
        bound.debug(
            "API 请求处理", endpoint="/api/ai/chat", method="POST", user_id="user_001", latency_ms=234, status_code=200
        )


def errors(count: int, error: BaseException) -> None:
    for _ in range(count):
        bound.opt(exception=error).error("处理失败", endpoint="/api/ai/chat")


def finish() -> None:
    logger.complete()


def files(folder: Path) -> list[Path]:
    return [folder / "app.log"]
