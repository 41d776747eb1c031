"""The Python worker of a run: Celery as it comes, with one task, which writes to the ledger as ChaosWorker does."""
import os
import time

from celery import Celery
from celery.signals import task_received
from kombu import Queue

LEDGER = os.open(os.environ["CHAOS_LEDGER"], os.O_WRONLY | os.O_APPEND)
QUEUE = os.environ["CHAOS_QUEUE"]
# In a pool's process the parent is who holds messages.
HOLDER = os.getpid()


def note(event, task):
    os.write(LEDGER, f"{time.monotonic_ns()} {HOLDER} {event} {task}\n".encode())


def name_of(args):
    return next((arg for arg in args if isinstance(arg, str)), "unknown")


quorum = {"x-queue-type": "quorum"} if os.environ["CHAOS_QUEUE_TYPE"] == "quorum" else None
app = Celery("chaos", broker=os.environ["CHAOS_BROKER"], backend=os.environ["CHAOS_RESULTS"])
app.conf.update(
    task_default_queue=QUEUE,
    task_queues=[Queue(QUEUE, exchange=QUEUE, routing_key=QUEUE, queue_arguments=quorum)],
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={"visibility_timeout": float(os.environ["CHAOS_CLAIM"])},
)


@task_received.connect
def receive(request=None, **_):
    note("received", name_of(request.args))


@app.task(name="chaos.run")
def run(*args):
    name = name_of(args)
    note("begin", name)
    time.sleep(sum(name.encode()) % 30 / 1000)
    note("end", name)
    return 1
