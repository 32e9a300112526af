"""spdlog through its Python binding, asynchronous: texts only, so the record is formatted into the message."""

from __future__ import annotations

from pathlib import Path

import spdlog

TITLE = "spdlog (C++), asynchronous"
OMITS = "JSON; fields are part of the message; call site, trace_id, span_id; exceptions"
KIND = "logger"

logger: spdlog.FileLogger


def start(folder: Path) -> None:
    global logger
    spdlog.set_async_mode(queue_size=8192)
    logger = spdlog.FileLogger("wechat_backend.api", str(folder / "app.log"), multithreaded=True, async_mode=True)
    logger.set_level(spdlog.LogLevel.INFO)
    logger.set_pattern("%Y-%m-%dT%H:%M:%S.%f%z %l %n %v %t %P")


def calls(count: int) -> None:
    endpoint, method, user_id, latency_ms, status_code = "/api/ai/chat", "POST", "user_001", 234, 200
    for _ in range(count):
        logger.info(
            f"API 请求处理 endpoint={endpoint} method={method} user_id={user_id} "
            f"latency_ms={latency_ms} status_code={status_code}"
        )


def disabled(count: int) -> None:
    endpoint, method, user_id, latency_ms, status_code = "/api/ai/chat", "POST", "user_001", 234, 200
    for _ in range(count):
        logger.debug(
            f"API 请求处理 endpoint={endpoint} method={method} user_id={user_id} "
            f"latency_ms={latency_ms} status_code={status_code}"
        )


def finish() -> None:
    # An asynchronous flush only asks: the file is quiet when its size has stopped changing.
    logger.flush()


def files(folder: Path) -> list[Path]:
    return [folder / "app.log"]
