"""Answers questions."""

import asyncio
import time

from fastapi import FastAPI

from unified_logger import get_logger, init_logging
from unified_logger.integrations.fastapi import install

init_logging()
app = FastAPI()
install(app)
logger = get_logger("chat.ai")


def ask_model(question: str) -> str:  # in place of a model's client
    logger.info("asking the model")
    return {"when?": "in three days"}[question]


@app.get("/chat/{user}")
async def chat(user: str, question: str) -> dict[str, str]:
    logger.set_trace_context(user=user)
    started = time.perf_counter()
    answer = await asyncio.to_thread(ask_model, question)
    took = (time.perf_counter() - started) * 1000
    logger.ai("answered", model="demo-1", prompt=question, response=answer, latency_ms=took)
    return {"answer": answer}
