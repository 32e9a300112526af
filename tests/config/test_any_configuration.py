"""Any file and any environment is a configuration or one error of ours that says where it is wrong: no other, and no hang."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from untimed import settings

from unified_logger import ConfigurationError, init_logging, load_config
from unified_logger.config import resolve
from unified_logger.config.layout import LAYOUT
from unified_logger.config.sections import OPTIONS

# Against hangs only: a file of this size is read in less than a second.
SECONDS = 60
LARGEST = 20_000
# What ends a line of YAML.
LINES = "\r\n|[\r\n\x85\u2028\u2029]"


@contextmanager
def ending() -> Iterator[None]:
    """Fails in place of hanging."""
    if os.name != "posix":
        yield
        return

    def give_up(*_: object) -> None:
        pytest.fail("it does not end")  # no `Exception`: nothing on the way keeps it

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def refusal(call: Callable[[], object]) -> ConfigurationError | None:
    """The one error there may be."""
    try:
        with ending():
            call()
    except ConfigurationError as error:
        return error
    return None


@pytest.fixture(scope="module")
def check(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], None]:
    """Reads a file of these bytes and resolves what it holds."""
    path = tmp_path_factory.mktemp("configuration") / "logging.yaml"

    def check(content: bytes) -> None:
        path.write_bytes(content)
        error = refusal(lambda: resolve({}, file=load_config(path), file_path=str(path), environ={}))
        if error is None:
            return
        told = str(error)
        assert told.startswith(str(path)), told
        assert error.key
        assert len(told.split("\n")) <= 2
        assert all(map(str.isprintable, told.split("\n")))
        assert len(told) < 3_000
        if error.line is not None:
            assert 1 <= error.line <= len(re.split(LINES, content.decode("utf-8", "replace")))

    return check


def keys_of(layout: dict[str, Any]) -> Iterator[str]:
    """Every key there can be."""
    for key, below in layout.items():
        yield key
        if isinstance(below, dict):
            yield from keys_of(below)


KEYS = sorted({*keys_of(LAYOUT), "<<", "y", "null", "1"})
any_text = st.text() | st.text(st.sampled_from("0123456789-+.eExob_:ai \u0661\uff11"), max_size=12)
# What YAML gives a meaning of its own, among keys and values that may stand in a file.
token = (
    st.sampled_from(KEYS)
    | st.sampled_from([*"-?:,[]{}#&*!|>'\"%@`~\n\t \\", "\n  ", "\n    - ", ": ", "\n? ", "---\n", "...\n", "\r\n"])
    | st.sampled_from(["&a ", "*a", "<<: *a", "!!int ", "!!binary ", "!!set ", "!!python/name:os.system ", "!x "])
    | st.sampled_from(["2024-99-99", "0x", "1e999", ".nan", "1:60", "0o8", "~", "yes", '"\\ud800"', "\ufeff", "\u2028"])
    | st.text(max_size=3)
)
leaf = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | any_text
    | st.dates()
    | st.binary(max_size=5)
    | st.sampled_from(
        ["INFO", "10MB", "1.5GiB", "640", "block", "~nobody-of-this-name/logs", "..", "a/.b", "off", "utf-8"]
    )
)


def block(layout: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Of the layout of a file, with values that fit and others."""
    return st.fixed_dictionaries(
        {},
        optional={
            "any key" if key == "*" else key: (block(below) | leaf if isinstance(below, dict) else values)
            for key, below in layout.items()
        },
    )


structure = st.recursive(
    leaf,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYS) | any_text | st.integers(), inner, max_size=5)
    ),
    max_leaves=20,
)
values = leaf | st.lists(leaf, max_size=3) | structure


@given(st.text() | st.binary().map(lambda content: content.decode("latin-1")))
def test_any_text_is_read_or_refused(check: Callable[[bytes], None], text: str) -> None:
    """Characters that no text has included."""
    check(text.encode("utf-8", "surrogatepass"))


@given(st.binary())
def test_any_bytes_are_read_or_refused(check: Callable[[bytes], None], content: bytes) -> None:
    """Of any encoding or none."""
    check(content)


@settings(max_examples=500)
@given(st.lists(token, max_size=40).map("".join))
def test_any_pieces_of_yaml_are_read_or_refused(check: Callable[[bytes], None], text: str) -> None:
    """In any order: anchors, tags, merges and keys where none belongs."""
    check(text.encode("utf-8", "surrogatepass"))


@settings(max_examples=30)
@given(st.lists(token, min_size=1, max_size=3).map("".join), st.sampled_from([100, 5_000, LARGEST]))
def test_any_piece_over_and_over_is_read_or_refused(check: Callable[[bytes], None], piece: str, size: int) -> None:
    """Nothing small is made to be slow or deep by saying it often."""
    check((piece * size)[:size].encode("utf-8", "surrogatepass"))


@settings(max_examples=300)
@given(block(LAYOUT) | structure)
def test_any_structure_is_read_or_refused(check: Callable[[bytes], None], document: Any) -> None:
    """Of the layout's own keys with any values, and of any shape; also where it has to fit together with the rest."""
    check(yaml.safe_dump(document, allow_unicode=True).encode("utf-8", "surrogatepass"))


VARIABLES = sorted(variable for option in OPTIONS.values() for variable in option.variables)
# What an environment can hold; bytes that are no UTF-8 come as halves of surrogates.
held = st.binary(max_size=8).map(lambda value: os.fsdecode(value.replace(b"\0", b"")))
near = st.sampled_from(
    ["true", "OFF", "info", "10MB", "640", "a,b", "~nobody-of-this-name/logs", "~", "block", " ", "1e999"]
)


def refused_by_name(environ: dict[str, str]) -> None:
    """Takes it, or refuses it by an error that names the variable, one of those that were given."""
    error = refusal(lambda: resolve({}, environ=environ))
    if error is None:
        return
    told = str(error)
    assert any(told.startswith(f"environment variable {name}: ") for name in environ), told
    assert len(told.split("\n")) <= 2
    assert all(map(str.isprintable, told.split("\n")))
    assert len(told) < 1_000


@pytest.mark.parametrize("variable", VARIABLES)
@given(text=any_text | held | near | st.floats().map(str))
def test_any_value_of_a_variable_is_taken_or_refused(variable: str, text: str) -> None:
    """Seen to fail with a directory that cannot be resolved told without its variable."""
    refused_by_name({variable: text})


@given(st.dictionaries(st.sampled_from(VARIABLES), any_text | held | near, min_size=2))
def test_any_environment_is_taken_or_refused(environ: dict[str, str]) -> None:
    """Several variables, that must fit together."""
    refused_by_name(environ)


@given(st.text(min_size=1))
def test_any_variable_that_is_none_of_ours_is_refused_by_its_name(name: str) -> None:
    """A misspelt one must not pass in silence."""
    variable = f"UNIFIED_LOGGER_{name}"
    if variable in VARIABLES:
        return
    with pytest.raises(ConfigurationError) as caught:
        resolve({}, environ={variable: "1"})
    assert caught.value.key == variable
    assert caught.value.sentence.isprintable()


# Those whose every value is harmless to start with: no directory is made by them, and no gigabyte taken.
HARMLESS = [
    name
    for name in VARIABLES
    if name not in {"LOG_DIR", "UNIFIED_LOGGER_LOG_DIR", "LOG_QUEUE_SIZE", "UNIFIED_LOGGER_QUEUE_SIZE"}
    and "BLACK_BOX" not in name
]


@pytest.mark.parametrize("variable", HARMLESS)
@settings(max_examples=30)
@given(text=held | near)
def test_a_start_with_any_value_works_or_names_the_variable(
    tmp_path_factory: pytest.TempPathFactory, variable: str, text: str
) -> None:
    """What was taken is also what the engine and the fallback handlers can do with.

    Seen to fail (UnicodeEncodeError) with names in variables not looked at as those of files are.
    """
    log_dir: Path = tmp_path_factory.getbasetemp() / "any environment"

    def start() -> object:
        return init_logging(log_dir=str(log_dir), console_format="off", black_box="off")

    with mock.patch.dict(os.environ, {variable: text}):
        error = refusal(start)
    start()  # the native core is back
    assert error is None or str(error).startswith(f"environment variable {variable}: ")
