"""Run the tests of what works with other libraries beside the oldest versions that are supported: `make test-oldest`."""

import re
import sys

from project import ROOT, Environment, fail, interpreters, need_rust, run, say

# Those that the oldest versions have wheels for.
PYTHONS = ("3.11", "3.10")
FOLDERS = ("tests/integrations", "tests/values", "tests/context")
# How servers handle signals and their workers is another thing in each version, and so are the options for it.
LEFT_OUT = (
    "not test_celery_workers and not sighup and not ctrl_c and not above_them"
    " and not thousands_of_interleaved_requests and not in_the_middle"
)


def main() -> None:
    """Install the lower bounds of the extras of pyproject.toml and the wheel, then run pytest."""
    need_rust()
    found = interpreters()
    python = next((found[version] for version in PYTHONS if version in found), None)
    if python is None:
        fail(f"Python {' or '.join(PYTHONS)} is needed, and was not found (PYTHONS='/path/to/python' names one).")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extras = project.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    oldest = ROOT / "build" / "oldest.txt"
    oldest.parent.mkdir(exist_ok=True)
    bounds = re.findall(r'"([\w-]+)>=([\d.]+)"', extras)
    oldest.write_text("".join(f"{name}=={version}.*\n" for name, version in bounds), encoding="utf-8")
    env = Environment("oldest", python).prepare(groups=["oldest"], requirements=[oldest]).install_wheel()
    say(f"Running the tests beside {', '.join(f'{name} {version}' for name, version in bounds)}.")
    run(env.tool("pytest"), *(sys.argv[1:] or (*FOLDERS, "-k", LEFT_OUT)))


if __name__ == "__main__":
    main()
