"""What benches and guarantees share: the contenders' packages, their installation, and the pages that are filled."""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs"

_JSON = ["python-json-logger==4.2.0", "orjson==3.13.0"]

# Packages of a contender, pinned; installed one by one.
PACKAGES: dict[str, list[str]] = {
    "native_call": ["./native_call"],
    "stdlib_native": _JSON,
    "stdlib_through_ours": _JSON,
    "stdlib_queue": _JSON,
    "stdlib_file": _JSON,
    "structlog_orjson": ["structlog==26.1.0", "orjson==3.13.0"],
    "loguru_plain": ["loguru==0.7.3"],
    "loguru_enqueue": ["loguru==0.7.3"],
    "picologging_file": ["picologging==0.9.3"],
    "logxide_file": ["logxide==0.1.2"],
    "logly_file": ["logly==0.2.5"],
    "concurrent_file": ["concurrent-log-handler==0.9.31", *_JSON],
    "spdlog_file": ["spdlog==2.0.6"],
    "orjson_literal": ["orjson==3.13.0"],
    "orjson_prebuilt": ["orjson==3.13.0"],
    "tails": ["./tails/pacer", "hdrhistogram==0.10.8"],
}
# Built here, not taken as a wheel.
FROM_SOURCE = {"spdlog_file": ["spdlog"]}


def parser(description: str | None) -> argparse.ArgumentParser:
    """The arguments that the rooms of the benches have in common: how long to measure.

    Args:
        description: What a room measures, and for how long.
    """
    arguments = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = arguments.add_mutually_exclusive_group()
    which.add_argument("--full", action="store_true")
    which.add_argument("--short", action="store_true")
    return arguments


def printed(module: str, *arguments: object) -> dict[str, Any]:
    """What a module here prints as JSON in a process of its own.

    Args:
        module: Its name.
        arguments: Its arguments.

    Raises:
        RuntimeError: It failed.
    """
    command = [sys.executable, "-m", module, *map(str, arguments)]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=1_800, check=False)
    if done.returncode:
        raise RuntimeError((done.stderr or done.stdout).strip().rpartition("\n")[2])
    seen: dict[str, Any] = json.loads(done.stdout)
    return seen


def install(names: Iterable[str]) -> dict[str, str]:
    """Installs the contenders one by one. Returns why those failed that did."""
    failures = {}
    for name in names:
        packages = [str(HERE / package) if package.startswith(".") else package for package in PACKAGES.get(name, [])]
        if all(map(_there, packages)):
            continue
        source = [option for package in FROM_SOURCE.get(name, []) for option in ("--no-binary", package)]
        done = subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *source, *packages],
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            failures[name] = f"cannot be installed: {lines[-1].strip() if lines else 'pip failed'}"
    return failures


def _there(package: str) -> bool:
    """Whether a pinned package is installed as it is asked for; one of this project may have changed."""
    name, _, wanted = package.partition("==")
    try:
        return bool(wanted) and version(name) == wanted
    except PackageNotFoundError:
        return False


def versions(names: Iterable[str]) -> dict[str, str]:
    """The installed versions of these contenders' packages, this library's first."""
    asked = ["unified_logger"]
    for name in names:
        asked += [package.partition("==")[0] for package in PACKAGES.get(name, []) if not package.startswith(".")]
    found = {}
    for package in dict.fromkeys(asked):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def processor() -> str:
    """The name of this machine's processor."""
    cpuinfo = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*:\s*(.*)", cpuinfo.read_text()) if cpuinfo.exists() else None
    return found[1] if found else "unknown processor"


def machine(names: Iterable[str]) -> str:
    """Where and with what something was taken."""
    rustc = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=False).stdout.split()[1:2]
    packages = ", ".join(f"{name} {number}" for name, number in versions(names).items())
    return (
        f"Taken on {date.today().isoformat()}: CPython {platform.python_version()}, rustc {' '.join(rustc)}, "
        f"{platform.system()} {platform.release().split('-')[0]}, {processor()}, {os.cpu_count()} cores (shared). {packages}."
    )


def constant(package: str, module: str, name: str) -> str:
    """A text constant of a module here, or an empty text; the file is read, since it may not be importable."""
    text = (HERE / package / f"{module}.py").read_text(encoding="utf-8")
    found = re.search(rf'^{name} = "(.*)"$', text, re.MULTILINE)
    return found[1] if found else ""


def fill(page: Path, name: str, body: str) -> None:
    """Puts `body` between the markers `<!-- name -->` and `<!-- /name -->` of a page."""
    pattern = re.compile(rf"(<!-- {name} -->).*?(<!-- /{name} -->)", re.DOTALL)
    text = page.read_text(encoding="utf-8")
    assert pattern.search(text), f"{page.name} has no markers {name!r}"
    page.write_text(pattern.sub(lambda found: f"{found[1]}\n{body}\n{found[2]}", text), encoding="utf-8")
