"""How a client of Celery reads results and steers workers."""
from .shared import META, SUBSCRIBED, value


def client(c):
    get = {"ask": {"op": "get", "id": "${a}", "timeout": 8}}
    meta = lambda status="SUCCESS", result=None, **more: {"status": status, "result": result, "traceback": None, "children": [],
                                                         "date_done": "2026-11-23T03:14:36.341511+00:00", "task_id": "${a}", **more}
    stored = lambda document, publish=False: {"store": META + "${a}", "value": document, "publish": publish}
    error = lambda kind, *args, module="builtins": {"exc_type": kind, "exc_message": list(args), "exc_module": module}
    answer = lambda *checks: {"answer": True, "checks": list(checks), "within": 15}
    section = "8.7 What AsyncResult.get() does"
    # A client that asks again and again instead of listening is right as well.
    waiting = {"await": ["EVAL", SUBSCRIBED, "0", META + "${a}"], "is": 1, "within": 1, "optional": True}
    for name, result in [("number", 5), ("null", None), ("text", "h\u00e9\U0001f966"), ("array", [1, [2]]), ("object", {"a": {"b": None}}), ("float", 1.5),
                         ("boolean", False), ("big", 2 ** 70), ("empty", "")]:
        c.add("client", "get", f"stored-{name}", "MUST", section, f"A stored result ({name}) is returned.",
              [stored(meta(result=result)), get, answer(value("state", equals="SUCCESS"), value("result", equals=result))])
    c.add("client", "get", "waits", "MUST", "8.2 Redis", "A result that is stored and published later is returned.",
          [get, waiting, stored(meta(result=7), True), answer(value("result", equals=7))])
    for name, before in [("started", meta("STARTED", {"pid": 1, "hostname": "h"})), ("retry", meta("RETRY", error("ValueError", "again"))), ("custom", meta("PROGRESS", {"done": 1}))]:
        c.add("client", "get", f"after-{name}", "MUST", section, f"The state {before['status']} is not the end: the client goes on waiting.",
              [stored({**before, "date_done": None}), get, waiting, stored(meta(result=7), True),
               answer(value("state", equals="SUCCESS"), value("result", equals=7))])
    for name, e, kind, args in [("builtin", error("ValueError", "boom"), "ValueError", ["boom"]), ("arguments", error("ValueError", "boom", 42), "ValueError", ["boom", 42]),
                                ("foreign", error("CustomError", "x", module="some.module"), "CustomError", ["x"])]:
        c.add("client", "failure", name, "MUST", section, f"A failure ({name}) is raised with its type and arguments.",
              [stored(meta("FAILURE", e, traceback="Traceback")), get, answer(value("state", equals="FAILURE"), value("error", "type", equals=kind), value("error", "args", equals=args))])
    c.add("client", "failure", "revoked", "MUST", section, "A revoked task raises TaskRevokedError.",
          [stored(meta("REVOKED", error("TaskRevokedError", "revoked", module="celery.exceptions"))), get,
           answer(value("state", equals="REVOKED"), value("error", "type", equals="TaskRevokedError"))])
    c.add("client", "failure", "published", "MUST", section, "A failure that is published later is raised.",
          [get, waiting, stored(meta("FAILURE", error("ValueError", "boom")), True), answer(value("error", "type", equals="ValueError"))])
    old = {"status": "SUCCESS", "result": 5, "traceback": None, "children": [], "task_id": "${a}", "date_done": "2026-11-23T03:14:36.341511"}
    c.add("client", "get", "naive-date", "MUST", "15 Version differences seen", "A result of Celery 4.4.7, whose date is naive, is returned.", [stored(old), get, answer(value("result", equals=5))])
    c.add("client", "get", "more-keys", "MUST", "8.1 The meta object", "A result with the keys of result_extended is returned.",
          [stored(meta(result=5, name="tasks.add", args=[2, 3], kwargs={}, worker="w@h", retries=0, queue="celery", customer="acme", stamped_headers=["customer"])), get,
           answer(value("result", equals=5))])
    c.add("client", "get", "few-keys", "SHOULD", "8.1 The meta object", "A result of status, result and task_id alone is returned.",
          [stored({"status": "SUCCESS", "result": 5, "task_id": "${a}"}), get, answer(value("result", equals=5))])
    c.add("client", "get", "timeout", "MUST", section, "Without a result the client says that the time is over.",
          [{"ask": {"op": "get", "id": "${a}", "timeout": 0.5}}, answer(value("timeout", equals=True))])
    reply = lambda v: {"redis": ["LPUSH", "${oid}.reply.celery.pidbox", {"envelope": {"headers": {"ticket": "${t}", "clock": 1}, "value": v}}]}
    hear = [{"listen": "celery.pidbox"}]
    c.add("client", "control", "ping", "SHOULD", "12.1 Request", "A ping is broadcast with a ticket and an address for replies, and the reply is told.",
          [*hear, {"ask": {"op": "control", "command": "ping", "timeout": 2}},
           {"hear": "celery.pidbox", "checks": [value("method", equals="ping"), value("reply_to", "exchange", equals="reply.celery.pidbox"), value("ticket", filled=True)],
            "keep": {"oid": ["value", "reply_to", "routing_key"], "t": ["value", "ticket"]}},
           reply({"kit@nowhere": {"ok": "pong"}}), answer(value("replies", 0, "kit@nowhere", "ok", equals="pong"))], brokers=["redis"], needs=["control"])
    c.add("client", "control", "revoke", "SHOULD", "12.3 Commands", "A revoke names the ids.",
          [*hear, {"ask": {"op": "revoke", "ids": ["${a}"], "terminate": False, "signal": "SIGTERM"}},
           {"hear": "celery.pidbox", "checks": [value("method", equals="revoke"), value("arguments", "task_id", equals=["${a}"]), value("arguments", "terminate", equals=False)]},
           answer()], brokers=["redis"], needs=["control"])
    c.add("client", "control", "destination", "SHOULD", "12.1 Request", "A destination is an array of node names.",
          [*hear, {"ask": {"op": "control", "command": "ping", "timeout": 0.5, "destination": ["w@h"]}}, {"hear": "celery.pidbox", "checks": [value("destination", equals=["w@h"])]}, answer()],
          brokers=["redis"], needs=["control"])


TOPICS = (client,)
