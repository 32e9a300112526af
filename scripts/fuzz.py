"""Feed bytes of every kind to what reads bytes of unknown origin: `make fuzz SECONDS=60`."""

import shutil
import subprocess
import sys

from project import ROOT, need_rust, run, say

FUZZ = ROOT / "rust_core" / "fuzz"
# What cargo-fuzz collects and finds, beside what it builds: the seeds stay as they are.
FOUND = ROOT / "target" / "fuzz"


def targets() -> list[str]:
    """The targets: each has a folder of seeds."""
    return sorted(path.name for path in (FUZZ / "seeds").iterdir() if path.is_dir())


def nightly(*arguments: str) -> str | None:
    """Why a cargo command of the nightly toolchain cannot be run; None if it can."""
    if shutil.which("rustup") is None:
        return "rustup is not installed"
    probe = subprocess.run(["cargo", "+nightly", *arguments], capture_output=True, text=True, check=False, cwd=ROOT)
    # The first line says what is wrong; hints follow it.
    return None if probe.returncode == 0 else (probe.stderr.strip().splitlines() or ["it fails"])[0]


def cargo_fuzz(target: str, seconds: int) -> None:
    """Run cargo-fuzz on a target, from its seeds and from what earlier runs collected."""
    collected = FOUND / "corpus" / target
    collected.mkdir(parents=True, exist_ok=True)
    command = ("cargo", "+nightly", "fuzz", "run", "--fuzz-dir", FUZZ, "--target-dir", FOUND / "build", "target")
    limits = (f"-max_total_time={seconds}", f"-artifact_prefix={FOUND}/{target}-")
    # Quiet but for what it finds and how much it tried.
    shown = ("-verbosity=0", "-print_final_stats=1")
    # New inputs go to the first folder.
    run(*command, collected, FUZZ / "seeds" / target, "--", *limits, *shown, env={"FUZZ_TARGET": target})


def main() -> None:
    """Run the targets on stable Rust, then under cargo-fuzz and miri where a nightly toolchain has them."""
    seconds = int(float(sys.argv[1]))
    need_rust()
    say(f"Running the fuzz targets on stable Rust for {seconds} s: kept seeds, what lies near them, anything.")
    run(
        *("cargo", "test", "--release", "--locked", "--package", "unified_logger_core"),
        *("--test", "fuzz", "--test", "recovery", "--", "--show-output"),
        env={"UNIFIED_LOGGER_FUZZ_SECONDS": str(seconds)},
    )
    if reason := nightly("fuzz", "--version"):
        say(f"SKIPPED: cargo-fuzz ({reason}).")
    else:
        each = max(1, seconds // len(targets()))
        for target in targets():
            say(f"Running cargo-fuzz on {target} for {each} s.")
            cargo_fuzz(target, each)
    if reason := nightly("miri", "--version"):
        say(f"SKIPPED: miri ({reason}).")
    else:
        say("Running the fuzz targets under miri: a few cases each, which takes minutes.")
        # The seeds are files.
        flags = {"MIRIFLAGS": "-Zmiri-disable-isolation"}
        command = ("cargo", "+nightly", "miri", "test", "--locked", "--package", "unified_logger_core")
        run(*command, "--test", "fuzz", "--", "--show-output", env=flags)


if __name__ == "__main__":
    main()
