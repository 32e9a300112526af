"""Programs on a terminal."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

COLORS = ("PYTHON_COLORS", "NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLORTERM", "COLUMNS")


def opened(columns: int = 0) -> tuple[int, int]:
    """Both ends of a terminal of so many columns; 0 for one that does not tell."""
    import fcntl
    import pty
    import termios

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    return leader, follower


def started(code: str, folder: Path, follower: int, **environment: str) -> subprocess.Popen[bytes]:
    """A program whose standard streams are a terminal."""
    inherited: dict[str, Any] = {name: value for name, value in os.environ.items() if name not in COLORS}
    script = folder / "program.py"
    script.write_text(code, encoding="utf-8")
    return subprocess.Popen(
        [sys.executable, script.name],
        cwd=folder,
        env={**inherited, "TERM": "xterm", **environment},
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )


def read_all(leader: int) -> str:
    """All that is shown until the program has ended, as a text with the line ends of a program."""
    return read_bytes(leader).decode().replace("\r\n", "\n")


def read_bytes(leader: int) -> bytes:
    """All that is shown until the program has ended."""
    shown = b""
    while True:
        try:
            part = os.read(leader, 65_536)
        except OSError:
            break
        if not part:
            break
        shown += part
    os.close(leader)
    return shown


def shown_on_terminal(code: str, folder: Path, columns: int = 0, check: bool = True, **environment: str) -> str:
    """What a program shows on a terminal."""
    leader, follower = opened(columns)
    process = started(code, folder, follower, **environment)
    os.close(follower)
    shown = read_all(leader)
    assert process.wait(60) == 0 or not check, shown
    return shown


def without_colors(shown: str) -> str:
    """The text without the codes for colours."""
    return re.sub(r"\x1b\[[0-9;]*m", "", shown)
