"""A producer and reader of results that is told what to do: one JSON object a line on standard input, one answer a line on
standard output, in the same order, until end of file.

Lines are written and read by kombu's JSON, so that datetimes, decimals, UUIDs and bytes pass as kombu's own objects with
``__type__``. An operation that raises is answered by ``{"failed": {"type", "module", "message", "traceback"}}``.

    {"op": "send", "task", "args", "kwargs", "options"}     -> {"id"}
        options: those of ``send_task``; ``link`` and ``link_error`` are lists of {"task", "args", "kwargs", "options"};
        ``eta`` may be text
    {"op": "send_many", "messages": [as for send]}          -> {"ids"}
    {"op": "publish", "headers", "body", "queue"}           -> {"published": null}: a message as it is, its body in JSON;
        "file_name": bytes of a name, which become text in the header argsrepr as Python reads names that are not UTF-8
    {"op": "canvas", "canvas"}                              -> {"id"}: of its last task
        canvas: {"task", "args", "kwargs", "options", "immutable"} | {"chain": [canvas]} | {"group": [canvas]}
        | {"chord": [canvas], "body": canvas} | {"chunks": [[argument]], "size", "task"}, each also with "link" and
        "link_error": [canvas]
    {"op": "trace", "canvas"}                               -> {"id", "trace"}: the same within a span ``root``, with the id
        of its trace; see ``traces.py``
    {"op": "save_group", "canvas"}                          -> {"id", "ids"}: sends a group and saves its result
    {"op": "restore_group", "id", "timeout"}                -> {"ids", "results"}: finds it again and joins it; null
    {"op": "get", "id", "timeout"}                          -> {"state", "result"}
                                                             | {"state", "error": {"type", "module", "args"}}
                                                             | {"state", "timeout": true}
    {"op": "get_many", "ids", "timeout"}                    -> {"results": [as for get]}, in that time all together
    {"op": "state", "id"}                                   -> {"state"}
    {"op": "forget", "id"}                                  -> {"forgotten": null}
    {"op": "ping", "timeout"}                               -> {"replies"}: waits until a worker answers
    {"op": "inspect", "method", "args", "timeout"}          -> {"replies"}; "destination" and "limit"
    {"op": "control", "command", "arguments", "timeout"}    -> {"replies"}; with "reply" false it does not wait;
        "destination", "pattern", "matcher" and "limit" as for ``broadcast``
    {"op": "revoke", "ids", "terminate", "signal"}          -> {"revoked": null}: ``app.control.revoke``
    {"op": "listen"}                                        -> {"listening": null}: from now on events are received
    {"op": "heard"}                                         -> {"events"}: the events received since the last time
    {"op": "purge"}                                         -> {"count"}
    {"op": "route", "cases": [{"task", "options"}]}         -> {"routes"}: where Celery would send each, as {"exchange",
        "routing_key", "declares", "priority"}, or {"refused": the name of the exception}
    {"op": "restore"}                                       -> {"restored": null}: what a worker does now and then, puts
        back the messages of a Redis broker whose claims have expired
    {"op": "crontab", "cases": [{"fields" | "line", "zone", "starts", "steps"}]}             -> {"answers"}
    {"op": "interval", "cases": [{"every", "relative", "zone", "starts", "steps"}]}          -> {"answers"}
        what Celery's schedules say, see ``schedules.py``
"""
import datetime
import os
import sys
import threading
import time
import traceback

from celery import chain, chord, group
from celery.exceptions import TimeoutError as CeleryTimeoutError
from celery.result import AsyncResult, GroupResult, ResultSet
from kombu.utils import json

from celeriac_peer import schedules, tasks  # noqa: F401  results rebuild exceptions only of modules that are imported
from celeriac_peer.app import app

# Kept so that the rpc backend, which knows results by weak references, finds them when their answers come.
sent = {}


def signature(step):
    return app.signature(
        step["task"], args=step.get("args") or [], kwargs=step.get("kwargs") or {}, **(step.get("options") or {})
    )


def send(request):
    options = dict(request.get("options") or {})
    if isinstance(options.get("eta"), str):
        options["eta"] = datetime.datetime.fromisoformat(options["eta"].replace("Z", "+00:00"))
    for name in ("link", "link_error"):
        if name in options:
            options[name] = [signature(step) for step in options[name]]
    result = app.send_task(request["task"], request.get("args") or [], request.get("kwargs") or {}, **options)
    sent[result.id] = result
    return result.id


def publish(request):
    if "file_name" in request:
        request["headers"]["argsrepr"] = f"('{os.fsdecode(bytes(request['file_name']))}',)"
    with app.producer_pool.acquire() as producer:
        producer.publish(
            request["body"], exchange="", routing_key=request["queue"], headers=request["headers"],
            content_type="application/json", content_encoding="utf-8", declare=[app.amqp.queues[request["queue"]]],
        )


def canvas(tree):
    if "chain" in tree:
        made = chain([canvas(step) for step in tree["chain"]])
    elif "group" in tree:
        made = group([canvas(step) for step in tree["group"]])
    elif "chord" in tree:
        made = chord([canvas(step) for step in tree["chord"]], canvas(tree["body"]))
    elif "chunks" in tree:
        made = signature(tree).chunks([tuple(item) for item in tree["chunks"]], tree["size"])
    else:
        made = signature(tree)
        made.set_immutable(bool(tree.get("immutable")))
    for callback in tree.get("link", []):
        made.link(canvas(callback))
    for errback in tree.get("link_error", []):
        made.link_error(canvas(errback))
    return made


def apply(tree):
    result = canvas(tree).apply_async()
    sent[result.id] = result
    return result.id


def traced(tree):
    from celeriac_peer import traces

    id, trace = traces.within_root(lambda: apply(tree))
    return {"id": id, "trace": trace}


def save_group(tree):
    result = canvas(tree).apply_async()
    sent[result.id] = result
    result.save()
    return {"id": result.id, "ids": [child.id for child in result.results]}


def restore_group(id, timeout):
    result = GroupResult.restore(id, app=app)
    if result is None:
        return {"ids": None}
    return {"ids": [child.id for child in result.results], "results": result.join(timeout=timeout)}


def result_of(id):
    return sent.get(id) or AsyncResult(id, app=app)


def get(id, timeout):
    result = result_of(id)
    try:
        value = result.get(timeout=timeout)
    except CeleryTimeoutError:
        if not result.ready():
            return {"state": state(result), "timeout": True}
        raise
    except Exception as error:
        ended = failed(result)
        if ended is None:
            raise
        kind = type(error)
        return {
            "state": state(ended),
            "error": {"type": kind.__qualname__, "module": kind.__module__, "args": plain(error.args)},
        }
    return {"state": state(result), "result": value}


def state(result):
    """The state of a task, or of a group, which has none of its own."""
    if not isinstance(result, ResultSet):
        return result.state
    if result.failed():
        return "FAILURE"
    return "SUCCESS" if result.ready() else "PENDING"


def failed(result):
    """What has ended with an error: the task, or one before it in its chain, after whose failure it never runs."""
    if result.ready() or result.failed():
        return result
    before = result.parent
    while before is not None and not before.failed():
        before = before.parent
    return before


def plain(args):
    """The arguments of an exception, those that JSON cannot carry as their repr."""
    values = []
    for arg in args:
        try:
            json.dumps(arg)
            values.append(arg)
        except Exception:
            values.append(repr(arg))
    return values


def get_many(request):
    deadline = time.monotonic() + request["timeout"]
    return [get(id, max(0.001, deadline - time.monotonic())) for id in request["ids"]]


def ping(timeout):
    deadline = time.monotonic() + timeout
    while True:
        replies = app.control.ping(timeout=0.5)
        if replies or time.monotonic() > deadline:
            return replies


def inspect(request):
    options = {name: request[name] for name in ("destination", "limit") if name in request}
    inspector = app.control.inspect(timeout=request.get("timeout", 1), **options)
    return getattr(inspector, request["method"])(*request.get("args", []))


def control(request):
    options = {name: request[name] for name in ("destination", "pattern", "matcher", "limit") if name in request}
    return app.control.broadcast(
        request["command"], arguments=request.get("arguments"), reply=request.get("reply", True),
        timeout=request.get("timeout", 1), **options
    )


def revoke(request):
    app.control.revoke(
        request["ids"], terminate=request.get("terminate", False), signal=request.get("signal", "SIGTERM")
    )


events = []


# An event by which the receiver knows that it receives.
PROBE = "celeriac-probe"


def listen():
    ready = threading.Event()

    class Receiver(app.events.Receiver):
        def on_consume_ready(self, *args, **kwargs):
            super().on_consume_ready(*args, **kwargs)
            ready.set()

    def receive():
        with app.connection_for_read() as connection:
            Receiver(connection, handlers={"*": events.append}, app=app).capture(limit=None, timeout=None)

    threading.Thread(target=receive, daemon=True).start()
    ready.wait()
    # At Redis the receiver subscribes only when it first waits for something.
    with app.events.default_dispatcher() as dispatcher:
        for _ in range(200):
            if any(event["type"] == PROBE for event in events):
                break
            dispatcher.send(PROBE)
            time.sleep(0.05)


def heard():
    batch = events[:]
    del events[: len(batch)]
    return [event for event in batch if event["type"] != PROBE]


class RecordingProducer:
    """Stands for a producer, and notes where it should publish."""

    def publish(self, body, exchange=None, routing_key=None, declare=None, priority=None, **_):
        self.seen = {
            "exchange": getattr(exchange, "name", exchange), "routing_key": routing_key, "priority": priority,
            "declares": [queue.name for queue in declare or []],
        }


def route(case):
    producer = RecordingProducer()
    message = app.amqp.create_task_message("id", case["task"], (), {})
    try:
        options = app.amqp.router.route(dict(case.get("options") or {}), case["task"], (), {})
        app.amqp.send_task_message(producer, case["task"], message, **options)
    except Exception as error:
        return {"refused": type(error).__name__}
    return producer.seen


def restore():
    with app.connection_for_read() as connection:
        connection.default_channel.qos.restore_visible(num=1000)


OPERATIONS = {
    "send": lambda request: {"id": send(request)},
    "send_many": lambda request: {"ids": [send(message) for message in request["messages"]]},
    "publish": lambda request: {"published": publish(request)},
    "canvas": lambda request: {"id": apply(request["canvas"])},
    "trace": lambda request: traced(request["canvas"]),
    "save_group": lambda request: save_group(request["canvas"]),
    "restore_group": lambda request: restore_group(request["id"], request.get("timeout", 30)),
    "get": lambda request: get(request["id"], request.get("timeout")),
    "get_many": lambda request: {"results": get_many(request)},
    "state": lambda request: {"state": result_of(request["id"]).state},
    "forget": lambda request: {"forgotten": result_of(request["id"]).forget()},
    "ping": lambda request: {"replies": ping(request.get("timeout", 10))},
    "inspect": lambda request: {"replies": inspect(request)},
    "control": lambda request: {"replies": control(request)},
    "revoke": lambda request: {"revoked": revoke(request)},
    "listen": lambda request: {"listening": listen()},
    "heard": lambda request: {"events": heard()},
    "purge": lambda request: {"count": app.control.purge()},
    "route": lambda request: {"routes": [route(case) for case in request["cases"]]},
    "restore": lambda request: {"restored": restore()},
    "crontab": lambda request: {"answers": schedules.crontabs(app, request["cases"])},
    "interval": lambda request: {"answers": schedules.intervals(app, request["cases"])},
}


def answer(line):
    try:
        request = json.loads(line)
        return json.dumps(OPERATIONS[request["op"]](request))
    except Exception as error:
        kind = type(error)
        return json.dumps(
            {
                "failed": {
                    "type": kind.__qualname__,
                    "module": kind.__module__,
                    "message": str(error),
                    "traceback": traceback.format_exc(),
                }
            }
        )


def main():
    # What libraries print must not get among the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    app.finalize()
    for line in sys.stdin:
        answers.write(answer(line) + "\n")
        answers.flush()
    # Not by returning: results that unsubscribe while the interpreter is being taken down print errors.
    os._exit(0)


if __name__ == "__main__":
    main()
