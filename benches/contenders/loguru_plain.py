"""loguru with serialize=True."""

from __future__ import annotations

from pathlib import Path

from loguru import logger

TITLE = "loguru"
OMITS = ""
KIND = "logger"
ENQUEUE = False


def start(folder: Path) -> None:
    logger.remove()
    logger.configure(extra={"trace_id": "abc-123-xyz", "span_id": "def-456"})
    logger.add(str(folder / "app.log"), level="INFO", serialize=True, enqueue=ENQUEUE, catch=False)


def calls(count: int) -> None:
    for _ in range(count):
        logger.info(
            "API 请求处理", endpoint="/api/ai/chat", method="POST", user_id="user_001", latency_ms=234, status_code=200
        )


def disabled(count: int) -> None:
    for _ in range(count):
        logger.debug(
            "API 请求处理", endpoint="/api/ai/chat", method="POST", user_id="user_001", latency_ms=234, status_code=200
        )


def errors(count: int, error: BaseException) -> None:
    for _ in range(count):
        logger.opt(exception=error).error("处理失败", endpoint="/api/ai/chat")


def finish() -> None:
    logger.complete()


def files(folder: Path) -> list[Path]:
    return [folder / "app.log"]
