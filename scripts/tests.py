"""Run the tests on the installed wheel with the Python at hand: `make test`, `make test ARGS='-k name'`."""

import sys

from project import Environment, need_rust, run, say


def main(python: str = sys.executable, arguments: list[str] | None = None) -> None:
    """Build and install the wheel for one interpreter, then run pytest on it."""
    need_rust()
    env = Environment("test", python).prepare(groups=["test"]).install_wheel()
    say(f"Running the tests on the installed wheel with Python {env.version}.")
    run(env.tool("pytest"), *(arguments or []))


if __name__ == "__main__":
    main(arguments=sys.argv[1:])
