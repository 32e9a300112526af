"""`unified-logger options` and `unified-logger schema` tell what can be configured."""

from __future__ import annotations

import json
from pathlib import Path

from kinds import Run

from unified_logger.config import OPTIONS
from unified_logger.config.layout import schema


def test_every_option_is_described(run: Run) -> None:
    """With its default, its help, what it takes, and its variables."""
    done = run("options")
    told = " ".join(done.stdout.split())
    assert done.returncode == 0
    for option in OPTIONS.values():
        assert f"{option.name} = " in told
        assert f"{option.help} Takes {option.kind.allowed}." in told
        assert f"Environment: {' or '.join(option.variables)}" in told


def test_some_options_are_described(run: Run) -> None:
    """Those that are named, and no other."""
    done = run("options", "overflow", "max_bytes")
    assert done.stdout.startswith("overflow = 'block'\n    What happens to records below ERROR")
    assert "\n\nmax_bytes = 10485760\n" in done.stdout
    assert "log_level" not in done.stdout


def test_an_option_that_is_not_there_is_an_error(run: Run) -> None:
    """With the one that was meant."""
    done = run("options", "max_byte")
    said = "unified-logger options: there is no option 'max_byte': did you mean 'max_bytes'?\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_the_schema_is_printed(run: Run) -> None:
    """Or the path of its file, which is a file for editors."""
    assert json.loads(run("schema").stdout) == schema()
    path = Path(run("schema", "--path").stdout.rstrip("\n"))
    assert path.is_absolute()
    assert json.loads(path.read_text(encoding="utf-8")) == schema()
