"""Feed bytes of every kind to what reads bytes of unknown origin: `make fuzz SECONDS=60`."""

import shutil
import subprocess
import sys

from project import ROOT, need_rust, run, say

FUZZ = ROOT / "rust_core" / "fuzz"


def targets() -> list[str]:
    """The targets: each has a folder of seeds."""
    return sorted(path.name for path in (FUZZ / "seeds").iterdir() if path.is_dir())


def nightly(*arguments: str) -> str | None:
    """Why a cargo command of the nightly toolchain cannot be run; None if it can."""
    if shutil.which("rustup") is None:
        return "rustup is not installed"
    probe = subprocess.run(["cargo", "+nightly", *arguments], capture_output=True, text=True, check=False, cwd=ROOT)
    return None if probe.returncode == 0 else (probe.stderr.strip().splitlines() or ["it fails"])[-1]


def main() -> None:
    """Run the targets on stable Rust, then under cargo-fuzz and miri where a nightly toolchain has them."""
    seconds = int(float(sys.argv[1]))
    need_rust()
    say(f"Running the fuzz targets on stable Rust for {seconds} s: kept seeds, what lies near them, anything.")
    run(
        *("cargo", "test", "--release", "--locked", "--package", "unified_logger_core"),
        *("--test", "fuzz", "--test", "recovery"),
        env={"UNIFIED_LOGGER_FUZZ_SECONDS": str(seconds)},
    )
    if reason := nightly("fuzz", "--version"):
        say(f"SKIPPED: cargo-fuzz ({reason}).")
    else:
        each = max(1, seconds // len(targets()))
        for target in targets():
            say(f"Running cargo-fuzz on {target} for {each} s.")
            seeds = FUZZ / "seeds" / target
            command = ("cargo", "+nightly", "fuzz", "run", "--fuzz-dir", FUZZ, "target", seeds)
            run(*command, "--", f"-max_total_time={each}", env={"FUZZ_TARGET": target})
    if reason := nightly("miri", "--version"):
        say(f"SKIPPED: miri ({reason}).")
    else:
        say("Running the fuzz targets under miri.")
        run("cargo", "+nightly", "miri", "test", "--package", "unified_logger_core", "--test", "fuzz")


if __name__ == "__main__":
    main()
