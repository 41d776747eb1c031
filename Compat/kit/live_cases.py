"""The cases of the live tiers: what is put before a worker, producer or client, and what must be seen on the wire then.

generate.py writes them to celery/live-*.json and machinery/live-*.json. Where Celery itself does otherwise, the case says so and
is INFORMATIONAL: that was found by running Celery 5.7.0 on every case, as README.md tells.
"""
import base64, json, pathlib

CAPTURES = pathlib.Path(__file__).resolve().parent.parent / "celery"
EMBED = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
META = "celery-task-meta-"
BOTH = ["redis", "rabbitmq"]


# MARK: Messages and checks

def message(task, args=(), kwargs=None, id="${a}", embed=None, **headers):
    """A message of protocol 2, as Celery 5.7 sends it."""
    return {"headers": {"lang": "py", "task": task, "id": id, "shadow": None, "eta": None, "expires": None, "group": None,
                        "group_index": None, "retries": 0, "timelimit": [None, None], "root_id": id, "parent_id": None,
                        "argsrepr": repr(tuple(args)), "kwargsrepr": repr(kwargs or {}), "origin": "gen1@kit", "ignore_result": False,
                        "replaced_task_nesting": 0, "stamped_headers": None, "stamps": {}, **headers},
            "value": [list(args), kwargs or {}, {**EMBED, **(embed or {})}]}


def signature(task, args=(), id=None, immutable=False, **options):
    return {"task": task, "args": list(args), "kwargs": {}, "options": {**({"task_id": id} if id else {}), **options},
            "subtask_type": None, "immutable": immutable}


def at(*way, **requirement):
    return {"at": list(way), **({"is": requirement.pop("equals")} if "equals" in requirement else {}), **requirement}


def value(*way, **requirement):
    return at("value", *way, **requirement)


def succeeds(result=None, id="a", *more, within=10, anything=False):
    checks = [value("status", equals="SUCCESS"), value("task_id", equals="${%s}" % id)]
    return {"result": META + "${%s}" % id, "within": within,
            "checks": checks + ([] if anything else [value("result", equals=result)]) + list(more)}


def fails(kind=None, message=None, id="a", status="FAILURE", within=10):
    checks = [value("status", equals=status)]
    checks += [value("result", "exc_type", equals=kind)] if kind else [value("result", "exc_type", kind=["string"], filled=True)]
    checks += [value("result", "exc_message", 0, contains=message)] if message else []
    return {"result": META + "${%s}" % id, "within": within, "checks": checks}


def alive(id="alive"):
    """The worker goes on with the next task."""
    return [{"send": message("tasks.add", [20, 22], id="${%s}" % id)}, succeeds(42, id)]


NOTHING_WAITS = [{"await": ["LLEN", "celery"], "is": 0}, {"await": ["HLEN", "unacked"], "is": 0},
                 {"await": ["ZCARD", "unacked_index"], "is": 0}]


class Cases:
    def __init__(self, dialect, reference):
        self.dialect, self.reference, self.files = dialect, reference, {}

    def add(self, role, topic, name, level, section, procedure, steps, brokers=BOTH, needs=(), note=None, versions=None):
        case = {"id": f"{self.dialect}/{role}/live/{topic}/{name}", "role": role, "level": level, "section": section,
                "procedure": procedure, "versions": versions or [self.reference], "op": "live",
                "input": {"brokers": brokers, "needs": list(needs), "steps": steps}, "expect": {"steps": True}}
        if note:
            case["note"] = note
        self.files.setdefault(f"live-{role}", []).append(case)

    def documents(self):
        for file, cases in sorted(self.files.items()):
            head = {"kit": "1.0", "dialect": self.dialect, "tier": "live", "reference": self.reference}
            lines = ",\n".join("  " + json.dumps(case, ensure_ascii=True) for case in cases)
            yield f"{self.dialect}/{file}.json", json.dumps(head)[:-1] + ', "cases": [\n' + lines + "\n]}\n"


# MARK: Celery's worker

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
    c.add("worker", "envelope", "plain-body", "SHOULD", "4.1 Envelope", "A body without body_encoding is text.",
          [{"redis": ["LPUSH", "celery", {"json": {**plain_envelope("tasks.add", [2, 3])}}]}, succeeds(5)], brokers=["redis"])
    c.add("worker", "envelope", "numeric-tag", "SHOULD", "4.1 Envelope", "A delivery tag of any text serves.",
          [{"redis": ["LPUSH", "celery", {"envelope": {**message("tasks.add", [2, 3]), "properties": {"delivery_tag": "1-${a}"}}}]}, succeeds(5)], brokers=["redis"])


def plain_envelope(task, args):
    m = message(task, args)
    return {"body": json.dumps(m["value"]), "content-type": "application/json", "content-encoding": "utf-8", "headers": m["headers"],
            "properties": {"correlation_id": "${a}", "delivery_mode": 2, "delivery_info": {"exchange": "", "routing_key": "celery"},
                           "priority": 0, "delivery_tag": "${t}"}}


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
    for count in (2, 3):
        c.add("worker", "group", f"members-{count}", "MUST", "9 Canvas on the wire", f"{count} members of a group each store their result.",
              [*({"send": message("tasks.add", [n, n], id="${m%d}" % n, group="${g}", group_index=n)} for n in range(count)),
               *(succeeds(2 * n, f"m{n}") for n in range(count))])


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


# MARK: Celery's producer

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


# MARK: Celery's client

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


# The retries left and the timeout of a task that waits among the delayed.
DELAYED = """for _, text in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local signature = cjson.decode(text)
  if signature.UUID == ARGV[1] and type(signature.ETA) == 'string' then
    return signature.RetryCount .. ' ' .. signature.RetryTimeout
  end
end
return ''"""


# Whether somebody listens to a channel.
SUBSCRIBED = "return redis.call('PUBSUB', 'NUMSUB', ARGV[1])[2] > 0 and 1 or 0"


def celery():
    cases = Cases("celery", "Celery 5.7.0")
    for topic in (values, captured, results, settling, times, retries, canvas, malformed, control, events, stopping, producer, client):
        topic(cases)
    return cases


# MARK: Machinery

def machinery_signature(name, args=(), id="task_${a}", **more):
    """A signature with all keys, as Go writes it."""
    return {"UUID": id, "Name": name, "RoutingKey": "machinery_tasks", "ETA": None, "GroupUUID": "", "GroupTaskCount": 0,
            "Args": [{"Name": "", "Type": t, "Value": v} for t, v in args], "Headers": {}, "Priority": 0, "Immutable": False, "RetryCount": 0,
            "RetryTimeout": 0, "OnSuccess": None, "OnError": None, "ChordCallback": None, "BrokerMessageGroupId": "", "SQSReceiptHandle": "",
            "StopTaskDeletionOnError": False, "IgnoreWhenTaskNotRegistered": False, **more}


def int64s(*numbers):
    return [("int64", n) for n in numbers]


def machinery():
    c = Cases("machinery", "Go Machinery")
    only = dict(brokers=["redis"])
    put = lambda document, queue="machinery_tasks": {"redis": ["RPUSH", queue, {"json": document}]}
    ends = lambda id, state, *checks, within=10: {"result": id, "within": within, "checks": [value("State", equals=state), value("TaskUUID", equals=id), *checks]}
    done = lambda result, id="task_${a}", kind="int64", within=10: ends(id, "SUCCESS", value("Results", 0, "Type", equals=kind), value("Results", 0, "Value", equals=result), within=within)
    good = [put(machinery_signature("add", int64s(20, 22), "task_${alive}")), done(42, "task_${alive}")]
    add = lambda *a, **k: c.add("worker", *a, **{**only, **k})
    add("task", "plain", "MUST", "9 Worker algorithm", "A task of Go runs, and its state has the result with its type.", [put(machinery_signature("add", int64s(1, 2))), done(3)])
    add("task", "short", "MUST", "1 Signature JSON", "A signature with UUID, Name and Args alone runs.",
        [put({"UUID": "task_${a}", "Name": "add", "Args": [{"Type": "int64", "Value": 1}]}), done(1)])
    add("task", "lower-case-keys", "MUST", "1 Signature JSON", "Keys match in any case.",
        [put({"uuid": "task_${a}", "name": "add", "args": [{"type": "int64", "value": 1}]}), done(1)])
    add("task", "unknown-key", "MUST", "1 Signature JSON", "A key that is unknown is ignored.", [put(machinery_signature("add", int64s(1), Other={"a": 1})), done(1)])
    add("task", "args-null", "MUST", "1 Signature JSON", "Args may be null.", [put({**machinery_signature("add"), "Args": None}), done(0)])
    add("task", "any-id", "MUST", "1 Signature JSON", "Any text is an id.", [put(machinery_signature("add", int64s(1), "own ${a}")), done(1, "own ${a}")])
    add("state", "form", "MUST", "4.1 TaskState", "A state has all seven keys.",
        [put(machinery_signature("add", int64s(1, 2))),
         ends("task_${a}", "SUCCESS", value("Error", equals=""), value("CreatedAt", kind=["string"]), value("TTL", equals=0), value("TaskName", kind=["string"]))])
    add("state", "expires", "SHOULD", "8.1 Redis", "A state expires some time.",
        [put(machinery_signature("add", int64s(1))), done(1), {"await": ["EVAL", "return redis.call('TTL', KEYS[1]) > 0 and 1 or 0", "1", "task_${a}"], "is": 1}])
    add("state", "created-kept", "MUST", "4.1 TaskState", "CreatedAt and TaskName of the stored state are kept.",
        [{"store": "task_${a}", "value": {"TaskUUID": "task_${a}", "TaskName": "add", "State": "PENDING", "Results": None, "Error": "", "CreatedAt": "2026-01-02T03:04:05Z", "TTL": 0}},
         put(machinery_signature("add", int64s(1))), ends("task_${a}", "SUCCESS", value("TaskName", equals="add"), value("CreatedAt", equals="2026-01-02T03:04:05Z"))])
    types = [("bool", "bool", True), ("int", "int", -2 ** 63), ("int8", "int8", -128), ("int16", "int16", 32767), ("int32", "int32", -2 ** 31), ("int64", "int64", 2 ** 63 - 1),
             ("uint", "uint", 2 ** 64 - 1), ("uint8", "uint8", 255), ("uint16", "uint16", 65535), ("uint32", "uint32", 2 ** 32 - 1), ("uint64", "uint64", 2 ** 64 - 1),
             ("float32", "float32", 0.5), ("float64", "float64", 0.1), ("string", "string", "<\u00e9\U0001f600\u2028>"), ("bytes", "[]uint8", "AP8H"), ("bools", "[]bool", [True, False]),
             ("int64s", "[]int64", [-1, 1]), ("strings", "[]string", ["", "b"]), ("float64s", "[]float64", [1, 0.1]), ("uint64s", "[]uint64", [0, 2 ** 64 - 1])]
    for name, kind, v in types:
        add("types", name, "MUST", "2 Arguments, types, conversion", f"An argument of {kind} comes back exactly.", [put(machinery_signature(f"echo_{name}", [(kind, v)])), done(v, kind=kind)])
    for name, args, text in [("unknown-type", [("map", {})], "map is not one of supported types"), ("wrong-kind", [("int64", "x")], "x is not int64"),
                             ("fraction", [("int64", 1.5)], 'parsing "1.5": invalid syntax'), ("range", [("int64", 2 ** 63)], "value out of range"),
                             ("negative", [("uint64", -1)], "invalid syntax")]:
        task = "add" if args[0][0] in ("int64", "map") else "echo_uint64"
        add("arguments", name, "INFORMATIONAL", "9.2 Consequences", "An argument that cannot be converted fails the task with Go's text, and the worker goes on.",
            [put(machinery_signature(task, args)), ends("task_${a}", "FAILURE", value("Error", contains=text)), *good],
            note="Go Machinery v2 with redigo stores this failure, and does no task after it")
    add("failure", "text", "MUST", "9 Worker algorithm", "An error is stored with its text.",
        [put(machinery_signature("fail_res_task", [("string", "boom <&>")])), ends("task_${a}", "FAILURE", value("Error", equals="boom <&>"), value("Results", equals=None))])
    add("failure", "panic", "MUST", "9 Worker algorithm", "A panic is a failure with its text.", [put(machinery_signature("panic_task")), ends("task_${a}", "FAILURE", value("Error", equals="oops")), *good])
    add("callbacks", "on-success", "MUST", "9 Worker algorithm", "OnSuccess gets the results after its own arguments.",
        [put(machinery_signature("add", int64s(1, 2), OnSuccess=[machinery_signature("add", int64s(10), "task_${b}")])), done(3), done(13, "task_${b}")])
    add("callbacks", "immutable", "MUST", "10.1 Chain", "A sender that is Immutable passes no results on.",
        [put(machinery_signature("add", int64s(1, 2), Immutable=True, OnSuccess=[machinery_signature("add", int64s(10), "task_${b}")])), done(10, "task_${b}")])
    add("callbacks", "several", "MUST", "10.4 Nesting", "All of OnSuccess are sent.",
        [put(machinery_signature("add", int64s(1, 2), OnSuccess=[machinery_signature("add", int64s(10), "task_${b}"), machinery_signature("multiply", int64s(5), "task_${c}")])),
         done(13, "task_${b}"), done(15, "task_${c}")])
    add("callbacks", "wire", "MUST", "1 Signature JSON", "What is sent has all nineteen keys.",
        [put(machinery_signature("add", int64s(1, 2), OnSuccess=[machinery_signature("add", int64s(10), "task_${b}", RoutingKey="kit.other")])),
         {"receive": "kit.other", "end": "left", "checks": [value("UUID", equals="task_${b}"), value("Args", 0, "Value", equals=10), value("Args", 1, "Value", equals=3), value("Args", 1, "Type", equals="int64"),
                                                            value("IgnoreWhenTaskNotRegistered", equals=False), value("ETA", equals=None), value("OnError", equals=None)]}])
    add("callbacks", "on-error", "MUST", "9 Worker algorithm", "OnError gets the text of the error before its own arguments.",
        [put(machinery_signature("fail_res_task", [("string", "boom")], OnError=[machinery_signature("log_error", [("string", "own")], "task_${b}", RoutingKey="kit.other")])),
         {"receive": "kit.other", "end": "left", "checks": [value("UUID", equals="task_${b}"), value("Args", 0, "Value", equals="boom"), value("Args", 0, "Type", equals="string"), value("Args", 1, "Value", equals="own")]}])
    add("callbacks", "not-on-error", "MUST", "9 Worker algorithm", "OnSuccess is not sent after a failure.",
        [put(machinery_signature("fail_res_task", [("string", "boom")], OnSuccess=[machinery_signature("add", [], "task_${b}")])), ends("task_${a}", "FAILURE"), *good, {"absent": "task_${b}"}])
    add("retry", "count", "MUST", "9 Worker algorithm, R1", "A task with RetryCount that fails is sent again, with an ETA, and succeeds.",
        [put(machinery_signature("fail_once", [("string", "no")], RetryCount=2)), done("done", kind="string", within=20)])
    add("retry", "wire", "MUST", "9 Worker algorithm, R1", "A retry waits among the delayed tasks with one retry less and the Fibonacci timeout.",
        [put(machinery_signature("retry_task", [("string", "no")], RetryCount=5, RetryTimeout=50)),
         {"await": ["EVAL", DELAYED, "1", "delayed_tasks", "task_${a}"], "is": "4 55"}, {"redis": ["DEL", "delayed_tasks"]}])
    add("retry", "exhausted", "MUST", "9 Worker algorithm", "When no retry is left the task fails with its text.",
        [put(machinery_signature("retry_task", [("string", "no")], RetryCount=1)), ends("task_${a}", "FAILURE", value("Error", equals="no"), within=20)])
    add("delayed", "due", "MUST", "5.3 Consume", "A delayed task that is due runs.",
        [{"redis": ["ZADD", "delayed_tasks", "1000", {"json": machinery_signature("add", int64s(1, 2), ETA="2020-01-02T03:04:05Z")}]}, done(3)])
    add("delayed", "not-before", "MUST", "5.3 Consume", "A delayed task that is not due stays.",
        [{"redis": ["ZADD", "delayed_tasks", "4000000000000000000", {"json": machinery_signature("add", int64s(1, 2), ETA="2096-10-02T07:06:40Z")}]}, *good,
         {"await": ["ZCARD", "delayed_tasks"], "is": 1}, {"absent": "task_${a}"}, {"redis": ["DEL", "delayed_tasks"]}])
    add("delayed", "past-eta", "MUST", "5.2 Publish", "A task in the queue whose ETA has passed runs at once.", [put(machinery_signature("add", int64s(1, 2), ETA="2020-01-02T03:04:05Z")), done(3)])
    group = lambda *ids: {"GroupUUID": "group_${g}", "TaskUUIDs": list(ids), "ChordTriggered": False, "Lock": False, "CreatedAt": "2026-01-02T03:04:05Z", "TTL": 0}
    callback = machinery_signature("multiply", int64s(2), "chord_${c}")
    member = lambda id, args, name="add": machinery_signature(name, args, id, GroupUUID="group_${g}", GroupTaskCount=2, ChordCallback=callback)
    pending = lambda id: {"store": id, "value": {"TaskUUID": id, "TaskName": "add", "State": "PENDING", "Results": None, "Error": "", "CreatedAt": "2026-01-02T03:04:05Z", "TTL": 0}}
    begin = [{"store": "group_${g}", "value": group("task_${a}", "task_${b}")}, pending("task_${a}"), pending("task_${b}")]
    add("chord", "joins", "MUST", "10.3 Chord", "After the last member the callback is sent with the results in group order.",
        [*begin, put(member("task_${a}", int64s(1, 1))), put(member("task_${b}", int64s(2, 3))), done(20, "chord_${c}")])
    add("chord", "waits", "MUST", "10.3 Chord", "The callback is not sent before.", [*begin, put(member("task_${a}", int64s(1, 1))), done(2), *good, {"absent": "chord_${c}"}])
    add("chord", "triggered", "MUST", "8.1 Redis", "The group says that its callback was sent.",
        [*begin, put(member("task_${a}", int64s(1, 1))), put(member("task_${b}", int64s(2, 3))), done(20, "chord_${c}"),
         {"result": "group_${g}", "checks": [value("ChordTriggered", equals=True), value("TaskUUIDs", equals=["task_${a}", "task_${b}"])]}])
    add("chord", "member-fails", "MUST", "10.3 Chord", "If a member fails the callback never runs.",
        [*begin, put(member("task_${b}", [("string", "boom")], "fail_res_task")), ends("task_${b}", "FAILURE"), put(member("task_${a}", int64s(1, 1))), done(2), *good, {"absent": "chord_${c}"}])
    add("unregistered", "ignored", "MUST", "5.3 Consume", "A name that is unknown is dropped where the signature says so.",
        [put(machinery_signature("nobody_knows_it", IgnoreWhenTaskNotRegistered=True)), *good, {"await": ["LLEN", "machinery_tasks"], "is": 0}])
    for name, text in [("not-json", "not json"), ("number", "5"), ("wrong-type", json.dumps({**machinery_signature("add"), "RetryCount": "x"})), ("bad-eta", json.dumps({**machinery_signature("add"), "ETA": "tomorrow"}))]:
        add("malformed", name, "INFORMATIONAL", "9.1 Undecodable message", "A message that cannot be read stands before a good one. The worker goes on.",
            [{"redis": ["RPUSH", "machinery_tasks", text]}, *good], note="Go Machinery v2 with redigo does no task after it")
    add("stop", "idle", "SHOULD", "9.4 Signals", "SIGTERM ends an idle worker.", [*good, {"signal": "TERM"}, {"ended": [0, 1], "within": 30}])

    ask = lambda task, args=(), **options: {"ask": {"op": "send", "task": task, "args": list(args), "kwargs": {}, "options": options}}
    answered = {"answer": True, "checks": [value("id", filled=True)], "keep": {"id": ["value", "id"]}}
    sent = lambda *checks: {"receive": "machinery_tasks", "end": "left", "checks": list(checks)}
    produce = lambda topic, name, level, section, procedure, steps: c.add("producer", topic, name, level, section, procedure, steps, **only)
    plain = ask("add", [1, 2])
    for key, check in [("UUID", {"equals": "${id}"}), ("Name", {"equals": "add"}), ("RoutingKey", {"equals": "machinery_tasks"}), ("ETA", {"equals": None}), ("GroupUUID", {"equals": ""}),
                       ("GroupTaskCount", {"equals": 0}), ("Headers", {"kind": ["object", "null"]}), ("Priority", {"equals": 0}), ("Immutable", {"equals": False}), ("RetryCount", {"equals": 0}),
                       ("RetryTimeout", {"equals": 0}), ("OnSuccess", {"kind": ["null", "array"]}), ("OnError", {"kind": ["null", "array"]}), ("ChordCallback", {"equals": None}),
                       ("StopTaskDeletionOnError", {"equals": False}), ("IgnoreWhenTaskNotRegistered", {"equals": False})]:
        produce("signature", key, "MUST", "1 Signature JSON", f"The key {key} of a plain task.", [plain, answered, sent(value(key, **check))])
    produce("signature", "arguments", "MUST", "2 Arguments, types, conversion", "Arguments have their type and value.",
            [plain, answered, sent(value("Args", 0, "Type", equals="int64"), value("Args", 0, "Value", equals=1), value("Args", 1, "Value", equals=2), value("Args", 2, absent=True))])
    produce("signature", "id-form", "SHOULD", "1 Signature JSON", "An id that was made begins with task_.", [plain, answered, sent(value("UUID", starts="task_"))])
    produce("state", "pending-first", "MUST", "4.1 TaskState", "The state PENDING is stored before the message is sent.",
            [plain, answered, sent(), {"result": "${id}", "checks": [value("State", equals="PENDING"), value("TaskName", equals="add"), value("CreatedAt", kind=["string"], filled=True)]}])
    produce("delayed", "countdown", "MUST", "5.2 Publish", "A task with an ETA ahead waits in the sorted set of delayed tasks.",
            [ask("add", [1, 2], countdown=600), answered, {"await": ["ZCARD", "delayed_tasks"], "is": 1}, {"await": ["LLEN", "machinery_tasks"], "is": 0}, {"redis": ["DEL", "delayed_tasks"]}])
    produce("canvas", "chain", "MUST", "10.1 Chain", "The first task of a chain carries the next in OnSuccess.",
            [{"ask": {"op": "canvas", "canvas": {"chain": [{"task": "add", "args": [1]}, {"task": "multiply", "args": [2]}, {"task": "add", "args": [3]}]}}}, answered,
             sent(value("Name", equals="add"), value("OnSuccess", 0, "Name", equals="multiply"), value("OnSuccess", 0, "OnSuccess", 0, "Name", equals="add"))])
    tree = [{"task": "add", "args": [1]}, {"task": "add", "args": [2]}]
    produce("canvas", "group", "MUST", "10.2 Group", "Members of a group have its id and size, and the group is stored.",
            [{"ask": {"op": "canvas", "canvas": {"group": tree}}}, {"answer": True, "checks": []},
             {**sent(value("GroupTaskCount", equals=2), value("GroupUUID", starts="group_")), "keep": {"g": ["value", "GroupUUID"]}}, sent(value("GroupUUID", equals="${g}")),
             {"result": "${g}", "checks": [value("GroupUUID", equals="${g}"), value("TaskUUIDs", 1, kind=["string"]), value("ChordTriggered", equals=False)]}])
    produce("canvas", "chord", "MUST", "10.3 Chord", "Each member of a chord carries the callback.",
            [{"ask": {"op": "canvas", "canvas": {"chord": tree, "body": {"task": "multiply", "args": [2]}}}}, {"answer": True, "checks": []},
             *([sent(value("ChordCallback", "Name", equals="multiply"), value("ChordCallback", "UUID", starts="chord_"), value("GroupTaskCount", equals=2))] * 2)])

    state = lambda name, results=None, error="": {"store": "task_${a}", "value": {"TaskUUID": "task_${a}", "TaskName": "add", "State": name, "Results": results, "Error": error,
                                                                                 "CreatedAt": "2026-01-02T03:04:05Z", "TTL": 0}}
    get = {"ask": {"op": "get", "id": "task_${a}", "timeout": 8}}
    answer = lambda *checks: {"answer": True, "checks": list(checks), "within": 15}
    read = lambda name, procedure, steps, level="MUST": c.add("client", "get", name, level, "12 Results API", procedure, steps, **only)
    for kind, v in [("int64", 5), ("string", "<\u00e9>"), ("bool", True), ("float64", 0.5), ("[]int64", [1, 2]), ("uint64", 2 ** 64 - 1)]:
        read(kind.replace("[]", "slice-"), f"A stored result of {kind} is returned.", [state("SUCCESS", [{"Type": kind, "Value": v}]), get, answer(value("state", equals="SUCCESS"), value("result", equals=v))])
    read("failure", "A failure gives Go's text.", [state("FAILURE", error="boom"), get, answer(value("state", equals="FAILURE"), value("error", "args", 0, contains="boom"))])
    for name in ("PENDING", "RECEIVED", "STARTED", "RETRY"):
        read(f"after-{name.lower()}", f"The state {name} is not the end.", [state(name), get, state("SUCCESS", [{"Type": "int64", "Value": 7}]), answer(value("result", equals=7))])
    return c


def corpora():
    return [celery(), machinery()]
