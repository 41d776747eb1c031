"""What is put before a worker of Celery: arguments, results, times, retries and workflows."""
import base64, json, pathlib

from .shared import EMBED, META, NOTHING_WAITS, alive, at, fails, message, plain_envelope, signature, succeeds, value

CAPTURES = pathlib.Path(__file__).resolve().parents[2] / "celery"


def values(c):
    """What arguments a worker gives to a task, and how results come back."""
    section = "1.3 Body"
    echoed = lambda args, kwargs: {"args": args, "kwargs": kwargs}
    plain = [("positional", [1, "two"], {}), ("keywords", [], {"a": 1, "b": "two"}), ("mixed", [1], {"b": 2}), ("none", [], {}),
             ("null", [None], {"k": None}), ("booleans", [True, False], {}), ("negative", [-3, 0], {}),
             ("big-integer", [2 ** 70, -2 ** 63], {}), ("float", [1.5, -0.25], {}), ("whole-float", [2.0], {}),
             ("unicode", ["h\u00e9llo \U0001f966 \"\\ \u2028"], {}), ("nul-character", ["a\u0000b"], {}), ("empty-text", [""], {}),
             ("nested", [[1, [2, []]], {"a": {"b": None}}], {}), ("empty-key", [{"": 0}], {}), ("long", ["x" * 5000], {}),
             ("many", list(range(300)), {}), ("text-key-order", [{"b": 1, "a": 2}], {})]
    for name, args, kwargs in plain:
        c.add("worker", "values", name, "MUST", section, f"Send tasks.echo with {name} arguments; the result has them unchanged.",
              [{"send": message("tasks.echo", args, kwargs)}, succeeds(echoed(args, kwargs))])
    typed = lambda kind, v: {"__type__": kind, "__value__": v}
    for name, v in [("datetime", typed("datetime", "2026-11-23T12:30:15.250000+00:00")), ("naive", typed("datetime", "2026-11-23T12:30:15")),
                    ("date", typed("date", "2026-11-23")), ("time", typed("time", "12:30:15.250000")), ("decimal", typed("decimal", "1.10")),
                    ("uuid", typed("uuid", {"hex": "12345678123456781234567812345678"})), ("bytes", typed("base64", "AP/+"))]:
        c.add("worker", "types", name, "SHOULD", "3.2 JSON extended types",
              f"Send tasks.echo with a {name} in kombu's form; the result has it in the same form.",
              [{"send": message("tasks.echo", [v])}, succeeds({"args": [v], "kwargs": {}})], needs=["types"])
    many = {"a": 1, "b": [1, 2, 3]}
    import zlib, bz2, lzma
    body = json.dumps([["packed"], {}, EMBED]).encode()
    for mime, pack in [("application/x-gzip", zlib.compress), ("application/x-bz2", bz2.compress), ("application/x-lzma", lzma.compress)]:
        m = {**message("tasks.echo", ["packed"], compression=mime), "base64": base64.b64encode(pack(body)).decode()}
        del m["value"]
        c.add("worker", "compression", mime.split("-")[-1], "MUST" if mime.endswith("gzip") else "SHOULD", "3.3 Compression",
              f"Send tasks.echo with a body of {mime}; it runs.", [{"send": m}, succeeds({"args": ["packed"], "kwargs": {}})],
              needs=["compression"])
    for name, level, change in [("absent", "MUST", ["shadow", "eta", "expires", "group", "group_index", "retries", "timelimit", "root_id",
                                                    "parent_id", "argsrepr", "kwargsrepr", "origin", "ignore_result", "stamps",
                                                    "replaced_task_nesting", "stamped_headers"])] + [
            (f"no-{h}", "MUST", [h]) for h in ("root_id", "parent_id", "eta", "expires", "timelimit", "retries", "ignore_result", "group",
                                               "origin", "argsrepr")]:
        m = message("tasks.add", [2, 3])
        for header in change:
            del m["headers"][header]
        what = "all headers but lang, task and id" if name == "absent" else f"the header {change[0]}"
        c.add("worker", "headers", name, level, "Pitfall 18", f"Send a task without {what}; it runs all the same.",
              [{"send": m}, succeeds(5), *alive()])
    for name, change in [("unknown-header", {"x-custom": {"a": [1]}, "traceparent": "00-1-2-01"}), ("float-timelimit", {"timelimit": [900.0, 600.5]}),
                         ("shadow", {"shadow": "pretty.name"}), ("other-language", {"lang": "go"})]:
        c.add("worker", "headers", name, "MUST", "1.1 Headers" if name != "float-timelimit" else "Pitfall 20",
              f"Send a task with {json.dumps(change)}; it runs.", [{"send": {**message("tasks.add", [2, 3], **change)}}, succeeds(5)])
    v1 = {"headers": {}, "value": {"task": "tasks.add", "id": "${a}", "args": [2, 3], "kwargs": {}, "retries": 0, "eta": None, "expires": None,
                                   "utc": True, "callbacks": None, "errbacks": None, "timelimit": [None, None], "taskset": None, "chord": None}}
    c.add("worker", "protocol-1", "plain", "SHOULD", "2 Protocol 1", "Send a message of protocol 1; it runs.", [{"send": v1}, succeeds(5)],
          needs=["protocol-1"])
    short = {"headers": {}, "value": {"task": "tasks.add", "id": "${a}", "args": [2, 3], "kwargs": {}}}
    c.add("worker", "protocol-1", "short", "SHOULD", "2 Protocol 1", "Send one with task, id, args and kwargs only; it runs.",
          [{"send": short}, succeeds(5)], needs=["protocol-1"])
    return many


def captured(c):
    """Bodies that Celery 5.7.0 and 4.4.7 wrote, with an id of this run and the name of a task that testees have."""
    chosen = ["add", "kwargs", "numbers", "unicode", "none_args", "types_datetime", "types_decimal_uuid", "compress_zlib", "headers",
              "timelimits", "shadow", "stamps", "long_args", "eta_offset", "retries2", "priority"]
    for family, version in (("p2", "5.7.0"), ("c447p2", "4.4.7")):
        for name in chosen:
            path = CAPTURES / f"{family}.redis.{name}.json"
            if not path.exists():
                continue
            text = next((v for key in json.loads(path.read_text())["redis_keys_after"] if key["type"] == "list"
                         for v in key["value"] if isinstance(v, str)), None)
            if text is None:
                continue
            found = json.loads(text)
            headers = {**found["headers"], "task": "tasks.echo", "id": "${a}", "root_id": "${a}"}
            if found["content-type"] != "application/json" or name in ("eta_offset",):
                # Far in the future: a worker would hold it until then.
                continue
            body = base64.b64decode(found["body"])
            if "compression" in headers:
                import zlib
                body = zlib.decompress(body)
            args, kwargs, _ = json.loads(body)
            properties = {"priority": found["properties"].get("priority", 0), "reply_to": found["properties"]["reply_to"]}
            c.add("worker", f"captured-{family}", name.replace("_", "-"), "MUST", "1 Task message, protocol 2",
                  f"Celery {version} wrote this body and these headers; only the name and the ids are others. It runs.",
                  [{"send": {"headers": headers, "properties": properties, "base64": found["body"],
                             "content_type": found["content-type"], "content_encoding": found["content-encoding"]}},
                   succeeds({"args": args, "kwargs": kwargs})], brokers=["redis"], versions=[version, "5.7.0"],
                  needs=["types"] if name.startswith("types") else ["compression"] if name.startswith("compress") else [])


def results(c):
    section = "8.1 The meta object"
    c.add("worker", "result", "form", "MUST", section, "A stored success has the keys that readers need, task_id among them.",
          [{"send": message("tasks.add", [2, 3])},
           succeeds(5, "a", value("traceback", equals=None), value("children", kind=["array", "null"]), value("date_done", kind=["string"], filled=True))])
    c.add("worker", "result", "published", "MUST", "Pitfall 1", "A result is published to the channel of its key, for those who wait.",
          [{"subscribe": META + "${a}"},
           {"send": message("tasks.add", [2, 3])},
           {"told": META + "${a}", "checks": [value("status", equals="SUCCESS"), value("result", equals=5), value("task_id", equals="${a}")]}])
    c.add("worker", "result", "expires", "SHOULD", "8.2 Redis", "A result expires some time.",
          [{"send": message("tasks.add", [2, 3])}, succeeds(5), {"await": ["EVAL", "return redis.call('TTL', KEYS[1]) > 0 and 1 or 0", "1", META + "${a}"], "is": 1}])
    c.add("worker", "result", "group-id", "SHOULD", section, "The result of a group's member names the group.",
          [{"send": message("tasks.add", [2, 3], group="${g}", group_index=0)}, succeeds(5, "a", value("group_id", equals="${g}"))])
    c.add("worker", "result", "no-group-id", "MUST", section, "A result without a group has no group_id.",
          [{"send": message("tasks.add", [2, 3])}, succeeds(5, "a", value("group_id", absent=True))])
    c.add("worker", "result", "parent-id", "SHOULD", section, "The result of a task with a parent names it.",
          [{"send": message("tasks.add", [2, 3], parent_id="${p}", root_id="${p}")}, succeeds(5, "a", value("parent_id", equals="${p}"))])
    c.add("worker", "result", "ignored", "MUST", "1.1 Headers", "With ignore_result true nothing is stored.",
          [{"send": message("tasks.add", [2, 3], ignore_result=True)}, *alive(), {"absent": META + "${a}"}], needs=["ignore_result"])
    c.add("worker", "result", "never-overwritten", "SHOULD", section, "A stored success is not overwritten by a later failure of the same id.",
          [{"send": message("tasks.add", [2, 3])}, succeeds(5), {"send": message("tasks.fail", ["ValueError", "x"])}, *alive(), succeeds(5)])
    failing = [("message", ["ValueError", "boom"], "ValueError", "boom"), ("other-type", ["KeyError", "k"], "KeyError", "k"),
               ("unicode", ["ValueError", "h\u00e9\U0001f966"], "ValueError", "h\u00e9\U0001f966"), ("several-arguments", ["ValueError", "boom", 42], "ValueError", "boom")]
    for name, args, kind, text in failing:
        c.add("worker", "failure", name, "MUST", "8.1 The meta object", f"Send tasks.fail with {json.dumps(args)}; the failure is stored with type and arguments.",
              [{"send": message("tasks.fail", args)}, fails(kind, text)])
    c.add("worker", "failure", "form", "MUST", "Pitfalls 4 to 6", "A failure has exc_type, exc_message as an array, exc_module, and a traceback that is text or null.",
          [{"send": message("tasks.fail", ["ValueError", "boom", 42])},
           {"result": META + "${a}", "checks": [value("status", equals="FAILURE"), value("result", "exc_type", equals="ValueError"),
                                                value("result", "exc_message", equals=["boom", 42]), value("result", "exc_module", kind=["string"]),
                                                value("traceback", kind=["string", "null"]), value("task_id", equals="${a}")]}])
    c.add("worker", "failure", "published", "MUST", "Pitfall 1", "A failure is published to the channel of its key.",
          [{"subscribe": META + "${a}"}, {"send": message("tasks.fail", ["ValueError", "boom"])},
           {"told": META + "${a}", "checks": [value("status", equals="FAILURE"), value("task_id", equals="${a}")]}])
    c.add("worker", "failure", "unregistered", "MUST", "10.2 Bad messages", "A task that nobody has registered fails with NotRegistered.",
          [{"send": message("tasks.nobody_knows_it", [])}, fails("NotRegistered"), *alive()])
    c.add("worker", "failure", "wrong-arguments", "MUST", "10.1 Order for one task", "Too few arguments fail the task.",
          [{"send": message("tasks.add", [1])}, fails(), *alive()])
    c.add("worker", "failure", "wrong-keyword", "MUST", "10.1 Order for one task", "A keyword that the task does not have fails it.",
          [{"send": message("tasks.add", [1, 2], {"other": 3})}, fails(), *alive()])


def settling(c):
    for name, m, end in [("success", message("tasks.add", [2, 3]), succeeds(5)), ("failure", message("tasks.fail", ["ValueError", "x"]), fails("ValueError")),
                         ("unregistered", message("tasks.nobody_knows_it"), fails("NotRegistered")),
                         ("retry", message("tasks.retry_until", [1, 0.05]), succeeds(1))]:
        c.add("worker", "settling", name, "MUST", "4.4 Consume", f"After a {name} nothing of the message is left in the queue or among the unacknowledged.",
              [{"send": m}, end, *NOTHING_WAITS], brokers=["redis"])
    c.add("worker", "settling", "held-while-running", "MUST", "Pitfall 21", "A message that waits for its ETA is in unacked and unacked_index, as kombu restores it from there.",
          [{"send": message("tasks.add", [2, 3], eta="${now+2}")}, {"await": ["HLEN", "unacked"], "is": 1}, {"await": ["ZCARD", "unacked_index"], "is": 1},
           succeeds(5), *NOTHING_WAITS], brokers=["redis"], needs=["kombu-unacked"])
    for priority in (3, 6, 9):
        c.add("worker", "priority", f"list-{priority}", "SHOULD", "4.2 Keys", f"A message in the list of priority {priority} is served.",
              [{"redis": ["LPUSH", f"celery\x06\x16{priority}", {"envelope": {**message("tasks.add", [2, 3]), "properties": {"priority": priority}}}]}, succeeds(5)],
              brokers=["redis"], needs=["priority"])
    many = lambda count, task, args: [{"send": message(task, args, id="${m%d}" % n)} for n in range(count)]
    c.add("worker", "settling", "prefetch", "SHOULD", "Pitfall 24",
          "Of 40 slow tasks a worker holds some and leaves the others in the queue: they are there when the first has ended.",
          [*many(40, "tasks.slow", [0.5]), succeeds(0.5, "m0"), {"await": ["EVAL", "return redis.call('LLEN', KEYS[1]) > 0 and 1 or 0", "1", "celery"], "is": 1, "within": 0.1},
           {"redis": ["DEL", "celery"]}, *alive()], brokers=["redis"], needs=["slow"])
    c.add("worker", "settling", "pace", "SHOULD", "Pitfall 32", "60 small tasks are done within four seconds: a worker waits for its broker, and for no clock.",
          [*many(60, "tasks.add", [1, 1]), *(succeeds(2, f"m{n}", within=4) for n in (59,))])
    c.add("worker", "envelope", "plain-body", "SHOULD", "4.1 Envelope", "A body without body_encoding is text.",
          [{"redis": ["LPUSH", "celery", {"json": {**plain_envelope("tasks.add", [2, 3])}}]}, succeeds(5)], brokers=["redis"])
    c.add("worker", "envelope", "numeric-tag", "SHOULD", "4.1 Envelope", "A delivery tag of any text serves.",
          [{"redis": ["LPUSH", "celery", {"envelope": {**message("tasks.add", [2, 3]), "properties": {"delivery_tag": "1-${a}"}}}]}, succeeds(5)], brokers=["redis"])


def times(c):
    late = lambda name, eta, section="1.4 Time formats": c.add(
        "worker", "eta", name, "MUST", section, f"A task with the ETA {eta} runs, and not before.",
        [{"send": message("tasks.add", [2, 3], eta=eta)}, succeeds(5, "a", value("date_done", after="${now+1.5}"), within=15)])
    late("offset", "${now+1.5}")
    late("utc-letter", "${nowz+1.5}")
    late("naive", "${nown+1.5}", "Pitfall 19")
    late("other-offset", "${nowi+1.5}")
    for name, eta in [("past", "${now-3600}"), ("past-without-fraction", "2020-01-02T03:04:05+00:00"), ("past-naive", "2020-01-02T03:04:05.678901")]:
        c.add("worker", "eta", name, "MUST", "1.4 Time formats", f"A task with an ETA in the past ({eta}) runs at once.",
              [{"send": message("tasks.add", [2, 3], eta=eta)}, succeeds(5)])
    c.add("worker", "eta", "others-pass", "MUST", "10.3 ETA", "A task that waits does not hold up one behind it.",
          [{"send": message("tasks.add", [2, 3], eta="${now+3}")}, *alive(), {"absent": META + "${a}"}, succeeds(5, within=15)])
    c.add("worker", "expires", "past", "MUST", "10.6 Expiry, revoke, terminate", "An expired task does not run: its state is REVOKED.",
          [{"send": message("tasks.add", [2, 3], expires="${now-60}")}, fails("TaskRevokedError", "expired", status="REVOKED")], needs=["expires"])
    c.add("worker", "expires", "future", "MUST", "10.6 Expiry, revoke, terminate", "A task that expires later runs.",
          [{"send": message("tasks.add", [2, 3], expires="${now+60}")}, succeeds(5)])
    c.add("worker", "expires", "while-waiting", "MUST", "10.6 Expiry, revoke, terminate", "A task that expires before its ETA does not run.",
          [{"send": message("tasks.add", [2, 3], eta="${now+2}", expires="${now+1}")}, fails("TaskRevokedError", "expired", status="REVOKED", within=15)],
          needs=["expires"])


def retries(c):
    section = "10.7 Retry"
    c.add("worker", "retry", "succeeds", "MUST", section, "A task that retries twice succeeds with retries 2.",
          [{"send": message("tasks.retry_until", [2, 0.05])}, succeeds(2, within=15)], needs=["retry"])
    c.add("worker", "retry", "state", "SHOULD", section, "While it waits for the retry the state is RETRY with the exception.",
          [{"send": message("tasks.retry_exhaust", [1, 2])}, fails("ValueError", "never good", status="RETRY"), fails("ValueError", within=15)],
          needs=["retry"])
    c.add("worker", "retry", "counted", "MUST", "Pitfall 9", "The header retries counts on from what it was.",
          [{"send": message("tasks.retry_until", [3, 0.05], retries=2)}, succeeds(3, within=15)], needs=["retry"])
    c.add("worker", "retry", "waits", "MUST", "Pitfall 22", "A retry waits for its countdown.",
          [{"send": message("tasks.retry_until", [1, 1.5])}, succeeds(1, "a", value("date_done", after="${now+1.5}"), within=15)], needs=["retry"])
    c.add("worker", "retry", "exhausted", "MUST", section, "When all retries are used up the task fails with its error.",
          [{"send": message("tasks.retry_exhaust", [1, 0.05])}, fails("ValueError", "never good", within=15)], needs=["retry"])
    c.add("worker", "retry", "same-queue", "MUST", "Pitfall 10", "The retry is sent with the same id, arguments, root and an ETA, to the queue that the task came from.",
          [{"send": message("tasks.retry_until", [1, 3], root_id="${r}")},
           {"result": META + "${a}", "checks": [value("status", equals="RETRY")]},
           {"await": ["EVAL", HELD_RETRY, "0", "${a}", "${r}"], "is": 1}, succeeds(1, within=15)], brokers=["redis"], needs=["retry", "kombu-unacked"])
    c.add("worker", "retry", "keeps-chain", "MUST", section, "A chain goes on after a retry.",
          [{"send": message("tasks.retry_until", [1, 0.05], embed={"chain": [signature("tasks.add", [10], "${b}")]})}, succeeds(1, within=15), succeeds(11, "b")],
          needs=["retry", "chain"])
    c.add("worker", "retry", "keeps-headers", "SHOULD", section, "A retry keeps group and group_index.",
          [{"send": message("tasks.retry_until", [1, 0.05], group="${g}", group_index=0)}, succeeds(1, "a", value("group_id", equals="${g}"), within=15)],
          needs=["retry"])


# Looks among what a worker holds for the retry of a task, as kombu stores it.
HELD_RETRY = """local held = redis.call('HVALS', 'unacked')
for _, text in ipairs(held) do
  local parts = cjson.decode(text)
  local message = parts[1]
  local headers = message.headers
  if headers.id == ARGV[1] and headers.root_id == ARGV[2] and headers.retries == 1 and type(headers.eta) == 'string'
    and message.properties.delivery_info.routing_key == 'celery' then return 1 end
end
return 0"""


def canvas(c):
    section = "10.4 Chain and link continuation"
    c.add("worker", "chain", "two", "MUST", section, "The next task of a chain gets the result as its first argument.",
          [{"send": message("tasks.add", [2, 3], embed={"chain": [signature("tasks.add", [10], "${b}")]})}, succeeds(5), succeeds(15, "b")], needs=["chain"])
    c.add("worker", "chain", "three", "MUST", section, "A chain is run from its last element: 2 + 3, + 10, * 2.",
          [{"send": message("tasks.add", [2, 3], embed={"chain": [signature("tasks.multiply", [2], "${c}"), signature("tasks.add", [10], "${b}")]})},
           succeeds(15, "b"), succeeds(30, "c")], needs=["chain"])
    c.add("worker", "chain", "immutable", "MUST", "Pitfall 16", "An immutable element gets no result before its arguments.",
          [{"send": message("tasks.add", [2, 3], embed={"chain": [signature("tasks.add", [10, 1], "${b}", immutable=True)]})}, succeeds(11, "b")], needs=["chain"])
    c.add("worker", "chain", "step-options", "MUST", "Pitfall 16", "The countdown of an element is kept.",
          [{"send": message("tasks.add", [2, 3], embed={"chain": [signature("tasks.add", [10], "${b}", countdown=1.5)]})},
           succeeds(15, "b", value("date_done", after="${now+1.5}"), within=15)], needs=["chain"])
    c.add("worker", "chain", "wire", "MUST", section, "What follows is sent with root_id, parent_id, retries 0 and a body of three elements.",
          [{"send": message("tasks.add", [2, 3], root_id="${r}", embed={"chain": [signature("tasks.add", [10], "${b}", queue="kit.other")]})},
           {"receive": "kit.other", "checks": [at("headers", "id", equals="${b}"), at("headers", "task", equals="tasks.add"), at("headers", "root_id", equals="${r}"),
                                               at("headers", "parent_id", equals="${a}"), at("headers", "retries", equals=0), value(0, equals=[5, 10]),
                                               value(1, equals={}), value(2, kind=["object"]), at("headers", "lang", kind=["string"]),
                                               at("content-type", equals="application/json"), at("properties", "correlation_id", equals="${b}")]}],
          needs=["chain", "queues"])
    c.add("worker", "chain", "rest", "MUST", section, "What follows carries the rest of the chain.",
          [{"send": message("tasks.add", [2, 3], embed={"chain": [signature("tasks.multiply", [2], "${c}"), signature("tasks.add", [10], "${b}", queue="kit.other")]})},
           {"receive": "kit.other", "checks": [at("headers", "id", equals="${b}"), value(2, "chain", 0, "options", "task_id", equals="${c}"),
                                               value(2, "chain", 1, absent=True)]}], needs=["chain", "queues"])
    c.add("worker", "chain", "fails", "MUST", section, "When a member fails, the rest does not run, and fails in the store.",
          [{"send": message("tasks.fail", ["ValueError", "boom"], embed={"chain": [signature("tasks.add", [10], "${b}")]})}, fails("ValueError", "boom"),
           fails("ValueError", "boom", "b")], needs=["chain"])
    c.add("worker", "chain", "priority-kept", "MAY", section, "What follows has the priority of its own options.",
          [{"send": message("tasks.add", [2, 3], embed={"chain": [signature("tasks.add", [10], "${b}", priority=3, queue="kit.other")]})},
           {"await": ["LLEN", "kit.other\x06\x163"], "is": 1}, {"redis": ["DEL", "kit.other\x06\x163"]}], brokers=["redis"], needs=["chain", "queues", "priority"])
    c.add("worker", "link", "one", "MUST", "Pitfall 15", "A callback gets the result.",
          [{"send": message("tasks.add", [2, 3], embed={"callbacks": [signature("tasks.add", [10], "${b}")]})}, succeeds(5), succeeds(15, "b")], needs=["link"])
    c.add("worker", "link", "several", "MUST", section, "Several callbacks all get the result.",
          [{"send": message("tasks.add", [2, 3], embed={"callbacks": [signature("tasks.add", [10], "${b}"), signature("tasks.multiply", [2], "${c}")]})},
           succeeds(15, "b"), succeeds(10, "c")], needs=["link"])
    c.add("worker", "link", "immutable", "MUST", section, "An immutable callback gets only its own arguments.",
          [{"send": message("tasks.add", [2, 3], embed={"callbacks": [signature("tasks.add", [1, 1], "${b}", immutable=True)]})}, succeeds(2, "b")], needs=["link"])
    c.add("worker", "link", "children", "SHOULD", "8.1 The meta object", "The result lists its callback among the children.",
          [{"send": message("tasks.add", [2, 3], embed={"callbacks": [signature("tasks.add", [10], "${b}")]})}, succeeds(5, "a", value("children", 0, 0, 0, equals="${b}"))],
          needs=["link"])
    c.add("worker", "link", "and-chain", "MUST", section, "A task with both runs its callback and the next of its chain.",
          [{"send": message("tasks.add", [2, 3], embed={"callbacks": [signature("tasks.add", [10], "${b}")], "chain": [signature("tasks.multiply", [3], "${c}")]})},
           succeeds(15, "b"), succeeds(15, "c")], needs=["link", "chain"])
    c.add("worker", "link", "not-on-failure", "MUST", section, "A callback does not run after a failure.",
          [{"send": message("tasks.fail", ["ValueError", "x"], embed={"callbacks": [signature("tasks.add", [10], "${b}")]})}, fails("ValueError"), *alive(),
           {"absent": META + "${b}"}], needs=["link"])
    c.add("worker", "link-error", "sent", "MUST", "10.5 Error callbacks", "An error callback that is no task of this process is sent with the id of what failed.",
          [{"send": message("tasks.fail", ["ValueError", "x"], embed={"errbacks": [signature("kit.on_error", ["own"], "${b}", queue="kit.other")]})}, fails("ValueError"),
           {"receive": "kit.other", "checks": [at("headers", "task", equals="kit.on_error"), value(0, equals=["${a}", "own"]), at("headers", "parent_id", equals="${a}")]}],
          needs=["link_error", "queues"])
    c.add("worker", "link-error", "not-on-success", "MUST", "10.5 Error callbacks", "No error callback is sent after a success.",
          [{"send": message("tasks.add", [2, 3], embed={"errbacks": [signature("kit.on_error", [], "${b}", queue="kit.other")]})}, succeeds(5), *alive(),
           {"await": ["LLEN", "kit.other"], "is": 0}], brokers=["redis"], needs=["link_error"])
    header = lambda id, index, args: message("tasks.add", args, id="${%s}" % id, group="${g}", group_index=index, root_id="${r}",
                                            embed={"chord": {**signature("tasks.sum_ints", [], "${body}"), "options": {"task_id": "${body}"}}})
    size = {"redis": ["SET", "celery-taskset-meta-${g}.s", "2", "EX", "600"]}
    c.add("worker", "chord", "joins", "MUST", "8.4 Chords, Redis native join", "When the last part of a chord ends, its body gets all results in the order of their indexes.",
          [size, {"send": header("a", 0, [1, 2])}, {"send": header("b", 1, [3, 4])}, succeeds(10, "body")], needs=["chord"])
    echo_body = lambda id, index, args: message("tasks.add", args, id="${%s}" % id, group="${g}", group_index=index,
                                               embed={"chord": {**signature("tasks.echo", ["own"], "${body}")}})
    c.add("worker", "chord", "order", "MUST", "8.4 Chords, Redis native join", "The results are in the order of the group, before the body's own arguments.",
          [size, {"send": echo_body("b", 1, [3, 4])}, succeeds(7, "b"), {"send": echo_body("a", 0, [1, 2])},
           succeeds({"args": [[3, 7], "own"], "kwargs": {}}, "body")], needs=["chord"])
    c.add("worker", "chord", "waits", "MUST", "8.4 Chords, Redis native join", "The body does not run before the last part has ended.",
          [size, {"send": header("a", 0, [1, 2])}, succeeds(3), *alive(), {"absent": META + "${body}"}], needs=["chord"])
    failing = {**header("b", 1, []), "value": [["ValueError", "boom"], {}, header("b", 1, [])["value"][2]]}
    failing["headers"] = {**failing["headers"], "task": "tasks.fail"}
    c.add("worker", "chord", "fails", "MUST", "8.4 Chords, Redis native join", "When a part fails, the body fails with ChordError.",
          [size, {"send": header("a", 0, [1, 2])}, {"send": failing}, fails("ChordError", None, "body")], needs=["chord"])
    part = lambda n, chord: message("tasks.add", [n, chord], id="${m%d.%d}" % (chord, n), group="${g%d}" % chord, group_index=n,
                                    embed={"chord": {**signature("tasks.sum_ints", [], "${body%d}" % chord)}})
    c.add("worker", "chord", "two-at-once", "MUST", "Pitfall 36", "Two chords whose parts come in turns each join their own results.",
          [*({"redis": ["SET", "celery-taskset-meta-${g%d}.s" % chord, "2", "EX", "600"]} for chord in (10, 20)),
           *({"send": part(n, chord)} for n in (0, 1) for chord in (10, 20)), succeeds(21, "body10"), succeeds(41, "body20")], needs=["chord"])
    for count in (2, 3):
        c.add("worker", "group", f"members-{count}", "MUST", "9 Canvas on the wire", f"{count} members of a group each store their result.",
              [*({"send": message("tasks.add", [n, n], id="${m%d}" % n, group="${g}", group_index=n)} for n in range(count)),
               *(succeeds(2 * n, f"m{n}") for n in range(count))])


TOPICS = (values, captured, results, settling, times, retries, canvas)
