"""Python Celery as a testee of the codec tier: one question a line on standard input, one answer a line on standard output."""
import base64, json, math, re, sys
from datetime import datetime, timezone

from celery import Celery, __version__
from celery.schedules import crontab
from celery.utils.saferepr import saferepr
from celery.utils.time import maybe_iso8601, maybe_make_aware
from celery.worker.request import Request
from celery.worker.strategy import hybrid_to_proto2, proto1_to_proto2
from kombu import Message, Producer, pidbox, serialization
from kombu.transport.virtual import Message as VirtualMessage, exchange
from kombu.utils import json as kjson

ACCEPT = ["json", "application/x-msgpack", "application/x-yaml"]
app = Celery("kit", broker="memory://", backend="cache+memory://", set_as_current=True)
app.conf.update(accept_content=ACCEPT, result_accept_content=ACCEPT, enable_utc=True)
@app.task(name="kit.task")
def task(*args, **kwargs): pass
channel = app.connection_for_write().channel()
ACCEPT_TYPES = serialization.prepare_accept_content(ACCEPT)
def unbase(text): return base64.b64decode(text, validate=True)
def base(data): return base64.b64encode(data.encode() if isinstance(data, str) else bytes(data)).decode()
def message(q):
    if "envelope" in q: return VirtualMessage(json.loads(unbase(q["envelope"])), channel=channel, accept=set(ACCEPT_TYPES))
    p = dict(q["amqp"].get("properties") or {})
    return Message(unbase(q["amqp"]["body"]), channel=channel, content_type=p.pop("content_type", None),
                   content_encoding=p.pop("content_encoding", None), headers=q["amqp"].get("headers"), properties=p, accept=set(ACCEPT_TYPES))
def task_read(q):
    m = message(q)
    if m.errors: m._reraise_error()
    if "task" in m.headers:
        parts = hybrid_to_proto2(m, m.payload) if "args" in m.payload else (m.body, m.headers, False, True)
    else:
        body = m.decode()
        if "task" not in body: raise ValueError("unknown message")
        parts = proto1_to_proto2(m, body)
    r = Request(m, app=app, task=task, hostname="kit", **dict(zip(("body", "headers", "decoded", "utc"), parts)))
    args, kwargs, embed = r._payload
    embed, d = embed or {}, r.request_dict
    hard, soft = r.time_limits
    return {"task": d["task"], "id": d["id"], "args": args, "kwargs": kwargs, "eta": d.get("eta"), "expires": d.get("expires"),
            "retries": d.get("retries") or 0, "timelimit": [hard, soft], "group": d.get("group"), "group_index": d.get("group_index"),
            "root_id": d.get("root_id"), "parent_id": d.get("parent_id"), "ignore_result": d.get("ignore_result"),
            **{k: embed.get(k) or None for k in ("callbacks", "errbacks", "chain", "chord")}}
def task_write(q):
    own = ("op", "id", "task", "task_id", "args", "kwargs", "queue", "serializer", "compression", "priority", "timelimit", "protocol", "headers")
    options = {"group_id" if k == "group" else k: v for k, v in q.items() if k not in own}
    hard, soft = q.get("timelimit") or (None, None)
    make = app.amqp.as_task_v1 if q.get("protocol") == 1 else app.amqp.as_task_v2
    m = make(q["task_id"], q["task"], q.get("args"), q.get("kwargs"), time_limit=hard, soft_time_limit=soft, **options)
    queue = q.get("queue", "celery")
    app.amqp._create_task_sender()(Producer(channel), q["task"], m, queue=queue, serializer=q.get("serializer", "json"),
                                   compression=q.get("compression"), priority=q.get("priority"), headers=q.get("headers"))
    return {"envelope": base(json.dumps(channel._get(queue)))}
def meta(q):
    m = app.backend.meta_from_decoded(app.backend.decode_result(unbase(q["body"])))
    e, ok = m.get("result"), not isinstance(m.get("result"), BaseException)
    return {**{k: m.get(k) for k in ("status", "traceback", "children", "date_done", "task_id", "parent_id", "group_id")},
            "result": e if ok else None, "error": None if ok else {"type": type(e).__qualname__, "args": list(e.args)}}
def meta_write(q):
    result = q.get("result")
    if q.get("error"): result = {"exc_type": q["error"]["type"], "exc_message": q["error"]["args"], "exc_module": q["error"].get("module")}
    m = app.backend._get_result_meta(result=result, state=q["status"], traceback=q.get("traceback"), request=None)
    return {"body": base(app.backend.encode({**m, "children": q.get("children") or [], "task_id": q["task_id"]}))}
def accepts(q):
    seen = []
    node = pidbox.Mailbox("kit").Node(q["node"], channel=channel, handlers={q["body"]["method"]: lambda state, **k: seen.append(1)})
    node.handle_message({**q["body"], "reply_to": None}, None)
    return bool(seen)
def due(q):
    after = datetime.fromisoformat(q["after"])
    tab = crontab(**q["fields"], nowfun=lambda: after, app=app)
    return (after + tab.remaining_estimate(after)).astimezone(timezone.utc).isoformat()
def instant(q):
    when = maybe_make_aware(maybe_iso8601(q["text"]), timezone.utc) - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (when.days * 86400 + when.seconds) * 1000000 + when.microseconds
OPERATIONS = {
    "about": lambda q: {"name": "Celery", "version": __version__}, "task.read": task_read, "task.write": task_write,
    "result.read": meta, "result.write": meta_write, "event.read": lambda q: body if isinstance(body := message(q).decode(), list) else [body], "control.accepts": accepts, "crontab.next": due,
    "time.read": instant, "repr": lambda q: saferepr(tuple(q["args"]) if "args" in q else q["kwargs"]),
    "content.read": lambda q: serialization.loads(unbase(q["body"]), q["content_type"], q["content_encoding"], accept=set(ACCEPT_TYPES)),
    "content.write": lambda q: dict(zip(("content_type", "content_encoding"), (p := serialization.dumps(q["value"], q["serializer"]))), body=base(p[2])),
    "topic.match": lambda q: bool(re.match(exchange.TopicExchange(channel).key_to_pattern(q["pattern"]), q["key"])),
}
def plain(value):
    if isinstance(value, float) and not math.isfinite(value): return {"__type__": "float", "__value__": str(value)}
    # As kombu 5.3 and later write them.
    if isinstance(value, bytes): return {"__type__": "bytes", "__value__": t} if (t := value.decode(errors="ignore")).encode() == value else {"__type__": "base64", "__value__": base(value)}
    if isinstance(value, dict): return {k: plain(v) for k, v in value.items()}
    return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value
def answer(line):
    question = kjson.loads(line)
    if question["op"] not in OPERATIONS: return json.dumps({"id": question["id"], "unimplemented": True})
    try: return kjson.dumps({"id": question["id"], "answer": plain(OPERATIONS[question["op"]](question))})
    except Exception as error: return json.dumps({"id": question["id"], "refused": f"{type(error).__name__}: {error}"[:300]})

if __name__ == "__main__":
    for line in sys.stdin: print(answer(line), flush=True)
