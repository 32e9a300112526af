"""Pictures of the consoles of four libraries, for the documentation.

Runs `program.py` under each on terminals of 80, 120 and 200 columns and writes `docs/pictures/console-COLUMNS-THEME.svg`. Needs the packages
pyte, loguru, structlog and rich beside unified_logger: `python scripts/console/pictures.py`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any

import pyte  # type: ignore[import-not-found] # only for these pictures

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "tests" / "support"))
from terminals import COLORS, opened, read_bytes  # noqa: E402

# Where the program runs: tracebacks show it.
SHOP = Path(tempfile.gettempdir()) / "shop"
WHERE = HERE.parents[1] / "docs" / "pictures"
LIBRARIES = ("unified_logger", "loguru", "structlog", "rich")
# Those of common themes: eight colours, and the eight bright ones.
NAMES = ("black", "red", "green", "brown", "blue", "magenta", "cyan", "white")
THEMES = {
    "dark": {
        "back": "#1e1e1e",
        "front": "#d4d4d4",
        "bar": "#333333",
        "colors": ("#000000", "#f14c4c", "#23d18b", "#e5e510", "#3b8eea", "#d670d6", "#29b8db", "#e5e5e5"),
    },
    "light": {
        "back": "#ffffff",
        "front": "#333333",
        "bar": "#e4e4e4",
        "colors": ("#000000", "#cd3131", "#107c10", "#949800", "#0451a5", "#bc05bc", "#0598bc", "#a5a5a5"),
    },
}
WIDTH, HEIGHT, SIZE = 8.4, 18, 14


class Screen(pyte.Screen):  # type: ignore[misc] # as above
    """Remembers what is dim, which pyte does not know."""

    def select_graphic_rendition(self, *attributes: int, **options: Any) -> None:
        """Dim is kept as blinking, which nobody uses."""
        super().select_graphic_rendition(*(5 if one == 2 else one for one in attributes), **options)


def prepare() -> None:
    """Puts the program and its package where they run."""
    (SHOP / "site-packages").mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "program.py", SHOP / "orders.py")
    shutil.copy(HERE / "payments.py", SHOP / "site-packages" / "payments.py")


def run(library: str, columns: int) -> bytes:
    """What a program shows on a terminal."""
    leader, follower = opened(columns)
    environment = {name: value for name, value in os.environ.items() if name not in COLORS}
    packages = SHOP / "site-packages"
    environment |= {"TERM": "xterm-256color", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(packages)}
    process = subprocess.Popen(
        [sys.executable, SHOP / "orders.py", library],
        stdout=follower,
        stderr=follower,
        stdin=follower,
        env=environment,
    )
    os.close(follower)
    shown = read_bytes(leader)
    process.wait()
    return shown


def lines(shown: bytes, columns: int) -> list[list[Any]]:
    """The cells of each line on the screen."""
    screen = Screen(columns, 200)
    pyte.ByteStream(screen).feed(shown)
    rows = [[screen.buffer[row][column] for column in range(columns)] for row in range(200)]
    while rows and all(not cell.data.strip() and cell.bg == "default" for cell in rows[-1]):
        rows.pop()
    return rows


def _color(name: str, theme: dict[str, Any], default: str) -> str:
    if name == "default":
        return str(theme[default])
    plain = name.removeprefix("bright")
    if plain in NAMES:
        return str(theme["colors"][NAMES.index(plain)])
    return f"#{name}"


def _row(cells: list[Any], top: float, theme: dict[str, Any]) -> str:
    out = []
    column = 0

    def style(item: tuple[int, Any]) -> tuple[Any, ...]:
        at, cell = item
        is_wide = bool(cell.data) and unicodedata.east_asian_width(cell.data[0]) in "WF"
        return cell.fg, cell.bg, cell.bold, cell.italics, cell.blink, cell.reverse, at if is_wide else -1

    for (front, back, bold, italics, dim, reverse, _), group in groupby(enumerate(cells), style):
        run = list(group)
        column, text = run[0][0], "".join(cell.data for _, cell in run)
        front, back = _color(front, theme, "front"), _color(back, theme, "back")
        if reverse:
            front, back = back, front
        x = 10 + column * WIDTH
        if back != theme["back"]:
            out.append(f'<rect x="{x:.1f}" y="{top}" width="{len(run) * WIDTH:.1f}" height="{HEIGHT}" fill="{back}"/>')
        if text.strip():
            lead = len(text) - len(text.lstrip())
            more = (' font-weight="bold"' if bold else "") + (' font-style="italic"' if italics else "")
            more += ' opacity="0.6"' if dim else ""
            more += "" if front == theme["front"] else f' fill="{front}"'
            text = text.strip()
            length = f' textLength="{len(text) * WIDTH:.1f}"' if text.isascii() and len(text) > 1 else ""
            x += lead * WIDTH
            out.append(f'<text x="{x:.1f}" y="{top + 13.5}"{more}{length}>{escape(text, False)}</text>')
    return "".join(out)


def picture(columns: int, theme: dict[str, Any], shown: dict[str, bytes]) -> str:
    """The four, one below the other."""
    out, top = [], 0.0
    for library, text in shown.items():
        out.append(f'<rect y="{top}" width="100%" height="24" fill="{theme["bar"]}"/>')
        out.append(f'<text x="10" y="{top + 16.5}" font-weight="bold">{library}</text>')
        top += 30
        for cells in lines(text, columns):
            out.append(_row(cells, top, theme))
            top += HEIGHT
        top += 14
    width = round(columns * WIDTH + 20)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {round(top)}" width="{width}" height="{round(top)}" '
        f'font-family="DejaVu Sans Mono,Menlo,Consolas,monospace" font-size="{SIZE}" '
        f'fill="{theme["front"]}" xml:space="preserve">'
    )
    return f'{head}<rect width="100%" height="100%" fill="{theme["back"]}"/>{"".join(out)}</svg>\n'


def main() -> None:
    """Writes all pictures."""
    prepare()
    WHERE.mkdir(exist_ok=True)
    for columns in (80, 120, 200):
        shown = {library: run(library, columns) for library in LIBRARIES}
        for name, theme in THEMES.items():
            (WHERE / f"console-{columns}-{name}.svg").write_text(picture(columns, theme, shown))


if __name__ == "__main__":
    main()
