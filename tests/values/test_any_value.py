"""Any value gives one valid line of JSON, and is read back equal where JSON can hold it."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from untimed import settings

from unified_logger import _core, flush_logging, get_logger, init_logging

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=200)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=8) | st.dictionaries(texts, inner, max_size=8), max_leaves=30
)


class Raises:
    """Raises wherever it can."""

    def __repr__(self) -> str:
        raise RuntimeError("repr")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("eq")

    def __hash__(self) -> int:
        return 1

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


odd = (
    st.floats()
    | st.binary(max_size=50)
    | st.text(max_size=50)
    | st.dates()
    | st.datetimes()
    | st.timedeltas()
    | st.uuids()
    | st.decimals()
    | st.fractions()
    | st.complex_numbers()
    | st.sets(st.integers(), max_size=5)
    | st.builds(Raises)
    | st.just(object)
    | st.just(print)
    | st.builds(ValueError, st.text(max_size=10))
)
any_values = st.recursive(
    scalars | odd,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5) | st.integers() | st.none() | st.tuples(st.integers()), inner, max_size=5)
    ),
    max_leaves=20,
)


@given(json_values)
def test_what_json_can_hold_is_read_back_equal(value: Any) -> None:
    """Nested to any depth."""
    line = _core.encode_value(value)
    assert "\n" not in line
    assert json.loads(line) == value


@given(any_values)
def test_any_value_is_one_valid_line(value: Any) -> None:
    """No duplicate keys, no bare NaN, no lone surrogates."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({key for key, _ in pairs}) == len(pairs)
        return dict(pairs)

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    line = _core.encode_value(value)
    assert "\n" not in line
    line.encode("utf-8")
    json.loads(line, object_pairs_hook=unique, parse_constant=refuse)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_keep_every_bit(value: float) -> None:
    """The shortest text that reads back as the same number."""
    read = json.loads(_core.encode_value(value))
    assert read == value
    assert math.copysign(1, read) == math.copysign(1, value)


@pytest.fixture(scope="module")
def app_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a logger that all examples share."""
    return tmp_path_factory.mktemp("logs") / "app.log"


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(message=st.text(), fields=st.dictionaries(st.text(min_size=1), any_values, max_size=6))
def test_any_call_is_one_valid_line_on_disk(
    app_log: Path, monkeypatch: pytest.MonkeyPatch, message: str, fields: dict[str, Any]
) -> None:
    """Through the queue and the writer, whatever the message and the names."""
    parameters = {"exc_info", "stack_info", "stacklevel", "extra"}
    init_logging(log_dir=str(app_log.parent), console_format="off")
    before = app_log.stat().st_size
    get_logger("app").info(message, **{name: value for name, value in fields.items() if name not in parameters})
    assert flush_logging(10)
    with app_log.open("rb") as file:
        file.seek(before)
        written = file.read()
    assert written.endswith(b"\n")
    assert written.count(b"\n") == 1
    record = json.loads(written)
    assert record["message"] == message.encode("utf-8", "backslashreplace").decode()
