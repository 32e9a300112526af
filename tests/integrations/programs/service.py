"""An application of FastAPI with an answer of each kind."""

import asyncio
import os

from fastapi import BackgroundTasks, FastAPI, WebSocket
from fastapi.responses import FileResponse, StreamingResponse

from unified_logger import get_logger, init_logging
from unified_logger.integrations.fastapi import install

init_logging(log_dir="logs", overflow_timeout=60)
log = get_logger("app")
app = FastAPI()
install(app, skip=["/ready"])


@app.get("/ready")
async def ready() -> str:
    return str(os.getpid())


@app.get("/numbers/{number}")
async def number(number: int, tasks: BackgroundTasks) -> int:
    for _ in range(2):
        log.info("step", number=number)
        await asyncio.sleep(0)
    await asyncio.create_task(nested(number))
    tasks.add_task(log.info, "background", number=number)
    return os.getpid()


async def nested(number):
    log.info("task", number=number)


@app.get("/threads/{number}")
def thread(number: int) -> int:
    log.info("thread", number=number)
    return os.getpid()


@app.get("/fails")
async def fails():
    raise ValueError("no such order")


@app.get("/fails-later")
async def fails_later(tasks: BackgroundTasks):
    def failing():
        raise KeyError("later")

    tasks.add_task(failing)


@app.get("/stream")
async def stream():
    async def pieces():
        for _ in range(3):
            yield b"ab"

    return StreamingResponse(pieces())


@app.get("/file")
async def file():
    return FileResponse("logging.json")


@app.get("/endless")
async def endless():
    async def pieces():
        while True:
            yield b"x" * 65536
            await asyncio.sleep(0)

    return StreamingResponse(pieces())


@app.websocket("/echo/{room}")
async def echo(socket: WebSocket, room: str):
    await socket.accept()
    while True:
        await socket.send_text(await socket.receive_text())
