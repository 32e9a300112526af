"""Run the native tests under valgrind's memcheck: `make memcheck`, `make memcheck ARGS=engine` for one program of them.

What reads or writes where it must not ends the run. Where valgrind is not installed, that is said and nothing is run.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from project import ROOT, Environment, environment, fail, need_rust, run, say

SUPPRESSIONS = ROOT / "scripts" / "memcheck.supp"
# Programs of the engine's tests: of the others, models and benches touch no memory that these do not.
ENGINE = ("unified_logger_core", "engine", "files", "recovery", "redaction")
# Tests of the native module that take objects apart, in one process.
BINDING = ("tests/security/test_objects_that_lie.py", "tests/records/test_exception_text.py")
# Python works with values that memcheck takes for unset ones; where it may read and write is what is asked here.
PLACES_ALONE = "--undef-value-errors=no"
# What Python takes for itself is asked of the C library, where memcheck sees it.
SETTINGS = {"PYTHONMALLOC": "malloc", "PROPTEST_CASES": "4"}


def valgrind() -> list[str]:
    """The command before a program."""
    return [
        *("valgrind", "--quiet", "--error-exitcode=99", "--leak-check=no", "--trace-children=no", "--num-callers=30"),
        f"--suppressions={SUPPRESSIONS}",
    ]


def programs() -> list[Path]:
    """Build the engine's tests; the programs they are."""
    command = ["cargo", "test", "--locked", "--package", "unified_logger_core", "--no-run", "--message-format=json"]
    built = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, cwd=ROOT, env=environment())
    told = [json.loads(line) for line in built.stdout.splitlines() if line.startswith("{")]
    found = {item["target"]["name"]: item["executable"] for item in told if item.get("executable")}
    return [Path(found[name]) for name in ENGINE]


def main(arguments: list[str]) -> None:
    """Run what is asked for, or all."""
    if shutil.which("valgrind") is None:
        say("SKIPPED: memcheck (valgrind is not installed, or not made for this system).")
        return
    need_rust()
    known = {*ENGINE, "binding"}
    if wrong := set(arguments) - known:
        fail(f"There is no {', '.join(sorted(wrong))} among {', '.join(sorted(known))}.")
    wanted = set(arguments) or known
    if wanted & set(ENGINE):
        for program in programs():
            if program.name.rsplit("-", 1)[0] in wanted:
                say(f"Running the engine's {program.name} under memcheck, which takes minutes.")
                run(*valgrind(), program, "--test-threads=1", env=SETTINGS)
    if "binding" in wanted:
        env = Environment("test").prepare(groups=["test"]).install_wheel()
        say("Running tests of the native module under memcheck, which takes minutes.")
        # Programs that these tests start run without it.
        run(
            *valgrind(),
            PLACES_ALONE,
            env.tool("python"),
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            *BINDING,
            env=SETTINGS,
        )
    say("Memcheck found nothing.")


if __name__ == "__main__":
    main(sys.argv[1:])
