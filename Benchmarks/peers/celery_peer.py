"""Celery as a worker (`celery -A celery_peer worker`) and, run as a program, as a producer: `produce NUMBER`, `latency RATE
SECONDS`, `chains NUMBER LENGTH` or `chords NUMBER SIZE`, which print one line of JSON."""
import json
import os
import sys
import time

from bench_count import count
from celery import Celery, chain, chord

WARM_UP = 5
PATIENCE = 60

app = Celery("bench", broker=os.environ["BENCH_BROKER"], backend=os.environ.get("BENCH_RESULTS"))
app.conf.update(
    task_default_queue=os.environ["BENCH_QUEUE"],
    task_ignore_result="BENCH_RESULTS" not in os.environ,
    worker_prefetch_multiplier=int(os.environ.get("BENCH_MULTIPLIER", 4)),
    broker_connection_retry_on_startup=True,
)


def microseconds():
    return time.monotonic_ns() // 1000


@app.task(name="bench.add")
def add(x, y):
    count()
    return x + y


@app.task(name="bench.age")
def age(sent):
    return microseconds() - sent


@app.task(name="bench.length")
def length(text):
    count()
    return len(text)


@app.task(name="bench.total")
def total(numbers):
    return sum(numbers)


def produce(number):
    with app.producer_pool.acquire(block=True) as producer:
        add.apply_async((0, 0), producer=producer)  # connects and declares
        started, used = time.perf_counter(), time.process_time()
        for i in range(1, number):
            add.apply_async((i, i), producer=producer)
        seconds, cpu = time.perf_counter() - started, time.process_time() - used
    return {"seconds": seconds, "cpu": cpu, "number": number - 1}


def latency(rate, seconds):
    """Sends one task after another at a steady rate and waits for each."""
    begun, ended, start = [], [], time.monotonic()
    for i in range(rate * seconds):
        if (pause := start + i / rate - time.monotonic()) > 0:
            time.sleep(pause)
        sent = microseconds()
        begun.append(age.apply_async((sent,)).get(timeout=PATIENCE))
        ended.append(microseconds() - sent)
    told = len(ended) // WARM_UP
    return {"sent": len(ended), "begun": percentiles(begun[told:]), "ended": percentiles(ended[told:])}


def percentiles(values):
    ordered = sorted(values)
    return {f"p{percent}": ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] for percent in (50, 99)}


def workflows(number, size, make, expected):
    """Sends workflows one after another and waits for each; the first one, which connects, is not timed."""
    for i in range(number + 1):
        if i == 1:
            started, used = time.perf_counter(), time.process_time()
        result = make(size).apply_async().get(timeout=PATIENCE)
        if result != expected:
            sys.exit(f"the result is {result} instead of {expected}")
    return {
        "seconds": time.perf_counter() - started, "cpu": time.process_time() - used, "number": number * size,
    }


def chains(number, size):
    return workflows(number, size, lambda size: chain(add.s(0, 1), *(add.s(1) for _ in range(size - 1))), size)


def chords(number, size):
    make = lambda size: chord([add.s(i, 1) for i in range(size)], total.s())  # noqa: E731
    return workflows(number, size, make, size * (size - 1) // 2 + size)


if __name__ == "__main__":
    verbs = {"produce": produce, "latency": latency, "chains": chains, "chords": chords}
    print(json.dumps(verbs[sys.argv[1]](*map(int, sys.argv[2:]))))
