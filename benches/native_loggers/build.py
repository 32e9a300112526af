"""Builds the programs, from their packages: `python -m native_loggers.build` says where each is, or why it is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE.parent.parent / "build" / "native_loggers"
SPDLOG = "libspdlog-dev"


class CannotBuildError(Exception):
    """Says why a program cannot be built here."""


def rust_tracing() -> Path:
    """The program that logs with tracing, built with the crates of its lock file.

    Raises:
        CannotBuildError: There is no cargo, or it fails.
    """
    _need("cargo")
    target = BUILD / "rust_tracing"
    command = ("cargo", "build", "--release", "--locked", "--quiet", "--target-dir", str(target))
    _build(command, HERE / "rust_tracing")
    return target / "release" / "rust_tracing"


def cpp_spdlog() -> Path:
    """The program that logs with spdlog, built with Debian's package, which root gets installed where it is missing.

    Raises:
        CannotBuildError: There is no CMake, compiler or spdlog, or the build fails.
    """
    _need("cmake")
    _need(os.environ.get("CXX", "c++"))
    target = BUILD / "cpp_spdlog"
    configure = ("cmake", "-S", str(HERE / "cpp_spdlog"), "-B", str(target))
    done = _run(configure)
    if done.returncode and 'provided by "spdlog"' in done.stderr:
        _install_spdlog()
        done = _run(configure)
    _good(done)
    _build(("cmake", "--build", str(target)))
    return target / "cpp_spdlog"


PROGRAMS: list[Callable[[], Path]] = [rust_tracing, cpp_spdlog]


def _install_spdlog() -> None:
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise CannotBuildError(f"needs Debian's {SPDLOG}: root can install it with apt-get")
    apt = ("apt-get", "-o", "DPkg::Lock::Timeout=300")
    install = (*apt, "install", "-y", "--no-install-recommends", SPDLOG)
    if _run(install).returncode:
        _run((*apt, "update"))  # the lists may be missing or old
        _good(_run(install))


def _need(tool: str) -> None:
    if shutil.which(tool) is None:
        raise CannotBuildError(f"needs {tool}")


def _build(command: tuple[str, ...], folder: Path = HERE) -> None:
    _good(_run(command, folder))


def _run(command: tuple[str, ...], folder: Path = HERE) -> subprocess.CompletedProcess[str]:
    # Whoever builds the library faster with such variables still gets the program that Cargo.toml describes.
    variables = {name: text for name, text in os.environ.items() if not name.startswith("CARGO_PROFILE_")}
    variables["DEBIAN_FRONTEND"] = "noninteractive"
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, timeout=900, check=False)


def _good(done: subprocess.CompletedProcess[str]) -> None:
    if done.returncode:
        said = [line.strip() for line in (done.stderr or done.stdout).splitlines() if line.strip()] or ["no word"]
        errors = [line for line in said if "error" in line.lower()]
        raise CannotBuildError(f"{done.args[0]} fails: {(errors or said)[0]}")


def main() -> int:
    """Builds each.

    Returns:
        The exit code: other than 0 when one cannot be built.
    """
    failed = 0
    for program in PROGRAMS:
        try:
            print(f"{program.__name__}: {program()}", flush=True)
        except CannotBuildError as error:
            print(f"{program.__name__}: {error}", flush=True)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
