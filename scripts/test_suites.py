"""Run other projects' own tests with this library active: `make test-suites`, `make test-suites ARGS='flask structlog'` for some of them.

Each suite is run as it is, then with `init_logging` called before it, then with `native_stdlib` too. A test that passes without the library and not
with it fails the run, unless `scripts/suites/known.json` gives a reason. Packages ship their tests in their source distributions; CPython's own
come with the interpreter, where it has them.
"""

from __future__ import annotations

import fnmatch
import json
import re
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from project import ROOT, Environment, environment, fail, need_rust, say

FOLDER = ROOT / "scripts" / "suites"
REQUIREMENTS = FOLDER / "requirements.txt"
SOURCES = ROOT / "build" / "suites"
# How long one run of one suite may take, seconds.
LIMIT = 300
# Warnings are what other versions of partners have to say.
COMMON = (
    *("-q", "--timeout=60", "-o", "addopts=", "-o", "filterwarnings=default"),
    *("-p", "suites_plugin", "-p", "no:cacheprovider", "-p", "no:randomly"),
)
PLAIN, ACTIVE, NATIVE = "without", "active", "native"


@dataclass(frozen=True)
class Suite:
    """One project's tests: its arguments for pytest, and whether they come from a source distribution."""

    name: str
    arguments: tuple[str, ...] = ()
    ships: bool = True


WITHOUT_ASYNCIO = ("-p", "no:asyncio")
SUITES = (
    # CPython's runs without a handler of pytest's on the root logger, which its tests expect to be empty.
    Suite("cpython", ("-p", "no:logging", *WITHOUT_ASYNCIO, "--pyargs", "test.test_logging"), ships=False),
    Suite("structlog"),
    Suite("python-json-logger", WITHOUT_ASYNCIO),
    Suite("flask", WITHOUT_ASYNCIO),
    # Its servers in processes of their own, which are not what the plugin starts.
    Suite("werkzeug", (*WITHOUT_ASYNCIO, "--ignore=tests/test_serving.py")),
    Suite("starlette", WITHOUT_ASYNCIO),
)


def source(env: Environment, suite: Suite) -> Path:
    """The unpacked source distribution of the version that is required."""
    pinned = re.search(rf"^{re.escape(suite.name)}==\S+", REQUIREMENTS.read_text(encoding="utf-8"), re.MULTILINE)
    assert pinned is not None, f"requirements.txt names {suite.name}"
    home = SOURCES / pinned[0]
    if not home.exists():
        with tempfile.TemporaryDirectory(dir=SOURCES) as folder:
            env.pip("download", f"--no-binary={suite.name}", "--no-deps", f"--dest={folder}", pinned[0])
            (archive,) = Path(folder).glob("*.tar.gz")
            with tarfile.open(archive) as packed:
                packed.extractall(folder, filter="data")
            (unpacked,) = (found for found in Path(folder).iterdir() if found.is_dir())
            unpacked.rename(home)
    return home


def outcomes(env: Environment, suite: Suite, mode: str, folder: Path) -> dict[str, str]:
    """What came of each test of a suite in one run."""
    logs = folder / "logs"
    options = {"log_dir": str(logs), "console_format": "off", "native_stdlib": mode == NATIVE}
    told = folder / "outcomes.json"
    more = {
        "PYTHONPATH": str(FOLDER),
        "PYTHONDONTWRITEBYTECODE": "1",
        "SUITES_OPTIONS": "" if mode == PLAIN else json.dumps(options),
        "SUITES_OUTCOMES": str(told),
    }
    told.unlink(missing_ok=True)
    command = [str(env.python), "-m", "pytest", *COMMON, *suite.arguments]
    command += ["-p", "no:unified_logger"] if mode == PLAIN else []
    home = source(env, suite) if suite.ships else folder
    try:
        done = subprocess.run(
            command, cwd=home, env=environment(**more), timeout=LIMIT, check=False, capture_output=True, text=True
        )
    except subprocess.TimeoutExpired:
        fail(f"{suite.name} ({mode}) took longer than {LIMIT} s.")
    if not told.exists():
        fail(f"{suite.name} ({mode}) did not come to its end:\n{done.stdout[-4_000:]}{done.stderr[-4_000:]}")
    found: dict[str, str] = json.loads(told.read_text(encoding="utf-8"))
    return found


def why(test: str, known: dict[str, str]) -> str | None:
    """The reason that is known for a test to fail with the library."""
    return next((reason for kind, reason in known.items() if fnmatch.fnmatchcase(test, kind)), None)


def compare(env: Environment, suite: Suite, known: dict[str, str]) -> list[str]:
    """Run a suite in all ways, tell what came of it, and give what counts as a fault of this library."""
    faults = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        started = time.monotonic()
        plain = outcomes(env, suite, PLAIN, folder)
        passed = {test for test, outcome in plain.items() if outcome == "passed"}
        if not passed:
            fail(f"{suite.name}: no test passes without the library.")
        print(f"    {suite.name}: {len(passed)} of {len(plain)} pass without the library", flush=True)
        for mode in (ACTIVE, NATIVE):
            found = outcomes(env, suite, mode, folder)
            other = {test for test in passed if found.get(test) != "passed"}
            if any(why(test, known) is None for test in other):  # Some tests pass at times.
                again = outcomes(env, suite, mode, folder)
                other = {test for test in other if again.get(test) != "passed"}
            for test in sorted(other):
                reason = why(test, known)
                print(f"      {mode}: {test} {found.get(test, 'not run')}" + (f" (known: {reason})" if reason else ""))
                faults += [] if reason else [f"{suite.name} ({mode}): {test}"]
            print(f"      {mode}: {len(passed) - len(other)} of them pass", flush=True)
        print(f"      {time.monotonic() - started:.0f} s", flush=True)
    return faults


def has_own_tests() -> bool:
    """Whether this interpreter was installed with the tests of CPython."""
    return find_spec("test") is not None and find_spec("test.test_logging") is not None


def main(names: list[str]) -> None:
    """Run the suites that are named, or all."""
    if wrong := set(names) - {suite.name for suite in SUITES}:
        fail(f"There is no {', '.join(sorted(wrong))} among {', '.join(suite.name for suite in SUITES)}.")
    if "cpython" in names and not has_own_tests():  # Who asks for it is not told that all is well.
        fail("cpython cannot be run: this interpreter was installed without its own tests.")
    need_rust()
    env = Environment("suites").prepare(requirements=[REQUIREMENTS]).install_wheel()
    SOURCES.mkdir(parents=True, exist_ok=True)
    known: dict[str, dict[str, str]] = json.loads((FOLDER / "known.json").read_text(encoding="utf-8"))
    faults = []
    say(
        f"Running suites of other projects with Python {env.version}: without the library, with it active, and natively."
    )
    for suite in SUITES:
        if names and suite.name not in names:
            continue
        if suite.name == "cpython" and not has_own_tests():
            print("    cpython: SKIPPED (this interpreter was installed without its own tests)")
            continue
        faults += compare(env, suite, known.get(suite.name, {}))
    if faults:
        listed = "\n    ".join(faults)
        fail(f"{len(faults)} tests of other projects pass without the library and not with it:\n    {listed}")
    say("All tests of other projects that pass without the library pass with it.")


if __name__ == "__main__":
    main(sys.argv[1:])
