"""An editor completes the options of `init_logging` and the keys of `get_stats`, and shows what each is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from language_server import Editor

from unified_logger.config import OPTIONS

IMPORTS = "from unified_logger import Handler, get_logger, get_stats, init_logging\n"


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Editor]:
    """An editor in which the package is installed."""
    editor = Editor(tmp_path_factory.mktemp("project"))
    yield editor
    editor.close()


def words(text: str) -> str:
    """Text as it is read: without the escapes of Markdown."""
    return text.replace("\\", "").replace("&nbsp;", " ")


@pytest.mark.parametrize("call", ["init_logging(|)", "Handler(|)"])
def test_every_option_is_offered(editor: Editor, call: str) -> None:
    """By its name."""
    assert {f"{name}=" for name in OPTIONS} <= editor.completions(IMPORTS + call)


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ('init_logging(overflow="|")', {"block", "drop_new", "drop_old", "drop_low"}),
        ('init_logging(log_level="|")', {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"}),
        ('init_logging(outputs={"audit": {"format": "|"}})', {"json", "text", "logfmt"}),
        ('init_logging(outputs={"audit": {"|"}})', {"file", "stream", "loggers"}),
        ('init_logging(redaction={"patterns": ["|"]})', {"email", "card"}),
        ('get_stats()["|"]', {"accepted", "files", "dropped_by_reason"}),
        ('get_stats()["files"]["app"]["|"]', {"written", "bytes"}),
        ('get_logger("app").log("|")', {"INFO"}),
    ],
)
def test_words_and_keys_are_offered(editor: Editor, text: str, offered: set[str]) -> None:
    """Those that are allowed at the cursor."""
    assert {f'"{word}"' for word in offered} <= editor.completions(IMPORTS + text)


@pytest.mark.parametrize("name", ["overflow", "queue_bytes", "outputs"])
def test_an_option_shows_what_it_is(editor: Editor, name: str) -> None:
    """Its help, which has the unit, and its default."""
    shown = words(editor.hover(f"{IMPORTS}init_logging({name[0]}|{name[1:]}=None)"))
    assert OPTIONS[name].help in shown
    assert "Default: " in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("init_logging(max_b|ytes=1)", "Size at which app.log and errors.log are rotated, bytes (10 MiB)"),
        ('get_stats()["writer_|lag_us"]', "Time between call and writing"),
        ('get_logger("app").in|fo("ready")', "stacklevel: Which caller the record names"),
    ],
)
def test_other_names_show_what_they_are(editor: Editor, text: str, shown: str) -> None:
    """Options with a position, counts and methods."""
    assert shown in words(editor.hover(IMPORTS + text))
