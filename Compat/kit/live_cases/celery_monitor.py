"""What a monitor of Celery makes of events: it prints a line for each, in any form that has what the case names."""
import json

from .shared import at

NODE = "kit-${a}@nowhere"


def event(kind, **fields):
    return {"type": kind, "hostname": NODE, "timestamp": 1795000000.25, "utcoffset": 0, "pid": 7, "clock": 12, **fields}


def received(id="${a}", **fields):
    return event("task-received", uuid=id, name="tasks.kit_watched", args="(2, 3)", kwargs="{'k': 1}", retries=0, eta=None, expires=None, root_id=id,
                 parent_id=None, **fields)


def publish(body, key="task.multi", **raw):
    return {"broadcast": {"headers": {"hostname": NODE}, **(raw or {"value": body})}, "exchange": "celeryev", "key": key}


def printed(*parts, within=10):
    return {"printed": True, "within": within, "checks": [at("text", contains=part) for part in parts]}


def monitor(c):
    section = "11 Events"
    add = lambda topic, name, level, procedure, *steps, note=None: c.add("monitor", topic, name, level, section, procedure, list(steps), note=note)
    beat = {"freq": 2.0, "active": 1, "processed": 5, "loadavg": [0.1, 0.2, 0.3], "sw_ident": "kit-ident", "sw_ver": "9.8.7", "sw_sys": "Linux"}
    for kind in ("online", "heartbeat", "offline"):
        add("worker", kind, "MUST", f"The event worker-{kind} is told with its node and its software.",
            publish(event(f"worker-{kind}", **beat), f"worker.{kind}"), printed(NODE, "kit-ident", "9.8.7"))
    add("task", "received", "MUST", "A task that was received is told with its id, name and arguments.",
        publish([received()]), printed("received", "${a}", "tasks.kit_watched", "(2, 3)"))
    sent = {**received(), "type": "task-sent", "queue": "celery", "exchange": "", "routing_key": "celery"}
    add("task", "sent", "MUST", "A task that a client has sent is told with its id and name.", publish(sent, "task.sent"), printed("sent", "${a}", "tasks.kit_watched"))
    for kind, fields, parts in [("started", {}, []), ("succeeded", {"result": "'kit-result'", "runtime": 0.125}, ["kit-result", "0.125"]),
                                ("failed", {"exception": "ValueError('kit-boom')", "traceback": "Traceback"}, ["kit-boom"]),
                                ("retried", {"exception": "ValueError('kit-again')", "traceback": None}, ["kit-again"]),
                                ("revoked", {"terminated": False, "signum": None, "expired": True}, []), ("rejected", {"requeue": False}, [])]:
        add("task", kind, "MUST", f"The event task-{kind} of a task that was received is told with its id.",
            publish([received()]), printed("received", "${a}"), publish([event(f"task-{kind}", uuid="${a}", **fields)]), printed(kind, "${a}", *parts))
    add("task", "unheard-of", "MUST", "The end of a task whose beginning was not heard is told.",
        publish([event("task-succeeded", uuid="${b}", result="'${c}'", runtime=0.125)]), printed("succeeded", "${c}"))
    add("form", "array", "MUST", "All events of a message that is an array are told, in their order.",
        publish([received("${a}"), received("${b}"), received("${c}")]), printed("${a}"), printed("${b}"), printed("${c}"))
    add("form", "single", "MUST", "A task's event that is no array is told too.", publish(received(), "task.received"), printed("received", "${a}"))
    add("form", "unknown-field", "SHOULD", "A field that is unknown is no error, and is told.", publish([received(kit_more="${b}")]), printed("${a}"), publish([received("${d}")]), printed("${d}"))
    add("form", "custom-type", "SHOULD", "An event of an application's own type is told.", publish(event("kit-progress", done="${b}"), "kit.progress"), printed("${b}"))
    without = lambda key: {k: v for k, v in received("${b}").items() if k != key}
    for key in ("clock", "utcoffset", "pid"):
        add("form", f"no-{key}", "MUST", f"An event without {key} is told.", publish([without(key)]), printed("received", "${b}"))
    add("form", "text", "MUST", "Text beyond ASCII does not stop a monitor.", publish([{**received("${b}"), "name": "tasks.gr\u00fc\u00dfe"}]), printed("${b}"), publish([received()]), printed("${a}"))
    for name, raw in [("not-json", {"text": "{"}), ("number", {"value": 5}), ("null", {"value": None}), ("numbers", {"value": [1, 2]}), ("no-type", {"value": [without("type")]}),
                      ("no-hostname", {"value": [without("hostname")]}), ("no-timestamp", {"value": [without("timestamp")]}), ("no-uuid", {"value": [without("uuid")]}),
                      ("type-a-number", {"value": [{**received("${b}"), "type": 5}]}), ("bad-utf8", {"base64": "//4="}), ("deep", {"text": "[" * 3000 + "]" * 3000})]:
        note = BROKEN.get(name)
        add("malformed", name, "INFORMATIONAL" if note else "MUST", f"An event that is broken ({name}) stands before a good one. The monitor goes on.",
            publish(None, **raw), publish([received()]), printed("${a}"), note=note)
    add("stop", "interrupt", "SHOULD", "SIGINT ends a monitor with status 0.", {"signal": "INT"}, {"ended": [0], "within": 30})


# What `celery events --dump` of Celery 5.7.0 does not survive, or hears nothing after.
BROKEN = {**dict.fromkeys(("number", "null", "numbers", "type-a-number"), "celery events of 5.7.0 ends"),
          **dict.fromkeys(("no-type", "no-hostname", "no-timestamp", "no-uuid"), "celery events of 5.7.0 hears nothing more")}


TOPICS = (monitor,)
