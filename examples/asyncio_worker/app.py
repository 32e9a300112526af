"""Answers questions: one JSON object per line of standard input, until that ends or SIGTERM comes."""

import asyncio
import json
import signal
import sys

from unified_logger import LoggingContext, get_logger, init_logging, install_asyncio_handler, span

init_logging()
logger = get_logger("worker")


async def answer(question: str, trace_id: str) -> None:
    with LoggingContext(trace_id=trace_id):
        try:
            async with span("ask", logger=logger):
                await asyncio.sleep(0.02)  # in place of a model
                text = {"when?": "in three days"}[question]
            logger.ai("answered", model="demo-1", prompt=question, response=text)
        except Exception as error:
            logger.ai("not answered", model="demo-1", prompt=question, error=error)


async def main() -> None:
    install_asyncio_handler()
    loop, lines, running = asyncio.get_running_loop(), asyncio.StreamReader(), set()
    source, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    loop.add_signal_handler(signal.SIGTERM, source.close)  # what was read is still answered
    async for line in lines:
        task = asyncio.create_task(answer(**json.loads(line)))
        running.add(task)
        task.add_done_callback(running.discard)
    await asyncio.gather(*running)


asyncio.run(main())
