"""A shop that charges orders in tasks; run by itself it sends two."""

from pathlib import Path

from celery import Celery

from unified_logger import LoggingContext, get_logger, init_logging
from unified_logger.integrations.celery import install

init_logging()
install()
logger = get_logger("shop")

app = Celery("app", broker="filesystem://localhost")
Path("queue").mkdir(exist_ok=True)  # in place of a broker
app.conf.broker_transport_options = dict.fromkeys(["data_folder_in", "data_folder_out", "control_folder"], "queue")


@app.task
def charge(order_id: str) -> None:
    logger.info("charging", order_id=order_id)
    if order_id == "A-13":
        raise ConnectionError("the bank does not answer")


if __name__ == "__main__":
    for order_id in ("A-7", "A-13"):
        with LoggingContext():
            logger.info("order received", order_id=order_id)
            charge.delay(order_id)
