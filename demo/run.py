"""The main job, for real: the guide's service under load, and its logs reconciled with what was sent.

Serves the guide's Flask application with several threads, drives it with requests over eight connections, and then finds
every request, failure and AI answer in the files. Ends with an exit code other than 0 if anything does not match.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import load

from unified_logger.reader import read_logs

HERE = Path(__file__).resolve().parent
GUIDE = HERE.parent / "docs" / "guide.zh-CN.md"
BURST = 100_000
MAX_BYTES = 2_000_000
ENVIRONMENT = {
    "UNIFIED_LOGGER_MAX_BYTES": str(MAX_BYTES),
    "UNIFIED_LOGGER_BACKUP_COUNT": "500",
    "UNIFIED_LOGGER_COMPRESS": "zstd",
    # At a port that the system chooses.
    "UNIFIED_LOGGER_METRICS": json.dumps({"port": 0}),
    "UNIFIED_LOGGER_RECORD_METRICS": json.dumps(
        {
            "orders_total": {"type": "count", "loggers": ["wechat_backend.shop"]},
            "answer_seconds": {
                "type": "histogram",
                "field": "latency_ms",
                "scale": 0.001,
                "loggers": ["wechat_backend.ai"],
                "buckets": [0.005, 0.05, 0.5],
            },
        }
    ),
}
# The message of the record that is shown of each file.
SHOWN = {"app.log": "处理成功", "errors.log": "处理失败", "ai_responses.log": "模型回答"}
COLOR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")

Record = dict[str, Any]


class Checks:
    """Compares what should be with what is, line by line."""

    def __init__(self) -> None:
        self.failed: list[str] = []

    def equal(self, what: str, expected: object, found: object) -> None:
        """A number that must be met exactly."""
        self._line(what, expected == found, f"{found}" if expected == found else f"{found}, expected {expected}")

    def that(self, what: str, holds: bool, shown: str) -> None:
        """A promise that must hold."""
        self._line(what, holds, shown)

    def _line(self, what: str, good: bool, shown: str) -> None:
        mark = "ok" if good else "MISMATCH"
        if COLOR:
            mark = f"\033[{32 if good else 31}m{mark}\033[0m"
        print(f"  {what:<58} {shown:<28} {mark}")
        if not good:
            self.failed.append(what)


def title(text: str) -> None:
    """A heading."""
    print(f"\n\033[1m{text}\033[0m" if COLOR else f"\n{text}", flush=True)


def guide_code(marker: str) -> str:
    """The one code block of the guide that holds `marker`."""
    blocks = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    (block,) = (block for block in blocks if marker in block)
    return str(block)


def prepare(folder: Path) -> None:
    """Cuts the application out of the guide, unchanged, and the teardown hook of its section on tracing."""
    (folder / "main.py").write_text(guide_code("# main.py"), encoding="utf-8")
    hooks = guide_code("@app.teardown_request")
    (folder / "teardown.py").write_text(hooks[hooks.index("# 在请求出口处清除上下文") :], encoding="utf-8")


def start(folder: Path, *command: str, **environment: str) -> tuple[subprocess.Popen[str], int]:
    """Starts a server that says its port on its first line."""
    with (folder / f"{Path(command[0]).stem}.err").open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=folder,
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line.strip():
        process.wait(10)
        sys.exit(f"{command[0]} did not start:\n{(folder / f'{Path(command[0]).stem}.err').read_text()}")
    return process, int(line)


def stop(process: subprocess.Popen[str]) -> int:
    """Ends a server this program started."""
    process.terminate()
    return process.wait(30)


def read(folder: Path, name: str) -> list[Record]:
    """The records of a file and of those it was rotated to, packed or not, oldest first; none if there is no such file."""
    return [line.record or {} for line in read_logs(folder, files=name)] if (folder / name).exists() else []


def wait_for_packing(folder: Path) -> None:
    """Waits until the service has packed what it has rotated, a minute at most."""
    deadline = time.monotonic() + 60
    while any(path.suffix != ".zst" for path in folder.glob("*.log.*")) and time.monotonic() < deadline:
        time.sleep(0.1)


def percentile(values: list[int], share: float) -> float:
    """Microseconds below which that share of (sorted, nanosecond) values lies."""
    return values[min(len(values) - 1, int(len(values) * share))] / 1_000


def show(folder: Path, files: dict[str, list[Record]]) -> None:
    """The tree, and a record of each file."""
    title("logs/")
    names = sorted(folder.iterdir(), key=lambda path: (path.name.split(".")[0], len(path.name), path.name))
    shown = [path for path in names if not path.name.startswith(".")]
    for path in shown[:6] + shown[-4:] if len(shown) > 12 else shown:
        print(f"  {path.name:<24} {path.stat().st_size:>10,} bytes")
    if len(shown) > 12:
        print(f"  … and {len(shown) - 10} more")
    for name, records in files.items():
        title(f"a record of {name}")
        chosen = dict(next((record for record in records if record["message"] == SHOWN[name]), {}))
        if "exception" in chosen:
            chosen["exception"] = {**chosen["exception"], "traceback": "…", "frames": "…"}
        print("  " + json.dumps(chosen, ensure_ascii=False))


def reconcile(checks: Checks, sent: list[load.Sent], files: dict[str, list[Record]]) -> None:
    """Every request against what is in the files."""
    app, errors, ai = files["app.log"], files["errors.log"], files["ai_responses.log"]
    by_trace: dict[str, list[Record]] = defaultdict(list)
    for record in app:
        by_trace[record.get("trace_id", "")].append(record)
    marked: dict[str, list[Record]] = defaultdict(list)
    for record in app:
        if "marker" in record and record["message"] != "burst":
            marked[record["marker"]].append(record)
    traces = {one.marker: {record.get("trace_id", "") for record in marked[one.marker]} for one in sent}
    kinds = Counter(one.kind for one in sent)

    checks.equal("requests sent", sum(load.KINDS.values()), len(sent))
    checks.equal("answered 200", kinds["order"] + kinds["chat"], sum(one.status == 200 for one in sent))
    checks.equal("answered 500", kinds["failure"], sum(one.status == 500 for one in sent))
    given = [one for one in sent if one.header is not None]
    checks.equal(
        "requests with a header, found by their trace id",
        len(given),
        sum(traces[one.marker] == {one.header} for one in given),
    )
    without = [one for one in sent if one.header is None]
    own = {next(iter(traces[one.marker])) for one in without if len(traces[one.marker]) == 1}
    checks.equal("requests without one, each with an id of its own", len(without), len(own))
    checks.equal("of these, ids that belong to another request", 0, len(own & {one.header for one in given}))
    checks.equal(
        "ids the service answered that are not those in the logs",
        0,
        sum(one.answered is not None and traces[one.marker] != {one.answered} for one in sent),
    )
    calls = {
        "order": ["收到聊天请求", "处理成功"],
        "chat": ["收到聊天请求", "处理成功"],
        "failure": ["收到聊天请求", "处理失败"],
    }
    whole = sum(
        len(traces[one.marker]) == 1
        and [
            record["message"]
            for record in by_trace[next(iter(traces[one.marker]))]
            if record["logger"] == "wechat_backend.api"
        ]
        == calls[one.kind]
        for one in sent
    )
    checks.equal("requests whose records are all there, in order", len(sent), whole)
    failures = {one.marker: one for one in sent if one.kind == "failure"}
    in_errors = Counter(record.get("trace_id", "") for record in errors)
    checks.equal("records in errors.log", len(failures), len(errors))
    checks.equal(
        "failures found there by their trace id",
        len(failures),
        sum(in_errors[next(iter(traces[marker]), "")] == 1 for marker in failures),
    )
    structured = sum(
        record.get("exception", {}).get("type") == "HTTPError" and bool(record["exception"]["frames"])
        for record in errors
    )
    checks.equal("with their exception, structured", len(failures), structured)
    asked = kinds["chat"] + kinds["failure"]
    checks.equal("records in ai_responses.log", asked + kinds["chat"], len(ai))
    in_app = [record for record in app if record["logger"] == "wechat_backend.ai"]
    checks.equal("the same there as in app.log, ids included", True, ai == in_app)
    answers = {record["marker"]: record for record in ai if record["message"] == "模型回答"}
    right = sum(
        one.kind == "chat"
        and load.QUESTIONS[one.number % len(load.QUESTIONS)] in answers.get(one.marker, {}).get("gen_ai.completion", "")
        for one in sent
    )
    checks.equal("AI answers there, with their Chinese text", kinds["chat"], right)
    library = sum(record["logger"] == "urllib3.connectionpool" and " 503 " in record["message"] for record in app)
    checks.equal("failures as a third-party library logged them", kinds["failure"], library)


def find(checks: Checks, logs: Path, sent: list[load.Sent], app: list[Record]) -> None:
    """A request of the beginning by its trace id, which is in a packed file by now."""
    first = next(record["trace_id"] for record in app if record.get("marker") == sent[0].marker)
    before = time.perf_counter()
    found = list(read_logs(logs, files="app.log", trace_id=first))
    took = (time.perf_counter() - before) * 1_000
    for line in found:
        record = line.record or {}
        print(f"  {line.file:<16} {record.get('timestamp', '')[11:23]}  {line.level:<7} {record.get('message', '')}")
    plain = [record for record in app if record.get("trace_id") == first]
    checks.equal("records of a request, found by its trace id", len(plain), len(found))
    checks.equal("the same as are read without the index", True, plain == [line.record for line in found])
    packed = sorted(logs.glob("app.log.*.zst"))
    checks.that("found in a packed file", bool(found) and found[0].file.endswith(".zst"), found[0].file)
    checks.that(f"without unpacking the other {len(packed) - 1}, in under 100 ms", took < 100, f"{took:.1f} ms")


def ask(checks: Checks, logs: Path, sent: list[load.Sent], app: list[Record]) -> None:
    """Five questions of an operator, answered by the command line, and reconciled with what was sent."""
    kinds = Counter(one.kind for one in sent)

    def answer(question: str, *arguments: str) -> list[Record]:
        shown = shlex.join(arguments)
        print(f"  {question}\n    unified-logger {shown} {logs.name}")
        before = time.perf_counter()
        command = [sys.executable, "-m", "unified_logger", *arguments, str(logs)]
        done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", timeout=60, check=False)
        took = (time.perf_counter() - before) * 1_000
        if done.returncode:
            raise RuntimeError(done.stderr)
        print(f"    answered in {took:,.0f} ms")
        return [json.loads(line) for line in done.stdout.splitlines()]

    [told] = answer("How much was logged, and at which levels?", "stats", "--json")
    checks.equal("records at ERROR", kinds["failure"], told["levels"].get("ERROR"))
    checks.equal("records in all", len(app), told["records"])
    failed = answer("What went wrong last?", "tail", "-l", "error", "-n", "3", "-o", "json")
    checks.equal("the last errors", ["ERROR"] * 3, [record["level"] for record in failed])
    rows = answer(
        "How slow are answers?",
        "query",
        "logger=wechat_backend.ai and latency_ms exists | count, p99 latency_ms as p99",
        "--json",
    )
    checks.equal("answers with a latency", kinds["chat"], rows[0]["count"])
    trace = failed[-1]["trace_id"]
    [tree] = answer("What did the request do that failed last?", "trace", trace, "--json")
    checks.equal("the trace of that request", trace, tree["trace_id"])
    values = answer("Which loggers are there?", "values", "logger", "--json")
    loggers = Counter(str(record.get("logger")) for record in app)
    found = {row["value"]: row["records"] for row in values}
    checks.equal(f"the {len(loggers)} loggers, and how many records each has", True, found == dict(loggers))


def scrape(url: str) -> dict[str, float]:
    """What the service answers to a scrape: values by the names and labels of their series."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {series: float(value) for series, _, value in lines}


def compare_metrics(checks: Checks, sent: list[load.Sent], metrics: dict[str, float], app: list[Record]) -> None:
    """The metrics of the service against what was sent, and against its files."""
    kinds = Counter(one.kind for one in sent)
    checks.equal("orders_total, from records", kinds["order"], int(metrics["orders_total"]))
    checks.equal("answer_seconds_count, from a field", kinds["chat"], int(metrics["answer_seconds_count"]))
    of_level = 'unified_logger_records_accepted_total{level="%s"}'
    checks.equal("accepted at ERROR", kinds["failure"], int(metrics[of_level % "ERROR"]))
    of_file = 'unified_logger_records_written_total{file="%s"}'
    checks.equal("lines written to errors.log", kinds["failure"], int(metrics[of_file % "errors"]))
    # The file has what was logged after the scrape, too: the end of the service.
    lines = int(metrics[of_file % "app"])
    last = str(app[lines - 1].get("message")) if 0 < lines <= len(app) else "nothing"
    checks.that("lines written to app.log, all of them there", 0 < lines <= len(app), f"{lines:,}: {last[:14]}")


def main() -> int:
    """Runs the demo.

    Returns:
        The exit code.
    """
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="unified_logger-demo-") as name:
        folder = Path(name)
        prepare(folder)
        title("Serving the guide's application (waitress, 8 threads) beside a model server")
        model, model_port = start(folder, str(HERE / "model_server.py"))
        service, port = start(folder, str(HERE / "service.py"), str(model_port), **ENVIRONMENT)
        try:
            print(f"  listening on 127.0.0.1:{port}; sending {sum(load.KINDS.values()):,} requests …", flush=True)
            sent, seconds = load.send_all(port)
            print(f"  answered in {seconds:.1f} s ({len(sent) / seconds:,.0f} requests/s)")
            burst = load.post(port, "/demo/burst", {"count": BURST, "marker": "burst"})
            state: dict[str, Any] = load.post(port, "/demo/state", None)
            metrics = scrape(state["metrics_url"])
            wait_for_packing(folder / "logs")
        finally:
            code = stop(service)
            stop(model)
        logs = folder / "logs"
        files = {name: read(logs, name) for name in ("app.log", "errors.log", "ai_responses.log")}
        show(logs, files)

        title("Reconciled with what was sent")
        reconcile(checks, sent, files)

        title("Scraped, and reconciled with the same")
        compare_metrics(checks, sent, metrics, files["app.log"])

        title("A request in the packed files")
        find(checks, logs, sent, files["app.log"])

        title("Asked on the command line")
        ask(checks, logs, sent, files["app.log"])

        title("Speed and safety")
        checks.that("all requests in under a minute", seconds < 60, f"{seconds:.1f} s")
        latencies = state["latencies_ns"]
        p99 = percentile(latencies, 0.99)
        checks.that(
            f"log calls inside the service, p99 of {len(latencies):,}, < 1 ms",
            p99 < 1_000,
            f"{p99:,.1f} us (p50 {percentile(latencies, 0.5):,.1f} us)",
        )
        numbers = [record["number"] for record in files["app.log"] if record["message"] == "burst"]
        rate = BURST / float(str(burst["total_s"]))
        checks.that("burst, to the last byte on disk, > 10,000 records/s", rate > 10_000, f"{rate:,.0f} records/s")
        checks.equal("flushed before it was counted", True, bool(burst["on_disk"] and state["flushed"]))
        checks.equal("burst records on disk, in order, none lost", True, numbers == list(range(BURST)))
        stats = state["stats"]
        checks.that(
            "rotations of app.log, at least 3",
            stats["files"]["app"]["rotations"] >= 3,
            f"{stats['files']['app']['rotations']}",
        )
        sizes: Counter[str] = Counter()
        for line in read_logs(logs, files="app.log"):
            sizes[line.file] += len(line.raw) + 1
        largest = max(sizes.values())
        checks.that(f"no file above its {MAX_BYTES:,} bytes, unpacked", largest <= MAX_BYTES, f"{largest:,} bytes")
        packed = [path.stat().st_size for path in logs.glob("app.log.*.zst")]
        checks.that("rotated files of app.log that are packed, all", len(packed) == len(sizes) - 1, f"{len(packed)}")
        share = sum(packed) / (sum(sizes.values()) - sizes["app.log"])
        checks.that("and take less than a tenth", share < 0.1, f"{share:.1%}")
        checks.equal(
            "accepted = written + dropped + failed",
            stats["accepted"],
            stats["written"] + stats["dropped"] + stats["failed"],
        )
        checks.equal("records lost", 0, stats["dropped"] + stats["failed"])
        checks.equal("exit code of the service", 0, code)
    if checks.failed:
        print(f"\n{len(checks.failed)} did not match: {'; '.join(checks.failed)}")
        return 1
    print("\nEvery request, failure and answer is where it belongs.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
