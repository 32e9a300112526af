"""What every script here shares: paths, plain messages, environments and the wheel under test."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
VENVS = ROOT / ".venvs"
WHEELS = ROOT / "build" / "wheels"
DIST = ROOT / "dist"
# A crate of the benches, no member of the workspace.
RUST_TRACING = ROOT / "benches" / "native_loggers" / "rust_tracing" / "Cargo.toml"

# What a wheel is made of; a change in any of these files means that it is built again.
SOURCES = (
    "Cargo.toml",
    "Cargo.lock",
    "pyproject.toml",
    "README.md",
    "LICENSE-MIT",
    "LICENSE-APACHE",
    "rust_core",
    "python",
)
LEFT_OUT = {"__pycache__", "target", "benches", "tests", "fuzz"}


def say(sentence: str) -> None:
    """Tell what happens next, set apart from the tools' own output."""
    print(f"\n==> {sentence}", flush=True)


def fail(sentence: str) -> NoReturn:
    """Stop with one sentence that says what is wrong."""
    raise SystemExit(f"\n==> FAILED: {sentence}")


def environment(**more: str) -> dict[str, str]:
    """The environment for tools: without what would let Python see the source tree instead of the wheel."""
    return {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")} | more


def run(*command: str | Path, env: Mapping[str, str] | None = None, cwd: Path = ROOT) -> None:
    """Run a command and stop with its name when it fails."""
    words = [str(word) for word in command]
    shown = " ".join(word.removeprefix(f"{ROOT}/") for word in words)
    print(f"    $ {shown}", flush=True)
    code = subprocess.run(words, env=environment() | dict(env or {}), cwd=cwd, check=False).returncode
    if code:
        fail(f"`{shown}` ended with exit code {code}.")


def output(*command: str | Path, env: Mapping[str, str] | None = None) -> str:
    """What a command prints; stops when it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, env=environment() | dict(env or {}), cwd=ROOT, check=False, capture_output=True, text=True
    )
    if done.returncode:
        fail(f"`{' '.join(words)}` ended with exit code {done.returncode}: {done.stderr.strip()}")
    return done.stdout.strip()


def need_rust() -> None:
    """Stop unless a Rust toolchain as new as Cargo.toml asks for is there."""
    match = re.search(r'^rust-version = "(\d+)\.(\d+)', (ROOT / "Cargo.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert match is not None, "Cargo.toml names its rust-version"
    wanted = (int(match[1]), int(match[2]))
    remedy = f"Rust {match[1]}.{match[2]} or newer is needed to build the package: install it (rustup is the usual way)"
    if shutil.which("cargo") is None:
        fail(f"{remedy}; `cargo` was not found.")
    found = re.search(r"(\d+)\.(\d+)", output("cargo", "--version"))
    if found is None or (int(found[1]), int(found[2])) < wanted:
        fail(f"{remedy}; `cargo --version` says {found[0] if found else 'nothing'}.")


def python_tag(python: Path | str = sys.executable) -> str:
    """`3.11` for that interpreter."""
    return output(python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])")


class Environment:
    """A virtual environment under .venvs, made once and made again when what it is made of changes."""

    def __init__(self, name: str, python: Path | str = sys.executable) -> None:
        self.version = python_tag(python)
        self.path = VENVS / f"{name}-{self.version}"
        self.base = Path(python)
        self.python = self.path / "bin" / "python"

    def tool(self, name: str) -> Path:
        """A command installed in this environment."""
        return self.path / "bin" / name

    def prepare(self, groups: Iterable[str] = (), requirements: Iterable[Path] = ()) -> Environment:
        """Make the environment hold the dependency groups of pyproject.toml and the requirement files given."""
        groups, files = list(groups), list(requirements)
        wanted = digest_of([str(self.base), *groups], [ROOT / "pyproject.toml", *files])
        stamp = self.path / ".prepared"
        if read(stamp) == wanted and self.python.exists():
            return self
        say(f"Making the environment {self.path.relative_to(ROOT)} ({', '.join([*groups, *(f.name for f in files)])}).")
        shutil.rmtree(self.path, ignore_errors=True)
        run(self.base, "-m", "venv", self.path)
        self.pip("install", "--upgrade", "pip>=25.1")  # the first that knows dependency groups
        arguments = [f"--group={group}" for group in groups] + [f"--requirement={file}" for file in files]
        if arguments:
            self.pip("install", *arguments)
        stamp.write_text(wanted, encoding="utf-8")
        return self

    def pip(self, *arguments: str | Path) -> None:
        """Run pip in this environment."""
        run(self.python, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments)

    def install_wheel(self) -> Environment:
        """Install the wheel of the present sources, built if there is none yet."""
        wheel = build_wheel(self)
        stamp = self.path / ".wheel"
        wanted = digest_of([], [wheel])
        if read(stamp) != wanted:
            say(f"Installing {wheel.name} into {self.path.relative_to(ROOT)}.")
            self.pip("install", "--force-reinstall", "--no-deps", wheel)
            self.pip("install", wheel)  # its dependencies
            stamp.write_text(wanted, encoding="utf-8")
        return self


def build_wheel(env: Environment) -> Path:
    """The release wheel of the present sources for that environment's Python, as `pip install .` would build it.

    It is kept under build/wheels and built again only when a source, the interpreter or the compiler changed.
    """
    need_rust()
    interpreter = output(env.python, "-c", "import sys; print(sys.version)")
    wanted = digest_of([interpreter, output("rustc", "--version")], source_files())
    kept = WHEELS / env.version
    found = sorted(kept.glob("*.whl"))
    if found and read(kept / ".sources") == wanted:
        return found[0]
    say(f"Building the release wheel for Python {env.version} (some minutes the first time).")
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    started = time.monotonic()
    env.pip("wheel", "--no-deps", f"--wheel-dir={kept}", ".")
    print(f"    built in {time.monotonic() - started:.0f} s", flush=True)
    (kept / ".sources").write_text(wanted, encoding="utf-8")
    return next(kept.glob("*.whl"))


def source_files() -> list[Path]:
    """Every file that a wheel is made of."""
    files: list[Path] = []
    for source in SOURCES:
        top = ROOT / source
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if (
                path.is_file()
                and path.suffix not in (".pyc", ".so")
                and not LEFT_OUT.intersection(path.relative_to(ROOT).parts)
            ):
                files.append(path)
    return files


def digest_of(words: Iterable[str], files: Iterable[Path]) -> str:
    """One digest of some words and of the names and contents of some files."""
    digest = hashlib.sha256()
    for word in words:
        digest.update(word.encode() + b"\0")
    for file in files:
        digest.update(str(file.relative_to(ROOT)).encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def read(file: Path) -> str | None:
    """The text of a file, or None when there is none."""
    return file.read_text(encoding="utf-8") if file.exists() else None


def interpreters() -> dict[str, Path]:
    """Each CPython 3.10 to 3.14 found: those named in PYTHONS, those of pyenv, those on PATH."""
    found: dict[str, Path] = {}
    for candidate in candidates():
        probe = subprocess.run(
            [candidate, str(ROOT / "scripts" / "describe-python.py")], capture_output=True, text=True, check=False
        )
        if probe.returncode == 0:
            found.setdefault(probe.stdout.strip(), candidate)
    return dict(sorted(found.items(), key=lambda item: int(item[0].split(".")[1])))


VERSIONS = ("3.10", "3.11", "3.12", "3.13", "3.14")


def candidates() -> Iterable[Path]:
    """Where interpreters are looked for, in order of preference."""
    yield from (Path(word) for word in os.environ.get("PYTHONS", "").split())
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    for version in VERSIONS:
        yield from sorted(pyenv.glob(f"{version}.*/bin/python{version}"), reverse=True)
    for version in VERSIONS:
        for folder in os.environ.get("PATH", "").split(os.pathsep):
            if (path := Path(folder) / f"python{version}").exists():
                yield path
