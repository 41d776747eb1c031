"""Python Celery as a testee of the live tiers. The broker and the result store are in CELERY_BROKER_URL and CELERY_RESULT_BACKEND.

    celery_live.py worker      a worker with the tasks of the kit
    celery_live.py producer    answers a question a line: what is sent, what is stored, what is asked of workers
    celery_live.py beat        a beat with the schedule of the kit
    celery_live.py monitor     `celery events --dump`
"""
import builtins, os, sys, time
from datetime import datetime

from celery import Celery, chain, chord, group
from celery.exceptions import TimeoutError as GetTimeout
from celery.schedules import crontab
from kombu.utils import json

app = Celery("kit", broker=os.environ.get("CELERY_BROKER_URL"), backend=os.environ.get("CELERY_RESULT_BACKEND"))
app.conf.update(broker_connection_retry_on_startup=True, accept_content=["json"])
def entry(name, schedule, task="tasks.add", args=(16, 16), kwargs=None, **options):
    return {"task": task, "schedule": schedule, "args": args, "kwargs": kwargs or {}, "options": {"queue": f"kit.{name}", **options}}
app.conf.beat_schedule = {f"kit-{e['options']['queue'][4:]}": e for e in (
    entry("every", 1), entry("half", 0.5), entry("hour", 3600), entry("keywords", 1, "tasks.echo", [1], {"k": "h\u00e9"}),
    entry("options", 1, expires=60, headers={"x-custom": "1"}), entry("priority", 1, priority=6),
    entry("minute", crontab()), entry("never", crontab(minute=0, hour=0, day_of_month=29, month_of_year=2)))}

@app.task(name="tasks.add")
def add(x, y): return x + y
@app.task(name="tasks.multiply")
def multiply(x, y): return x * y
@app.task(name="tasks.sum_ints")
def sum_ints(numbers): return sum(numbers)
@app.task(name="tasks.echo")
def echo(*args, **kwargs): return {"args": args, "kwargs": kwargs}
@app.task(name="tasks.slow")
def slow(seconds):
    time.sleep(seconds)
    return seconds
@app.task(name="tasks.fail")
def fail(name, *args): raise getattr(builtins, name)(*args)
@app.task(name="tasks.retry_until", bind=True, max_retries=None)
def retry_until(self, count, countdown=0.1):
    if self.request.retries < count: raise self.retry(countdown=countdown)
    return self.request.retries
@app.task(name="tasks.retry_exhaust", bind=True)
def retry_exhaust(self, max_retries=2, countdown=0.1):
    raise self.retry(exc=ValueError("never good", self.request.retries), countdown=countdown, max_retries=max_retries)

sent = {}
def made(tree):
    if "chain" in tree: return chain([made(step) for step in tree["chain"]])
    if "group" in tree: return group([made(step) for step in tree["group"]])
    if "chord" in tree: return chord([made(step) for step in tree["chord"]], made(tree["body"]))
    options = dict(tree.get("options") or {})
    if isinstance(options.get("eta"), str): options["eta"] = datetime.fromisoformat(options["eta"])
    for name in ("link", "link_error"):
        if name in options: options[name] = [made(step) for step in options[name]]
    return app.signature(tree["task"], tree.get("args"), tree.get("kwargs"), options, immutable=tree.get("immutable", False))
def send(q):
    result = made(q.get("canvas") or q).apply_async()
    sent[result.id] = result
    return {"id": result.id}
def get(q):
    result = sent.get(q["id"]) or app.AsyncResult(q["id"])
    try:
        return {"state": "SUCCESS", "result": result.get(timeout=q.get("timeout", 60))}
    except GetTimeout:
        return {"state": result.state, "timeout": True}
    except Exception as error:
        if not result.ready(): raise
        return {"state": result.state, "error": {"type": type(error).__qualname__, "module": type(error).__module__, "args": list(error.args)}}
def control(q):
    options = {k: q[k] for k in ("destination", "pattern", "matcher", "timeout") if k in q}
    return {"replies": app.control.broadcast(q["command"], arguments=q.get("arguments"), reply=True, **options)}
def revoke(q):
    app.control.revoke(q["ids"], terminate=q.get("terminate", False), signal=q.get("signal", "SIGTERM"))
    return {"revoked": None}
OPERATIONS = {"send": send, "canvas": send, "get": get, "control": control, "revoke": revoke}
def answer(line):
    question = json.loads(line)
    if question.get("op") not in OPERATIONS: return {"unsupported": question.get("op")}
    try: return OPERATIONS[question["op"]](question)
    except Exception as error: return {"failed": {"type": type(error).__name__, "message": str(error)}}

if __name__ == "__main__":
    if sys.argv[1:2] == ["worker"]:
        app.worker_main(["worker", "--loglevel", "WARNING", "--concurrency", "4", *sys.argv[2:]])
    elif sys.argv[1:2] == ["beat"]:
        app.start(["beat", "--loglevel", "WARNING", "-S", "celery.beat:Scheduler", *sys.argv[2:]])
    elif sys.argv[1:2] == ["monitor"]:
        app.start(["events", "--dump", *sys.argv[2:]])
    else:
        for line in sys.stdin: print(json.dumps(answer(line)), flush=True)
