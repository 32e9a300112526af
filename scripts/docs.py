"""Build the documentation site into site/, with every warning an error: `make docs`."""

from pathlib import Path

from project import ROOT, Environment, run, say


def build(env: Environment) -> None:
    """Build the site with the tools of that environment."""
    say("Building the documentation; any warning is an error.")
    command: list[str | Path] = [env.tool("mkdocs"), "build", "--strict", "--site-dir", ROOT / "site"]
    run(*command, env={"NO_MKDOCS_2_WARNING": "1"})


if __name__ == "__main__":
    build(Environment("dev").prepare(groups=["dev"]))
