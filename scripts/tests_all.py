"""Run the tests with every supported Python that is found: `make test-all`, `PYTHONS='/path/to/python …' make test-all`."""

import sys

import tests
from project import VERSIONS, fail, interpreters, say


def main() -> None:
    """Say which interpreters there are, test each, and tell at the end which of them failed."""
    found = interpreters()
    say("Interpreters (more can be named with PYTHONS='/path/to/python …'):")
    for version in VERSIONS:
        print(f"    {version}  {found.get(version, 'not found')}")
    failed = []
    for version, python in found.items():
        try:
            tests.main(str(python), sys.argv[1:])
        except SystemExit as ended:
            print(ended)
            failed.append(version)
    if failed:
        fail(f"the tests fail with Python {', '.join(failed)} of {', '.join(found)}.")
    say(f"The tests pass with Python {', '.join(found)}.")


if __name__ == "__main__":
    main()
