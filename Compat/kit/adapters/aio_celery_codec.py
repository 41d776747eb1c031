"""aio-celery as a testee of the codec tier. It has no broker but RabbitMQ: kombu's envelopes are opened and made here, around its own
headers and bodies. What it does not read (expires, callbacks, chord, …) is null in the answers, as if no message had it.
"""
import asyncio, base64, json, sys, uuid
from datetime import datetime
from types import SimpleNamespace

import aio_celery
from aio_celery import Celery
from aio_celery.amqp import create_task_message
from aio_celery.request import Request
from aio_celery.result import AsyncResult
from aio_celery.task import Task

def unbase(text): return base64.b64decode(text, validate=True)
def base(data): return base64.b64encode(data).decode()
def task_read(q):
    if "envelope" in q:
        seen = json.loads(unbase(q["envelope"]))
        body = unbase(seen["body"]) if seen["properties"].get("body_encoding") == "base64" else seen["body"].encode()
        headers = seen["headers"]
    else:
        headers, body = q["amqp"].get("headers"), unbase(q["amqp"]["body"])
    r = Request.from_message(SimpleNamespace(headers=headers, body=body))
    return {"task": r.task, "id": r.id, "args": r.args, "kwargs": r.kwargs, "eta": r.eta.isoformat() if r.eta else None, "retries": r.retries,
            "timelimit": r.timelimit, "group": r.group, "root_id": r.root_id, "parent_id": r.parent_id, "ignore_result": r.ignore_result,
            "chain": r.chain or None, **dict.fromkeys(("expires", "group_index", "callbacks", "errbacks", "chord"))}
WRITES = {"op", "id", "task", "task_id", "args", "kwargs", "queue", "priority", "parent_id", "root_id", "chain", "ignore_result", "reply_to"}
def task_write(q):
    if q.keys() - WRITES: raise NotImplementedError
    m = create_task_message(
        task_id=q["task_id"], task_name=q["task"], args=q.get("args"), kwargs=q.get("kwargs"), priority=q.get("priority"), parent_id=q.get("parent_id"),
        root_id=q.get("root_id"), chain=q.get("chain"), ignore_result=q.get("ignore_result", False), reply_to=q.get("reply_to", ""))
    properties = {"correlation_id": m.correlation_id, "reply_to": m.reply_to, "delivery_mode": int(m.delivery_mode), "priority": m.priority or 0,
                  "body_encoding": "base64", "delivery_tag": str(uuid.uuid4()), "delivery_info": {"exchange": "", "routing_key": q.get("queue", "celery")}}
    return {"envelope": base(json.dumps({"body": base(m.body), "headers": m.headers, "properties": properties, "content-type": m.content_type,
                                         "content-encoding": m.content_encoding}).encode())}
class Store:
    """A result store in memory in place of Redis."""
    def __init__(self, value=None): self.value = value
    async def get(self, key): return self.value
    async def set(self, key, value, ex=None): self.value = value
def result_read(q):
    app = SimpleNamespace(result_backend=Store(unbase(q["body"])))
    meta = asyncio.run(AsyncResult("kit", app=app)._get_task_meta())
    value, failed = meta["result"], meta["status"] in ("FAILURE", "RETRY", "REVOKED")
    error = {"type": value.get("exc_type"), "args": value.get("exc_message")} if failed and isinstance(value, dict) else None
    return {**{k: meta.get(k) for k in ("status", "traceback", "children", "date_done", "task_id", "parent_id", "group_id")},
            "result": None if error else value, "error": error}
def result_write(q):
    store = Store()
    app = SimpleNamespace(result_backend=store, conf=Celery().conf)
    request = SimpleNamespace(id=q["task_id"], group=None, parent_id=None)
    error = q.get("error")
    value = {"exc_type": error["type"], "exc_message": error["args"], "exc_module": error.get("module")} if error else q.get("result")
    asyncio.run(Task(app=app, request=request, _default_retry_delay=0).update_state(
        state=q["status"], meta=value, _finalize=q["status"] in ("SUCCESS", "FAILURE"), _traceback=q.get("traceback")))
    return {"body": base(store.value)}
OPERATIONS = {"about": lambda q: {"name": "aio-celery", "version": aio_celery.__version__}, "task.read": task_read, "task.write": task_write,
              "result.read": result_read, "result.write": result_write}
def answer(line):
    question = json.loads(line)
    operation = OPERATIONS.get(question["op"])
    try:
        if operation is None: raise NotImplementedError
        return json.dumps({"id": question["id"], "answer": operation(question)}, default=lambda v: v.isoformat() if isinstance(v, datetime) else str(v))
    except NotImplementedError: return json.dumps({"id": question["id"], "unimplemented": True})
    except Exception as error: return json.dumps({"id": question["id"], "refused": f"{type(error).__name__}: {error}"[:300]})

if __name__ == "__main__":
    for line in sys.stdin: print(answer(line), flush=True)
