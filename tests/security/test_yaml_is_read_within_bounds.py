"""A YAML file from anywhere: plain data, in bounded time and memory, or an error that names file and line."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from unified_logger import ConfigurationError, load_config

Refused = Callable[..., ConfigurationError]

# Against hangs only: the largest file that is read takes some seconds where the machine is busy.
SECONDS = 60


@pytest.fixture
def refused(tmp_path: Path) -> Refused:
    """The error for a file of this text or these bytes."""

    def refused(content: str | bytes, line: int | None = None) -> ConfigurationError:
        path = tmp_path / "logging.yaml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        started = time.monotonic()
        with pytest.raises(ConfigurationError) as caught:
            load_config(path)
        assert time.monotonic() - started < SECONDS
        assert str(path) in str(caught.value)
        assert len(str(caught.value)) < 3_000
        if line is not None:
            assert caught.value.line == line, str(caught.value)
        return caught.value

    return refused


def bomb(levels: str) -> str:
    """As many levels as letters, each nine times the one before."""
    return "version: 1\nformatters:\n  a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"  {name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n" for before, name in pairwise(levels)
    )


def test_aliases_do_not_grow_without_bound(refused: Refused) -> None:
    """A billion laughs would never end; half a million do. Seen to fail (told of the layout) without the count of nodes."""
    assert "more than a configuration can be" in str(refused(bomb("abcdef")))


def test_a_text_repeated_by_aliases_is_cut_in_the_message(refused: Refused) -> None:
    """The message stays short whatever the value."""
    text = "log_level: [" + "&t " + "x" * 100_000 + ", *t" * 10_000 + "]"
    refused(text, line=1)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nformatters: &x\n  one: *x\n", 3),
        ("loggers: &x\n  <<: *x\n", 2),
        ("loggers:\n  a: &a\n    <<: [*a]\n", 3),
        ("&r\nformatters: *r\n", 2),
        ("? &k [*k]\n: 1\n", 1),
    ],
    ids=["in itself", "merged into itself", "in a list of merges", "the document itself", "a key in itself"],
)
def test_what_contains_itself_is_refused(refused: Refused, text: str, line: int) -> None:
    """Where it closes the circle, or at the anchor."""
    error = refused(text)
    assert error.line is not None
    assert abs(error.line - line) <= 1


def test_a_chain_of_merges_is_bounded(refused: Refused) -> None:
    """Each alias one level deeper, without any nesting in the text."""
    chain = "formatters:\n  a0: &a0 {k: 1}\n"
    chain += "".join(f"  a{n}: &a{n} {{<<: *a{n - 1}}}\n" for n in range(1, 3_000))
    assert "nested too deeply" in str(refused(chain))


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "], ids=["lists", "mappings", "dashes", "keys"])
def test_depth_is_bounded(refused: Refused, opening: str) -> None:
    """The stack of the interpreter is not what ends it."""
    assert "nested too deeply" in str(refused(opening * 50_000))


def test_size_is_bounded(refused: Refused) -> None:
    """Said before anything is parsed."""
    assert "256 KiB" in str(refused("# comment\n" * 100_000))


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no /dev/zero")
def test_a_file_without_end_ends() -> None:
    """A device is not read at all."""
    with pytest.raises(ConfigurationError, match="a regular file"):
        load_config("/dev/zero")


@pytest.mark.parametrize(
    "text",
    [
        "{}: 1\n" * 3,
        "- " * 5 + "x",
        "a" * 200_000,
        '"' + "\\\n" * 50_000,
        "x: '" + "''" * 100_000,
        "&a" * 50_000,
        "!!" * 50_000,
        "log_level: " + ":1" * 100_000,
        "log_level: 1" + ":1" * 100_000,
        "log_level: 1" + ":1" * 100_000 + ".5",
        "queue_size: " + "9" * 200_000,
        "queue_size: 0x" + "f" * 200_000,
        "max_bytes: " + "9" * 200_000 + "GB",
        "max_bytes: '" + "9" * 400 + "GB'",
        "overflow_timeout: 1" + "0" * 400 + ".0",
        "|" + "\n " * 80_000,
        "%YAML 9.9\n---\nlog_level: 1",
        "%" * 100_000,
        "? !!set\n: 1\n",
    ],
    ids=range(19),
)
def test_texts_made_to_be_slow_are_read_in_time(refused: Refused, text: str) -> None:
    """Refused, one way or another."""
    refused(text)


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system",
        "!!python/object/new:subprocess.Popen",
        "!!python/name:os.system",
        "!!python/module:os",
        "!!python/tuple",
        "!unknown",
        "!!map",
    ],
)
def test_tags_make_nothing_but_an_error(refused: Refused, tmp_path: Path, tag: str) -> None:
    """No object, no call, no import. Seen to fail (the command is run) with `yaml.UnsafeLoader` as the base."""
    target = tmp_path / "executed"
    error = refused(f"version: 1\nlog_level: {tag} ['touch {target}']\n", line=2)
    assert "log" in str(error)
    assert not target.exists()


@pytest.mark.parametrize(
    "value",
    [
        "2024-99-99",
        "!!bool maybe",
        "!!int ''",
        "!!int x",
        "!!float ''",
        "!!timestamp x",
        "!!binary '*'",
        "!!set {a, b}",
        "!!omap [a]",
        ".nan",
        ".inf",
        "-1",
        "null_",
    ],
)
@pytest.mark.parametrize("key", ["queue_size", "overflow_timeout", "max_bytes"])
def test_odd_scalars_are_errors_of_their_line(refused: Refused, key: str, value: str) -> None:
    """Not those of the loader."""
    refused(f"version: 1\n{key}: {value}\n", line=2)


@pytest.mark.parametrize(
    ("text", "key", "line"),
    [
        ("log_level: INFO\nlog_dir: x\nlog_level: DEBUG\n", "log_level", 3),
        ("queue:\n  max_size: 1\n  max_size: 2\n", "queue.max_size", 3),
        ("handlers:\n  console:\n    filters: [{a: 1, a: 2}]\n", "a", 3),
        ("log_level: INFO\n'log_level': DEBUG\n", "log_level", 2),
        ("'': 1\n'': 2\n", "''", 2),
        ("formatters:\n  a:\n    b: {1: x,\n      '1': y}\n", "formatters.a.b.1", 4),
    ],
)
def test_a_key_given_twice_is_named_with_its_line(refused: Refused, text: str, key: str, line: int) -> None:
    """At any depth, in lists too; PyYAML would keep the last."""
    error = refused(text, line=line)
    assert error.key.endswith(key)
    assert "given once only" in str(error)


@pytest.mark.parametrize(
    ("key", "named"),
    [
        ("'': 1", "''"),
        ("? ", "None"),
        ("yes: 1", "yes"),
        ("0x10: 1", "0x10"),
        ("2024-01-01: 1", "2024-01-01"),
        ("? 0x" + "f" * 5_000, "0x" + "f" * 5_000),
        ("=: 1", "="),
    ],
    ids=["empty", "null", "boolean", "integer", "date", "long integer", "value"],
)
def test_a_key_that_is_none_is_named_with_its_line(refused: Refused, key: str, named: str) -> None:
    """As it is written. Seen to fail: with a ValueError for the long integer, without a line for null, boolean and integer."""
    error = refused(f"version: 1\n{key}\n", line=2)
    assert error.key == named


def test_a_merge_may_be_overruled(tmp_path: Path) -> None:
    """Anchors and merges as such are of use."""
    path = tmp_path / "logging.yaml"
    path.write_text("rotation:\n  app_log: &b {max_bytes: 1, backup_count: 2}\n  ai_log: {<<: *b, max_bytes: 3}\n")
    assert load_config(path)["rotation"]["ai_log"] == {"max_bytes": 3, "backup_count": 2}


def test_a_wrong_value_that_was_merged_names_its_line(refused: Refused) -> None:
    """The one where it stands."""
    refused("rotation:\n  app_log: &b {max_bytes: 1,\n    backup_count: 2}\n  ai_log: {<<: *b, max_bytes: x}\n", line=4)


@pytest.mark.parametrize("character", ["\0", "\x01", "\x1b", "\x7f", "\x9b", "\ufffe"])
def test_control_characters_name_their_line(refused: Refused, character: str) -> None:
    """And are shown as their numbers."""
    error = refused(f"version: 1\nlog_dir: a{character}b\n", line=2)
    assert f"U+{ord(character):04X}" in str(error)


@pytest.mark.parametrize(
    "content",
    [b"version: 1\nlog_dir: \xff\n", b"version: 1\nlog_dir: \xc3", b"version: 1\n\xed\xa0\x80: 1\n"],
    ids=["latin", "cut short", "surrogates"],
)
def test_other_encodings_name_their_line(refused: Refused, content: bytes) -> None:
    """The first byte that is none of UTF-8."""
    refused(content, line=2)


def test_what_is_no_file_is_refused(refused: Refused, tmp_path: Path) -> None:
    """A directory, a missing one, a path with a NUL."""
    for path in (tmp_path, tmp_path / "missing", "a\0b"):
        with pytest.raises(ConfigurationError):
            load_config(path)


def test_memory_stays_bounded(tmp_path: Path) -> None:
    """A bomb of 9^9 texts within 512 MB of address space."""
    path = tmp_path / "bomb.yaml"
    path.write_text(bomb("abcdefghi"))
    code = f"""
import resource
from unified_logger import ConfigurationError, load_config
import yaml
resource.setrlimit(resource.RLIMIT_AS, (1 << 29, 1 << 29))
try:
    load_config({str(path)!r})
except ConfigurationError as error:
    print(len(str(error)) < 3000)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.stdout == "True\n", done.stderr
