"""A native method that does nothing, through a bare subclass, as ours is called."""

from __future__ import annotations

from pathlib import Path

import noop

TITLE = "native call that does nothing"
OMITS = "everything"
KIND = "calls"


class Logger(noop.Logger):
    __slots__ = ()


logger = Logger()


def start(folder: Path) -> None:
    pass


def calls(count: int) -> None:
    for _ in range(count):
        logger.info(
            "API 请求处理", endpoint="/api/ai/chat", method="POST", user_id="user_001", latency_ms=234, status_code=200
        )


disabled = calls


def finish() -> None:
    pass
