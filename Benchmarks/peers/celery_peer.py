"""Celery as a worker (`celery -A celery_peer worker`) and, run as a program, as a producer."""
import json
import os
import sys
import time

from bench_count import count
from celery import Celery

app = Celery("bench", broker=os.environ["BENCH_BROKER"], backend=os.environ.get("BENCH_RESULTS"))
app.conf.update(
    task_default_queue=os.environ["BENCH_QUEUE"],
    task_ignore_result="BENCH_RESULTS" not in os.environ,
    worker_prefetch_multiplier=int(os.environ.get("BENCH_MULTIPLIER", 4)),
    broker_connection_retry_on_startup=True,
)


@app.task(name="bench.add")
def add(x, y):
    count()
    return x + y


def produce(number):
    with app.producer_pool.acquire(block=True) as producer:
        add.apply_async((0, 0), producer=producer)  # connects and declares
        started, used = time.perf_counter(), time.process_time()
        for i in range(1, number):
            add.apply_async((i, i), producer=producer)
        seconds, cpu = time.perf_counter() - started, time.process_time() - used
    print(json.dumps({"seconds": seconds, "cpu": cpu, "number": number - 1}))


if __name__ == "__main__":
    produce(int(sys.argv[1]))
