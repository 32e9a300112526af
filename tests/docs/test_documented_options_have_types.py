"""What README and docs give to `init_logging` and its kin is what type checkers allow."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from markdown_it import MarkdownIt

PROJECT = Path(__file__).resolve().parents[2]
PAGES = [PROJECT / "README.md", PROJECT / "README.zh-CN.md", *sorted((PROJECT / "docs").rglob("*.md"))]
# Other names on a page may be those of the reader's application.
ABOUT = re.compile(
    r'in function "(?:init_logging|init_logging_from_config|initialize|set_level)"|No parameter named|TypedDict|"Options"|"Stats"'
)


def test_no_page_gives_what_a_type_checker_refuses(tmp_path: Path) -> None:
    """Pyright says so, page by page; each line has the number that it has on the page."""
    for page in PAGES:
        lines: list[str] = []
        for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
            if token.type == "fence" and token.info.split(" ")[0] == "python" and token.map is not None:
                lines += [""] * (token.map[0] + 1 - len(lines)) + token.content.splitlines()
        name = re.sub(r"\W", "_", str(page.relative_to(PROJECT)))
        (tmp_path / f"{name}.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (tmp_path / "wrong.py").write_text("from unified_logger import init_logging\ninit_logging(max_byte=1)\n", "utf-8")
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "standard"}', encoding="utf-8")
    command = [sys.executable, "-m", "basedpyright", "--outputjson", f"--pythonpath={sys.executable}", "-p", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)
    assert report["summary"]["filesAnalyzed"] == len(PAGES) + 1
    found = [
        f"{Path(error['file']).name}:{error['range']['start']['line'] + 1}: {error['message']}"
        for error in report["generalDiagnostics"]
        if error["severity"] == "error" and ABOUT.search(error["message"])
    ]
    assert found == ['wrong.py:2: No parameter named "max_byte"']
