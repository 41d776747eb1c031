"""What a producer of Celery puts on the wire."""
from .shared import BOTH, at, message, signature, value


def producer(c):
    ask = lambda task, args=(), kwargs=None, **options: {"ask": {"op": "send", "task": task, "args": list(args), "kwargs": kwargs or {},
                                                               "options": {"task_id": "${a}", **options}}}
    answered = {"answer": True, "checks": [value("id", equals="${a}")]}
    def sends(topic, name, procedure, question, checks, level="MUST", section="1.1 Headers", queue="celery", needs=(), brokers=BOTH, before=()):
        c.add("producer", topic, name, level, section, procedure, [*before, question, answered, {"receive": queue, "checks": checks}], brokers=brokers, needs=needs)
    plain = ask("tasks.add", [2, 3])
    for header, check in [("task", {"equals": "tasks.add"}), ("id", {"equals": "${a}"}), ("root_id", {"equals": "${a}"}), ("lang", {"kind": ["string"], "filled": True}),
                          ("retries", {"equals": 0}), ("parent_id", {"equals": None}), ("eta", {"equals": None}), ("expires", {"equals": None}),
                          ("group", {"equals": None}), ("timelimit", {"equals": [None, None]}), ("ignore_result", {"equals": False}),
                          ("origin", {"kind": ["string"], "filled": True}), ("argsrepr", {"equals": "(2, 3)"}), ("kwargsrepr", {"equals": "{}"}),
                          ("shadow", {"kind": ["string", "null"]})]:
        level = "SHOULD" if header in ("argsrepr", "kwargsrepr", "origin", "shadow") else "MUST"
        sends("headers", header, f"The header {header} of a plain task.", plain, [at("headers", header, **check)], level)
    sends("body", "three-elements", "The body is [args, kwargs, embed].", plain,
          [value(0, equals=[2, 3]), value(1, equals={}), value(2, "chain", equals=None), value(2, "callbacks", equals=None), value(3, absent=True)], section="1.3 Body")
    sends("body", "no-arguments", "A task without arguments has [] and {}, not null.", ask("tasks.echo"), [value(0, equals=[]), value(1, equals={})], section="Pitfall 11")
    sends("body", "keywords", "Keywords stay keywords.", ask("tasks.echo", [1], {"k": 2}), [value(0, equals=[1]), value(1, equals={"k": 2})], section="Pitfalls 30 and 31")
    for name, args in [("unicode", ["h\u00e9 \U0001f966"]), ("null", [None]), ("big", [2 ** 70]), ("float", [1.5]), ("nested", [[1, {"a": [None]}]]), ("boolean", [True])]:
        sends("body", name, f"An argument ({name}) arrives as it is.", ask("tasks.echo", args), [value(0, equals=args)], section="1.3 Body")
    sends("properties", "correlation-id", "correlation_id is the task's id, in snake case.", plain, [at("properties", "correlation_id", equals="${a}")], section="Pitfall 29")
    sends("properties", "reply-to", "reply_to names where replies of RPC go, in snake case.", plain, [at("properties", "reply_to", kind=["string"], filled=True)], "SHOULD", section="Pitfall 8")
    sends("properties", "persistent", "Messages are persistent.", plain, [at("properties", "delivery_mode", equals=2)], section="1.2 Properties")
    sends("properties", "content-type", "The content type and encoding of JSON.", plain,
          [at("content-type", equals="application/json"), at("content-encoding", equals="utf-8")], section="3.1 Content types")
    sends("envelope", "routing-key", "delivery_info names the default exchange and the queue.", plain,
          [at("properties", "delivery_info", "routing_key", equals="celery"), at("properties", "delivery_info", "exchange", equals="")], section="Pitfall 10", brokers=["redis"])
    sends("envelope", "delivery-tag", "The envelope has a delivery tag.", plain, [at("properties", "delivery_tag", filled=True)], section="4.1 Envelope", brokers=["redis"])
    sends("envelope", "body-encoding", "The body is base64 and says so.", plain, [at("properties", "body_encoding", equals="base64")], "SHOULD", section="4.1 Envelope", brokers=["redis"])
    sends("options", "queue", "A queue that is named gets the message.", ask("tasks.add", [2, 3], queue="kit.other"),
          [at("headers", "id", equals="${a}")], queue="kit.other", section="1.6 Routing", needs=["queues"])
    sends("options", "countdown", "A countdown becomes an ETA with an offset.", ask("tasks.add", [2, 3], countdown=60),
          [at("headers", "eta", after="${now+60}")], section="1.4 Time formats", needs=["eta"])
    sends("options", "eta", "An ETA stands in the header.", ask("tasks.add", [2, 3], eta="2030-01-02T03:04:05+00:00"),
          [at("headers", "eta", starts="2030-01-02T03:04:05"), value(0, equals=[2, 3])], section="1.4 Time formats", needs=["eta"])
    sends("options", "expires", "Seconds until the expiry become a time.", ask("tasks.add", [2, 3], expires=600), [at("headers", "expires", after="${now+600}")],
          section="1.4 Time formats", needs=["expires"], brokers=["redis"])
    sends("options", "expiration", "At RabbitMQ an expiry is a property in milliseconds as well.", ask("tasks.add", [2, 3], expires=600),
          [at("headers", "expires", after="${now+590}"), at("properties", "expiration", filled=True)], "SHOULD", section="1.2 Properties", needs=["expires"], brokers=["rabbitmq"])
    sends("options", "time-limits", "Time limits are [hard, soft].", ask("tasks.add", [2, 3], time_limit=30, soft_time_limit=20),
          [at("headers", "timelimit", equals=[30, 20])], section="Pitfall 17", needs=["time_limits"])
    sends("options", "ignore-result", "ignore_result stands in the header.", ask("tasks.add", [2, 3], ignore_result=True), [at("headers", "ignore_result", equals=True)],
          needs=["ignore_result"])
    sends("options", "headers", "Headers of the application's own stand among the headers.", ask("tasks.add", [2, 3], headers={"x-custom": "1"}),
          [at("headers", "x-custom", equals="1")], "SHOULD", needs=["headers"])
    sends("options", "compression", "A compressed body names its compression in the headers.", ask("tasks.echo", ["x" * 400], compression="zlib"),
          [at("headers", "compression", equals="application/x-gzip"), value(0, equals=["x" * 400])], section="3.3 Compression", needs=["compression"])
    for priority in (3, 6, 9):
        sends("options", f"priority-{priority}", f"Priority {priority} goes to its own list.", ask("tasks.add", [2, 3], priority=priority),
              [at("properties", "priority", equals=priority)], section="Pitfall 28", queue=f"celery\x06\x16{priority}", brokers=["redis"], needs=["priority"])
    one = lambda task, args, id=None, immutable=False: {"task": task, "args": args, "kwargs": {}, "options": {"task_id": "${%s}" % id} if id else {}, "immutable": immutable}
    canvas = lambda tree: {"ask": {"op": "canvas", "canvas": tree}}
    chained = lambda name, procedure, tree, checks: c.add(
        "producer", "canvas", name, "MUST", "9 Canvas on the wire", procedure,
        [canvas(tree), {"answer": True, "checks": [value("id", filled=True)]}, {"receive": "celery", "checks": checks}], needs=["chain"])
    chained("chain", "A chain's first task carries the rest, the next one last.", {"chain": [one("tasks.add", [1, 2], "a"), one("tasks.add", [3], "b"), one("tasks.multiply", [4], "c")]},
            [at("headers", "id", equals="${a}"), value(0, equals=[1, 2]), value(2, "chain", 1, "options", "task_id", equals="${b}"),
             value(2, "chain", 0, "options", "task_id", equals="${c}"), value(2, "chain", 1, "args", equals=[3])])
    chained("chain-root", "A chain's first task is its root.", {"chain": [one("tasks.add", [1, 2], "a"), one("tasks.add", [3], "b")]},
            [at("headers", "root_id", equals="${a}"), at("headers", "parent_id", equals=None)])
    chained("chain-immutable", "An immutable member says so.", {"chain": [one("tasks.add", [1, 2], "a"), one("tasks.add", [3, 4], "b", True)]},
            [value(2, "chain", 0, "immutable", equals=True)])
    chained("chain-signature", "A member is a signature with task, args, kwargs, options and immutable.", {"chain": [one("tasks.add", [1, 2], "a"), one("tasks.add", [3], "b")]},
            [value(2, "chain", 0, "task", equals="tasks.add"), value(2, "chain", 0, "kwargs", equals={}), value(2, "chain", 0, "immutable", equals=False),
             value(2, "chain", 0, "options", kind=["object"])])
    for index in (0, 1):
        c.add("producer", "canvas", f"group-member-{index}", "MUST", "9 Canvas on the wire", f"Member {index} of a group has the group's id and its index.",
              [canvas({"group": [one("tasks.add", [1, 1]), one("tasks.add", [2, 2])]}), {"answer": True, "checks": [], "keep": {"g": ["value", "id"]}},
               *({"receive": "celery", "checks": [at("headers", "group", equals="${g}"), at("headers", "group_index", equals=n), value(0, equals=[n + 1, n + 1])]}
                 for n in range(index + 1))], needs=["group"])
    c.add("producer", "canvas", "chord", "MUST", "8.4 Chords, Redis native join", "Each part of a chord carries the body, and the size of the group is stored.",
          [canvas({"chord": [one("tasks.add", [1, 1]), one("tasks.add", [2, 2])], "body": one("tasks.sum_ints", [], "body")}),
           {"answer": True, "checks": [value("id", equals="${body}")]},
           {"receive": "celery", "checks": [value(2, "chord", "task", equals="tasks.sum_ints"), value(2, "chord", "options", "task_id", equals="${body}"),
                                            at("headers", "group", filled=True)], "keep": {"g": ["headers", "group"]}},
           {"await": ["EVAL", "return redis.call('GET', KEYS[1])", "1", "celery-taskset-meta-${g}.s"], "is": "2"}], needs=["chord"])
    for names, option in (("callbacks", "link"), ("errbacks", "link_error")):
        c.add("producer", "canvas", option.replace("_", "-"), "MUST", "1.3 Body", f"A {option} stands among the {names}.",
              [{"ask": {"op": "send", "task": "tasks.add", "args": [2, 3], "kwargs": {}, "options": {"task_id": "${a}", option: [one("tasks.add", [10])]}}}, answered,
               {"receive": "celery", "checks": [value(2, names, 0, "task", equals="tasks.add"), value(2, names, 0, "args", equals=[10])]}], needs=[option])


TOPICS = (producer,)
