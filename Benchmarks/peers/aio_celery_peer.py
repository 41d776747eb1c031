"""aio-celery as a worker (`aio_celery worker aio_celery_peer:app`) and, run as a program, as a producer."""
import asyncio
import json
import os
import sys
import time

from aio_celery import Celery
from bench_count import count

app = Celery()
app.conf.update(
    broker_url=os.environ["BENCH_BROKER"],
    result_backend=os.environ.get("BENCH_RESULTS"),
    task_default_queue=os.environ["BENCH_QUEUE"],
    task_ignore_result="BENCH_RESULTS" not in os.environ,
)


@app.task(name="bench.add")
async def add(x, y):
    count()
    return x + y


@app.task(name="bench.length")
async def length(text):
    count()
    return len(text)


async def produce(number):
    async with app.setup():
        await app.send_task("bench.add", args=(0, 0))  # connects and declares
        numbers = iter(range(1, number))

        async def sender():
            for i in numbers:
                await app.send_task("bench.add", args=(i, i))

        started, used = time.perf_counter(), time.process_time()
        await asyncio.gather(*(sender() for _ in range(100)))
        seconds, cpu = time.perf_counter() - started, time.process_time() - used
    print(json.dumps({"seconds": seconds, "cpu": cpu, "number": number - 1}))


if __name__ == "__main__":
    asyncio.run(produce(int(sys.argv[1])))
