"""Brings the records of uvicorn into the log files.

`uvicorn.run(app, log_config=LOG_CONFIG)`, or `python -m unified_logger.integrations.uvicorn > logging.json` once and
`uvicorn --log-config logging.json`.
"""

from __future__ import annotations

import unified_logger

from . import _servers
from ._partner import need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from logging import LogRecord
    from typing import Any

need("uvicorn", "0.23", "uvicorn")

_LOGGERS = ("uvicorn", "uvicorn.error", "uvicorn.access")


class Handler(unified_logger.Handler):
    """Brings the records of uvicorn into the log files.

    With its last record everything is written: uvicorn then ends itself by the signal that it was sent, and no exit hook runs.

    Args:
        level: As for `unified_logger.Handler`.
        **options: As for `unified_logger.Handler`.
    """

    def emit(self, record: LogRecord) -> None:
        """Captures the record."""
        super().emit(record)
        if _servers.end_with(record):
            self.flush()


def log_config(**options: Any) -> dict[str, Any]:
    """A `log_config` for uvicorn.

    Args:
        **options: Options of `init_logging`, for processes that do not call it, such as the one above the workers.

    Returns:
        A new configuration for `logging.config.dictConfig`.
    """
    return _servers.log_config(_LOGGERS, options, "unified_logger.integrations.uvicorn.Handler")


LOG_CONFIG: dict[str, Any] = log_config()

if __name__ == "__main__":
    _servers.show(LOG_CONFIG)
