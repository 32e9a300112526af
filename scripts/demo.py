"""Serve the guide's application, drive it with real requests and reconcile its logs: `make demo`."""

import sys

from project import ROOT, Environment, need_rust, run, say


def main() -> None:
    """Install the wheel and a web server into an environment of their own, then run the demo there."""
    need_rust()
    env = Environment("demo").prepare(requirements=[ROOT / "demo" / "requirements.txt"]).install_wheel()
    say("Running the demo.")
    run(env.python, ROOT / "demo" / "run.py", *sys.argv[1:])


if __name__ == "__main__":
    main()
