"""Measure against other libraries: `make bench` writes docs/, `make bench-short` only shows that the benches run."""

import sys

from project import ROOT, Environment, need_rust, run, say


def main(*arguments: str) -> None:
    """Install the wheel and the contenders into an environment of their own, then run the benches there."""
    need_rust()
    env = Environment("bench").prepare(requirements=[ROOT / "benches" / "requirements.txt"]).install_wheel()
    say(f"Running the benches ({' '.join(arguments)}).")
    run(env.python, ROOT / "benches" / "run.py", *arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
