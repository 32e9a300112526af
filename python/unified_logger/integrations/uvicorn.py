"""Brings the records of uvicorn into the log files.

`uvicorn.run(app, log_config=LOG_CONFIG)`, or `python -m unified_logger.integrations.uvicorn > logging.json` once and
`uvicorn --log-config logging.json`.
"""

from __future__ import annotations

import logging

import unified_logger

from ..process import last_signal
from . import _later, _servers
from ._partner import need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Unpack

    from ..typing import Options

need("uvicorn", "0.23", "uvicorn")

_LOGGERS = ("uvicorn", "uvicorn.error", "uvicorn.access")


class Handler(unified_logger.Handler):
    """Brings the records of uvicorn into the log files.

    uvicorn ends itself by the signal that it was sent, and no exit hook runs. Everything is written before that, whatever its level is.

    Args:
        level: As for `unified_logger.Handler`.
        **options: As for `unified_logger.Handler`.

    Raises:
        ValueError: As for `unified_logger.Handler`.
        ConfigurationError: As for `unified_logger.Handler`.
    """

    def __init__(self, level: int | str = logging.NOTSET, **options: Unpack[Options]) -> None:
        super().__init__(level, **options)
        # Logging may have been started before uvicorn was imported.
        _later.when_imported(last_signal.SERVER, last_signal.watch)


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
