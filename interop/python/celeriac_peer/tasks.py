"""What the worker can do. Every name starts with ``tasks.``."""
import builtins
import datetime
import decimal
import os
import time
import uuid

from celery.exceptions import Ignore, Reject

from celeriac_peer.app import app


class CustomError(Exception):
    """An exception of the application's own, with more than one argument."""

    def __init__(self, message, code):
        super().__init__(message, code)
        self.message = message
        self.code = code


def task(function=None, **options):
    """Registers a function as ``tasks.<its name>``."""
    if function is None:
        return lambda function: task(function, **options)
    return app.task(name=f"tasks.{function.__name__}", **options)(function)


# The eight tasks of the demo.


@task
def add(x, y):
    return x + y


@task
def multiply(x, y):
    return x * y


@task
def sum_ints(numbers):
    return sum(numbers)


@task
def sum_floats(numbers):
    return float(sum(numbers))


@task
def concat(strings):
    return "".join(strings)


@task
def split(text):
    return list(text)


@task
def panic_task():
    raise RuntimeError("oops")


@task
def long_running_task(seconds=1.0):
    time.sleep(seconds)


# How arguments arrive and values return.


@task
def echo(*args, **kwargs):
    return {"args": args, "kwargs": kwargs}


@task
def greet(name, greeting="Hello", *, mark="!"):
    return f"{greeting}, {name}{mark}"


@task
def rich(value):
    """Its argument. A Swift worker reads it into a type first."""
    return value


@task
def describe(*values):
    """The Python type and the repr of each argument."""
    return [[type(value).__name__, repr(value)] for value in values]


@task
def types():
    """One value of every type that JSON carries between Celery peers."""
    zone = datetime.timezone(datetime.timedelta(hours=5, minutes=30))
    return {
        "none": None,
        "true": True,
        "int": -3,
        "big": 2**70,
        "float": 1.5,
        "whole_float": 2.0,
        "text": "héllo \U0001f966 \u0000 \"\\",
        "list": [1, [2, []]],
        "object": {"a": {"b": None}},
        "datetime": datetime.datetime(2026, 11, 23, 12, 30, 15, 250000, datetime.timezone.utc),
        "datetime_offset": datetime.datetime(2026, 11, 23, 12, 30, 15, tzinfo=zone),
        "datetime_naive": datetime.datetime(2026, 11, 23, 12, 30, 15),
        "date": datetime.date(2026, 11, 23),
        "time": datetime.time(12, 30, 15, 250000),
        "decimal": decimal.Decimal("1.10"),
        "uuid": uuid.UUID("12345678-1234-5678-1234-567812345678"),
        "bytes": b"plain",
        "binary": b"\x00\xff\xfe",
    }


# What a message carries beside its arguments.


@task(bind=True)
def headers(self):
    """The custom headers of the message."""
    return self.request.headers


@task(bind=True)
def header(self, name):
    """One of them. Before Celery 5.3 they are attributes of the request."""
    return (self.request.headers or {}).get(name) or getattr(self.request, name, None)


@task(bind=True)
def request(self):
    """What the worker knows of the message."""
    seen = self.request
    info = seen.delivery_info or {}
    return {
        "id": seen.id,
        "root_id": seen.root_id,
        "parent_id": seen.parent_id,
        "group": seen.group,
        "retries": seen.retries,
        "eta": seen.eta,
        "expires": seen.expires,
        "timelimit": seen.timelimit,
        "hostname": seen.hostname,
        "origin": seen.origin,
        "reply_to": seen.reply_to,
        "correlation_id": seen.correlation_id,
        "ignore_result": seen.ignore_result,
        "exchange": info.get("exchange"),
        "routing_key": info.get("routing_key"),
        "priority": info.get("priority"),
        "redelivered": info.get("redelivered"),
        "headers": seen.headers,
    }


@task
def on_error(id, path):
    """An error callback that is sent: appends the id of what failed to a file."""
    with open(path, "a") as file:
        file.write(f"{id}\n")


@task(bind=True)
def record(self, path, text, seconds=0):
    """Appends a line to a file, after some time: shows which tasks ran, how often and in which order."""
    time.sleep(seconds)
    with open(path, "a") as file:
        file.write(f"{text}\n")
    return text


@task
def held(path, text, gate):
    """Says that it has begun, waits until the file `gate` exists, unless that is empty, and says which worker ran it."""
    with open(path + ".begun", "a") as file:
        file.write(f"{text} python\n")
    while gate and not os.path.exists(gate):
        time.sleep(0.02)
    with open(path, "a") as file:
        file.write(f"{text} python\n")
    return text


@task
def relay():
    """Sends a task from within one."""
    app.send_task("tasks.add", [1, 2], queue="celery")


@task
def slow(seconds):
    time.sleep(seconds)
    return seconds


@task(ignore_result=True)
def ignored(*_):
    return 1


# Tasks that do not succeed, or not at once.


@task
def fail(name, *args):
    """Raises a built-in exception by its name, or CustomError."""
    kind = CustomError if name == "CustomError" else getattr(builtins, name)
    raise kind(*args)


@task(bind=True, max_retries=None)
def retry_until(self, count, countdown=0.1):
    """Succeeds at the retry number `count`."""
    if self.request.retries < count:
        raise self.retry(countdown=countdown)
    return self.request.retries


@task(bind=True)
def retry_exhaust(self, max_retries=2, countdown=0.1):
    """Never succeeds."""
    raise self.retry(exc=ValueError("never good", self.request.retries), countdown=countdown, max_retries=max_retries)


@task(bind=True, acks_late=True)
def reject(self, requeue=False):
    raise Reject("not mine", requeue=requeue)


@task
def ignore():
    raise Ignore()


@task(acks_late=True, reject_on_worker_lost=False)
def exit_worker(status=1):
    """Ends the process that runs it."""
    os._exit(status)
