"""Imports the orders of a CSV file; those that cannot be read are told and passed over."""

import csv
import sys
from pathlib import Path

from unified_logger import get_logger, init_logging, span

init_logging()
logger = get_logger("orders")

with Path(sys.argv[1]).open(newline="") as file, span("import orders", logger=logger, file=file.name):
    for row in csv.DictReader(file):
        order = logger.bind(order_id=row["id"])
        try:
            order.info("order imported", total=float(row["total"]))
        except ValueError:
            order.exception("order refused")
