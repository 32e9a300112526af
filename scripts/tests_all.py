"""Run the tests with every supported Python that is found: `make test-all`, `PYTHONS='/path/to/python …' make test-all`."""

import sys

import tests
from project import VERSIONS, interpreters, say


def main() -> None:
    """Say which interpreters there are, then test each; the first failure ends the run."""
    found = interpreters()
    say("Interpreters (more can be named with PYTHONS='/path/to/python …'):")
    for version in VERSIONS:
        print(f"    {version}  {found.get(version, 'not found')}")
    for python in found.values():
        tests.main(str(python), sys.argv[1:])
    say(f"The tests pass with Python {', '.join(found)}.")


if __name__ == "__main__":
    main()
