"""What a worker of Celery must survive or answer beside its tasks: broken messages, remote control, events and signals."""
import base64, json

from .shared import EMBED, alive, at, fails, message, plain_envelope, succeeds, value


def malformed(c):
    """What must not stop a worker, of which eight stop or stall Python's own."""
    section, stops, some = "10.2 Bad messages", "Celery 5.7.0 itself ends or stalls", "Celery 5.7.0 itself ends, with the pool solo"
    def push(name, text, note=None, level=None, brokers=("redis",)):
        raw = text if isinstance(text, dict) else {"base64": base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()}
        c.add("worker", "malformed", name, level or ("INFORMATIONAL" if note else "MUST"), section,
              f"A message that is broken ({name}) stands before a good one. The worker goes on.",
              [{"redis": ["LPUSH", "celery", raw]}, *alive()], brokers=list(brokers), note=note)
    push("not-json", "not json", stops)
    push("array", "[1]", stops)
    push("number", "5", stops)
    push("empty", "", stops)
    good = lambda **change: {"json": {**plain_envelope("tasks.add", [1, 1]), **change}}
    push("bad-base64", good(body="%%%", properties={**plain_envelope("x", [])["properties"], "body_encoding": "base64"}), stops)
    headers = plain_envelope("tasks.add", [])["headers"]
    push("two-element-body", good(body="[[1, 1], {}]"), stops)
    push("short-timelimit", good(headers={**headers, "timelimit": [5]}), stops)
    push("number-as-id", good(headers={**headers, "id": 5}), some)
    push("no-id", good(headers={k: v for k, v in headers.items() if k != "id"}), stops)
    push("chain-of-numbers", good(body=json.dumps([[1, 1], {}, {**EMBED, "chain": [1]}])), some)
    push("no-properties", {"json": {k: v for k, v in plain_envelope("tasks.add", [1, 1]).items() if k != "properties"}})
    push("no-delivery-tag", good(properties={k: v for k, v in plain_envelope("x", [])["properties"].items() if k != "delivery_tag"}))
    push("null-delivery-info", good(properties={**plain_envelope("x", [])["properties"], "delivery_info": None}))
    push("null-headers", good(headers=None))
    push("bad-utf8", {"json": {**plain_envelope("tasks.add", [1, 1]), "body": base64.b64encode(b"\xff\xfe").decode(),
                               "properties": {**plain_envelope("x", [])["properties"], "body_encoding": "base64"}}})
    push("deep-body", good(body="[" * 3000 + "]" * 3000))
    push("callbacks-object", good(body=json.dumps([[1, 1], {}, {**EMBED, "callbacks": {"a": 1}}])))
    for name, m in [("body-not-json", {**message("tasks.add"), "text": "{"}), ("unknown-content-type", {**message("tasks.add"), "content_type": "application/x-nobody"}),
                    ("pickle", {**message("tasks.add"), "content_type": "application/x-python-serialize", "base64": "gAJdcQAu"}),
                    ("kwargs-array", {**message("tasks.add"), "text": json.dumps([[], [], EMBED])}),
                    ("bad-eta", message("tasks.add", [1, 1], eta="tomorrow")), ("bad-expires", message("tasks.add", [1, 1], expires="tomorrow")),
                    ("bad-compression", {**message("tasks.add", [1, 1]), "headers": {**message("tasks.add")["headers"], "compression": "application/x-gzip"}}),
                    ("no-task", {**message("tasks.add", [1, 1]), "headers": {"id": "${a}"}})]:
        m = {k: v for k, v in m.items() if k != "value"} if "text" in m or "base64" in m else m
        c.add("worker", "malformed", name, "MUST", section, f"A message that is broken ({name}) stands before a good one. The worker goes on.",
              [{"send": m}, *alive()])


def control(c):
    def asks(name, method, arguments, checks, level="MUST", procedure=None, before=(), after=(), **fields):
        body = {"method": method, "arguments": arguments, "destination": None, "pattern": None, "matcher": None, "ticket": "${t}",
                "reply_to": {"exchange": "reply.celery.pidbox", "routing_key": "${oid}"}, **fields}
        c.add("worker", "control", name, level, "12.3 Commands", procedure or f"Broadcast {method}; the worker answers.",
              [*before, {"bind": "${oid}.reply.celery.pidbox", "exchange": "reply.celery.pidbox", "key": "${oid}"},
               {"broadcast": {"headers": {"clock": 1, "expires": 0}, "value": body}, "exchange": "celery.pidbox"},
               {"receive": "${oid}.reply.celery.pidbox", "checks": checks}, *after], needs=["control"])
    only = lambda **requirement: value(0, **requirement)
    asks("ping", "ping", {}, [at("only", "ok", equals="pong")])
    asks("ticket", "ping", {}, [at("headers", "ticket", equals="${t}")], procedure="The reply has the ticket of the request in its headers.")
    asks("unknown", "no_such_cmd", {}, [at("only", "error", kind=["string"])], level="SHOULD", procedure="An unknown command is answered by an error.")
    asks("registered", "registered", {"taskinfoitems": []}, [at("only", 0, kind=["string"])])
    asks("active", "active", {}, [at("only", kind=["array"])])
    asks("reserved", "reserved", {}, [at("only", kind=["array"])])
    asks("scheduled", "scheduled", {}, [at("only", 0, "request", "id", equals="${a}"), at("only", 0, "eta", kind=["string"])],
         before=[{"send": message("tasks.add", [1, 1], eta="${now+5}")}, {"await": ["LLEN", "celery"], "is": 0}, *alive()],
         procedure="A task that waits for its ETA is among the scheduled.")
    asks("stats", "stats", {}, [at("only", "total", kind=["object"]), at("only", "broker", kind=["object"]), at("only", "pid", kind=["number"]),
                                at("only", "pool", kind=["object"])])
    asks("active-queues", "active_queues", {}, [at("only", 0, "name", equals="celery")])
    asks("conf", "conf", {"with_defaults": False}, [at("only", kind=["object"])], level="SHOULD")
    asks("clock", "clock", {}, [at("only", "clock", kind=["number"])], level="SHOULD")
    asks("revoked", "revoked", {}, [at("only", kind=["array"])])
    asks("query-task", "query_task", {"ids": ["${a}"]}, [at("only", kind=["object"])], level="SHOULD")
    asks("rate-limit-unknown", "rate_limit", {"task_name": "kit.nobody", "rate_limit": "1/s"}, [at("only", "error", equals="unknown task")], level="SHOULD")
    asks("enable-events", "enable_events", {}, [at("only", "ok", kind=["string"])], level="SHOULD")
    asks("pattern", "ping", {}, [at("only", "ok", equals="pong")], procedure="A glob that matches every node is obeyed.", pattern="*", matcher="glob")
    asks("hello", "hello", {"from_node": "kit@nowhere", "revoked": []}, [at("only", "clock", kind=["number"]), at("only", "revoked", kind=["array", "object"])], level="SHOULD")
    asks("revoke", "revoke", {"task_id": "${a}", "terminate": False, "signal": "SIGTERM"}, [at("only", "ok", kind=["string"])],
         procedure="A task that was revoked before it comes does not run.",
         after=[{"send": message("tasks.add", [1, 1])}, fails("TaskRevokedError", "revoked", status="REVOKED")])
    asks("revoke-several", "revoke", {"task_id": ["${a}", "${b}"], "terminate": False, "signal": "SIGTERM"}, [at("only", "ok", kind=["string"])],
         procedure="Several ids are revoked at once.",
         after=[{"send": message("tasks.add", [1, 1], id="${b}")}, fails("TaskRevokedError", "revoked", "b", status="REVOKED")])
    asks("revoke-waiting", "revoke", {"task_id": "${a}", "terminate": False, "signal": "SIGTERM"}, [at("only", "ok", kind=["string"])],
         procedure="A task that waits for its ETA and is revoked does not run then.",
         before=[{"send": message("tasks.add", [1, 1], eta="${now+2}")}, *alive()], after=[fails("TaskRevokedError", "revoked", status="REVOKED", within=15)])
    body = {"method": "ping", "arguments": {}, "destination": ["nobody@nowhere"], "pattern": None, "matcher": None, "ticket": "${t}",
            "reply_to": {"exchange": "reply.celery.pidbox", "routing_key": "${oid}"}}
    both = [{"bind": "${oid}.reply.celery.pidbox", "exchange": "reply.celery.pidbox", "key": "${oid}"},
            {"broadcast": {"headers": {"clock": 1, "expires": 0}, "value": body}, "exchange": "celery.pidbox"},
            {"broadcast": {"headers": {"clock": 1, "expires": 0}, "value": {**body, "destination": None, "ticket": "${second}"}}, "exchange": "celery.pidbox"},
            {"receive": "${oid}.reply.celery.pidbox", "checks": [at("headers", "ticket", equals="${second}")]}]
    c.add("worker", "control", "destination", "MUST", "12.1 Request", "A request for another node is not answered, the next one is.", both, needs=["control"])
    for name, request in [("not-an-object", [1]), ("no-method", {"arguments": {}}), ("arguments-a-number", {**body, "destination": None, "method": "ping", "arguments": 5})]:
        c.add("worker", "control", f"malformed-{name}", "MUST", "12.1 Request", "A broken request does not stop the worker.",
              [{"broadcast": {"headers": {"clock": 1}, "value": request}, "exchange": "celery.pidbox"}, *alive()], needs=["control"])


def events(c):
    listen, enable = {"listen": "celeryev"}, {"broadcast": {"headers": {"clock": 1, "expires": 0}, "value": {
        "method": "enable_events", "arguments": {}, "destination": None, "pattern": None, "matcher": None}}, "exchange": "celery.pidbox"}
    hear = lambda kind, *checks, within=10: {"hear": "celeryev", "within": within, "checks": [value("type", equals=kind), *checks]}
    common = [value("hostname", kind=["string"], filled=True), value("timestamp", kind=["number"]), value("pid", kind=["number"]), value("clock", kind=["number"]),
              value("utcoffset", kind=["number"])]
    section = "11 Events"
    def add(name, steps, procedure, level="SHOULD"):
        c.add("worker", "events", name, level, section, procedure, [listen, enable, *alive("first"), *steps], needs=["events"])
    add("heartbeat", [hear("worker-heartbeat", *common, value("freq", kind=["number"]), value("active", kind=["number"]), value("processed", kind=["number"]),
                           value("loadavg", kind=["array"]), value("sw_ident", kind=["string"]), value("sw_ver", kind=["string"]), value("sw_sys", kind=["string"]))],
        "A worker sends heartbeats with what monitors read.", "MUST")
    send = {"send": message("tasks.add", [2, 3])}
    mine = value("uuid", equals="${a}")
    add("received", [send, hear("task-received", mine, value("name", equals="tasks.add"), value("args", kind=["string"]), value("kwargs", kind=["string"]),
                                value("retries", equals=0), value("root_id", equals="${a}"), *common)], "A task that was received is told, with its name.")
    add("started", [send, hear("task-started", mine)], "A task that begins is told.")
    add("succeeded", [send, hear("task-succeeded", mine, value("result", equals="5"), value("runtime", kind=["number"]))], "A success is told with its result as text.")
    add("failed", [{"send": message("tasks.fail", ["ValueError", "boom"])}, hear("task-failed", mine, value("exception", contains="boom"), value("traceback", kind=["string", "null"]))],
        "A failure is told with its exception as text.")
    add("retried", [{"send": message("tasks.retry_until", [1, 0.05])}, hear("task-retried", mine, value("exception", kind=["string"]))], "A retry is told.")
    add("revoked", [{"send": message("tasks.add", [2, 3], expires="${now-60}")}, hear("task-revoked", mine, value("expired", equals=True))], "An expired task is told as revoked.")


def stopping(c):
    c.add("worker", "stop", "idle", "MUST", "10.11 Shutdown", "SIGTERM ends an idle worker with status 0.",
          [*alive(), {"signal": "TERM"}, {"ended": [0], "within": 30}])
    c.add("worker", "stop", "running", "MUST", "10.11 Shutdown", "SIGTERM lets a running task end and stores its result.",
          [{"send": message("tasks.slow", [2])}, {"await": ["LLEN", "celery"], "is": 0}, *alive(), {"signal": "TERM"}, {"ended": [0], "within": 30}, succeeds(2)],
          brokers=["redis"], needs=["slow"])
    c.add("worker", "stop", "waiting-goes-back", "MUST", "4.7 Start, reconnect and stop", "What waits for its ETA is in its queue again when the worker has ended.",
          [{"send": message("tasks.add", [2, 3], eta="${now+60}")}, {"await": ["LLEN", "celery"], "is": 0}, *alive(), {"signal": "TERM"}, {"ended": [0], "within": 30},
           {"await": ["LLEN", "celery"], "is": 1}, {"await": ["HLEN", "unacked"], "is": 0},
           {"receive": "celery", "checks": [at("headers", "id", equals="${a}"), at("headers", "eta", kind=["string"])]}], brokers=["redis"])
    c.add("worker", "stop", "offline", "SHOULD", "10.11 Shutdown", "A worker that ends says so.",
          [{"listen": "celeryev"}, *alive(), {"signal": "TERM"},
           {"hear": "celeryev", "checks": [value("type", equals="worker-offline"), value("hostname", kind=["string"])]}, {"ended": [0], "within": 30}], needs=["events"])


TOPICS = (malformed, control, events, stopping)
