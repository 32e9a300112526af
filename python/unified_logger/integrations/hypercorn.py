"""Brings the records of hypercorn into the log files.

`config.logconfig_dict = LOG_CONFIG`, or `python -m unified_logger.integrations.hypercorn > logging.json` once and
`hypercorn --log-config json:logging.json`.
"""

from __future__ import annotations

from . import _servers
from ._partner import need

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

need("hypercorn", "0.16", "hypercorn")

_LOGGERS = ("hypercorn.error", "hypercorn.access")


def log_config(**options: Any) -> dict[str, Any]:
    """A `logconfig_dict` for hypercorn.

    Args:
        **options: Options of `init_logging`, for processes that do not call it.

    Returns:
        A new configuration for `logging.config.dictConfig`.
    """
    return _servers.log_config(_LOGGERS, options)


LOG_CONFIG: dict[str, Any] = log_config()

if __name__ == "__main__":
    _servers.show(LOG_CONFIG)
