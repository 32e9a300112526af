"""Measure the engine's rooms one by one, beside what was recorded last: `make bench-micro`, `make bench-micro ARGS='queue'`."""

import sys

from project import need_rust, run, say


def main() -> None:
    """Run the benches of the engine's crate; arguments go to criterion."""
    need_rust()
    say("Measuring the engine's rooms (some minutes to build the first time, half a minute to measure).")
    run("cargo", "bench", "--package", "unified_logger_core", "--locked", "--bench", "rooms", "--", *sys.argv[1:])


if __name__ == "__main__":
    main()
