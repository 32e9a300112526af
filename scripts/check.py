"""All that decides whether a change is good: format, lint, types, import direction, docs, benches, tests.

The stub of the native module is compared with it by the tests, which have the wheel.
"""

import bench
import docs
import tests
from project import ROOT, Environment, need_rust, run, say


def rust() -> None:
    """Check the engine and the binding."""
    say("Checking Rust: format, lints, tests.")
    run("cargo", "fmt", "--all", "--check")
    run("cargo", "clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings")
    run("cargo", "test", "--workspace", "--locked")


def python(env: Environment) -> None:
    """Check the facade, the tests and the scripts without running them."""
    say("Checking Python: format, lints, types, import direction.")
    run(env.tool("ruff"), "format", "--check", ".")
    run(env.tool("ruff"), "check", ".")
    run(env.tool("mypy"))
    run(env.tool("lint-imports"), env={"PYTHONPATH": str(ROOT / "python")})


def main() -> None:
    """Run every check; the first failure ends the run."""
    need_rust()
    env = Environment("dev").prepare(groups=["dev"])
    rust()
    python(env)
    docs.build(env)
    bench.main("--short")
    tests.main()
    say("Every check passed.")


if __name__ == "__main__":
    main()
