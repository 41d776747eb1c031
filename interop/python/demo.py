"""The Python side of `celeriac demo`: a real Celery application on a folder.

    demo.py produce   sends every task and prints what AsyncResult.get() gave, with CELERIAC_DEMO_JSON as JSON
    demo.py work      serves the tasks until it is told to stop

The folder is named by CELERIAC_DEMO_FOLDER.
"""

import json
import os
import sys
import time

from celery import Celery

FOLDER = os.environ["CELERIAC_DEMO_FOLDER"]

app = Celery("demo", broker="filesystem://", backend=f"file://{FOLDER}/results")
app.conf.update(
    broker_transport_options={
        "data_folder_in": f"{FOLDER}/messages",
        "data_folder_out": f"{FOLDER}/messages",
        "control_folder": f"{FOLDER}/control",
    },
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
)


@app.task(name="demo.add")
def add(*numbers):
    return sum(numbers)


@app.task(name="demo.multiply")
def multiply(*numbers):
    product = 1
    for number in numbers:
        product *= number
    return product


@app.task(name="demo.sum_ints")
def sum_ints(numbers):
    return sum(numbers)


@app.task(name="demo.sum_floats")
def sum_floats(numbers):
    return sum(numbers)


@app.task(name="demo.concat")
def concat(parts):
    return "".join(parts)


@app.task(name="demo.split")
def split(text):
    return list(text)


@app.task(name="demo.panic_task")
def panic_task():
    raise RuntimeError("oops")


@app.task(name="demo.long_running_task")
def long_running_task(seconds):
    time.sleep(seconds)


# Task, arguments, the result or the exception that is expected.
EXCHANGES = [
    ("add", [2, 3], 5),
    ("multiply", [2, 3, 7], 42),
    ("sum_ints", [[1, 2, 3, 4]], 10),
    ("sum_floats", [[1.5, 2.25]], 3.75),
    ("concat", [["foo", "bår", "🥕"]], "foobår🥕"),
    ("split", ["abc"], ["a", "b", "c"]),
    ("panic_task", [], RuntimeError("oops")),
    ("long_running_task", [1.0], None),
]


def produce():
    failures = 0
    for task, arguments, expected in EXCHANGES:
        result = app.send_task(f"demo.{task}", arguments)
        try:
            got = result.get(timeout=60)
        except Exception as error:  # what the task raised, rebuilt by Celery
            got = error
        call = f"{task}({', '.join(map(repr, arguments))})"
        right = repr(got) == repr(expected)
        failures += not right
        if os.environ.get("CELERIAC_DEMO_JSON"):
            exchange = {"route": "Python → Swift", "call": call, "value": repr(got), "right": right}
            print(json.dumps(exchange | {"expected": repr(expected)}), flush=True)
            continue
        print(f"Python → Swift   {call:<36} {got!r}{'' if right else f'   expected {expected!r}'}", flush=True)
    return failures


if __name__ == "__main__":
    if sys.argv[1:] == ["produce"]:
        sys.exit(1 if produce() else 0)
    elif sys.argv[1:] == ["work"]:
        app.worker_main(["worker", "--pool=solo", "--loglevel=ERROR", "--without-mingle", "--without-gossip"])
    else:
        sys.exit(__doc__)
