"""Bring all code into its standard form: `make format`."""

from project import RUST_TRACING, Environment, need_rust, run, say


def main() -> None:
    """Run rustfmt, then ruff's fixes and its formatter."""
    need_rust()
    env = Environment("dev").prepare(groups=["dev"])
    say("Formatting Rust and Python.")
    run("cargo", "fmt", "--all")
    run("cargo", "fmt", "--manifest-path", RUST_TRACING)
    run(env.tool("ruff"), "check", "--fix-only", ".")
    run(env.tool("ruff"), "format", ".")


if __name__ == "__main__":
    main()
