"""Types of options and counts, for annotations of programs. The package itself does not import this module.

`Options` are the options of `init_logging`, `FurtherOptions` those of them that are given by name only, `Level` is a level by name or
number, and `Stats` is the result of `get_stats`.
"""

from .options import FurtherOptions, Level, Options
from .stats import Stats

__all__ = ["FurtherOptions", "Level", "Options", "Stats"]
