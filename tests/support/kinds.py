"""The types of what fixtures give, for annotations."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

Record = dict[str, Any]

# Those of every test.
Numbers = Callable[..., list[int]]
Records = Callable[..., list[Record]]
Run = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., Any]

# Those of one folder.
Check = Callable[[list[int], int], None]
Exact = Callable[..., list[Record]]
Lines = Callable[[], list[Record]]
Plant = Callable[..., Any]
RunForking = Callable[..., dict[str, int]]
RunPytest = Callable[..., str]
Scrape = Callable[..., dict[str, float]]
Said = Callable[[], list[Record]]
Wait = Callable[[Callable[[], object]], None]
Write = Callable[[str], Path]
