"""Write what follows from the options and counts, for `make tables`. Tests compare all of it.

That is `schema.json`, the table in docs/configuration.md, and the types in `unified_logger.typing`.
"""

from project import ROOT, Environment, output, run, say

SCHEMA = ROOT / "python" / "unified_logger" / "config" / "schema.json"
PAGE = ROOT / "docs" / "configuration.md"
BEGIN, END = "<!-- options -->\n", "<!-- /options -->"


def main() -> None:
    """Take all from the installed package, as the present sources have it."""
    env = Environment("test").prepare(groups=["test"]).install_wheel()
    layout = "from unified_logger.config import layout"
    say("Writing the schema, the table of options and the types.")
    SCHEMA.write_text(
        output(
            env.python, "-c", f"import json; {layout}; print(json.dumps(layout.schema(), indent=2, ensure_ascii=False))"
        )
        + "\n",
        encoding="utf-8",
    )
    before, _, after = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    table = output(env.python, "-c", f"{layout}; print(layout.table())")
    PAGE.write_text(f"{before}{BEGIN}{table}\n{END}{after.partition(END)[2]}", encoding="utf-8")
    run(env.python, "-B", ROOT / "scripts" / "annotations.py")


if __name__ == "__main__":
    main()
