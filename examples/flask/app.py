"""A shop that takes orders."""

from flask import Flask

from unified_logger import LoggingContext, get_logger, init_logging, span
from unified_logger.integrations.flask import install

init_logging()
app = Flask(__name__)
install(app)
logger = get_logger("shop")


@app.get("/orders/<order_id>")
def order(order_id: str) -> dict[str, str]:
    with LoggingContext(order_id=order_id):
        logger.info("order received")
        with span("ask bank", logger=logger):
            if order_id == "A-13":
                raise ConnectionError("the bank does not answer")
    return {"order": order_id}
