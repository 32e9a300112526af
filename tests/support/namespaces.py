"""Programs with mounts of their own."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys

import pytest


def in_namespace(script: str) -> list[str]:
    """A shell script with mounts of its own. `"$PYTHON"` in it is this interpreter, wherever it lies."""
    script = f"export PYTHON={shlex.quote(sys.executable)}\n{script}"
    return ["unshare", "--mount", "--propagation", "private", "sh", "-ec", script]


def can_mount() -> bool:
    """Whether this user may mount in a namespace of its own."""
    if shutil.which("unshare") is None:
        return False
    probe = in_namespace("mount -t tmpfs -o size=1m tmpfs /dev/shm")
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


needs_mounts = pytest.mark.skipif(not can_mount(), reason="needs the right to mount in a namespace of its own")
