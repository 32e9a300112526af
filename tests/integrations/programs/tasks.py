"""The tasks of an application of Celery."""

import os
import signal
import time
import uuid

from celery import Celery
from celery.exceptions import Ignore, Reject
from celery.utils.log import get_task_logger
from kombu.transport import filesystem
from kombu.utils.json import dumps

from unified_logger import LoggingContext, get_logger, init_logging  # noqa: F401 - programs take them from here
from unified_logger.integrations import celery

init_logging(log_dir="logs", console_format="off", overflow_timeout=60)
celery.install()

app = Celery("tasks", broker="filesystem://", backend="file://results")
app.conf.update(
    broker_transport_options={
        "data_folder_in": "queue",
        "data_folder_out": "queue",
        "control_folder": "control",
        "polling_interval": 0.01,
    },
    broker_connection_retry_on_startup=False,
    task_acks_late=True,
    worker_lost_wait=0.1,
    beat_schedule={"often": {"task": "tasks.work", "schedule": 0.1, "args": ("beat",)}},
    beat_max_loop_interval=0.1,
    worker_prefetch_multiplier=1,
)
logger = get_logger("app")
theirs = get_task_logger("theirs")


# A worker would take a message that the transport is still writing, and lose it: it is to see whole ones only.
def put(channel, queue, payload, **_):
    name = f"{time.monotonic_ns()}_{uuid.uuid4()}.{queue}.msg"
    with open(os.path.join("written", name), "w") as message:
        message.write(dumps(payload))
    os.rename(os.path.join("written", name), os.path.join("queue", name))


filesystem.Channel._put = put


@app.task
def work(unit=None):
    logger.info("ours", unit=unit)
    theirs.info("theirs")
    return os.getpid()


@app.task
def give(unit):
    logger.info("gives", unit=unit)
    work.delay(unit)


@app.task
def link(value, unit):
    logger.info("link", unit=unit)


@app.task(bind=True, max_retries=3, default_retry_delay=0)
def again(self, unit):
    logger.info("try", unit=unit, attempt=self.request.retries)
    if self.request.retries < 2:
        raise self.retry(exc=ValueError("not yet"), countdown=0)


@app.task
def fail(unit):
    raise ValueError("broken")


@app.task(throws=(KeyError,))
def throw(unit):
    raise KeyError("expected")


@app.task
def ignore(unit):
    raise Ignore()


@app.task
def reject(unit):
    raise Reject("bad", requeue=False)


@app.task(acks_late=False)
def die(unit):
    for number in range(5):
        logger.info("last words", unit=unit, writer="dying", number=number)
    os.kill(os.getpid(), signal.SIGKILL)


@app.task
def wait(unit):
    logger.info("waiting", unit=unit)
    for _ in range(3000):
        if os.path.exists("go"):
            break
        __import__("time").sleep(0.01)
    logger.info("waited", unit=unit)
