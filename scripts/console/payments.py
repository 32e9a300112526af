"""Stands for an installed package in the tracebacks of `program.py`."""

from __future__ import annotations


def read(payload: str) -> dict[str, str]:
    """Reads what the payment service has sent."""
    return dict(_pairs(payload))


def _pairs(payload: str) -> list[tuple[str, str]]:
    if not payload.startswith("{"):
        raise ValueError(f"expected an object, found {payload[:6]!r}")
    return []
