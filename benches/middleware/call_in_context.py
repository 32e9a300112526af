"""A call within a context of five fields, beside one without a context."""

from __future__ import annotations

from collections.abc import Callable

from unified_logger import LoggingContext, get_logger

_logger = get_logger("wechat_backend.api")


def plain() -> Callable[[int], None]:
    """Makes that many calls."""

    def calls(count: int) -> None:
        for _ in range(count):
            _logger.info(
                "API 请求处理",
                endpoint="/api/ai/chat",
                method="POST",
                user_id="user_001",
                latency_ms=234,
                status_code=200,
            )

    return calls


def ours() -> Callable[[int], None]:
    """Makes them within a context that was entered before."""
    calls = plain()

    def inside(count: int) -> None:
        with LoggingContext(tenant="acme", user="u-001", plan=3, region="eu", beta=True):
            calls(count)

    return inside
