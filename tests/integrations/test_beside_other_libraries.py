"""What docs/beside.md says about libraries that log in ways of their own, shown with the libraries themselves."""

from __future__ import annotations

import json
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from kinds import Records

from unified_logger import LoggingContext, set_level

PATIENCE = 30


@pytest.fixture
def bucket() -> Iterator[str]:
    """A server on loopback that takes anything."""

    class Takes(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        do_GET = do_PUT

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Takes)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def of(records: Records, *loggers: str) -> list[dict[str, Any]]:
    """The records of these loggers and those below."""
    return [
        record for record in records() if (record["logger"] + ".").startswith(tuple(f"{name}." for name in loggers))
    ]


ECHO = """
import sys
from sqlalchemy import create_engine, text
from unified_logger import init_logging
init_logging(log_dir="logs", console_format="text", **eval(sys.argv[1]))
{before}
engine = create_engine("sqlite://", **eval(sys.argv[2]))
with engine.connect() as connection:
    connection.execute(text("select :card"), {{"card": "s3cret"}})
"""
KEPT = "import logging; logging.getLogger('sqlalchemy.engine.Engine').addHandler(logging.NullHandler())"


@pytest.mark.parametrize(
    ("before", "options", "engine", "on_stdout", "is_secret"),
    [
        ("", {}, {"echo": True}, 1, False),
        ("", {"levels": {"sqlalchemy.engine": "INFO"}}, {"hide_parameters": True}, 0, True),
        (KEPT, {}, {"echo": True, "hide_parameters": True}, 0, True),
    ],
    ids=["echo", "levels", "echo with a handler"],
)
def test_statements_of_sqlalchemy(
    before: str,
    options: Any,
    engine: Any,
    on_stdout: int,
    is_secret: bool,
    run_python: Callable[..., Any],
    tmp_path: Path,
) -> None:
    """`echo=True` shows each line twice, by a handler of its own; levels show it once. Parameters are there unless they are hidden."""
    pytest.importorskip("sqlalchemy")
    done = run_python(ECHO.format(before=before), repr(options), repr(engine))
    text = (tmp_path / "logs" / "app.log").read_text("utf-8")
    assert done.stdout.count("select ?") == on_stdout
    assert done.stderr.count("select ?") == text.count("select ?") == 1
    assert ("s3cret" not in text) is is_secret


def test_jobs_of_apscheduler(logger: Any, records: Records) -> None:
    """Its records and the exceptions of jobs are there once. A job has no context of its own unless it begins one."""
    pytest.importorskip("apscheduler")
    from apscheduler.schedulers.background import BackgroundScheduler

    done = threading.Barrier(4)

    def plain() -> None:
        logger.info("plain")
        done.wait(PATIENCE)

    @LoggingContext(job="nightly")
    def in_context() -> None:
        logger.info("in a context")
        done.wait(PATIENCE)

    def fail() -> None:
        try:
            raise ValueError("job broke")
        finally:
            done.wait(PATIENCE)

    scheduler = BackgroundScheduler()
    with LoggingContext(tenant="caller"):
        scheduler.start()
        for job in (plain, in_context, fail):
            scheduler.add_job(job)
    done.wait(PATIENCE)
    # The scheduler removes a job after it has begun, and fails if a shutdown comes between.
    assert scheduler.get_jobs() == []
    scheduler.shutdown()
    by_message = {record["message"]: record for record in records() if record["logger"] == "app"}
    assert "trace_id" not in by_message["plain"]
    assert "tenant" not in by_message["plain"]
    assert by_message["in a context"]["job"] == "nightly"
    assert "trace_id" in by_message["in a context"]
    (failed,) = [record for record in records() if "exception" in record]
    assert (failed["logger"], failed["level"]) == ("apscheduler.executors.default", "ERROR")
    assert failed["exception"]["message"] == "job broke"


def put(bucket: str) -> None:
    """Stores an object with boto3."""
    import boto3

    client = boto3.client(
        "s3",
        endpoint_url=bucket,
        region_name="eu-west-1",
        aws_access_key_id="AKIAIOSFODNN7EXAMPLE",
        aws_secret_access_key="wJalrXUtnFEMI-s3cret",
        aws_session_token="t0ken-s3cret",
    )
    client.put_object(Bucket="b", Key="k", Body=b"1")


def test_details_of_boto3_stay_out(start: Callable[..., Any], records: Records, bucket: str) -> None:
    """Where everything else is at DEBUG: the signature and the session token would be in its records."""
    pytest.importorskip("boto3")
    start(log_level="DEBUG", console_format="off", suppress_loggers=["boto3", "botocore", "urllib3", "s3transfer"])
    put(bucket)
    assert of(records, "boto3", "botocore", "urllib3", "s3transfer") == []
    set_level("botocore", "DEBUG")
    try:
        put(bucket)
    finally:
        set_level("botocore", None)
    assert "t0ken-s3cret" in json.dumps(of(records, "botocore"))


def test_details_of_boto3_are_redacted(start: Callable[..., Any], records: Records, bucket: str) -> None:
    """The rules of this library know the token and the keys, also inside of the text of a request."""
    pytest.importorskip("boto3")
    start(log_level="DEBUG", console_format="off", redaction=True)
    put(bucket)
    found = json.dumps(of(records, "botocore"))
    assert "security-token" in found.lower()
    assert "t0ken-s3cret" not in found
    assert "AKIAIOSFODNN7EXAMPLE" not in found


def test_a_stream_logger_of_boto3_is_a_handler_more(
    start: Callable[..., Any], records: Records, bucket: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """`set_stream_logger` shows the same lines without format, on standard error; in the files they are once."""
    pytest.importorskip("boto3")
    import boto3

    start(console_format="off")
    target = logging.getLogger("botocore.endpoint")
    try:
        boto3.set_stream_logger("botocore.endpoint")
        put(bucket)
    finally:
        target.handlers.clear()
        target.setLevel(logging.NOTSET)
    found = of(records, "botocore.endpoint")
    assert found
    assert capfd.readouterr().err.count("Making request for OperationModel") == 1
    assert sum("Making request for" in record["message"] for record in found) == 1


ENV = """
from alembic import context
from sqlalchemy import create_engine
{logging}

with create_engine("sqlite:///here.db").connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
INI = """
[alembic]
script_location = migrations
[loggers]
keys = root,alembic
[handlers]
keys = console
[formatters]
keys = plain
[logger_root]
level = WARNING
handlers = console
[logger_alembic]
level = INFO
handlers =
qualname = alembic
[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = plain
[formatter_plain]
format = plain %(message)s
"""
MIGRATE = """
import logging
from alembic import command
from alembic.config import Config
from unified_logger import get_logger, init_logging

init_logging(log_dir="logs", console_format="off")
logger = get_logger("shop")
command.upgrade(Config("alembic.ini"), "head")
logger.info("after the migrations")
logging.getLogger("shop.standard").info("of the standard library")
"""


def test_migrations_of_alembic(run_python: Callable[..., Any], tmp_path: Path) -> None:
    """Without `fileConfig` in env.py its records are in the files, and the application's own stay as they are."""
    pytest.importorskip("alembic")
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    (versions / "first.py").write_text("revision = '1'\ndown_revision = None\ndef upgrade(): pass\n", "utf-8")
    (tmp_path / "alembic.ini").write_text(INI, "utf-8")
    env = "from unified_logger import init_logging\ninit_logging(log_dir='logs', console_format='off')"
    (tmp_path / "migrations" / "env.py").write_text(ENV.format(logging=env), "utf-8")
    done = run_python(MIGRATE)
    records = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text("utf-8").splitlines()]
    assert any(record["logger"].startswith("alembic.runtime") for record in records)
    assert [record["message"] for record in records][-2:] == ["after the migrations", "of the standard library"]
    assert "plain" not in done.stderr


PROGRESS = """
import time
from tqdm import tqdm
from tqdm.contrib.logging import logging_redirect_tqdm
from unified_logger import get_logger, init_logging

init_logging(log_dir="logs", console_format="off")
logger = get_logger("shop")
with logging_redirect_tqdm():
    for number in tqdm(range(3), mininterval=0, ascii=True):
        logger.info("order %d", number, order=number)
"""


def test_a_progress_bar_of_tqdm_stays_whole(run_python: Callable[..., Any], tmp_path: Path) -> None:
    """Tqdm prints the messages above its bar, and the files have the records with their fields."""
    pytest.importorskip("tqdm")
    done = run_python(PROGRESS)
    lines = [line.rpartition("\r")[2].strip() for line in (done.stdout + done.stderr).split("\n")]
    for number in range(3):
        assert f"order {number}" in lines
    records = [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text("utf-8").splitlines()]
    assert [record["order"] for record in records] == [0, 1, 2]


def test_queries_of_urllib3_stay_out(start: Callable[..., Any], records: Records, bucket: str) -> None:
    """It logs each request with its query at DEBUG."""
    requests = pytest.importorskip("requests")
    start(log_level="DEBUG", console_format="off", levels={"urllib3": "INFO"})
    session = requests.Session()
    session.trust_env = False
    session.get(f"{bucket}/orders?token=s3cret", timeout=PATIENCE)
    assert "s3cret" not in json.dumps(records())
    set_level("urllib3", "DEBUG")
    try:
        session.get(f"{bucket}/orders?token=s3cret", timeout=PATIENCE)
    finally:
        set_level("urllib3", None)
    session.close()
    assert "s3cret" in json.dumps(of(records, "urllib3"))


# Notebooks


class Kernel:
    """A kernel of a notebook, in a directory."""

    def __init__(self, folder: Path) -> None:
        from jupyter_client.manager import KernelManager

        self.manager = KernelManager()
        self.manager.kernel_spec.argv[0] = sys.executable
        self.manager.start_kernel(cwd=str(folder))
        self.connect()

    def connect(self) -> None:
        self.client: Any = self.manager.client()
        self.client.start_channels()
        self.client.wait_for_ready(timeout=60)

    def run(self, code: str) -> str:
        """Runs a cell; what it printed."""
        shown = []

        def note(message: dict[str, Any]) -> None:
            if message["msg_type"] == "stream":
                shown.append(message["content"]["text"])

        self.client.execute_interactive(code, output_hook=note, timeout=60)
        return "".join(shown)

    def restart(self) -> None:
        """As the button does."""
        self.client.stop_channels()
        self.manager.restart_kernel()
        self.connect()

    def end(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Kernel]:
    """A kernel that has just started."""
    pytest.importorskip("ipykernel")
    kernel = Kernel(tmp_path)
    yield kernel
    kernel.end()


START = "from unified_logger import flush_logging, get_logger, init_logging; init_logging(log_dir='logs'); logger = get_logger('notebook')"


def test_a_notebook(kernel: Kernel, tmp_path: Path) -> None:
    """Records are shown below their cell, exceptions of cells are records, a cell may be run again, and a restarted kernel goes on."""

    def records() -> list[dict[str, Any]]:
        return [json.loads(line) for line in (tmp_path / "logs" / "app.log").read_text("utf-8").splitlines()]

    kernel.run(START)
    assert "order received" in kernel.run("logger.info('order received', number=7); flush_logging(10)")
    kernel.run("1 / 0")
    kernel.run(START)
    shown = kernel.run("logger.info('again'); flush_logging(10)")
    assert shown.count("again") == 1
    kernel.run("logger.info('before the restart')")
    kernel.restart()
    kernel.run(START)
    kernel.run("logger.info('after the restart'); flush_logging(10)")
    deadline = time.monotonic() + PATIENCE
    wanted = ["order received", "uncaught exception", "again", "before the restart", "after the restart"]
    while [record["message"] for record in records() if record["message"] in wanted] != wanted:
        assert time.monotonic() < deadline, [record["message"] for record in records()]
        time.sleep(0.05)
    # Orderly: no recovery was needed.
    assert not [record for record in records() if record.get("recovered")]
    (uncaught,) = [record for record in records() if record["message"] == "uncaught exception"]
    assert uncaught["exception"]["type"] == "ZeroDivisionError"


def test_a_module_that_is_loaded_again_logs_once(kernel: Kernel, tmp_path: Path) -> None:
    """`%autoreload` runs a changed module again, `get_logger` and `init_logging` included."""
    text = "from unified_logger import get_logger, init_logging\ninit_logging(log_dir='logs')\nlogger = get_logger('shop')\n"
    module = tmp_path / "shop.py"
    module.write_text(text + "def work():\n    logger.info('first')\n", "utf-8")
    kernel.run("%load_ext autoreload\n%autoreload 2\nimport shop\nshop.work()")
    module.write_text(text + "def work():\n    logger.info('second, which is longer')\n", "utf-8")
    kernel.run("import os; os.utime('shop.py', (2_000_000_000, 2_000_000_000))")
    kernel.run("shop.work()")
    kernel.run("from unified_logger import flush_logging; flush_logging(10)")
    lines = (tmp_path / "logs" / "app.log").read_text("utf-8").splitlines()
    assert [json.loads(line)["message"] for line in lines] == ["first", "second, which is longer"]
