"""Brings the records of granian into the log files.

`Granian(..., log_dictconfig=LOG_CONFIG)`, or `python -m unified_logger.integrations.granian > logging.json` once and
`granian --log-config logging.json`.
"""

from __future__ import annotations

from . import _servers
from ._partner import need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

need("granian", "1.6", "granian")

_LOGGERS = ("_granian", "granian.access")


def log_config(**options: Any) -> dict[str, Any]:
    """A `log_dictconfig` for granian.

    Args:
        **options: Options of `init_logging`, for processes that do not call it, such as the one above the workers.

    Returns:
        A new configuration for `logging.config.dictConfig`.
    """
    return _servers.log_config(_LOGGERS, options)


LOG_CONFIG: dict[str, Any] = log_config()

if __name__ == "__main__":
    _servers.show(LOG_CONFIG)
