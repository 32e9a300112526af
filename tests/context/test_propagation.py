"""Trace headers: read strictly, malformed ones ignored and counted, and written so that the other side reads the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trials
from hypothesis import strategies as st
from kinds import Records

from unified_logger import LoggingContext, UnifiedLogger, get_stats, trace_headers
from unified_logger.context import Scope
from unified_logger.context.propagation import begin, configure, extract, request_id, settings
from unified_logger.context.trace_formats import Carried, Remote, parse_traceparent, parse_tracestate

TRACE = "12345678901234567890123456789012"
SPAN = "1234567890123456"
PARENT = f"00-{TRACE}-{SPAN}-01"
KEYS = "abcdefghijklmnopqrstuvwxyz0123456789_-*/"
VALUES = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) not in ",=")


def ignored() -> int:
    """How many headers were ignored."""
    return int(get_stats()["trace_headers_ignored"])


@pytest.fixture(autouse=True)
def default_headers() -> Iterator[None]:
    """Each test begins and ends with the defaults."""
    before = settings()
    configure(("traceparent",), "X-Trace-ID")
    yield
    configure(before.headers, before.response_header)


# The cases of the specification's own test suite (https://github.com/w3c/trace-context, test/test.py), and some more.
@pytest.mark.parametrize(
    ("value", "flags"),
    [
        (PARENT, 1),
        (f"00-{TRACE}-{SPAN}-00", 0),
        (f"00-{TRACE}-{SPAN}-02", 2),
        (f"00-{TRACE}-{SPAN}-03", 3),
        (f"00-{TRACE}-{SPAN}-ff", 3),  # flags that nobody knows yet are not passed on
        (f"00-{TRACE}-{SPAN}-fc", 0),
        (f" {PARENT}", 1),
        (f"\t{PARENT}", 1),
        (f"{PARENT} ", 1),
        (f"{PARENT}\t", 1),
        (f"\t {PARENT} \t", 1),
        (f"cc-{TRACE}-{SPAN}-01", 1),
        (f"cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like", 1),
        (f"01-{TRACE}-{SPAN}-00-", 0),
        (f"fe-{TRACE}-{SPAN}-01--", 1),
    ],
)
def test_a_valid_traceparent_is_read(value: str, flags: int) -> None:
    """Ids and known flags; space around it and what later versions add are passed over."""
    assert parse_traceparent(value) == (TRACE, SPAN, flags)
    before = ignored()
    assert extract({"traceparent": value}) == Remote(TRACE, SPAN, Carried(flags))
    assert ignored() == before


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "-",
        "---",
        "00",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-",
        f"{PARENT}.",
        f"{PARENT}-",
        f"{PARENT}-what-the-future-will-be-like",
        f"cc-{TRACE}-{SPAN}-01.what-the-future-will-be-like",
        f"cc-{TRACE}-{SPAN}-010",
        f"ff-{TRACE}-{SPAN}-01",
        f".0-{TRACE}-{SPAN}-01",
        f"0.-{TRACE}-{SPAN}-01",
        f"000-{TRACE}-{SPAN}-01",
        f"0000-{TRACE}-{SPAN}-01",
        f"0-{TRACE}-{SPAN}-01",
        f"-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-.{TRACE[1:]}-{SPAN}-01",
        f"00-{TRACE[1:]}.-{SPAN}-01",
        f"00-{TRACE}3-{SPAN}-01",
        f"00-{TRACE[1:]}-{SPAN}-01",
        f"00-{'A' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-.{SPAN[1:]}-01",
        f"00-{TRACE}-{SPAN[1:]}.-01",
        f"00-{TRACE}-{SPAN}7-01",
        f"00-{TRACE}-{SPAN[1:]}-01",
        f"00-{TRACE}-{'B' * 16}-01",
        f"00-{TRACE}-{SPAN}-.0",
        f"00-{TRACE}-{SPAN}-0.",
        f"00-{TRACE}-{SPAN}-0A",
        f"00-{TRACE}-{SPAN}-001",
        f"00-{TRACE}-{SPAN}-1",
        f"CC-{TRACE}-{SPAN}-01",
        f"00_{TRACE}_{SPAN}_01",
        f"00--{TRACE}-{SPAN}-01",
        f"{PARENT},{PARENT}",  # two headers
        f"{PARENT}, {PARENT}",
        f"{PARENT}\n",
        f"\n{PARENT}",
        f"cc-{TRACE}-{SPAN}-01-\n",
        f"\x00{PARENT}",
        f"\u00a0{PARENT}",
        f"00-{'１' * 32}-{SPAN}-01",  # digits, but not of ASCII
        PARENT * 10_000,
    ],
)
def test_a_malformed_traceparent_is_ignored_and_counted(value: str) -> None:
    """A new trace begins; nothing of it is taken over, its state included."""
    before = ignored()
    assert extract({"traceparent": value, "tracestate": "foo=1"}) is None
    assert ignored() == before + 1


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("foo=1", "foo=1"),
        ("foo=1,bar=2", "foo=1,bar=2"),
        ("foo=1,bar=2,rojo=1,congo=2,baz=3", "foo=1,bar=2,rojo=1,congo=2,baz=3"),
        ("", ""),
        (" ", ""),
        (",", ""),
        ("foo=1,", "foo=1"),
        (",foo=1", "foo=1"),
        ("foo=1,,bar=2", "foo=1,bar=2"),
        ("foo=1, \t,bar=2", "foo=1,bar=2"),
        ("foo=1 \t , \t bar=2, \t baz=3", "foo=1,bar=2,baz=3"),
        ("foo=1\t \t,\t \tbar=2,\t \tbaz=3", "foo=1,bar=2,baz=3"),
        (" foo=1", "foo=1"),
        ("\tfoo=1", "foo=1"),
        ("foo=1 ", "foo=1"),
        ("foo=1\t", "foo=1"),
        ("\t foo=1 \t", "foo=1"),
        (f"{KEYS}={VALUES}", f"{KEYS}={VALUES}"),
        (f"{KEYS}@a-z0-9_-*/={VALUES}", f"{KEYS}@a-z0-9_-*/={VALUES}"),
        ("0tenant@v=1", "0tenant@v=1"),
        ("foo= 1", "foo= 1"),
        ("z" * 256 + "=1", "z" * 256 + "=1"),
        ("t" * 241 + "@" + "v" * 14 + "=1", "t" * 241 + "@" + "v" * 14 + "=1"),
        ("foo=" + "v" * 256, "foo=" + "v" * 256),
        (",".join(f"bar{n:02}={n:02}" for n in range(1, 33)), ",".join(f"bar{n:02}={n:02}" for n in range(1, 33))),
        (
            ",".join(f"bar{n:02}={n:02}" for n in range(1, 33)) + ",,",
            ",".join(f"bar{n:02}={n:02}" for n in range(1, 33)),
        ),
    ],
)
def test_a_valid_tracestate_goes_on(value: str, read: str) -> None:
    """In its order, without what carries nothing."""
    assert parse_tracestate(value) == read
    assert extract({"traceparent": PARENT, "tracestate": value}) == Remote(TRACE, SPAN, Carried(1, read))


@pytest.mark.parametrize(
    "value",
    [
        "foo",
        "=1",
        "foo=",
        "foo=,bar=3",
        "foo=bar=baz",
        "foo =1",
        "FOO=1",
        "Foo=1",
        "foo.bar=1",
        "0foo=1",
        "_foo=1",
        "foo@=1,bar=2",
        "@foo=1,bar=2",
        "foo@@bar=1,bar=2",
        "foo@bar@baz=1,bar=2",
        "foo@0bar=1",
        "foo=1,foo=1",
        "foo=1,foo=2",
        "foo=1,bar=2,foo=3",
        "foo=1;bar=2",
        "foo=1,bar",
        "foo=\u00e9",
        "f\u00f6o=1",
        "foo=a\tb",
        "foo=a\nb",
        "foo=1\n",
        "foo=\x7f",
        "foo=\x00",
        "foo=1," + "z" * 257 + "=1",
        "foo=1," + "t" * 242 + "@v=1",
        "foo=1,t@" + "v" * 15 + "=1",
        "foo=" + "v" * 257,
        ",".join(f"bar{n:02}={n:02}" for n in range(1, 34)),
        "," * 30_000,
    ],
)
def test_a_malformed_tracestate_is_left_out_and_counted(value: str) -> None:
    """The trace itself goes on."""
    before = ignored()
    assert extract({"traceparent": PARENT, "tracestate": value}) == Remote(TRACE, SPAN, Carried(1))
    assert ignored() == before + 1


def test_a_tracestate_without_a_trace_is_nothing() -> None:
    """It belongs to one."""
    assert extract({"tracestate": "foo=1"}) is None


def test_a_long_tracestate_is_shortened_as_the_specification_has_it() -> None:
    """Members of more than 128 characters first, then the last ones; what is short stays whole."""
    short = [f"s{number:02}={'v' * 100}" for number in range(16)]
    long = [f"l{number:02}={'v' * 200}" for number in range(16)]
    both = [member for pair in zip(short, long, strict=True) for member in pair]
    assert parse_tracestate(",".join(both)) == ",".join(short)
    assert parse_tracestate(",".join(long)) == ",".join(long)
    many = [f"m{number:02}={'v' * 124}" for number in range(32)]
    assert parse_tracestate(",".join(many)) == ",".join(many[:31])


def test_a_name_is_looked_for_in_lower_case() -> None:
    """Whoever reads the headers of a request gives them so."""
    assert extract({"trace-parent": PARENT, "Traceparent": PARENT}) is None
    assert extract({}) is None


B3 = ("b3",)


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"b3": f"{TRACE}-{SPAN}"}, Remote(TRACE, SPAN)),
        ({"b3": f"{TRACE}-{SPAN}-1"}, Remote(TRACE, SPAN, Carried(1))),
        ({"b3": f"{TRACE}-{SPAN}-0"}, Remote(TRACE, SPAN, Carried(0))),
        ({"b3": f"{TRACE}-{SPAN}-d"}, Remote(TRACE, SPAN, Carried(1))),
        ({"b3": f" {TRACE}-{SPAN}-1-{SPAN[::-1]} "}, Remote(TRACE, SPAN, Carried(1))),
        ({"b3": f"{SPAN}-{SPAN}-1"}, Remote("0" * 16 + SPAN, SPAN, Carried(1))),
        ({"x-b3-traceid": TRACE, "x-b3-spanid": SPAN, "x-b3-sampled": "1"}, Remote(TRACE, SPAN, Carried(1))),
        ({"x-b3-traceid": TRACE, "x-b3-spanid": SPAN, "x-b3-sampled": "0"}, Remote(TRACE, SPAN, Carried(0))),
        ({"x-b3-traceid": TRACE, "x-b3-spanid": SPAN, "x-b3-sampled": "false"}, Remote(TRACE, SPAN, Carried(0))),
        ({"x-b3-traceid": TRACE, "x-b3-spanid": SPAN, "x-b3-flags": "1"}, Remote(TRACE, SPAN, Carried(1))),
        ({"x-b3-traceid": SPAN}, Remote("0" * 16 + SPAN)),
        ({"b3": f"{TRACE}-{SPAN}", "x-b3-traceid": "f" * 32}, Remote(TRACE, SPAN)),
    ],
)
def test_b3_is_read(headers: dict[str, str], found: Remote) -> None:
    """In one header, which goes first, or in several."""
    configure(B3, "")
    assert extract(headers) == found


@pytest.mark.parametrize(
    "headers", [{"b3": "0"}, {"b3": "1"}, {"b3": "d"}, {"x-b3-sampled": "0"}, {"x-b3-spanid": SPAN}, {}]
)
def test_b3_may_have_no_trace(headers: dict[str, str]) -> None:
    """A decision alone is well-formed, and names none."""
    configure(B3, "")
    before = ignored()
    assert extract(headers) is None
    assert ignored() == before


@pytest.mark.parametrize(
    "headers",
    [
        {"b3": ""},
        {"b3": "2"},
        {"b3": TRACE},
        {"b3": f"{TRACE}-"},
        {"b3": f"{TRACE}-{SPAN}-"},
        {"b3": f"{TRACE}-{SPAN}-2"},
        {"b3": f"{TRACE}-{SPAN}-1-"},
        {"b3": f"{TRACE}-{SPAN}-1-{SPAN}-1"},
        {"b3": f"{'0' * 32}-{SPAN}-1"},
        {"b3": f"{'0' * 16}-{SPAN}-1"},
        {"b3": f"{TRACE}-{'0' * 16}-1"},
        {"b3": f"{TRACE[1:]}-{SPAN}-1"},
        {"b3": f"{'A' * 32}-{SPAN}-1"},
        {"b3": f"{TRACE}-{SPAN}-1\n"},
        {"b3": f"{TRACE}-{SPAN},{TRACE}-{SPAN}"},
        {"x-b3-traceid": "", "x-b3-spanid": SPAN},
        {"x-b3-traceid": "0" * 32, "x-b3-spanid": SPAN},
        {"x-b3-traceid": TRACE + "1", "x-b3-spanid": SPAN},
        {"x-b3-traceid": TRACE, "x-b3-spanid": ""},
        {"x-b3-traceid": TRACE, "x-b3-spanid": "0" * 16},
        {"x-b3-traceid": TRACE, "x-b3-spanid": SPAN + "\r\nX: y"},
    ],
)
def test_a_malformed_b3_is_ignored_and_counted(headers: dict[str, str]) -> None:
    """A new trace begins."""
    configure(B3, "")
    before = ignored()
    assert extract(headers) is None
    assert ignored() == before + 1


@pytest.mark.parametrize("name", ["x-trace-id", "X-Request-ID", "X-Correlation-Id"])
def test_a_header_may_hold_nothing_but_an_id(name: str) -> None:
    """It is kept as it is."""
    configure((name,), "")
    for value in ("7", "order-7", TRACE, "a" * 128, "{c0ffee}", "!~"):
        assert extract({name.lower(): f" {value}"}) == Remote(value)


@pytest.mark.parametrize(
    "value", ["", " ", "a b", "a" * 129, "a\nb", "a\r\nSet-Cookie: x=1", "\x1b[31m", "\u00e9", "a\x00", "a,b", "a, b"]
)
def test_a_malformed_id_is_ignored_and_counted(value: str) -> None:
    """Nothing that could act where it is shown, or in a header, is taken over."""
    configure(("x-trace-id", "x-request-id"), "")
    before = ignored()
    assert extract({"x-trace-id": value}) is None
    assert ignored() == before + 1
    assert request_id({"x-request-id": value}) is None


def test_the_first_of_the_configured_headers_counts() -> None:
    """A malformed one leaves the word to the next."""
    configure(("traceparent", "b3", "x-trace-id"), "")
    headers = {"traceparent": PARENT, "b3": f"{'b' * 32}-{SPAN}-1", "x-trace-id": "id"}
    found = []
    for broken in ("none", "traceparent", "b3", "x-trace-id"):
        if broken in headers:
            headers[broken] = "broken header"
        remote = extract(headers)
        found.append(None if remote is None else remote.trace_id)
    assert found == [TRACE, "b" * 32, "id", None]


def test_only_configured_headers_are_read() -> None:
    """By default `traceparent` alone; `wanted` names all that are looked at."""
    assert extract({"b3": f"{TRACE}-{SPAN}-1", "x-trace-id": "id", "x-request-id": "r"}) is None
    assert request_id({"x-request-id": "r"}) is None
    assert settings().wanted == ("traceparent", "tracestate")
    configure(("B3", "X-Trace-ID"), "")
    assert settings().wanted == ("b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags", "x-trace-id")


def test_a_request_id_is_kept_beside_the_trace() -> None:
    """It names the request; the trace comes from the header that has one."""
    configure(("traceparent", "x-request-id"), "")
    headers = {"traceparent": PARENT, "x-request-id": "r-1"}
    remote = extract(headers)
    assert remote is not None
    scope = Scope(begin(remote, {"request_id": request_id(headers)}))
    written = trace_headers()
    scope.leave()
    assert remote.trace_id == TRACE
    assert written["x-request-id"] == "r-1"
    assert written["traceparent"].startswith(f"00-{TRACE}-")


def test_a_request_has_nothing_of_what_is_current(logger: UnifiedLogger, records: Records) -> None:
    """Its trace is the one it came with, or a new one; the caller's span is the parent."""
    with LoggingContext(trace_id="left behind", stale=1):
        scope = Scope(begin(Remote(TRACE, SPAN), {"route": "/"}))
        logger.info("with a trace")
        scope.leave()
        scope = Scope(begin(None, {}))
        logger.info("without")
        scope.leave()
    first, second = records()
    assert (first["trace_id"], first["route"]) == (TRACE, "/")
    assert first["span_id"] != SPAN
    assert re.fullmatch("[0-9a-f]{32}", second["trace_id"])
    assert not {"stale", "route"} & set(second)
    assert "stale" not in first
    assert begin(Remote(TRACE, SPAN), {}).parent_span_id == SPAN


def test_headers_are_of_the_current_span() -> None:
    """The trace with its flags and state, and the span that is current; a child's is another."""
    scope = Scope(begin(Remote(TRACE, SPAN, Carried(0, "foo=1")), {}))
    outer = trace_headers()
    with LoggingContext(span_id="a" * 16):
        inner = trace_headers()
    scope.leave()
    assert re.fullmatch(f"00-{TRACE}-[0-9a-f]{{16}}-00", outer["traceparent"])
    assert outer["traceparent"].split("-")[2] != SPAN
    assert inner == {"traceparent": f"00-{TRACE}-{'a' * 16}-00", "tracestate": "foo=1"}
    assert trace_headers() == {}


def test_another_trace_carries_nothing_of_the_outer_one() -> None:
    """A scope that names its own trace begins with flags and state of its own."""
    scope = Scope(begin(Remote(TRACE, SPAN, Carried(0, "foo=1")), {}))
    with LoggingContext(trace_id="b" * 32, span_id="a" * 16):
        assert trace_headers() == {"traceparent": f"00-{'b' * 32}-{'a' * 16}-01"}
    scope.leave()


def test_each_configured_format_is_written() -> None:
    """What each can have."""
    configure(("traceparent", "b3", "X-Trace-ID", "X-Request-ID"), "")
    with LoggingContext(trace_id=TRACE, span_id=SPAN):
        assert trace_headers() == {"traceparent": PARENT, "b3": f"{TRACE}-{SPAN}-1", "x-trace-id": TRACE}
    with LoggingContext(trace_id="order-7", request_id="r"):
        assert trace_headers() == {"x-trace-id": "order-7", "x-request-id": "r"}


@pytest.mark.parametrize("trace_id", ["order-7", "A" * 32, "0" * 32, "1" * 31])
def test_an_id_of_another_kind_goes_into_the_header_for_ids(trace_id: str) -> None:
    """The one that responses have, if there is one."""
    with LoggingContext(trace_id=trace_id):
        assert trace_headers() == {"x-trace-id": trace_id}
        configure(("traceparent",), "")
        assert trace_headers() == {}


@pytest.mark.parametrize("trace_id", ["a b", "a\r\nX: y", "\u00e9", "a" * 129, "a,b"])
def test_an_id_that_no_header_takes_goes_nowhere(trace_id: str) -> None:
    """It is still that of the records here."""
    configure(("traceparent", "b3", "x-trace-id", "x-request-id"), "X-Trace-ID")
    with LoggingContext(trace_id=trace_id, request_id=trace_id):
        assert trace_headers() == {}
    with LoggingContext(trace_id=TRACE, span_id="no span", request_id=7):
        assert trace_headers() == {"x-trace-id": TRACE}


def test_ignored_headers_are_in_the_statistics(start: Callable[..., Any]) -> None:
    """As `trace_headers_ignored`."""
    start(console_format="off")
    before = get_stats()["trace_headers_ignored"]
    extract({"traceparent": "broken"})
    assert get_stats()["trace_headers_ignored"] == before + 1


FORMATS = ["traceparent", "b3", "x-trace-id", "x-request-id"]
NAMES = ["traceparent", "tracestate", "b3", "x-b3-traceid", "x-b3-spanid", "x-b3-sampled", "x-b3-flags", *FORMATS[2:]]
HEX = st.text("0123456789abcdef", min_size=1, max_size=40)
PARTS = st.one_of(HEX, st.sampled_from(["00", "ff", TRACE, SPAN, "01", "0" * 16, "0" * 32, ""]), st.text(max_size=5))
ALMOST = st.one_of(
    st.tuples(
        st.sampled_from(["00", "01", "fe", "ff", "0"]),
        st.sampled_from([TRACE, "0" * 32, "A" * 32]),
        st.sampled_from([SPAN, "0" * 16]),
        st.sampled_from(["00", "01", "ff", "1"]),
    ).map("-".join),
    st.sampled_from([f"{TRACE}-{SPAN}-0", TRACE, SPAN, "foo=1,bar=2", "0"]),
    st.lists(PARTS, max_size=6).map("-".join),
    st.lists(st.tuples(PARTS, PARTS).map("=".join), max_size=5).map(",".join),
    st.text(max_size=40),
)


UNTIMED = trials(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is slow with any example


@UNTIMED
@given(
    headers=st.dictionaries(st.sampled_from(NAMES), ALMOST, max_size=5),
    names=st.lists(st.sampled_from(FORMATS), min_size=1, unique=True),
)
def test_whatever_comes_nothing_raises_and_nothing_malformed_goes_on(headers: dict[str, str], names: list[str]) -> None:
    """What is read can be written, and what is written is well-formed and reads back as the same trace."""
    configure(tuple(names), "X-Trace-ID")
    remote = extract(headers)
    named = request_id(headers)
    scope = Scope(begin(remote, {} if named is None else {"request_id": named}))
    try:
        written = trace_headers()
    finally:
        scope.leave()
    for value in written.values():
        assert re.fullmatch(r"[\x20-\x7e]{1,4096}", value)
    if "traceparent" in written:
        assert parse_traceparent(written["traceparent"]) is not None
    if "tracestate" in written:
        assert parse_tracestate(written["tracestate"]) == written["tracestate"]
    if remote is not None:
        configure((*names, "x-trace-id"), "X-Trace-ID")
        back = extract(written)
        assert back is not None
        assert back.trace_id == remote.trace_id or back.trace_id == named
        if "traceparent" in written:
            parent = parse_traceparent(written["traceparent"])
            assert parent is not None
            assert parent[0] == remote.trace_id
            # An id that came in another header says nothing of flags.
            assert remote.carried is None or parent[2] == remote.carried.flags


MEMBERS = st.dictionaries(
    st.from_regex(r"[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13}", fullmatch=True),
    st.text(VALUES, min_size=1, max_size=256).filter(lambda value: not value.endswith(" ")),
    min_size=1,
    max_size=32,
)


@UNTIMED
@given(
    trace_id=st.integers(1, 2**128 - 1).map("{:032x}".format),
    span_id=st.integers(1, 2**64 - 1).map("{:016x}".format),
    flags=st.integers(0, 3),
    members=MEMBERS,
)
def test_what_is_valid_comes_back_as_it_was(trace_id: str, span_id: str, flags: int, members: dict[str, str]) -> None:
    """Ids, flags and the state, through a request and an outgoing call."""
    state = ",".join(f"{key}={value}" for key, value in members.items())
    remote = extract({"traceparent": f"00-{trace_id}-{span_id}-{flags:02x}", "tracestate": state})
    assert remote is not None
    assert (remote.trace_id, remote.span_id, remote.carried.flags) == (trace_id, span_id, flags)
    if len(state) <= 4096:
        assert remote.carried.state == state
    assert len(remote.carried.state) <= 4096
    scope = Scope(begin(remote, {}))
    try:
        back = extract(trace_headers())
    finally:
        scope.leave()
    assert back is not None
    assert (back.trace_id, back.carried) == (trace_id, remote.carried)
