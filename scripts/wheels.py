"""Build the distributions into dist/ and check each as a user would meet it: `make wheels`.

An sdist, a manylinux2014 x86-64 wheel per Python found, arm64 and musl wheels where their Rust targets can be installed, and a
check that the engine compiles for macOS and Windows.
"""

import os
import shutil
import tempfile
from pathlib import Path

from project import DIST, ROOT, Environment, digest_of, interpreters, need_rust, output, run, say

SMOKE = ROOT / "scripts" / "smoke.py"
CROSS = (
    ("aarch64-unknown-linux-gnu", "manylinux2014"),
    ("x86_64-unknown-linux-musl", "musllinux_1_2"),
)


# Systems that the engine compiles for; wheels for them are built there.
ELSEWHERE = ("x86_64-apple-darwin", "x86_64-pc-windows-gnu")


def search(release: Environment) -> dict[str, str]:
    """Where the programs of the environment are found, zig among them."""
    return {"PATH": f"{release.path / 'bin'}{os.pathsep}{os.environ['PATH']}"}


def build(release: Environment, target: str, compatibility: str, pythons: list[str]) -> None:
    """Build a wheel per Python for one target; zig links against the old glibc (or musl) that the tag promises."""
    command: list[str | Path] = [release.tool("maturin"), "build", "--release", "--zig", "--locked", "--out", DIST]
    run(*command, "--target", target, "--compatibility", compatibility, "--interpreter", *pythons, env=search(release))


def add_target(target: str) -> bool:
    """Whether Rust can build for a target, which is installed when it can be."""
    if shutil.which("rustup") is None:
        return False
    if target in output("rustup", "target", "list", "--installed").split():
        return True
    say(f"Installing the Rust target {target}.")
    return os.spawnlp(os.P_WAIT, "rustup", "rustup", "target", "add", target) == 0


def check_elsewhere(release: Environment) -> list[str]:
    """Compile the engine for other systems, with zig for what is C; gives those whose Rust target cannot be had."""
    targets = [target for target in ELSEWHERE if add_target(target)]
    say(f"Checking that the engine compiles for {', '.join(targets) or 'no other system'}.")
    for target in targets:
        check = ("check", "--quiet", "--locked", "--package", "unified_logger_core", "--target", target)
        run(release.tool("cargo-zigbuild"), *check, env=search(release))
    return [target for target in ELSEWHERE if target not in targets]


def try_in_fresh_environment(python: Path, distribution: Path) -> None:
    """Install a distribution into an empty environment and log a record with it."""
    with tempfile.TemporaryDirectory() as folder:
        venv = Path(folder) / "venv"
        run(python, "-m", "venv", venv)
        pip: list[str | Path] = [venv / "bin" / "pip", "--quiet", "--disable-pip-version-check"]
        run(*pip, "install", distribution)
        run(venv / "bin" / "python", SMOKE, cwd=Path(folder))


def main() -> None:
    """Build everything first, then check everything."""
    need_rust()
    pythons = interpreters()
    release = Environment("release").prepare(groups=["release"])
    shutil.rmtree(DIST, ignore_errors=True)

    say("Building the sdist.")
    run(release.tool("maturin"), "sdist", "--out", DIST)
    say(f"Building manylinux2014 x86-64 wheels for Python {', '.join(pythons)}.")
    build(release, "x86_64-unknown-linux-gnu", "manylinux2014", [str(path) for path in pythons.values()])
    missing = []
    for target, compatibility in CROSS:
        if add_target(target):
            say(f"Building {target} wheels for Python {', '.join(pythons)}.")
            build(release, target, compatibility, [f"python{version}" for version in pythons])
        else:
            missing.append(target)

    unchecked = check_elsewhere(release)
    say("Checking metadata and contents of all distributions.")
    distributions = sorted(DIST.iterdir())
    run(release.tool("twine"), "check", "--strict", *distributions)
    run(release.tool("check-wheel-contents"), *(path for path in distributions if path.suffix == ".whl"))

    sdist = next(DIST.glob("*.tar.gz"))
    first, python = next(iter(pythons.items()))
    say(f"Installing the sdist into a fresh environment of Python {first}.")
    try_in_fresh_environment(python, sdist)
    for version, python in pythons.items():
        tag = f"cp{version.replace('.', '')}"
        say(f"Installing the wheel into a fresh environment of Python {version}.")
        try_in_fresh_environment(python, next(DIST.glob(f"*-{tag}-{tag}-manylinux*_x86_64.whl")))

    say("Distributions in dist/:")
    for path in distributions:
        print(f"    {path.stat().st_size / 2**20:6.1f} MB  {digest_of([], [path])[:12]}  {path.name}")
    for target in missing:
        say(f"No wheel for {target}: its Rust target is not installed and cannot be installed here.")
    for target in unchecked:
        say(f"Not checked on {target}: its Rust target is not installed and cannot be installed here.")


if __name__ == "__main__":
    main()
