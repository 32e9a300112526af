"""FastAPI: `install(app)`, and every request has a context and an access record."""

from __future__ import annotations

from ._partner import need

need("fastapi", "0.100", "fastapi")

from .starlette import install  # noqa: E402 - what is missing is named first

__all__ = ["install"]
