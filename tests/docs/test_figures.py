"""The figures of `make bench`: how much is measured, what is said of it, and that the pages show what was recorded."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[2]
BENCHES = PROJECT / "benches"
sys.path.append(str(BENCHES))

import shared  # noqa: E402  from benches/
from comparison import goals, measure, recorded, report, run, sizes  # noqa: E402

GOAL = goals.Goal("less", "seconds", 10, 5, lambda results: None, why="It waits.")
MORE = goals.Goal("more", "records", 10, 20, lambda results: None, more=True)


@pytest.mark.parametrize(
    ("per_record", "expected"),
    [(0.0, 200_000), (1e-6, 200_000), (1e-5, 100_000), (1e-4, 10_000), (0.1, 1_000)],
)
def test_slow_contenders_write_fewer_records(per_record: float, expected: int) -> None:
    """As many as fit into the time, but neither too few to mean something nor more than a fast one writes."""
    assert sizes.records(per_record, 1.0, 200_000) == expected


def test_four_threads_share_the_records_evenly() -> None:
    """The number can be divided by four, also where it is cut."""
    assert sizes.records(1.0, 1.0, 1_003) == 1_000
    assert sizes.records(1 / 1_234, 1.0, 5_000) % 4 == 0


@pytest.mark.parametrize(
    ("per_call", "calls", "rounds"), [(0.0, 5_000, 30), (1e-5, 5_000, 20), (1e-4, 2_000, 5), (1.0, 250, 5)]
)
def test_slow_contenders_make_fewer_and_shorter_rounds(per_call: float, calls: int, rounds: int) -> None:
    """Five rounds at least, of as many calls as leave time for five."""
    assert sizes.loop(per_call, 1.0, sizes.LOOP) == calls
    assert sizes.rounds(per_call, calls, 1.0, 30) == rounds


def test_what_two_runs_have_in_common_is_no_part_of_a_speed() -> None:
    """A contender that waits 0.2 s at every flush is not taken for a slow one."""
    assert sizes.slope(200, 0.2 + 200e-6, 2_000, 0.2 + 2_000e-6) == pytest.approx(1e-6)
    assert sizes.slope(200, 0.2, 2_000, 0.1) == 0.0


@pytest.mark.parametrize(
    ("goal", "seen", "verdict"),
    [
        (GOAL, 5.0, "stretch reached"),
        (GOAL, 5.1, "reached"),
        (GOAL, 10.1, "not reached"),
        (MORE, 20.0, "stretch reached"),
        (MORE, 10.0, "reached"),
        (MORE, 9.9, "not reached"),
        (MORE, None, "not measured"),
    ],
)
def test_verdicts(goal: goals.Goal, seen: float | None, verdict: str) -> None:
    """A bound is kept by a figure that equals it, on the side that is better."""
    assert goal.verdict(seen) == verdict


def test_a_figure_short_of_its_stretch_has_its_reason_below_the_table() -> None:
    """And one that reached it has not."""
    assert "- seconds. It waits." in goals.table([GOAL], {"less": 7.0})
    assert "It waits." not in goals.table([GOAL], {"less": 5.0})


def test_every_goal_with_a_stretch_has_a_reason_ready() -> None:
    """The page can say why, whichever figure is short."""
    assert [
        goal.key for goal in goals.goals(cores=4, free_threaded=True) if goal.stretch is not None and not goal.why
    ] == []


def test_stretch_of_threads_and_processes_needs_a_machine_for_it() -> None:
    """Four processes can be faster together on four cores only, threads only without the interpreter's lock."""
    narrow = {goal.key: goal.stretch for goal in goals.goals(cores=2, free_threaded=False)}
    wide = {goal.key: goal.stretch for goal in goals.goals(cores=4, free_threaded=True)}
    assert (narrow["processes"], narrow["threads"]) == (None, None)
    assert (wide["processes"], wide["threads"]) == (1.5, 1.5)


def bench(group: str, **more: Any) -> dict[str, dict[str, Any]]:
    """One result by its group."""
    return {group: {"group": group, **more}}


def test_who_loses_lines_has_no_rate() -> None:
    """Records that are thrown away are no records on disk, however fast."""
    throughput = {"min": 1.0, "records": 100, "expected": 200}
    assert goals.rate({"any": bench("throughput", lines=200, **throughput)}, "any", "throughput") == 100
    assert goals.rate({"any": bench("throughput", lines=199, **throughput)}, "any", "throughput") is None


def test_native_programs_have_their_rows_when_they_are_there() -> None:
    """Ours is compared with the better of the two to disk, and with the call of C++."""
    ours = bench("call", min=1.0, loop=100) | bench("throughput", min=1.0, records=4_000)
    native = {
        "rust_tracing": bench("throughput", min=1.0, records=1_000),
        "cpp_spdlog": bench("throughput", min=1.0, records=500) | bench("call", min=2.0, loop=100),
    }
    found = goals.goals(cores=2, free_threaded=False)
    alone, beside = goals.figures(found, {"ours": ours}), goals.figures(found, {"ours": ours, **native})
    assert "native" not in alone
    assert "tracing in Rust" not in goals.table(found, alone)
    assert (beside["native"], beside["call_cpp"]) == (4.0, 0.5)
    assert "| ≥ 3 | ≥ 4 | 4 | stretch reached |" in goals.table(found, beside)


@pytest.mark.parametrize(
    ("goal", "now", "said"),
    [
        (GOAL, 11.4, "+14%"),
        (GOAL, 11.6, "WORSE"),
        (GOAL, 8.0, "BETTER"),
        (MORE, 11.6, "BETTER"),
        (MORE, 8.0, "WORSE"),
        (MORE, None, "missing"),
    ],
)
def test_changes_beyond_noise_are_marked(goal: goals.Goal, now: float | None, said: str) -> None:
    """With the side they changed to; those within it are only told."""
    line = goals.changes([goal], {goal.key: 10.0}, {} if now is None else {goal.key: now}, same_machine=True)
    assert line.splitlines()[-1].rstrip().endswith(said) or said.startswith("+")
    assert said in line
    assert said.isupper() or not {"BETTER", "WORSE"} & set(line.split())


def test_seconds_of_another_machine_are_not_compared() -> None:
    """Ratios are."""
    absolute = goals.Goal("ms", "milliseconds", 10, 5, lambda results: None, absolute=True)
    text = goals.changes([GOAL, absolute], {"less": 1.0, "ms": 1.0}, {"less": 1.0, "ms": 9.0}, same_machine=False)
    assert "milliseconds" not in text
    assert "seconds" in text
    assert "1 figures" in text


def test_the_best_pass_counts_and_lines_of_all_passes_add_up() -> None:
    """A line that is missing in a slow pass is missing."""
    merged = bench("call", min=1.0, loop=5, lines=9, expected=10, parsed=9, whole=9)
    measure.merge(
        merged, [{"group": "call", "min": 2.0, "loop": 7, "lines": 8, "expected": 10, "parsed": 8, "whole": 8}]
    )
    assert merged["call"] == {
        "group": "call",
        "min": 1.0,
        "loop": 5,
        "lines": 17,
        "expected": 20,
        "parsed": 17,
        "whole": 17,
    }
    assert "3 lines are missing" in report.remarks("loguru_plain", merged)


def test_of_paced_passes_the_one_with_the_shortest_tail_counts() -> None:
    """They all take the same time; the percentiles stay those of one pass."""
    merged = bench("paced", min=1.0, **{"p50": 1, "p99.9": 30})
    measure.merge(merged, [{"group": "paced", "min": 1.1, "p50": 2, "p99.9": 20}])
    assert (merged["paced"]["p50"], merged["paced"]["p99.9"]) == (2, 20)


@pytest.mark.parametrize(
    ("name", "lines", "more", "broken"),
    [
        ("ours", 10, {}, []),
        ("ours", 9, {}, ["ours"]),
        ("ours", 10, bench("notes", reason="it stopped"), ["ours"]),
        ("loguru_plain", 9, {}, []),
    ],
)
def test_only_what_is_wrong_with_ours_fails_the_run(name: str, lines: int, more: Any, broken: list[str]) -> None:
    """A line of ours that is missing does, a figure or another library's lines do not."""
    results = {name: bench("throughput", min=9e9, records=10, expected=10, lines=lines) | more}
    assert run.failed(recorded.Run("", "", 2, "3.11.7", False, {}, results)) == broken


FAKE = '''
"""A program."""
TITLE = "fake program"
OMITS = ""
KIND = "program"

def run(folder, *, rounds, records, seconds):
    assert folder.is_dir()
    {body}
    lines = {{"lines": records, "expected": records, "parsed": records, "whole": records}}
    return [
        {{"group": "call", "min": 1e-3, "loop": rounds}},
        {{"group": "throughput", "min": seconds, "records": records, "cpu_s_per_million": 0.5, **lines}},
    ]
'''


@pytest.fixture
def contenders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of contenders of this test's own."""
    folder = tmp_path / "contenders"
    folder.mkdir()
    (folder / "__init__.py").touch()
    monkeypatch.setattr(shared, "HERE", tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(BENCHES)]))
    return folder


def measured(timeout: float) -> recorded.Run:
    """Two passes of the contender `fake`."""
    amount = measure.Amount(rounds=4, records=1_000, seconds=2.0, budget=1.0, timeout=timeout)
    return run.measured([["fake"], ["fake"]], amount, {})


def test_a_program_measures_itself(contenders: Path) -> None:
    """A contender of that kind is run by its own function, and its row is like any other."""
    (contenders / "fake.py").write_text(FAKE.format(body=""), encoding="utf-8")
    assert run.prepare(["fake"]) == {}
    found = measured(timeout=60)
    assert found.failures == {}
    assert found.results["fake"]["call"]["loop"] == 4
    row = report.table(found).splitlines()[-1]
    assert row.startswith("| fake program | 250,000 |")
    assert "| 500 |" in row
    assert "| 2,000 / 2,000 |" in row


@pytest.mark.parametrize(
    ("body", "timeout", "said"),
    [
        ("raise RuntimeError('no | compiler')", 60, "does not run: RuntimeError: no \\| compiler"),
        ("import os; os.kill(os.getpid(), 11)", 60, "does not run: ends with SIGSEGV"),
        ("import threading; threading.Event().wait()", 2, "does not run: hangs: it was ended after 2 s"),
    ],
)
def test_a_contender_that_fails_has_a_row_that_says_so(contenders: Path, body: str, timeout: float, said: str) -> None:
    """Whether it raises, dies or hangs."""
    (contenders / "fake.py").write_text(FAKE.format(body=body), encoding="utf-8")
    assert report.table(measured(timeout)).splitlines()[-1].endswith(f"| {said} |")


@pytest.mark.parametrize("page", report.PAGES, ids=lambda page: page.name)
def test_pages_show_what_is_recorded(page: Path) -> None:
    """The figures on a page are those of docs/benchmarks/comparison.json."""
    last = recorded.last()
    assert last is not None
    shown = re.search(r"<!-- figures -->\n(.*)\n<!-- /figures -->", page.read_text(encoding="utf-8"), re.DOTALL)
    assert shown is not None
    assert shown[1] == report.PAGES[page](last)
