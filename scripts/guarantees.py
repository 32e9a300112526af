"""Run every event for this library and others: `make guarantees` writes docs/guarantees.md; it fails if a promise is not kept."""

import sys

from project import ROOT, Environment, environment, need_rust, run, say


def main(*arguments: str) -> None:
    """Install the wheel and the contenders into the benches' environment, then run the events there."""
    need_rust()
    env = Environment("bench").prepare(requirements=[ROOT / "benches" / "requirements.txt"]).install_wheel()
    say(f"Running what may happen to a process ({' '.join(arguments)}).")
    path = environment(PYTHONPATH=str(ROOT / "benches"))
    run(env.python, "-m", "guarantees.run", *arguments, env=path, cwd=ROOT / "benches")


if __name__ == "__main__":
    main(*sys.argv[1:])
