"""aio-celery as a testee of the live tiers at RabbitMQ, the one broker that it has; results are in Redis.

    aio_celery_live.py worker      a worker with the tasks of the kit
    aio_celery_live.py producer    answers a question a line
"""
import argparse, asyncio, builtins, json, os, sys

from aio_celery import Celery
from aio_celery.canvas import Signature, chain
from aio_celery.exceptions import TimeoutError as GetTimeout
from aio_celery.worker import run

app = Celery("kit")
app.conf.update(broker_url=os.environ.get("CELERY_BROKER_URL", ""), result_backend=os.environ.get("CELERY_RESULT_BACKEND"))

@app.task(name="tasks.add")
async def add(x, y): return x + y
@app.task(name="tasks.multiply")
async def multiply(x, y): return x * y
@app.task(name="tasks.sum_ints")
async def sum_ints(numbers): return sum(numbers)
@app.task(name="tasks.echo")
async def echo(*args, **kwargs): return {"args": args, "kwargs": kwargs}
@app.task(name="tasks.slow")
async def slow(seconds):
    await asyncio.sleep(seconds)
    return seconds
@app.task(name="tasks.fail")
async def fail(name, *args): raise getattr(builtins, name)(*args)
@app.task(name="tasks.retry_until", bind=True, max_retries=None)
async def retry_until(self, count, countdown=0.1):
    if self.request.retries < count: await self.retry(countdown=countdown)
    return self.request.retries
@app.task(name="tasks.retry_exhaust", bind=True, max_retries=1)
async def retry_exhaust(self, max_retries=2, countdown=0.1): await self.retry(countdown=countdown)

# What `send_task` and signatures have; an expiry goes into the property of the message alone.
OPTIONS = {"task_id": "task_id", "queue": "queue", "priority": "priority", "countdown": "countdown", "expires": "expiration"}
class Unsupported(Exception): pass
def made(tree):
    if "chain" in tree: return chain(*map(made, tree["chain"]))
    if "task" not in tree or tree.get("immutable"): raise Unsupported("canvas")
    given = tree.get("options") or {}
    if unknown := given.keys() - OPTIONS.keys(): raise Unsupported(*unknown)
    return Signature(tree["task"], tuple(tree.get("args") or ()), tree.get("kwargs"), options={OPTIONS[k]: v for k, v in given.items()}, app=app)
async def answer(question):
    if question["op"] in ("send", "canvas"):
        result = await made(question.get("canvas") or question).apply_async()
        return {"id": result.id}
    if question["op"] != "get": raise Unsupported(question["op"])
    result = app.AsyncResult(question["id"])
    try: value = await result.get(timeout=question.get("timeout"), interval=0.05)
    except GetTimeout: return {"state": await result.state, "timeout": True}
    state = await result.state
    if state in ("FAILURE", "REVOKED") and isinstance(value, dict):
        # It returns what the store has; nothing is raised.
        return {"state": state, "error": {"type": value.get("exc_type"), "module": value.get("exc_module"), "args": value.get("exc_message")}}
    return {"state": state, "result": value}
async def produce():
    async with app.setup():
        while line := await asyncio.to_thread(sys.stdin.readline):
            try: reply = await answer(json.loads(line))
            except Unsupported as error: reply = {"unsupported": str(error)}
            except Exception as error: reply = {"failed": {"type": type(error).__name__, "message": str(error)}}
            print(json.dumps(reply), flush=True)

if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        # `run` looks the application up by the name of its module.
        sys.modules["aio_celery_live"] = sys.modules["__main__"]
        asyncio.run(run(argparse.Namespace(app="aio_celery_live:app", queues=None, concurrency=100, loglevel="WARNING", configure_logging=True)))
    else:
        asyncio.run(produce())
