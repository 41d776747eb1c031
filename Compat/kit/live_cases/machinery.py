"""The cases of Machinery: what its worker, producer and client do at Redis."""
import json

from .shared import value

ONLY = {"brokers": ["redis"]}


def machinery_signature(name, args=(), id="task_${a}", **more):
    """A signature with all keys, as Go writes it."""
    return {"UUID": id, "Name": name, "RoutingKey": "machinery_tasks", "ETA": None, "GroupUUID": "", "GroupTaskCount": 0,
            "Args": [{"Name": "", "Type": t, "Value": v} for t, v in args], "Headers": {}, "Priority": 0, "Immutable": False, "RetryCount": 0,
            "RetryTimeout": 0, "OnSuccess": None, "OnError": None, "ChordCallback": None, "BrokerMessageGroupId": "", "SQSReceiptHandle": "",
            "StopTaskDeletionOnError": False, "IgnoreWhenTaskNotRegistered": False, **more}


def int64s(*numbers):
    return [("int64", n) for n in numbers]


# The retries left and the timeout of a task that waits among the delayed.
DELAYED = """for _, text in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local signature = cjson.decode(text)
  if signature.UUID == ARGV[1] and type(signature.ETA) == 'string' then
    return signature.RetryCount .. ' ' .. signature.RetryTimeout
  end
end
return ''"""


def worker(c):
    put = lambda document, queue="machinery_tasks": {"redis": ["RPUSH", queue, {"json": document}]}
    ends = lambda id, state, *checks, within=10: {"result": id, "within": within, "checks": [value("State", equals=state), value("TaskUUID", equals=id), *checks]}
    done = lambda result, id="task_${a}", kind="int64", within=10: ends(id, "SUCCESS", value("Results", 0, "Type", equals=kind), value("Results", 0, "Value", equals=result), within=within)
    good = [put(machinery_signature("add", int64s(20, 22), "task_${alive}")), done(42, "task_${alive}")]
    add = lambda *a, **k: c.add("worker", *a, **{**ONLY, **k})
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


def producer(c):
    ask = lambda task, args=(), **options: {"ask": {"op": "send", "task": task, "args": list(args), "kwargs": {}, "options": options}}
    answered = {"answer": True, "checks": [value("id", filled=True)], "keep": {"id": ["value", "id"]}}
    sent = lambda *checks: {"receive": "machinery_tasks", "end": "left", "checks": list(checks)}
    produce = lambda topic, name, level, section, procedure, steps: c.add("producer", topic, name, level, section, procedure, steps, **ONLY)
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


def client(c):
    state = lambda name, results=None, error="": {"store": "task_${a}", "value": {"TaskUUID": "task_${a}", "TaskName": "add", "State": name, "Results": results, "Error": error,
                                                                                 "CreatedAt": "2026-01-02T03:04:05Z", "TTL": 0}}
    get = {"ask": {"op": "get", "id": "task_${a}", "timeout": 8}}
    answer = lambda *checks: {"answer": True, "checks": list(checks), "within": 15}
    read = lambda name, procedure, steps, level="MUST": c.add("client", "get", name, level, "12 Results API", procedure, steps, **ONLY)
    for kind, v in [("int64", 5), ("string", "<\u00e9>"), ("bool", True), ("float64", 0.5), ("[]int64", [1, 2]), ("uint64", 2 ** 64 - 1)]:
        read(kind.replace("[]", "slice-"), f"A stored result of {kind} is returned.", [state("SUCCESS", [{"Type": kind, "Value": v}]), get, answer(value("state", equals="SUCCESS"), value("result", equals=v))])
    read("failure", "A failure gives Go's text.", [state("FAILURE", error="boom"), get, answer(value("state", equals="FAILURE"), value("error", "args", 0, contains="boom"))])
    for name in ("PENDING", "RECEIVED", "STARTED", "RETRY"):
        read(f"after-{name.lower()}", f"The state {name} is not the end.", [state(name), get, state("SUCCESS", [{"Type": "int64", "Value": 7}]), answer(value("result", equals=7))])
