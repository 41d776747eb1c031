"""The cases that no capture has: tables of inputs, each with what the specification wishes of it.

A row is (file, role, topic, name, level, section, procedure, operation, question, wish). A wish is "answer" (what Celery answers),
"refuse", a list with the one answer that is right, or an object of checks on what a testee writes.
"""
import base64, json


def base(data):
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def at(*path, **what):
    return {"at": list(path), **what}


# MARK: Celery

HEADERS = {"lang": "py", "task": "kit.task", "id": "11111111-1111-4111-8111-111111111111", "shadow": None, "eta": None, "expires": None,
           "group": None, "group_index": None, "retries": 0, "timelimit": [None, None], "root_id": "11111111-1111-4111-8111-111111111111",
           "parent_id": None, "argsrepr": "(2, 3)", "kwargsrepr": "{}", "origin": "gen1@kit", "ignore_result": False}
EMBED = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
DROP = object()


def envelope(body=None, headers={}, properties={}, raw=None, **outer):
    def merged(own, changes):
        return {k: v for k, v in {**own, **changes}.items() if v is not DROP}
    data = raw if raw is not None else json.dumps([[2, 3], {}, EMBED] if body is None else body)
    whole = {"body": base(data), "content-encoding": "utf-8", "content-type": "application/json",
             "headers": merged(HEADERS, headers) if isinstance(headers, dict) else headers,
             "properties": merged({"correlation_id": HEADERS["id"], "reply_to": "r", "delivery_mode": 2, "priority": 0, "body_encoding": "base64",
                                   "delivery_info": {"exchange": "", "routing_key": "celery"}, "delivery_tag": "t-1"}, properties)
             if isinstance(properties, dict) else properties}
    return {"envelope": base(json.dumps(merged(whole, outer)))}


def v1(**changes):
    body = {"task": "kit.task", "id": "11111111-1111-4111-8111-111111111111", "args": [2, 3], "kwargs": {}, "group": None, "retries": 0,
            "eta": None, "expires": None, "utc": True, "callbacks": None, "errbacks": None, "timelimit": [None, None], "taskset": None, "chord": None}
    body = {k: v for k, v in {**body, **changes}.items() if v is not DROP}
    return envelope(raw=json.dumps(body), headers={k: DROP for k in HEADERS})


def celery():
    yield from tolerance()
    yield from malformed()
    yield from writing()
    yield from results()
    yield from times()
    yield from content()
    yield from reprs()
    yield from crontabs()
    yield from topics()
    yield from control()


def tolerance():
    def row(name, level, section, procedure, question, wish="answer"):
        return ("tolerance", "worker", "tolerance", name, level, section, procedure, "task.read", question, wish)
    for header in [h for h in HEADERS if h not in ("task", "id")]:
        yield row(f"without-{header}", "MUST", "1.1 Headers", f"A message without the header `{header}`: only `id` and `task` are required (mistake 18).",
                  envelope(headers={header: DROP}))
    for header in ("shadow", "eta", "expires", "group", "group_index", "root_id", "parent_id", "argsrepr", "kwargsrepr", "origin", "ignore_result", "timelimit", "lang"):
        yield row(f"null-{header}", "MUST", "1.1 Headers", f"A message whose header `{header}` is null.", envelope(headers={header: None}))
    yield row("only-required-headers", "MUST", "1.1 Headers", "A message with no header but `id` and `task`.", envelope(headers={h: DROP for h in HEADERS if h not in ("task", "id")}))
    yield row("null-retries", "SHOULD", "1.1 Headers", "`retries` null, as rusty-celery sends it (mistake 9): read it as 0.", envelope(headers={"retries": None}))
    yield row("unknown-header", "MUST", "1.1 Headers", "Unknown headers are ignored.", envelope(headers={"traceparent": "00-1-2-01", "x": {"y": [1]}}))
    yield row("unknown-embed", "MUST", "1.3 Body", "An unknown key in the embed is ignored.", envelope([[1], {}, {**EMBED, "later": 1}]))
    yield row("unknown-outer", "MUST", "4.1 Envelope", "An unknown key of the envelope is ignored.", envelope(later=1))
    yield row("null-embed", "SHOULD", "1.3 Body", "The embed is null.", envelope([[1], {}, None]))
    yield row("empty-embed", "MUST", "1.3 Body", "The embed has no keys.", envelope([[1], {}, {}]))
    yield row("empty-chain", "MUST", "1.3 Body", "`chain` is an empty array, as a worker sends it with a chain's last element.", envelope([[1], {}, {**EMBED, "chain": []}]))
    signature = {"task": "kit.next", "args": [], "kwargs": {}, "options": {"task_id": "n-1"}, "subtask_type": None, "immutable": False}
    for key, value in (("callbacks", [signature]), ("errbacks", [signature]), ("chain", [signature, {**signature, "immutable": True}]), ("chord", {**signature, "chord_size": 2})):
        yield row(f"embed-{key}", "MUST", "1.3 Body", f"`{key}` holds signatures, which are objects (mistakes 14 and 15).", envelope([[1], {}, {**EMBED, key: value}]))
    yield row("timelimit-order", "MUST", "1.1 Headers", "`timelimit` is [hard, soft] in that order (mistake 17).", envelope(headers={"timelimit": [600, 30]}))
    yield row("timelimit-floats", "MUST", "1.1 Headers", "Time limits may be floats (mistake 20).", envelope(headers={"timelimit": [900.0, 0.5]}))
    yield row("timelimit-soft-only", "MUST", "1.1 Headers", "Only the soft limit is set.", envelope(headers={"timelimit": [None, 30]}))
    yield row("eta-naive", "MUST", "1.4 Time formats", "`eta` has no offset (mistake 19).", envelope(headers={"eta": "2027-01-01T00:00:00.5"}))
    yield row("eta-z", "MUST", "1.4 Time formats", "`eta` ends in Z.", envelope(headers={"eta": "2027-01-01T00:00:00Z"}))
    yield row("id-not-uuid", "MUST", "1.1 Headers", "The id is any text.", envelope(headers={"id": "order 17/ü"}))
    yield row("task-unicode", "SHOULD", "1.1 Headers", "The name of the task is any text.", envelope(headers={"task": "büro.drück"}))
    yield row("args-null-elements", "MUST", "1.3 Body", "Arguments may be null.", envelope([[None, [None]], {"k": None}, EMBED]))
    yield row("args-big-integer", "MUST", "1.3 Body", "Integers have no bound.", envelope([[2**70, -2**70, 2**63, 2**64 - 1], {}, EMBED]))
    yield row("args-floats", "MUST", "1.3 Body", "Floats keep their value.", envelope([[0.1, 1e300, -0.0, 5e-324, 1.5], {}, EMBED]))
    yield row("args-nan", "SHOULD", "1.3 Body", "NaN and Infinity may stand as bare words.", envelope(raw='[[NaN, Infinity, -Infinity], {}, null]'))
    yield row("args-unicode", "MUST", "1.3 Body", "Text beyond the basic plane comes as surrogate pairs.", envelope([["\U0001F600 é ☃", "\u0000"], {"ключ": "値"}, EMBED]))
    yield row("args-utf8", "MUST", "1.3 Body", "Text may come as UTF-8 without escapes.", envelope(raw=json.dumps([["\U0001F600 é"], {}, EMBED], ensure_ascii=False)))
    yield row("args-deep", "MUST", "1.3 Body", "Forty levels of arrays.", envelope([[eval("[" * 40 + "1" + "]" * 40)], {}, EMBED]))
    yield row("args-many", "MUST", "1.3 Body", "A thousand arguments.", envelope([list(range(1000)), {}, EMBED]))
    yield row("body-compact", "MUST", "1.3 Body", "Whitespace does not count.", envelope(raw='[[2,3],{"a":1},{"callbacks":null}]'))
    yield row("body-spaced", "MUST", "1.3 Body", "Whitespace does not count.", envelope(raw=' [ [ 2 ,\t3 ] ,\n{ } , { } ] '))
    yield row("body-as-text", "MUST", "4.1 Envelope", "`body_encoding` is absent: the body is literal text.",
              envelope(properties={"body_encoding": DROP}, body=json.dumps([[2], {}, EMBED])) if False else
              {"envelope": base(json.dumps({**json.loads(base64.b64decode(envelope(properties={"body_encoding": DROP})["envelope"])), "body": json.dumps([[2], {}, EMBED])}))})
    yield row("body-utf8-encoding", "SHOULD", "4.1 Envelope", "`body_encoding` is `utf-8`: the body is literal text.",
              {"envelope": base(json.dumps({**json.loads(base64.b64decode(envelope(properties={"body_encoding": "utf-8"})["envelope"])), "body": json.dumps([[2], {}, EMBED])}))})
    yield row("headers-any-order", "MUST", "1.1 Headers", "Headers come in any order.", envelope(headers=dict(reversed(HEADERS.items()))))
    yield row("redelivered", "MUST", "4.4 Consume", "A message that was given back has `redelivered` in two places.",
              envelope(headers={"redelivered": True}, properties={"delivery_info": {"exchange": "", "routing_key": "celery", "redelivered": True}}))
    yield row("no-priority", "SHOULD", "1.2 Properties", "No priority.", envelope(properties={"priority": DROP}))
    yield row("no-reply-to", "MUST", "1.2 Properties", "No `reply_to`.", envelope(properties={"reply_to": DROP}))
    yield row("extra-property", "MUST", "1.2 Properties", "A property that is not Celery's own.", envelope(properties={"periodic_task_name": "x"}))
    yield row("stamps", "MUST", "1.1 Headers", "Stamps and their names.", envelope(headers={"stamped_headers": ["s"], "stamps": {"s": ["1"]}, "s": "1"}))
    yield row("hybrid", "SHOULD", "1.6 Routing", "Headers of protocol 2 with a body of protocol 1.", envelope(raw=json.dumps({"args": [2, 3], "kwargs": {"a": 1}})))
    for name, changes in (("plain", {}), ("no-args", {"args": DROP}), ("no-kwargs", {"kwargs": DROP}), ("no-retries", {"retries": DROP}), ("no-eta", {"eta": DROP}),
                          ("no-utc", {"utc": DROP}), ("no-timelimit", {"timelimit": DROP}), ("no-callbacks", {"callbacks": DROP}), ("no-chord", {"chord": DROP}),
                          ("taskset", {"taskset": "g-1"}), ("group", {"group": "g-2", "taskset": DROP}), ("unknown-key", {"later": 1}), ("link", {"callbacks": [signature]}),
                          ("eta", {"eta": "2027-01-01T00:00:00+00:00"}), ("naive-eta", {"eta": "2027-01-01T00:00:00"}), ("timelimit", {"timelimit": [10, 5]}), ("retries", {"retries": 3})):
        yield ("tolerance", "worker", "protocol-1", name, "MUST", "2 Protocol 1", f"A message of protocol 1, {name.replace('-', ' ')}.", "task.read", v1(**changes), "answer")


def malformed():
    def row(name, procedure, question, level="MUST", section="10 Bad messages"):
        return ("malformed", "worker", "malformed", name, level, section, procedure + " Refuse it and go on.", "task.read", question, "refuse")
    good = json.loads(base64.b64decode(envelope()["envelope"]))
    yield row("not-json", "The envelope is not JSON.", {"envelope": base("not json")})
    yield row("empty", "The envelope is empty.", {"envelope": ""})
    yield row("truncated", "The envelope ends in the middle.", {"envelope": base(json.dumps(good)[:200])})
    yield row("array", "The envelope is an array.", {"envelope": base("[1]")})
    yield row("number", "The envelope is a number.", {"envelope": base("5")})
    yield row("null", "The envelope is null.", {"envelope": base("null")})
    yield row("bad-base64", "The body is not base64.", {"envelope": base(json.dumps({**good, "body": "%%%"}))})
    yield row("body-not-json", "The body is not JSON.", envelope(raw="not json"))
    yield row("body-empty", "The body is empty.", envelope(raw=""))
    yield row("body-truncated", "The body ends in the middle.", envelope(raw="[[2, 3], {}, "))
    yield row("body-trailing", "Something follows the body.", envelope(raw="[[2, 3], {}, {}] x"))
    yield row("body-bad-utf8", "The body is not UTF-8.", envelope(raw=b'[["\xff\xfe"], {}, {}]'))
    yield row("body-deep", "The body is nested 100,000 levels deep.", envelope(raw="[" * 100000 + "]" * 100000))
    for n, body in ((0, []), (1, [[1]]), (2, [[1], {}]), (4, [[1], {}, EMBED, 1])):
        yield row(f"body-{n}-elements", f"The body has {n} elements.", envelope(body))
    yield row("body-number", "The body is a number.", envelope(5))
    yield row("body-string", "The body is a string.", envelope("abcd"))
    yield row("body-null", "The body is null.", envelope(raw="null"))
    yield row("kwargs-array", "Keyword arguments are an array.", envelope([[1], [1], EMBED]))
    yield row("kwargs-string", "Keyword arguments are a string.", envelope([[1], "k", EMBED]))
    yield row("args-object", "Positional arguments are an object.", envelope([{"a": 1}, {}, EMBED]))
    yield row("args-string", "Positional arguments are a string.", envelope(["ab", {}, EMBED]))
    yield row("args-number", "Positional arguments are a number.", envelope([5, {}, EMBED]))
    yield row("embed-array", "The embed is an array.", envelope([[1], {}, [1]]))
    yield row("embed-string", "The embed is a string.", envelope([[1], {}, "x"]))
    yield row("chain-of-numbers", "`chain` holds a number.", envelope([[1], {}, {**EMBED, "chain": [1]}]))
    yield row("chain-string", "`chain` is a string.", envelope([[1], {}, {**EMBED, "chain": "x"}]))
    yield row("callbacks-object", "`callbacks` is an object.", envelope([[1], {}, {**EMBED, "callbacks": {"task": "x"}}]))
    yield row("errbacks-number", "`errbacks` is a number.", envelope([[1], {}, {**EMBED, "errbacks": 5}]))
    yield row("chord-array", "`chord` is an array.", envelope([[1], {}, {**EMBED, "chord": [1]}]))
    yield row("no-id", "There is no id.", envelope(headers={"id": DROP}))
    yield row("id-number", "The id is a number.", envelope(headers={"id": 5}))
    yield row("id-null", "The id is null.", envelope(headers={"id": None}))
    yield row("id-empty", "The id is empty.", envelope(headers={"id": ""}))
    yield row("task-number", "The task's name is a number.", envelope(headers={"task": 5}))
    yield row("task-null", "The task's name is null.", envelope(headers={"task": None}))
    yield row("timelimit-one", "`timelimit` has one element.", envelope(headers={"timelimit": [5]}))
    yield row("timelimit-three", "`timelimit` has three elements.", envelope(headers={"timelimit": [5, 4, 3]}))
    yield row("timelimit-number", "`timelimit` is a number.", envelope(headers={"timelimit": 5}))
    yield row("timelimit-text", "`timelimit` holds text.", envelope(headers={"timelimit": ["a", "b"]}))
    yield row("timelimit-object", "`timelimit` is an object.", envelope(headers={"timelimit": {"hard": 5}}))
    for field in ("eta", "expires"):
        yield row(f"{field}-text", f"`{field}` is no time.", envelope(headers={field: "soon"}))
        yield row(f"{field}-number", f"`{field}` is a number.", envelope(headers={field: 5}))
        yield row(f"{field}-array", f"`{field}` is an array.", envelope(headers={field: []}))
        yield row(f"{field}-month-13", f"`{field}` is in month 13.", envelope(headers={field: "2027-13-01T00:00:00"}))
    yield row("retries-object", "`retries` is an object.", envelope(headers={"retries": {}}))
    yield row("group-number", "`group` is a number.", envelope(headers={"group": 5}))
    yield row("headers-null", "Headers are null.", {"envelope": base(json.dumps({**good, "headers": None}))})
    yield row("headers-array", "Headers are an array.", {"envelope": base(json.dumps({**good, "headers": [1]}))})
    yield row("headers-string", "Headers are a string.", {"envelope": base(json.dumps({**good, "headers": "x"}))})
    yield row("no-headers-no-task", "Neither headers nor body name a task.", envelope(raw='{"hello": 1}', headers={k: DROP for k in HEADERS}))
    yield row("no-properties", "There are no properties.", envelope(properties=None))
    yield row("no-delivery-tag", "There is no `delivery_tag`, which acknowledgements need.", envelope(properties={"delivery_tag": DROP}))
    yield row("delivery-info-null", "`delivery_info` is null.", envelope(properties={"delivery_info": None}))
    yield row("delivery-info-string", "`delivery_info` is a string.", envelope(properties={"delivery_info": "x"}))
    yield row("body-number-in-envelope", "The envelope's body is a number.", {"envelope": base(json.dumps({**good, "body": 5}))})
    yield row("unknown-content-type", "The content type is unknown.", {"envelope": base(json.dumps({**good, "content-type": "application/x-unknown"}))}, section="3.1 Content types")
    yield row("pickle", "The content type is pickle.", {"envelope": base(json.dumps({**good, "content-type": "application/x-python-serialize", "content-encoding": "binary"}))}, section="3.1 Content types")
    yield row("unknown-compression", "The compression is unknown.", envelope(headers={"compression": "application/x-unknown"}), section="3.3 Compression")
    yield row("corrupt-compression", "The compressed body is damaged.", envelope(headers={"compression": "application/x-gzip"}), section="3.3 Compression")
    yield row("unknown-type", "An argument's `__type__` is unknown: Python raises.", envelope([[{"__type__": "colour", "__value__": 1}], {}, EMBED]), "SHOULD", "3.2 JSON extended types")
    for name, changes in (("v1-kwargs-null", {"kwargs": None}), ("v1-kwargs-array", {"kwargs": [1]}), ("v1-no-id", {"id": DROP}), ("v1-eta-text", {"eta": "soon"}),
                          ("v1-timelimit-one", {"timelimit": [1]}), ("v1-task-null", {"task": None}), ("v1-id-number", {"id": 5})):
        # Producers in Go write null for no keyword arguments, and to read it as none loses nothing.
        level = "MAY" if name == "v1-kwargs-null" else "MUST"
        yield row(name, f"Protocol 1: {name[3:].replace('-', ' ')} (mistake 12 and its like).", v1(**changes), level, "2 Protocol 1")


def writing():
    base_question = {"task": "kit.task", "task_id": "22222222-2222-4222-8222-222222222222", "args": [2, 3], "kwargs": {"a": 1}}

    def row(name, level, section, procedure, checks, **question):
        question = {k: v for k, v in {**base_question, **question}.items() if v is not DROP}
        return ("writing", "producer", "message", name, level, section, procedure, "task.write", question, {"view": "envelope", "checks": checks})
    tid = base_question["task_id"]
    yield row("body", "MUST", "1.3 Body", "The body is [args, kwargs, embed].", [at("value", 0, **{"is": [2, 3]}), at("value", 1, **{"is": {"a": 1}}), at("value", 2, kind=["object"])])
    for key in EMBED:
        yield row(f"embed-{key}-null", "MUST", "1.3 Body", f"`{key}` is null when there is none.", [at("value", 2, key, oneof=[None, []])])
    yield row("no-arguments", "MUST", "1.3 Body", "No arguments are [] and {}, never null (mistake 11).", [at("value", 0, **{"is": []}), at("value", 1, **{"is": {}})], args=DROP, kwargs=DROP)
    yield row("empty-arguments", "MUST", "1.3 Body", "Empty arguments are [] and {}.", [at("value", 0, **{"is": []}), at("value", 1, **{"is": {}})], args=[], kwargs={})
    yield row("task", "MUST", "1.1 Headers", "The header `task` is the name.", [at("headers", "task", **{"is": "kit.task"})])
    yield row("id", "MUST", "1.1 Headers", "The header `id` is the id.", [at("headers", "id", **{"is": tid})])
    yield row("lang", "SHOULD", "1.1 Headers", "The header `lang` is text.", [at("headers", "lang", kind=["string"])])
    yield row("root-id", "MUST", "1.1 Headers", "`root_id` is the task's own id when it is the first.", [at("headers", "root_id", **{"is": tid})])
    yield row("root-id-given", "MUST", "1.1 Headers", "`root_id` and `parent_id` are passed on.", [at("headers", "root_id", **{"is": "r"}), at("headers", "parent_id", **{"is": "p"})], root_id="r", parent_id="p")
    yield row("retries-zero", "MUST", "1.1 Headers", "`retries` is 0, never null (mistake 9).", [at("headers", "retries", **{"is": 0})])
    yield row("retries", "MUST", "1.1 Headers", "`retries` is passed on.", [at("headers", "retries", **{"is": 4})], retries=4)
    yield row("timelimit-none", "MUST", "1.1 Headers", "`timelimit` is [null, null] when there is none.", [at("headers", "timelimit", **{"is": [None, None]})])
    for limits in ([60, 30], [60, None], [None, 30], [0.5, 0.25], [900.0, 600]):
        yield row(f"timelimit-{limits[0]}-{limits[1]}", "MUST", "1.1 Headers", "`timelimit` is [hard, soft] (mistake 17).", [at("headers", "timelimit", **{"is": limits})], timelimit=limits)
    yield row("eta-null", "MUST", "1.1 Headers", "`eta` is null unless asked for (mistake 13).", [at("headers", "eta", **{"is": None})])
    yield row("expires-null", "MUST", "1.1 Headers", "`expires` is null unless asked for.", [at("headers", "expires", **{"is": None})])
    yield row("group", "MUST", "1.1 Headers", "Group and index are passed on.", [at("headers", "group", **{"is": "g"}), at("headers", "group_index", **{"is": 2})], group="g", group_index=2)
    yield row("ignore-result", "MUST", "1.1 Headers", "`ignore_result` is passed on.", [at("headers", "ignore_result", **{"is": True})], ignore_result=True)
    yield row("shadow", "SHOULD", "1.1 Headers", "`shadow` is passed on.", [at("headers", "shadow", **{"is": "shown"})], shadow="shown")
    yield row("argsrepr", "SHOULD", "1.5 argsrepr", "`argsrepr` is text for people.", [at("headers", "argsrepr", kind=["string"]), at("headers", "kwargsrepr", kind=["string"])])
    yield row("argsrepr-given", "SHOULD", "1.5 argsrepr", "A given `argsrepr` hides the arguments.", [at("headers", "argsrepr", **{"is": "(***)"})], argsrepr="(***)")
    yield row("origin", "SHOULD", "1.1 Headers", "`origin` names the producer.", [at("headers", "origin", kind=["string"], filled=True)])
    yield row("custom-header", "MUST", "1.1 Headers", "A header of the user's stands among the others.", [at("headers", "traceparent", **{"is": "00-1-2-01"})], headers={"traceparent": "00-1-2-01"})
    yield row("correlation-id", "MUST", "1.2 Properties", "`correlation_id` is the id, in snake case (mistake 29).", [at("properties", "correlation_id", **{"is": tid}), at("properties", "correlationId", absent=True)])
    yield row("reply-to", "MUST", "1.2 Properties", "`reply_to` is text, never null, in snake case.", [at("properties", "reply_to", kind=["string"]), at("properties", "replyTo", absent=True)])
    yield row("reply-to-given", "MUST", "1.2 Properties", "`reply_to` is passed on.", [at("properties", "reply_to", **{"is": "q-1"})], reply_to="q-1")
    yield row("delivery-mode", "MUST", "1.2 Properties", "Messages are persistent.", [at("properties", "delivery_mode", **{"is": 2})])
    yield row("delivery-tag", "MUST", "4.1 Envelope", "`delivery_tag` is text of its own.", [at("properties", "delivery_tag", kind=["string"], filled=True)])
    yield row("delivery-info", "MUST", "1.6 Routing", "`delivery_info` names the default exchange and the queue (mistake 10).", [at("properties", "delivery_info", "exchange", **{"is": ""}), at("properties", "delivery_info", "routing_key", **{"is": "celery"})])
    yield row("delivery-info-queue", "MUST", "1.6 Routing", "`delivery_info` names the queue that was asked for (mistake 10).", [at("properties", "delivery_info", "routing_key", **{"is": "other"})], queue="other")
    yield row("body-encoding", "MUST", "4.1 Envelope", "`body_encoding` says how the body is written.", [at("properties", "body_encoding", oneof=["base64", "utf-8"])])
    yield row("content-type", "MUST", "4.1 Envelope", "The content type and encoding stand outside of the properties, with hyphens.", [at("content-type", **{"is": "application/json"}), at("content-encoding", **{"is": "utf-8"})])
    for priority in (0, 3, 6, 9):
        yield row(f"priority-{priority}", "MUST", "1.2 Properties", "`priority` is a property (mistake 28).", [at("properties", "priority", **{"is": priority})], priority=priority)
    yield row("priority-unset", "SHOULD", "1.2 Properties", "`priority` is 0 when unset.", [at("properties", "priority", **{"is": 0})])
    signature = {"task": "kit.next", "args": [1], "kwargs": {}, "options": {"task_id": "n-1"}, "subtask_type": None, "immutable": False}
    for key in ("callbacks", "errbacks"):
        yield row(f"embed-{key}", "MUST", "1.3 Body", f"`{key}` is an array of signatures.", [at("value", 2, key, 0, "task", **{"is": "kit.next"}), at("value", 2, key, 0, "options", "task_id", **{"is": "n-1"})], **{key: [signature]})
    yield row("embed-chain", "MUST", "1.3 Body", "`chain` keeps its order: the last runs next.", [at("value", 2, "chain", 0, "task", **{"is": "kit.last"}), at("value", 2, "chain", 1, "task", **{"is": "kit.next"})], chain=[{**signature, "task": "kit.last"}, signature])
    yield row("embed-chord", "MUST", "1.3 Body", "`chord` is a signature.", [at("value", 2, "chord", "task", **{"is": "kit.next"})], chord=signature)
    for name, value in (("datetime", {"__type__": "datetime", "__value__": "2027-01-01T00:00:00+00:00"}), ("naive-datetime", {"__type__": "datetime", "__value__": "2027-01-01T00:00:00.000005"}),
                        ("date", {"__type__": "date", "__value__": "2027-01-01"}), ("time", {"__type__": "time", "__value__": "12:30:00"}), ("decimal", {"__type__": "decimal", "__value__": "1E+3"}),
                        ("uuid", {"__type__": "uuid", "__value__": {"hex": "0" * 31 + "1"}}), ("bytes", {"__type__": "bytes", "__value__": "é"}), ("binary", {"__type__": "base64", "__value__": "//4="})):
        yield row(f"type-{name}", "MUST", "3.2 JSON extended types", f"A {name} has its form in JSON.", [at("value", 0, 0, **{"is": value})], args=[value])
    for name, value in (("big-integer", 2**70), ("float", 0.1), ("unicode", "\U0001F600 é"), ("null", None), ("nested", {"a": [1, {"b": [True, None]}]}), ("empty-text", ""), ("negative", -2**63), ("unsigned", 2**64 - 1), ("escapes", "\"\\/\b\f\n\r\t\u0001\u2028")):
        yield row(f"value-{name}", "MUST", "1.3 Body", f"The argument ({name}) keeps its value.", [at("value", 0, 0, **{"is": value})], args=[value])
    for serializer, ctype, encoding in (("msgpack", "application/x-msgpack", "binary"), ("yaml", "application/x-yaml", "utf-8")):
        yield row(f"serializer-{serializer}", "SHOULD", "3.1 Content types", f"A body in {serializer}.", [at("content-type", **{"is": ctype}), at("content-encoding", **{"is": encoding}), at("value", 0, **{"is": [2, 3]})], serializer=serializer)
    for name, mime, prefix in (("gzip", "application/x-gzip", "78"), ("bzip2", "application/x-bz2", "425a68"), ("lzma", "application/x-lzma", "fd377a585a00")):
        yield row(f"compression-{name}", "SHOULD", "3.3 Compression", f"Compression `{name}` is told in a header, and its bytes begin with {prefix}.",
                  [at("headers", "compression", **{"is": mime}), at("prefix", starts=prefix), at("value", 0, **{"is": [2, 3]})], compression=name)
    yield row("no-compression", "MUST", "3.3 Compression", "Without compression there is no such header, or null.", [at("headers", "compression", absent=True)])
    for name, checks, more in (("body", [at("value", "task", **{"is": "kit.task"}), at("value", "id", **{"is": tid}), at("value", "args", **{"is": [2, 3]}), at("value", "kwargs", **{"is": {"a": 1}})], {}),
                               ("kwargs", [at("value", "kwargs", **{"is": {}}), at("value", "args", **{"is": []})], {"args": DROP, "kwargs": DROP}), ("no-task-header", [at("headers", "task", absent=True)], {}),
                               ("eta", [at("value", "eta", **{"is": None})], {}), ("retries", [at("value", "retries", **{"is": 0})], {}), ("timelimit", [at("value", "timelimit", **{"is": [60, 30]})], {"timelimit": [60, 30]})):
        yield ("writing", "producer", "protocol-1", name, "SHOULD", "2 Protocol 1", f"Protocol 1: {name}.", "task.write",
               {k: v for k, v in {**base_question, "protocol": 1, **more}.items() if v is not DROP}, {"view": "envelope", "checks": checks})


def results():
    def write(name, level, procedure, checks, **question):
        return ("results", "worker", "result", f"write/{name}", level, "8.1 The meta object", procedure, "result.write", {"task_id": "t-1", **question}, {"view": "document", "checks": [at("value", *c[0], **c[1]) for c in checks]})
    for name, value in (("integer", 5), ("null", None), ("text", "é"), ("array", [1, [2]]), ("object", {"a": 1}), ("float", 0.5), ("false", False), ("zero", 0), ("big", 2**70), ("datetime", {"__type__": "datetime", "__value__": "2027-01-01T00:00:00"}), ("bytes", {"__type__": "base64", "__value__": "//4="})):
        yield write(f"success-{name}", "MUST", f"A result ({name}) is stored as it is.", [(["status"], {"is": "SUCCESS"}), (["result"], {"is": value})], status="SUCCESS", result=value)
    yield write("task-id", "MUST", "The stored result names its task (mistakes 2 and 3).", [(["task_id"], {"is": "t-1"})], status="SUCCESS", result=1)
    yield write("traceback", "MUST", "`traceback` is text or null, never the result (mistake 6).", [(["traceback"], {"kind": ["string", "null"]})], status="SUCCESS", result=1)
    yield write("children", "MUST", "`children` is an array or null.", [(["children"], {"kind": ["array", "null"]})], status="SUCCESS", result=1)
    yield write("date-done", "MUST", "`date_done` is a time in text.", [(["date_done"], {"kind": ["string"], "filled": True})], status="SUCCESS", result=1)
    yield write("no-group", "SHOULD", "`group_id` and `parent_id` are left out when there are none.", [(["group_id"], {"absent": True}), (["parent_id"], {"absent": True})], status="SUCCESS", result=1)
    for name, error in (("value-error", {"type": "ValueError", "args": ["boom", 42], "module": "builtins"}), ("no-args", {"type": "KeyError", "args": [], "module": "builtins"}), ("custom", {"type": "OrderError", "args": ["x"], "module": "shop.errors"}), ("unicode", {"type": "RuntimeError", "args": ["é \U0001F600"], "module": "builtins"})):
        yield write(f"failure-{name}", "MUST", "A failure is {exc_type, exc_message: array, exc_module} (mistakes 4 and 5).",
                    [(["status"], {"is": "FAILURE"}), (["result", "exc_type"], {"is": error["type"]}), (["result", "exc_message"], {"is": error["args"]}), (["result", "exc_module"], {"is": error["module"]})], status="FAILURE", error=error, traceback="Traceback")
    yield write("failure-traceback", "SHOULD", "A traceback is text.", [(["traceback"], {"is": "Traceback"})], status="FAILURE", error={"type": "ValueError", "args": [], "module": "builtins"}, traceback="Traceback")
    for status in ("RETRY", "REVOKED"):
        yield write(status.lower(), "MUST", f"{status} holds an exception too.", [(["status"], {"is": status}), (["result", "exc_type"], {"kind": ["string"]})], status=status, error={"type": "ValueError", "args": ["x"], "module": "builtins"})
    yield write("custom-state", "SHOULD", "A state of the user's own holds what was given.", [(["status"], {"is": "PROGRESS"}), (["result"], {"is": {"done": 1}})], status="PROGRESS", result={"done": 1})
    yield write("started", "SHOULD", "STARTED holds who runs it.", [(["status"], {"is": "STARTED"}), (["result", "pid"], {"is": 7})], status="STARTED", result={"pid": 7, "hostname": "w@h"})

    def read(name, level, procedure, meta, wish="answer"):
        data = meta if isinstance(meta, (str, bytes)) else json.dumps(meta)
        return ("results", "client", "result", f"read/{name}", level, "8.1 The meta object", procedure, "result.read", {"body": base(data)}, wish)
    ok = {"status": "SUCCESS", "result": 5, "traceback": None, "children": [], "date_done": "2027-01-01T00:00:00+00:00", "task_id": "t-1"}
    bad = {**ok, "status": "FAILURE", "result": {"exc_type": "ValueError", "exc_message": ["boom", 42], "exc_module": "builtins"}, "traceback": "T"}
    yield read("success", "MUST", "A plain result.", ok)
    yield read("failure", "MUST", "A failure becomes its exception.", bad)
    yield read("naive-date", "MUST", "Celery 4.4 and 5.2 wrote `date_done` without an offset.", {**ok, "date_done": "2027-01-01T00:00:00.5"})
    yield read("children-null", "MUST", "`children` is null.", {**ok, "children": None})
    yield read("children", "MUST", "Children are result tuples.", {**ok, "children": [[["c-1", None], None]]})
    for key in ("traceback", "children", "date_done"):
        yield read(f"without-{key}", "SHOULD", f"No `{key}`.", {k: v for k, v in ok.items() if k != key})
    yield read("group-and-parent", "MUST", "Group and parent.", {**ok, "group_id": "g", "parent_id": "p"})
    yield read("extended", "MUST", "`result_extended` adds keys.", {**ok, "name": "kit.task", "args": [1], "kwargs": {}, "worker": "w@h", "retries": 0, "queue": "celery"})
    yield read("message-text", "SHOULD", "`exc_message` is text, as old peers wrote it.", {**bad, "result": {"exc_type": "ValueError", "exc_message": "boom", "exc_module": "builtins"}})
    yield read("no-module", "SHOULD", "No `exc_module`.", {**bad, "result": {"exc_type": "ValueError", "exc_message": ["boom"]}})
    yield read("unknown-exception", "MUST", "An exception of an unknown module becomes one of the same name.", {**bad, "result": {"exc_type": "OrderError", "exc_message": ["x"], "exc_module": "shop.errors"}})
    yield read("nan", "SHOULD", "A result of NaN.", '{"status": "SUCCESS", "result": NaN, "traceback": null, "children": [], "task_id": "t-1"}')
    yield read("big", "MUST", "A result past 64 bits.", {**ok, "result": 2**70})
    yield read("retry", "MUST", "RETRY holds the exception.", {**bad, "status": "RETRY"})
    yield read("revoked", "MUST", "REVOKED.", {**bad, "status": "REVOKED", "result": {"exc_type": "TaskRevokedError", "exc_message": ["revoked"], "exc_module": "celery.exceptions"}})
    yield read("custom-state", "MUST", "A state of the user's own.", {**ok, "status": "PROGRESS", "result": {"done": 1}})
    for name, data in (("not-json", "x"), ("empty", ""), ("truncated", json.dumps(ok)[:30]), ("array", "[1]"), ("null", "null"), ("number", "5")):
        yield read(f"bad-{name}", "MUST", f"What is stored is {name.replace('-', ' ')}. Refuse it and go on.", data, "refuse")
    yield read("bad-no-status", "MUST", "There is no `status`. Refuse it and go on.", {k: v for k, v in ok.items() if k != "status"}, "refuse")


def times():
    texts = ["2027-01-02T03:04:05+00:00", "2027-01-02T03:04:05.123456+00:00", "2027-01-02T03:04:05Z", "2027-01-02T03:04:05.5Z", "2027-01-02T03:04:05", "2027-01-02T03:04:05.000001",
             "2027-01-02T03:04:05+05:30", "2027-01-02T03:04:05-08:00", "2027-01-02T03:04:05.999999-00:30", "2027-01-02T03:04:05+14:00", "2027-01-02T23:59:59-12:00", "1969-12-31T23:59:59+00:00",
             "1970-01-01T00:00:00+00:00", "2028-02-29T12:00:00+00:00", "2000-02-29T00:00:00", "2038-01-19T03:14:08+00:00", "2099-12-31T23:59:59.999999+00:00", "2027-01-02T00:00:00+00:00",
             "2027-06-30T12:34:56.120000+02:00", "2027-01-02T03:04:05.1", "2027-01-02T03:04:05.12", "2027-01-02T03:04:05.123", "2027-12-31T23:59:59+00:01", "1900-01-01T00:00:00+00:00"]
    for n, text in enumerate(texts, 1):
        yield ("times", "worker", "time", f"valid/{n}", "MUST", "1.4 Time formats", f"`{text}`, in microseconds since 1970; a time without an offset is UTC.", "time.read", {"text": text}, "answer")
    lenient = ["2027-01-02 03:04:05", "2027-01-02", "2027-01-02T03:04", "20270102T030405", "2027-01-02T03:04:05.123456789Z", "2027-01-02T03:04:05+0530", "2027-01-02T03:04:05+05", "2027-01-02T03:04:05z"]
    for n, text in enumerate(lenient, 1):
        yield ("times", "worker", "time", f"other/{n}", "MAY", "1.4 Time formats", f"`{text}`: a form that Celery does not send.", "time.read", {"text": text}, "answer")
    for n, text in enumerate(["", "soon", "2027-13-01T00:00:00", "2027-02-30T00:00:00", "2027-01-02T25:00:00", "2027-01-02T03:60:00", "2027-01-02T03:04:61", "T03:04:05", "2027", "1795403676",
                              "2027-01-02T03:04:05+99:99", "2027-01-02T03:04:05 and more", "0000-01-01T00:00:00", "2027-00-01T00:00:00", "2027-01-00T00:00:00", "2027-02-29T00:00:00", "null", "２０２７-01-02T03:04:05"], 1):
        yield ("times", "worker", "time", f"invalid/{n}", "MUST", "1.4 Time formats", f"`{text}` is no time. Refuse it and go on.", "time.read", {"text": text}, "refuse")


def content():
    def read(name, level, section, procedure, ctype, encoding, data, wish="answer"):
        return ("content", "worker", "content", f"read/{name}", level, section, procedure, "content.read", {"content_type": ctype, "content_encoding": encoding, "body": base(data)}, wish)
    j, m, y = ("application/json", "utf-8"), ("application/x-msgpack", "binary"), ("application/x-yaml", "utf-8")
    for name, text in (("null", "null"), ("true", "true"), ("integer", "-7"), ("big", str(2**70)), ("float", "1.5e3"), ("text", '"a\\u00e9\\ud83d\\ude00"'), ("utf8", '"é☃"'), ("array", "[1,[2,[]]]"), ("object", '{"b":1,"a":{"c":null}}'),
                       ("whitespace", " \n[ 1 ]\t"), ("nan", "[NaN,-Infinity]"), ("duplicate-key", '{"a":1,"a":2}'), ("empty-key", '{"":1}'), ("escapes", '"\\"\\\\\\/\\b\\f\\n\\r\\t"'),
                       ("datetime", '{"__type__":"datetime","__value__":"2027-01-01T00:00:00+00:00"}'), ("date", '{"__type__":"date","__value__":"2027-01-01"}'), ("time", '{"__type__":"time","__value__":"12:00:00"}'),
                       ("decimal", '{"__type__":"decimal","__value__":"0.10"}'), ("uuid", '{"__type__":"uuid","__value__":{"hex":"00000000000000000000000000000001"}}'), ("bytes", '{"__type__":"bytes","__value__":"abc"}'),
                       ("base64", '{"__type__":"base64","__value__":"//4="}'), ("type-with-more", '{"__type__":"date","__value__":"2027-01-01","more":1}'), ("type-nested", '{"a":[{"__type__":"bytes","__value__":"x"}]}'), ("type-alone", '{"__type__":"date"}')):
        yield read(f"json-{name}", "MUST", "3.2 JSON extended types" if "__type__" in text else "3.1 Content types", f"JSON: {name.replace('-', ' ')}.", *j, text)
    for name, text in (("truncated", "[1,"), ("trailing", "[1] 2"), ("single-quotes", "{'a':1}"), ("trailing-comma", "[1,]"), ("leading-zero", "[01]"), ("bare-word", "[undefined]"), ("empty", ""), ("control", '"\x01"'), ("bad-escape", '"\\x"'),
                       ("bad-utf8", b'"\xff"'), ("hex", "[0x10]"), ("comment", "[1] // x"), ("plus", "[+1]"), ("unclosed", '"abc')):
        yield read(f"bad-json-{name}", "MUST", "3.1 Content types", f"Not JSON: {name.replace('-', ' ')}. Refuse it and go on.", *j, text, "refuse")
    for name, data in (("nil", b"\xc0"), ("true", b"\xc3"), ("fixint", b"\x07"), ("negative", b"\xff"), ("uint64", b"\xcf" + b"\xff" * 8), ("int64", b"\xd3\x80" + b"\0" * 7), ("float64", b"\xcb\x3f\xf8" + b"\0" * 6), ("float32", b"\xca\x3f\xc0\0\0"),
                       ("text", b"\xa3abc"), ("text8", b"\xd9\x03abc"), ("binary", b"\xc4\x02\xff\xfe"), ("array", b"\x93\x01\x02\x03"), ("array16", b"\xdc\0\x01\x05"), ("map", b"\x81\xa1a\x01"), ("nested", b"\x81\xa1a\x92\xc0\x80"), ("empty-array", b"\x90")):
        yield read(f"msgpack-{name}", "SHOULD", "3.1 Content types", f"MessagePack: {name.replace('-', ' ')}.", *m, data)
    for name, data in (("empty", b""), ("truncated", b"\x93\x01"), ("trailing", b"\x01\x02"), ("reserved", b"\xc1"), ("bad-utf8", b"\xa1\xff")):
        yield read(f"bad-msgpack-{name}", "SHOULD", "3.1 Content types", f"Not MessagePack: {name.replace('-', ' ')}. Refuse it and go on.", *m, data, "refuse")
    for name, text in (("block", "a: 1\nb: [x, 'y']\n"), ("flow", "{a: 1, b: [true, null]}"), ("sequence", "- 1\n- 2.5\n- text\n"), ("quoted", '"a\\u00e9"'), ("anchor", "a: &x [1]\nb: *x\n"), ("binary", "!!binary //4=\n"), ("multiline", "a: |\n  one\n  two\n")):
        yield read(f"yaml-{name}", "MAY", "3.1 Content types", f"YAML: {name}.", *y, text)
    for name, text in (("python-object", "!!python/object/apply:os.system ['true']"), ("unclosed", "[1, 2"), ("tab", "a:\n\t- 1")):
        yield read(f"bad-yaml-{name}", "SHOULD", "3.1 Content types", f"YAML that is refused: {name.replace('-', ' ')}. Refuse it and go on.", *y, text, "refuse")
    yield read("pickle", "MUST", "3.1 Content types", "A pickle is refused unread.", "application/x-python-serialize", "binary", b"\x80\x04K\x05.", "refuse")
    yield read("unknown-type", "MUST", "3.1 Content types", "An unknown content type is refused.", "application/x-unknown", "utf-8", "1", "refuse")
    yield read("unknown-extended-type", "SHOULD", "3.2 JSON extended types", "An unknown `__type__` is refused, as Python refuses it.", *j, '{"__type__":"colour","__value__":1}', "refuse")

    def write(name, serializer, value):
        ctype, encoding = {"json": j, "msgpack": m, "yaml": y}[serializer]
        return ("content", "producer", "content", f"write/{serializer}-{name}", {"json": "MUST", "msgpack": "SHOULD", "yaml": "MAY"}[serializer], "3.1 Content types", f"Write {name.replace('-', ' ')} as {serializer}.", "content.write",
                {"serializer": serializer, "value": value}, {"view": "content", "checks": [at("content_type", **{"is": ctype}), at("content_encoding", **{"is": encoding}), at("value", **{"is": value})]})
    for name, value in (("integer", 7), ("negative", -7), ("float", 0.1), ("text", "é\U0001F600"), ("null", None), ("array", [1, [True]]), ("object", {"a": {"b": []}}), ("int64", -2**63)):
        for serializer in ("json", "msgpack", "yaml"):
            yield write(name, serializer, value)
    for name, value in (("big", 2**70), ("decimal", {"__type__": "decimal", "__value__": "0.10"}), ("uuid", {"__type__": "uuid", "__value__": {"hex": "0" * 32}}), ("date", {"__type__": "date", "__value__": "2027-01-01"}), ("base64", {"__type__": "base64", "__value__": "//4="})):
        yield write(name, "json", value)


def reprs():
    rows = [[], [1], [1, 2], ["a"], ["it's"], ['"'], ["'\""], [None, True, False], [1.0], [1e16], [1e-5], [0.1], [-0.0], [2**70], ["é☃\U0001F600"], ["\n\t\\"], ["\u0000\u007f"], [[1, 2]], [{"a": 1}], [{"a": [1, {"b": 2}]}], [[]], [{}],
            [[[[[1]]]]], [{"a": {"b": {"c": {"d": 1}}}}], ["x" * 200], ["x" * 2000], list(range(500)), [["x" * 100] * 20], [{"k%d" % i: i for i in range(5)}], ["\u200b"], ["\ud7ff"], [100000000000000000000.0]]
    for n, args in enumerate(rows, 1):
        yield ("repr", "producer", "repr", f"args/{n}", "MAY", "1.5 argsrepr", "The text of these arguments, which people and Flower read.", "repr", {"args": args}, "answer")
    for n, kwargs in enumerate([{}, {"a": 1}, {"a": "b", "c": None}, {"a": [1, 2], "b": {"c": {}}}, {"é": "é"}], 1):
        yield ("repr", "producer", "repr", f"kwargs/{n}", "MAY", "1.5 argsrepr", "The text of these keyword arguments.", "repr", {"kwargs": kwargs}, "answer")


def crontabs():
    fields = [{}, {"minute": "*/15"}, {"minute": 0, "hour": "*/3"}, {"minute": "30", "hour": "7"}, {"minute": "0", "hour": "0", "day_of_week": "sunday"}, {"minute": "0", "hour": "0", "day_of_week": "mon-fri"}, {"minute": "5,35"},
              {"minute": "10-20/5"}, {"hour": "22-2", "minute": "0"}, {"day_of_week": "fri-mon", "hour": "12", "minute": "0"}, {"day_of_month": "*/2", "hour": "0", "minute": "0"}, {"day_of_month": "31", "hour": "0", "minute": "0"},
              {"month_of_year": "2", "day_of_month": "29", "hour": "0", "minute": "0"}, {"month_of_year": "jan,jul", "day_of_month": "1", "hour": "6", "minute": "0"}, {"day_of_month": "1-7", "day_of_week": "mon", "hour": "9", "minute": "0"},
              {"day_of_month": "13", "day_of_week": "fri", "hour": "0", "minute": "0"}, {"minute": "59", "hour": "23", "day_of_month": "31", "month_of_year": "12"}, {"minute": "*/7"}, {"minute": "0", "hour": "8-17/3"}, {"day_of_week": "0", "hour": "0", "minute": "0"},
              {"day_of_week": "sat,sun", "hour": "10", "minute": "30"}, {"month_of_year": "*/3", "day_of_month": "1", "hour": "0", "minute": "0"}, {"minute": "55-5"}, {"hour": "fri-mon", "minute": "0"}, {"month_of_year": "nov-feb", "day_of_month": "15", "hour": "0", "minute": "0"}]
    for n, tab in enumerate(fields, 1):
        for m, after in enumerate(("2027-01-01T00:03:00+00:00", "2027-12-31T23:59:30+00:00"), 1):
            yield ("crontab", "beat", "crontab", f"next/{n}.{m}", "MUST", "13 Beat", f"After {after}, when is {json.dumps(tab)} due?", "crontab.next", {"fields": tab, "after": after}, "answer")
    for n, tab in enumerate([{"minute": "60"}, {"hour": "24"}, {"day_of_week": "7"}, {"day_of_month": "0"}, {"day_of_month": "32"}, {"month_of_year": "13"}, {"month_of_year": "0"}, {"minute": "5/2"}, {"minute": "-1"}, {"minute": "x"}, {"minute": ""}, {"minute": "1,"}, {"minute": "*/0"},
                             {"minute": "1-"}, {"day_of_week": "funday"}, {"hour": "1-25"}, {"month_of_year": "2", "day_of_month": "30"}, {"minute": "*/x"}], 1):
        yield ("crontab", "beat", "crontab", f"invalid/{n}", "MUST", "13 Beat", f"{json.dumps(tab)} is no crontab. Refuse it and go on.", "crontab.next", {"fields": tab, "after": "2027-01-01T00:00:00+00:00"}, "refuse")


def topics():
    for n, (pattern, key) in enumerate([("a.b", "a.b"), ("a.b", "a.c"), ("a.*", "a.b"), ("a.*", "a.b.c"), ("a.*", "a"), ("a.#", "a.b"), ("a.#", "a.b.c"), ("a.#", "a"), ("#", "a"), ("#", "a.b.c"), ("#", ""), ("*", "a"), ("*", "a.b"), ("*.b", "a.b"), ("*.b", "b"),
                                        ("a.*.c", "a.b.c"), ("a.*.c", "a.c"), ("a.#.c", "a.b.b.c"), ("worker.#", "worker.heartbeat"), ("worker.#", "task.sent"), ("a+b", "aab"), ("a+b", "a+b"), ("task.*", "task.multi"), ("A.b", "a.b")], 1):
        yield ("topic", "worker", "topic", str(n), "MUST", "4.3 Publish", f"Does a queue bound with `{pattern}` get `{key}` over Redis?", "topic.match", {"pattern": pattern, "key": key}, "answer")


def control():
    body = {"method": "ping", "arguments": {}, "destination": None, "pattern": None, "matcher": None}
    for n, (what, change) in enumerate([("no destination", {}), ("it is named", {"destination": ["w1@h"]}), ("another is named", {"destination": ["w2@h"]}), ("it is named among others", {"destination": ["w2@h", "w1@h"]}), ("nobody is named", {"destination": []}),
                                        ("a glob matches", {"pattern": "w?@*", "matcher": "glob"}), ("a glob does not", {"pattern": "x*", "matcher": "glob"}), ("a regular expression matches", {"pattern": "w\\d@h$", "matcher": "pcre"}),
                                        ("a regular expression does not", {"pattern": "w\\d\\d@", "matcher": "pcre"}), ("a pattern without a matcher", {"pattern": "x*"}), ("a matcher without a pattern", {"matcher": "glob"}), ("a glob with a class", {"pattern": "w[0-9]@h", "matcher": "glob"}),
                                        ("an empty pattern", {"pattern": "", "matcher": "glob"})], 1):
        yield ("control", "worker", "control", f"accepts/{n}", "MUST", "12.1 Request", f"Does the node w1@h obey when {what}?", "control.accepts", {"node": "w1@h", "body": {**body, **change}}, "answer")
    for n, (what, change) in enumerate([("the keys are missing", {k: None for k in ()}), ("a ticket and an address to reply to", {"ticket": "t", "reply_to": {"exchange": "reply.celery.pidbox", "routing_key": "r"}}), ("arguments", {"arguments": {"task_id": "x"}}), ("an unknown key", {"later": 1})], 1):
        yield ("control", "worker", "control", f"forms/{n}", "MUST", "12.1 Request", f"A request with {what}.", "control.accepts", {"node": "w1@h", "body": {**body, **change}}, "answer")


# MARK: Machinery. (file, role, topic, name, level, section, procedure, operation, question, expect)

GO_ARGS = "2 Arguments, types, conversion"


def machinery():
    def convert(name, kind, value, expect, level="MUST"):
        what = f"{json.dumps(value)} as {kind}"
        return ("conversion", "worker", "argument", name, level, GO_ARGS, f"Convert {what}.", "argument.convert", {"type": kind, "value": value}, expect)
    for kind, value in (("bool", True), ("bool", False), ("string", ""), ("string", "é\U0001F600"), ("int", 5), ("int8", -128), ("int8", 127), ("int16", 32767), ("int32", -2147483648), ("int64", 9223372036854775807), ("int64", -9223372036854775808),
                        ("uint", 5), ("uint8", 255), ("uint16", 65535), ("uint32", 4294967295), ("uint64", 18446744073709551615), ("uint64", 9223372036854775808), ("float64", 0.1), ("float64", 3), ("float64", 1e300), ("float32", 0.5), ("float32", 2),
                        ("[]bool", [True, False]), ("[]string", ["a", ""]), ("[]int", [1, -1]), ("[]int8", [1]), ("[]int16", [300]), ("[]int32", [70000]), ("[]int64", [9223372036854775807]), ("[]uint", [1]), ("[]uint16", [65535]), ("[]uint32", [4294967295]),
                        ("[]uint64", [18446744073709551615]), ("[]float32", [0.5, 1]), ("[]float64", [0.1, 2]), ("[]string", []), ("[]int64", [])):
        yield convert(f"takes/{kind}/{json.dumps(value)[:24]}", kind, value, {"answer": {"value": value}})
    for kind, value, result in (("int8", 300, 44), ("int8", -129, 127), ("int16", 65536, 0), ("int32", 4294967297, 1), ("uint8", 256, 0), ("uint16", 65537, 1), ("uint32", 4294967296, 0)):
        yield convert(f"truncates/{kind}/{value}", kind, value, {"answer": {"value": result}}, "SHOULD")
    for kind in ("[]bool", "[]string", "[]int64", "[]uint64", "[]float64"):
        yield convert(f"null-slice/{kind}", kind, None, {"answer": {"value": []}})
    for kind in ("[]byte", "[]uint8"):
        yield convert(f"base64/{kind}", kind, "AQID", {"answer": {"value": {"__type__": "base64", "__value__": "AQID"}}})
        yield convert(f"bytes-as-numbers/{kind}", kind, [1, 2, 3], {"answer": {"value": {"__type__": "base64", "__value__": "AQID"}}})
    yield convert("base64/[]uint16", "[]uint16", "AQID", {"answer": {"value": [1, 2, 3]}}, "SHOULD")
    for kind in ("map", "time.Time", "[]map", "[][]int", "byte", "rune", "struct", "error", "Int64", "", "interface {}", "*int", "complex64", "[]interface {}", "int64 "):
        yield convert(f"unknown-type/{kind or 'empty'}", kind, 1, {"refused": True, "text": f"{kind} is not one of supported types"})
    for kind, value, text in (("int64", "x", "x is not int64"), ("bool", "true", "true is not bool"), ("string", None, "<nil> is not string"), ("string", 5, "5 is not string"), ("int", None, "<nil> is not int"), ("bool", 1, "1 is not bool"), ("int64", True, "true is not int64"),
                              ("float64", "1", "1 is not float64"), ("uint8", "1", "1 is not uint8"), ("int64", 1.5, 'strconv.ParseInt: parsing "1.5": invalid syntax'), ("uint64", -1, 'strconv.ParseUint: parsing "-1": invalid syntax'),
                              ("int64", 9223372036854775808, 'strconv.ParseInt: parsing "9223372036854775808": value out of range'), ("uint64", 18446744073709551616, 'strconv.ParseUint: parsing "18446744073709551616": value out of range'),
                              ("[]byte", "%%%", "illegal base64 data at input byte 0"), ("[]int64", 5, "53 is not int64"), ("[]int", "abc", "97 is not int"), ("[]string", [1], "1 is not string"), ("[]int64", ["x"], "x is not int64"), ("[]bool", ["true"], "true is not bool"), ("[]float64", [None], "<nil> is not float64")):
        yield convert(f"refuses/{kind}/{json.dumps(value)[:24]}", kind, value, {"refused": True, "text": text})
    for kind in ("[]bool", "[]int64", "[]string"):
        yield convert(f"kills-go/{kind}", kind, True, {"refused": True})

    def read(name, level, procedure, data, expect):
        return ("reading", "worker", "signature", f"read/{name}", level, "1 Signature JSON", procedure, "signature.read", {"body": base(data)}, expect)
    minimal = {"UUID": "t-1", "Name": "add", "RoutingKey": "", "ETA": None, "GroupUUID": "", "GroupTaskCount": 0, "Priority": 0, "Immutable": False, "RetryCount": 0, "RetryTimeout": 0,
               "OnSuccess": None, "OnError": None, "ChordCallback": None, "BrokerMessageGroupId": "", "SQSReceiptHandle": "", "StopTaskDeletionOnError": False, "IgnoreWhenTaskNotRegistered": False}
    full = {**minimal, "Args": [{"Name": "", "Type": "int64", "Value": 1}], "Headers": {}}
    yield read("minimal", "MUST", "Missing keys keep zero values.", '{"UUID":"t-1","Name":"add"}', {"answer": minimal})
    yield read("lower-case", "MUST", "Keys match in any case.", '{"uuid":"t-1","NAME":"add"}', {"answer": minimal})
    yield read("unknown-key", "MUST", "Unknown keys are ignored.", '{"UUID":"t-1","Name":"add","Later":{"a":[1]}}', {"answer": minimal})
    yield read("trailing", "MUST", "What follows the first value is ignored.", '{"UUID":"t-1","Name":"add"} x', {"answer": minimal})
    yield read("spaced", "MUST", "Whitespace does not count.", ' { "UUID" : "t-1" ,\n"Name":"add" } ', {"answer": minimal})
    for key in ("RoutingKey", "GroupUUID", "GroupTaskCount", "Priority", "Immutable", "RetryCount", "RetryTimeout", "BrokerMessageGroupId", "SQSReceiptHandle", "StopTaskDeletionOnError", "IgnoreWhenTaskNotRegistered"):
        yield read(f"null-{key}", "MUST", f"`{key}` null keeps the zero value.", json.dumps({"UUID": "t-1", "Name": "add", key: None}), {"answer": minimal})
        yield read(f"without-{key}", "MUST", f"No `{key}`.", json.dumps({k: v for k, v in full.items() if k != key}), {"answer": full})
    for key, value in (("Priority", 255), ("RetryCount", 3), ("RetryTimeout", 8), ("GroupTaskCount", 12), ("Immutable", True), ("IgnoreWhenTaskNotRegistered", True), ("StopTaskDeletionOnError", True), ("ETA", "2027-01-01T00:00:00.123456789Z"), ("ETA", "2027-01-01T00:00:00+05:30"), ("RoutingKey", "q"), ("Headers", {"a": "b"})):
        yield read(f"value-{key}-{value}".replace(" ", ""), "MUST", f"`{key}` is {json.dumps(value)}.", json.dumps({**full, key: value}), {"answer": {**full, key: value}})
    for name, data in (("not-json", "x"), ("empty", ""), ("truncated", json.dumps(full)[:40]), ("array", "[1]"), ("number", "5"), ("string", '"x"'), ("priority-256", json.dumps({**full, "Priority": 256})), ("priority-negative", json.dumps({**full, "Priority": -1})),
                       ("priority-text", json.dumps({**full, "Priority": "1"})), ("eta-text", json.dumps({**full, "ETA": "soon"})), ("eta-no-offset", json.dumps({**full, "ETA": "2027-01-01T00:00:00"})), ("uuid-number", json.dumps({**full, "UUID": 5})), ("name-array", json.dumps({**full, "Name": []})),
                       ("args-object", json.dumps({**full, "Args": {}})), ("args-numbers", json.dumps({**full, "Args": [1]})), ("arg-type-number", json.dumps({**full, "Args": [{"Type": 5, "Value": 1}]})), ("headers-array", json.dumps({**full, "Headers": [1]})), ("retry-float", json.dumps({**full, "RetryCount": 1.5})),
                       ("on-success-object", json.dumps({**full, "OnSuccess": {}})), ("on-error-numbers", json.dumps({**full, "OnError": [1]})), ("chord-array", json.dumps({**full, "ChordCallback": [1]})), ("immutable-text", json.dumps({**full, "Immutable": "true"})), ("nan", '{"UUID":"t-1","Name":"add","Args":[{"Type":"float64","Value":NaN}]}')):
        yield read(f"bad-{name}", "MUST", f"The message is undecodable: {name.replace('-', ' ')}. Refuse it and go on.", data, {"refused": True})

    def instant(name, text, expect):
        return ("times", "worker", "time", name, "MUST", "3 JSON dialect", f"`{text}` in nanoseconds since 1970.", "gotime.read", {"text": text}, expect)
    for n, (text, ns) in enumerate([("1970-01-01T00:00:00Z", 0), ("2027-01-01T00:00:00Z", 1798761600000000000), ("2027-01-01T00:00:00.5Z", 1798761600500000000), ("2027-01-01T00:00:00.123456789Z", 1798761600123456789), ("2027-01-01T05:30:00+05:30", 1798761600000000000),
                                    ("2026-12-31T16:00:00-08:00", 1798761600000000000), ("2028-02-29T00:00:00Z", 1835395200000000000), ("1969-12-31T23:59:59Z", -1000000000)], 1):
        yield instant(f"valid/{n}", text, {"answer": ns})
    for n, text in enumerate(["", "soon", "2027-01-01", "2027-01-01T00:00:00", "2027-01-01 00:00:00Z", "2027-13-01T00:00:00Z", "2027-02-29T00:00:00Z", "2027-01-01T24:00:00Z", "2027-01-01T00:00Z", "2027-1-1T00:00:00Z"], 1):
        yield instant(f"invalid/{n}", text, {"refused": True})

    def encode(name, value, text):
        return ("json", "producer", "json", name, "SHOULD", "3 JSON dialect", "Write the value as Go writes it.", "gojson.write", {"value": value}, {"answer": {"text": text}})
    for name, value, text in (("html", "<a>&", '"\\u003ca\\u003e\\u0026"'), ("separators", "\u2028\u2029", '"\\u2028\\u2029"'), ("quotes", '"\\', '"\\"\\\\"'), ("controls", "\n\r\t\u0001", '"\\n\\r\\t\\u0001"'), ("utf8", "é\U0001F600", '"é\U0001F600"'), ("slash", "/", '"/"'), ("delete", "\x7f", '"\x7f"'),
                              ("integer", 5, "5"), ("one-tenth", 0.1, "0.1"), ("small", 1e-7, "1e-7"), ("plain-small", 1e-6, "0.000001"), ("huge", 1e21, "1e+21"), ("twenty", 1e20, "100000000000000000000"), ("array", [1, "a", None, True], '[1,"a",null,true]'), ("sorted-keys", {"b": 1, "a": {"d": 1, "c": 2}}, '{"a":{"c":2,"d":1},"b":1}'), ("empty", {}, "{}")):
        yield encode(name, value, text)
