"""picologging: a native `logging`. It takes no fields, so the record's are in the message."""

from __future__ import annotations

from pathlib import Path

import picologging

TITLE = "picologging FileHandler"
OMITS = "JSON; fields are part of the message; trace_id, span_id"
KIND = "logger"
FORMAT = "%(asctime)s %(levelname)s %(name)s %(message)s %(module)s %(funcName)s %(lineno)d %(threadName)s %(process)d"

logger = picologging.getLogger("wechat_backend.api")


def start(folder: Path) -> None:
    handler = picologging.FileHandler(str(folder / "app.log"), encoding="utf-8")
    handler.setFormatter(picologging.Formatter(FORMAT))
    logger.setLevel(picologging.INFO)
    logger.addHandler(handler)


def calls(count: int) -> None:
    for _ in range(count):
        logger.info(
            "API 请求处理 endpoint=%s method=%s user_id=%s latency_ms=%d status_code=%d",
            "/api/ai/chat",
            "POST",
            "user_001",
            234,
            200,
        )


def disabled(count: int) -> None:
    for _ in range(count):
        logger.debug(
            "API 请求处理 endpoint=%s method=%s user_id=%s latency_ms=%d status_code=%d",
            "/api/ai/chat",
            "POST",
            "user_001",
            234,
            200,
        )


def errors(count: int, error: BaseException) -> None:
    exc_info = (type(error), error, error.__traceback__)
    for _ in range(count):
        logger.error("处理失败 endpoint=%s", "/api/ai/chat", exc_info=exc_info)


def finish() -> None:
    for handler in logger.handlers:
        handler.flush()


def files(folder: Path) -> list[Path]:
    return [folder / "app.log"]
