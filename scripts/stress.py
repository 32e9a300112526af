"""Use the installed wheel hard for as long as it is told: `make stress SECONDS=600`, `make stress SECONDS=20 ARGS='--only forks'`."""

import sys

from project import ROOT, Environment, need_rust, run, say

# The leak tests have a part of the time, up to the minute that is promised.
LEAK_SHARE, LEAK_SECONDS = 0.2, 60.0


def main() -> None:
    """Look for leaks, then run the rounds; the first violation ends the run with exit code 1."""
    seconds = float(sys.argv[1])
    need_rust()
    env = Environment("test").prepare(groups=["test"]).install_wheel()
    leaks = min(LEAK_SECONDS, max(2.0, seconds * LEAK_SHARE))
    say(f"Looking for leaks in {leaks:.0f} s of mixed load and in 1,000 starts and ends.")
    run(env.tool("pytest"), "tests/stress", "-q", env={"UL_STRESS_SECONDS": str(leaks)})
    say("Running rounds.")
    left = max(1.0, seconds - leaks)
    run(env.python, ROOT / "tests" / "stress" / "rounds.py", "--seconds", str(left), *sys.argv[2:])


if __name__ == "__main__":
    main()
