"""What a beat of Celery sends: its entries are those of the kit's schedule, each with a queue of its own."""
from .shared import at, value

SECTION = "13 Beat"


def beat(c):
    def add(topic, name, level, procedure, *steps, **more):
        c.add("beat", topic, name, level, SECTION, procedure, list(steps), **more)
    def sends(topic, name, level, procedure, queue, *checks, **more):
        add(topic, name, level, procedure, {"receive": queue, "checks": list(checks)}, **more)
    for header, level, check in [
            ("task", "MUST", {"equals": "tasks.add"}), ("id", "MUST", {"kind": ["string"], "filled": True}),
            ("lang", "MUST", {"kind": ["string"], "filled": True}), ("retries", "MUST", {"equals": 0}), ("eta", "MUST", {"equals": None}),
            ("expires", "MUST", {"equals": None}), ("group", "MUST", {"equals": None}), ("parent_id", "MUST", {"equals": None}),
            ("timelimit", "MUST", {"equals": [None, None]}), ("argsrepr", "SHOULD", {"oneof": ["(16, 16)", "[16, 16]"]}), ("celery_beat_task", "SHOULD", {"equals": True})]:
        sends("headers", header.replace("_", "-"), level, f"The header {header} of what is sent every second.", "kit.every", at("headers", header, **check))
    add("headers", "root-id", "MUST", "A task that a beat sends is its own root.",
        {"receive": "kit.every", "checks": [], "keep": {"id": ["headers", "id"], "root": ["headers", "root_id"]}},
        {"redis": ["SETEX", "kit-${root}", "60", "1"]}, {"await": ["EXISTS", "kit-${id}"], "is": 1})
    sends("body", "arguments", "MUST", "The body is [args, kwargs, embed] with the entry's arguments.", "kit.every",
          value(0, equals=[16, 16]), value(1, equals={}), value(2, "chain", equals=None), value(2, "callbacks", equals=None), value(3, absent=True))
    sends("body", "keywords", "MUST", "An entry's keywords stay keywords.", "kit.keywords",
          at("headers", "task", equals="tasks.echo"), value(0, equals=[1]), value(1, equals={"k": "h\u00e9"}))
    sends("body", "content-type", "MUST", "The body is JSON and says so.", "kit.every",
          at("content-type", equals="application/json"), at("content-encoding", equals="utf-8"), at("properties", "delivery_mode", equals=2))
    sends("options", "expires", "MUST", "Seconds until the expiry become a time, at each run anew.", "kit.options", at("headers", "expires", after="${now+45}"))
    sends("options", "headers", "SHOULD", "Headers of an entry stand among the headers.", "kit.options", at("headers", "x-custom", equals="1"))
    sends("options", "priority", "MUST", "The priority of an entry decides the list.", "kit.priority\x06\x166", at("properties", "priority", equals=6), brokers=["redis"])
    add("interval", "once", "MUST", "What is due every second is sent once a second: 3 to 5 times in four, each time with an id of its own.",
        {"count": "kit.every", "over": 4, "least": 3, "most": 5})
    add("interval", "half-a-second", "MUST", "An interval may have a fraction: 6 to 9 times in four seconds.",
        {"count": "kit.half", "over": 4, "least": 6, "most": 9})
    add("interval", "not-at-the-start", "MUST", "What is due every hour is not sent when the beat starts.", {"count": "kit.hour", "over": 2, "least": 0, "most": 0})
    add("crontab", "every-minute", "MUST", "A crontab of five stars is due once a minute: once or twice in 62 seconds.",
        {"count": "kit.minute", "over": 62, "least": 1, "most": 2})
    add("crontab", "not-due", "MUST", "A crontab that names another day is not due.", {"count": "kit.never", "over": 2, "least": 0, "most": 0})
    add("stop", "terminate", "MUST", "SIGTERM ends a beat with status 0, and nothing is sent any more.",
        {"signal": "TERM"}, {"ended": [0], "within": 30}, {"count": "kit.every", "over": 2, "least": 0, "most": 0})


TOPICS = (beat,)
