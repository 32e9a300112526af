"""All that decides whether a change is good: format, lint, types, import direction, docs, benches, tests.

The stub of the native module is compared with it by the tests, which have the wheel.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import bench
import docs
import guarantees
import tests
from project import ROOT, RUST_TRACING, Environment, need_rust, run, say


def rust() -> None:
    """Check the engine and the binding."""
    say("Checking Rust: format, lints, tests.")
    env = {"PYO3_PYTHON": sys.executable}  # the binding is checked against the Python at hand
    run("cargo", "fmt", "--all", "--check")
    run("cargo", "fmt", "--check", "--manifest-path", RUST_TRACING)
    run("cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings", env=env)
    run("cargo", "test", "--workspace", "--locked", env=env | {"UNIFIED_LOGGER_FUZZ_SECONDS": "60"})
    faulty = ["-p", "unified_logger_core", "--locked", "--features", "fault_injection"]
    faulty += ["--test", "panics", "--test", "archive_faults"]
    run("cargo", "clippy", *faulty, "--", "-D", "warnings", env=env)
    run("cargo", "test", "--profile", "models", *faulty, env=env)
    models = ("--profile", "models", "--features", "models", "--test", "models")
    run("cargo", "test", "-p", "unified_logger_core", "--locked", *models, env=env)


def python(env: Environment) -> None:
    """Check the facade, the tests and the scripts without running them."""
    say("Checking Python: format, lints, types, import direction.")
    run(env.tool("ruff"), "format", "--check", ".")
    run(env.tool("ruff"), "check", ".")
    run(env.tool("mypy"))
    imports(env)


def imports(env: Environment) -> None:
    """Check the direction of imports, on a copy in which the native module is a file that the linter can see."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "python", folder, dirs_exist_ok=True)
        (Path(folder) / "unified_logger" / "_core.py").touch()
        run(env.tool("lint-imports"), "--no-cache", env={"PYTHONPATH": folder})


def main() -> None:
    """Run every check; the first failure ends the run."""
    need_rust()
    env = Environment("dev").prepare(groups=["dev"])
    rust()
    python(env)
    docs.build(env)
    bench.main("--short")
    guarantees.main("--short")
    tests.main()
    say("Every check passed.")


if __name__ == "__main__":
    main()
