"""Measure: `make bench` within ten minutes, `make bench-full` for as long as it takes, writing the figures into docs/."""

import sys
import time

from project import ROOT, Environment, environment, need_rust, run, say

ROOMS = ["comparison", "tails", "packing", "reading", "asking", "growth", "middleware", "volume"]


def main(*arguments: str) -> None:
    """Install the wheel into an environment of its own, then run each room of the benches there."""
    began = time.monotonic()
    need_rust()
    env = Environment("bench").prepare(requirements=[ROOT / "benches" / "requirements.txt"]).install_wheel()
    path = environment(PYTHONPATH=str(ROOT / "benches"))
    for room in ROOMS:
        say(f"Running benches/{room} ({' '.join(arguments) or 'within minutes'}).")
        run(env.python, "-m", f"{room}.run", *arguments, env=path, cwd=ROOT / "benches")
    minutes, seconds = divmod(round(time.monotonic() - began), 60)
    say(f"Measured everything in {minutes} min {seconds:02} s.")


if __name__ == "__main__":
    main(*sys.argv[1:])
