#!/usr/bin/env python3
"""Writes the corpus. Needs the captures beside this folder and, for Celery's part, Celery itself.

    generate.py             writes celery/*.json and machinery/*.json anew
    generate.py --check     compares instead, and exits 1 where they differ

What a case expects of a reader is what real Celery answers, by the adapter in adapters/celery_codec.py in this process; what it
expects of a Machinery peer is what Go wrote in the captures, or what tables.py cites. Where Celery itself does not do what the
table wishes, the case is INFORMATIONAL and says so: nothing is asked of others that Celery fails.
"""
import base64, json, pathlib, re, sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "adapters"), str(HERE.parent)]
import inventory, live_cases, tables  # noqa: E402

KIT = "1.0"


def base(data):
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


class Corpus:
    """Cases by the file that they go to."""

    def __init__(self, dialect, reference, ask):
        self.dialect, self.reference, self.ask, self.files, self.ids = dialect, reference, ask, {}, set()

    def add(self, file, role, topic, name, level, section, procedure, op, question, expect, versions=None, note=None):
        identity = f"{self.dialect}/{role}/{topic}/{name}"
        assert identity not in self.ids, identity
        self.ids.add(identity)
        case = {"id": identity, "role": role, "level": level, "section": section, "procedure": procedure,
                "versions": versions or [self.reference], "op": op, "input": question, "expect": expect}
        if note:
            case["note"] = note
        self.files.setdefault(file, []).append(case)

    def judged(self, file, role, topic, name, level, section, procedure, op, question, wish="answer", **more):
        """A case whose outcome the reference decides. `wish` is "answer", "refuse" or the answer that the table wants."""
        real = self.ask(op, question)
        assert "unimplemented" not in real, op
        refused = "refused" in real
        if wish == "answer":
            expect, agrees = {"answer": real.get("answer")}, not refused
            if refused:
                expect = {"answered": True}
        elif wish == "refuse":
            expect, agrees = {"refused": True}, refused
        else:
            expect, agrees = {"answer": wish[0]}, not refused and real["answer"] == wish[0]
        if agrees:
            return self.add(file, role, topic, name, level, section, procedure, op, question, expect, **more)
        did = f"refuses: {real['refused'].split(':')[0]}" if refused else "answers " + json.dumps(real["answer"])[:120]
        self.add(file, role, topic, name, "INFORMATIONAL", section, procedure, op, question, expect,
                 note=f"{self.reference} itself {did}", **more)

    def documents(self):
        for file, cases in sorted(self.files.items()):
            head = {"kit": KIT, "dialect": self.dialect, "tier": "codec", "reference": self.reference}
            lines = ",\n".join("  " + json.dumps(case, ensure_ascii=True) for case in cases)
            yield f"{self.dialect}/codec-{file}.json", json.dumps(head)[:-1] + ', "cases": [\n' + lines + "\n]}\n"


# MARK: Celery

def found(value):
    """The envelopes, AMQP messages and stored results in a capture: (kind, what)."""
    if isinstance(value, str):
        line = inventory.MONITOR_LINE.fullmatch(value)
        for part in ([inventory.ast.literal_eval("b" + t) for t in inventory.ARGUMENT.findall(line[1])] if line else [value.encode()]):
            yield from found_in_bytes(part)
    elif isinstance(value, dict) and len(value) == 1 and isinstance(value.get("base64"), str):
        yield from found_in_bytes(base64.b64decode(value["base64"]))
    elif isinstance(value, dict) and isinstance(value.get("properties"), dict) and "body" in value:
        body = value["body"]
        body = base64.b64decode(body["base64"]) if isinstance(body, dict) else body.encode()
        properties = dict(value["properties"])
        yield "amqp", {"properties": properties, "headers": properties.pop("application_headers", {}), "body": base(body)}
    elif isinstance(value, (dict, list)):
        for part in (value.values() if isinstance(value, dict) else value):
            yield from found(part)


def found_in_bytes(data):
    if inventory.COMPRESSED_RESULT.fullmatch(data):
        yield "result", data
    try:
        value = json.loads(data)
    except ValueError:
        return
    if isinstance(value, dict) and isinstance(value.get("body"), str) and "properties" in value:
        yield "envelope", data
    elif isinstance(value, dict) and {"task_id", "status", "result"} <= value.keys():
        yield "result", data


SECTIONS = [("compress", "3.3 Compression"), ("types", "3.2 JSON extended types"), ("msgpack", "3.1 Content types"),
            ("yaml", "3.1 Content types"), ("pickle", "3.1 Content types"), ("eta", "1.4 Time formats"),
            ("expires", "1.4 Time formats"), ("countdown", "1.4 Time formats"), ("priority", "4.3 Publish"),
            ("chain", "9 Canvas on the wire"), ("chord", "9 Canvas on the wire"), ("group", "9 Canvas on the wire"),
            ("chunks", "9 Canvas on the wire"), ("map", "9 Canvas on the wire"), ("link", "9 Canvas on the wire"),
            ("stamps", "1.1 Headers"), ("headers", "1.1 Headers"), ("timelimits", "1.1 Headers"), ("retries", "1.1 Headers")]
FAMILIES = {"p2": ("5.7.0", "1 Task message, protocol 2"), "p1": ("5.7.0", "2 Protocol 1"),
            "c447p2": ("4.4.7", "1 Task message, protocol 2"), "c447p1": ("4.4.7", "2 Protocol 1")}


def captured_tasks(corpus):
    seen = set()
    for path in sorted((HERE.parent / "celery").glob("*.json")):
        matched = re.match(r"(c447p2|c447p1|p2|p1)\.(redis|amqp)\.(.*)\.json", path.name)
        if matched is None:
            continue
        family, transport, name = matched.groups()
        document = json.loads(path.read_text())
        document.pop("decoded", None)
        number = 0
        for kind, what in found(document):
            if kind == "result":
                continue
            question = {"envelope": base(what)} if kind == "envelope" else {"amqp": what}
            key = json.dumps(question, sort_keys=True)
            real = corpus.ask("task.read", question)
            is_event = real.get("refused", "").startswith(("ValueError: unknown message", "TypeError: unknown message"))
            if key in seen or is_event or "celeryev" in json.dumps(what if kind == "amqp" else what.decode()):
                continue
            seen.add(key)
            number += 1
            version, section = FAMILIES[family]
            section = next((s for part, s in SECTIONS if part in name), section)
            how = document.get("how") or name
            wish = "refuse" if name == "pickle" else "answer"
            corpus.judged(f"captured-{family}", "worker", "message", f"{family}.{transport}.{name}/{number}", "MUST", section,
                          f"Celery {version} published `{how}` to {transport}; read the message as a worker does."
                          if wish == "answer" else f"Celery {version} published a pickle; refuse it without reading it.",
                          "task.read", question, wish, versions=sorted({version, "5.7.0"}))


def shape(value, depth=0):
    if isinstance(value, dict):
        return "{" + ",".join(f"{k}:{shape(v, depth + 1) if depth < 2 else ''}" for k, v in sorted(value.items())) + "}"
    if isinstance(value, list):
        return "[" + (shape(value[0], depth + 1) if value else "") + "]"
    return type(value).__name__


def captured_others(corpus):
    """Results, events and remote control: one case for each form that the captures hold."""
    forms, counts = set(), {}
    for path in sorted((HERE.parent / "celery").glob("*.json")):
        if not re.match(r"(w|x|p2|db|fs)\.", path.name):
            continue
        document = json.loads(path.read_text())
        document.pop("decoded", None)
        source = path.name[:-5]
        for kind, what in found(document):
            if kind == "result":
                value = None if what[:1] == b"\0" else json.loads(what)
                form = ("result", "compressed") if value is None else (
                    "result", value["status"], value["result"].get("exc_type") if isinstance(value["result"], dict) else None, shape(value))
                if form in forms:
                    continue
                forms.add(form)
                # The compressed form needs the store's own reader; the codec tier has it as content.
                if value is None:
                    continue
                n = counts[source] = counts.get(source, 0) + 1
                corpus.judged("captured-results", "client", "result", f"{source}/{n}", "MUST", "8.1 The meta object",
                              f"A worker stored this result ({value['status']}) in the capture {source}; read it as a caller does.",
                              "result.read", {"body": base(what)})
                continue
            question = {"envelope": base(what)} if kind == "envelope" else {"amqp": what}
            real = corpus.ask("event.read", question)
            if "refused" in real:
                continue
            for body in [real["answer"]]:
                if all(isinstance(e, dict) and "type" in e and "utcoffset" in e for e in body):
                    form = ("event", len(body) > 1, shape(body[0]), body[0]["type"])
                    if form in forms:
                        continue
                    forms.add(form)
                    n = counts["event"] = counts.get("event", 0) + 1
                    corpus.judged("captured-events", "monitor", "event", f"{body[0]['type']}/{n}", "MUST", "11 Events",
                                  f"A node sent this {'batch of events' if len(body) > 1 else 'event'} in the capture {source}; read it.",
                                  "event.read", question)
                elif isinstance(body[0], dict) and "method" in body[0] and "arguments" in body[0]:
                    form = ("control", body[0]["method"], shape(body[0]))
                    if form in forms:
                        continue
                    forms.add(form)
                    n = counts["control"] = counts.get("control", 0) + 1
                    node = (body[0].get("destination") or ["worker@kit"])[0]
                    corpus.judged("captured-control", "worker", "control", f"{body[0]['method']}/{n}", "MUST", "12.1 Request",
                                  f"Celery's client broadcast this request in the capture {source}; does the node {node} obey it?",
                                  "control.accepts", {"node": node, "body": body[0]})


def celery(corpus):
    captured_tasks(corpus)
    captured_others(corpus)
    for row in tables.celery():
        corpus.judged(*row[:9], *row[9:]) if not isinstance(row[-1], dict) or "checks" not in row[-1] else checked(corpus, row)


def checked(corpus, row):
    """A case about what a testee writes: Celery's own writing must pass the same checks."""
    import run
    *head, op, question, expect = row
    real = corpus.ask(op, question)
    problem = run.judge({"expect": expect}, real)
    file, role, topic, name, level, section, procedure = head
    note = None if problem is None else f"{corpus.reference} itself: {problem}"
    corpus.add(file, role, topic, name, level if problem is None else "INFORMATIONAL", section, procedure, op, question, expect, note=note)


# MARK: Machinery

def texts(value):
    if isinstance(value, str):
        if value.startswith("{"):
            yield value
    elif isinstance(value, (dict, list)):
        for part in (value.values() if isinstance(value, dict) else value):
            yield from texts(part)


FIELDS = ["UUID", "Name", "RoutingKey", "ETA", "GroupUUID", "GroupTaskCount", "Args", "Headers", "Priority", "Immutable", "RetryCount",
          "RetryTimeout", "OnSuccess", "OnError", "ChordCallback", "BrokerMessageGroupId", "SQSReceiptHandle",
          "StopTaskDeletionOnError", "IgnoreWhenTaskNotRegistered"]


def neutral(value):
    """A form in which ids and times do not count."""
    text = json.dumps(value)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ID", text)
    return re.sub(r"\d{4}-\d\d-\d\dT[0-9:.]+Z", "TIME", text)


def machinery(corpus):
    forms, counts = set(), {}
    go = "machinery v2.0.16+1 (26dbe030)"
    kinds = {"signature": ("1 Signature JSON", "the message"), "state": ("4.1 TaskState", "the state"), "group": ("4.3 GroupMeta", "the group")}
    for path in sorted((HERE.parent / "machinery").glob("*.json")):
        if path.name == "INVENTORY.json":
            continue
        document = json.loads(path.read_text())
        source = path.stem
        for text in (t for part in ("wire", "redis_keys_after", "rabbitmq") for t in texts(document.get(part))):
            try:
                value = json.loads(text)
            except ValueError:
                continue
            kind = {"UUID": "signature", "TaskUUID": "state", "GroupUUID": "group"}.get(next(iter(value), ""))
            if kind is None or kind == "signature" and list(value) != FIELDS:
                continue
            # Of states only one of each task, state and form counts: they differ in values alone.
            form = (value["TaskName"], value["State"], value["Error"], shape(value["Results"])) if kind == "state" else neutral(value)
            if (kind, form) in forms:
                continue
            forms.add((kind, form))
            # Python writes a number otherwise than Go did: such text is left to the byte-exact case alone.
            n = counts[source, kind] = counts.get((source, kind), 0) + 1
            section, what = kinds[kind]
            corpus.add(f"captured-{kind}s", "worker" if kind == "signature" else "client", kind, f"{source}/{n}/read", "MUST", section,
                       f"Go wrote {what} in the capture {source}; read it.", f"{kind}.read", {"body": base(text)}, {"answer": value}, [go])
            # Go writes this escape for a byte that is no UTF-8; who has read it, Go too, has a character, and writes that.
            if r"\ufffd" in text:
                continue
            corpus.add(f"captured-{kind}s", "producer" if kind == "signature" else "worker", kind, f"{source}/{n}/rewrite", "SHOULD",
                       "3 JSON dialect", f"Go wrote {what} in the capture {source}; read it and write the same bytes.",
                       f"{kind}.rewrite", {"body": base(text)}, {"answer": {"body": base(text)}}, [go])
        conversion = captured_conversion(document)
        if conversion and source.startswith(("redis-15", "redis-02", "redis-03")):
            argument, error, quotes = conversion
            corpus.add("conversion", "worker", "argument", source, "MUST", "2 Arguments, types, conversion",
                       f"Go converted this argument in the capture {source}: {error or 'it took it'}.", "argument.convert", argument,
                       {"refused": True, **({"text": error} if quotes else {})} if error else {"answered": True}, [go])
    for row in tables.machinery():
        corpus.add(*row)


def captured_conversion(document):
    """The first argument of a capture's task, the error of its conversion if there was one, and whether a reader of the
    case can quote the argument as Go did: Python writes the number 1e3 as 1000.0."""
    argument = error = None
    literals = []
    for text in (t for part in ("wire", "redis_keys_after") for t in texts(document.get(part))):
        try:
            value = json.loads(text, parse_float=lambda literal: literals.append(literal) or float(literal))
        except ValueError:
            continue
        if value.get("Args") and argument is None:
            argument = {"type": value["Args"][0]["Type"], "value": value["Args"][0].get("Value")}
        if str(value.get("Error", "")).startswith("Reflect task args error: "):
            error = value["Error"].removeprefix("Reflect task args error: ")
    if argument is None or len(json.dumps(argument)) > 4000:
        return None
    return argument, error, all(literal == repr(float(literal)) for literal in literals)


def pitfalls(ids):
    """What is wrong with the table of pitfalls: 36 rows, each with cases that exist or a reason."""
    rows = [line for line in (HERE / "PITFALLS.md").read_text().splitlines() if re.match(r"\| \d+ ", line)]
    if [int(row.split("|")[1]) for row in rows] != list(range(1, 37)):
        yield "PITFALLS.md does not have the rows 1 to 36"
    for row in rows:
        number, _, last = (part.strip() for part in row.strip("|").split("|"))
        named = [name for name in re.findall("`([^`]*)`", last) if name.count("/") > 1]
        if not named and not last.startswith("n/a: "):
            yield f"pitfall {number} has neither a case nor a reason"
        for name in named:
            is_prefix = name.endswith(("/", "*"))
            if not any(id.startswith(name.rstrip("*")) if is_prefix else id == name for id in ids):
                yield f"pitfall {number} names {name}, and there is no such case"


def main(arguments):
    import celery_codec
    def ask(op, question):
        return json.loads(celery_codec.answer(json.dumps({"id": "0", "op": op, **question})))
    corpora = [Corpus("celery", "Celery 5.7.0", ask), Corpus("machinery", "Go Machinery", None)]
    celery(corpora[0])
    machinery(corpora[1])
    corpora += live_cases.corpora()
    differences = 0
    for problem in pitfalls([case["id"] for corpus in corpora for cases in corpus.files.values() for case in cases]):
        print(problem)
        differences = 1
    for corpus in corpora:
        for name, text in corpus.documents():
            path = HERE / name
            if "--check" in arguments:
                if not path.exists() or path.read_text() != text:
                    print(f"{name} differs")
                    differences = 1
            else:
                path.parent.mkdir(exist_ok=True)
                path.write_text(text)
        levels = {}
        for cases in corpus.files.values():
            for case in cases:
                levels[case["level"]] = levels.get(case["level"], 0) + 1
        print(corpus.dialect, sum(levels.values()), levels)
    return differences


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
