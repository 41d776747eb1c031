#!/usr/bin/env python3
"""Runs the kit without Swift: Python 3.10 and nothing else for the codec tier (msgpack and PyYAML for the few cases that need them).

    run.py [codec] [--dialect celery] [--case PREFIX]… [--known-failing FILE] [--json] [--json-file FILE] [--timeout SECONDS] -- COMMAND…
    run.py worker | producer | client | beat | monitor [--broker redis] [--lacks WORD]… [the same] -- COMMAND…
    run.py --explain ID

The live tiers (all but codec) start a redis-server, or take the one of --redis-url, and give the command its broker and
result store in the environment. --broker rabbitmq needs the package amqp and --broker-url.
`celeriac conform` does the same with more forms of output. The verdicts are those of README.md.
"""
import argparse, base64, bz2, json, lzma, math, pathlib, queue, subprocess, sys, threading, zlib
from datetime import datetime, timezone

HERE = pathlib.Path(__file__).resolve().parent
DECOMPRESS = {"application/x-gzip": zlib.decompress, "application/x-bz2": bz2.decompress, "application/x-lzma": lzma.decompress}
MISSING = object()


def cases(dialect="celery", tier="codec"):
    for path in sorted((HERE / dialect).glob(f"{tier}*.json")):
        yield from json.loads(path.read_text())["cases"]


# MARK: Judging

def normal(value):
    """Bytes that are text and bytes that are not have two forms that mean the same."""
    if isinstance(value, dict):
        if value.keys() == {"__type__", "__value__"} and value["__type__"] == "bytes":
            return {"__type__": "base64", "__value__": base64.b64encode(str(value["__value__"]).encode()).decode()}
        return {k: normal(v) for k, v in value.items()}
    if isinstance(value, bytes):
        return {"__type__": "base64", "__value__": base64.b64encode(value).decode()}
    if isinstance(value, float) and not math.isfinite(value):
        return {"__type__": "float", "__value__": str(value)}
    return [normal(v) for v in value] if isinstance(value, (list, tuple)) else value


def same(a, b):
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None:
        return a is b
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(v, b[k]) for k, v in a.items())
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same, a, b))
    return a == b


def parsed(data, content_type):
    if content_type == "application/x-msgpack":
        import msgpack
        return msgpack.unpackb(data)
    if content_type == "application/x-yaml":
        import yaml
        return yaml.safe_load(data)
    return json.loads(data)


def view(name, answer):
    """What checks look at: the decoded form of what a testee wrote."""
    if name == "envelope":
        seen = json.loads(base64.b64decode(answer["envelope"], validate=True))
        body = seen["body"]
        body = base64.b64decode(body) if seen["properties"].get("body_encoding") == "base64" else body.encode()
        seen["prefix"] = body[:6].hex()
        if compression := seen["headers"].get("compression"):
            body = DECOMPRESS[compression](body)
        return {**seen, "value": parsed(body, seen["content-type"])}
    body = base64.b64decode(answer["body"], validate=True)
    return {**answer, "value": parsed(body, answer.get("content_type"))}


KINDS = {"string": str, "array": list, "object": dict, "boolean": bool, "null": type(None)}


def unmet(check, seen):
    """Why a check does not hold; None if it holds."""
    value = seen
    for step in check["at"]:
        if isinstance(value, dict) and step in value or isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            value = MISSING
            break
    place = ".".join(map(str, check["at"]))
    if check.get("absent"):
        return None if value is MISSING else f"{place} must be absent"
    if value is MISSING:
        return None if check.get("optional") else f"{place} is missing"
    value = normal(value)
    if "is" in check and not same(normal(check["is"]), value):
        return f"{place} is {json.dumps(value)[:120]} instead of {json.dumps(check['is'])[:120]}"
    if "oneof" in check and not any(same(normal(o), value) for o in check["oneof"]):
        return f"{place} is {json.dumps(value)[:120]}, none of {json.dumps(check['oneof'])[:120]}"
    if "kind" in check and not any(
            (isinstance(value, (int, float)) and not isinstance(value, bool)) if k == "number"
            else isinstance(value, KINDS[k]) for k in check["kind"]):
        return f"{place} is no {' or '.join(check['kind'])}"
    if check.get("filled") and not value:
        return f"{place} is empty"
    if "starts" in check and not str(value).startswith(check["starts"]):
        return f"{place} does not start with {check['starts']}"
    if "contains" in check and not (isinstance(value, str) and check["contains"] in value):
        return f"{place} does not contain {check['contains']}"
    if "after" in check and not (isinstance(value, str) and instant(value) >= instant(check["after"])):
        return f"{place} is {json.dumps(value)[:120]}, not after {check['after']}"
    return None


def instant(text):
    """A time; one without a zone is UTC. What is none lies before all times."""
    try:
        when = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return datetime.min.replace(tzinfo=timezone.utc)
    return when if when.tzinfo else when.replace(tzinfo=timezone.utc)


def judge(case, response):
    """Why a response is not what a case expects; None if it is."""
    expect = case["expect"]
    if expect.get("answered"):
        return None
    if expect.get("refused"):
        if "refused" not in response:
            return f"not refused, but answered {json.dumps(response.get('answer'))[:120]}"
        wanted = expect.get("text")
        return None if not wanted or wanted in response["refused"] else f"refused with another text: {response['refused'][:160]}"
    if "refused" in response:
        return f"refused: {response['refused'][:160]}"
    answer = normal(response.get("answer"))
    if "checks" in expect:
        try:
            seen = view(expect["view"], answer)
        except Exception as error:
            return f"the answer cannot be read: {type(error).__name__}: {error}"
        return next((problem for check in expect["checks"] if (problem := unmet(check, seen))), None)
    wanted = normal(expect["answer"])
    if isinstance(wanted, dict) and isinstance(answer, dict):
        for key, value in wanted.items():
            if key not in answer or not same(value, answer[key]):
                return f"{key} is {json.dumps(answer.get(key))[:120]} instead of {json.dumps(value)[:120]}"
        return None
    return None if same(wanted, answer) else f"{json.dumps(answer)[:120]} instead of {json.dumps(wanted)[:120]}"


def verdict(case, response, problem):
    if response in ("TIMEOUT", "CRASH"):
        return response
    if response.get("unimplemented"):
        return "UNIMPLEMENTED"
    if case["level"] == "INFORMATIONAL":
        return "INFORMATIONAL"
    return "OK" if problem is None else {"MUST": "FAILED", "SHOULD": "NON-STRICT", "MAY": "INFORMATIONAL"}[case["level"]]


# MARK: The testee

class Testee:
    def __init__(self, command, timeout):
        self.command, self.timeout, self.process = command, timeout, None

    def ask(self, case):
        # The first answer waits for the start of an interpreter.
        limit = self.timeout + (60 if self.process is None else 0)
        if self.process is None:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
            self.lines = queue.Queue()
            def read(output=self.process.stdout, lines=self.lines):
                for line in output:
                    lines.put(line)
                lines.put(b"")
            threading.Thread(target=read, daemon=True).start()
        try:
            self.process.stdin.write(json.dumps({"id": case["id"], "op": case["op"], **case["input"]}).encode() + b"\n")
            self.process.stdin.flush()
            line = self.lines.get(timeout=limit)
        except queue.Empty:
            return self.end("TIMEOUT")
        except OSError:
            return self.end("CRASH")
        if not line:
            return self.end("CRASH")
        try:
            response = json.loads(line)
        except ValueError:
            return self.end("CRASH")
        return response if response.get("id") == case["id"] else self.end("CRASH")

    def end(self, result=None):
        if self.process:
            self.process.kill()
            self.process.wait()
        self.process = None
        return result


BAD = ("FAILED", "TIMEOUT", "CRASH", "FLAKY")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("tier", nargs="?", default="codec", choices=["codec", "worker", "producer", "client", "beat", "monitor"])
    parser.add_argument("--dialect", default="celery")
    parser.add_argument("--broker", default="redis", choices=["redis", "rabbitmq"])
    parser.add_argument("--broker-url")
    parser.add_argument("--redis-url")
    parser.add_argument("--lacks", action="append", default=[])
    parser.add_argument("--case", action="append", default=[])
    parser.add_argument("--explain")
    parser.add_argument("--known-failing")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--json-file")
    parser.add_argument("--timeout", type=float, default=10)
    own, _, command = (lambda a: (a[:a.index("--")], "--", a[a.index("--") + 1:]) if "--" in a else (a, "", []))(sys.argv[1:])
    options = parser.parse_args(own)
    if options.explain:
        for dialect in ("celery", "machinery"):
            for case in cases(dialect, ""):
                if case["id"] == options.explain:
                    print(json.dumps(case, indent=2))
                    return 0
        return print("no such case", file=sys.stderr) or 2
    if not command:
        return print(__doc__, file=sys.stderr) or 2
    tier = "codec" if options.tier == "codec" else f"live-{options.tier}"
    chosen = [c for c in cases(options.dialect, tier) if not options.case or any(c["id"].startswith(p) for p in options.case)]
    rows = codec(chosen, command, options) if tier == "codec" else live_rows(chosen, command, options)
    return report(rows, tier, options)


def live_rows(chosen, command, options):
    import live
    if options.broker == "rabbitmq" and not options.broker_url:
        sys.exit("--broker rabbitmq needs --broker-url")
    chosen = [c for c in chosen if options.broker in c["input"]["brokers"]]
    site = live.Site(options.tier, options.dialect, command, options)
    try:
        rows = []
        for row in live.rows(chosen, site, options):
            rows.append(row)
            if row["verdict"] not in ("OK", "UNIMPLEMENTED"):
                print(row["verdict"], row["id"], row["detail"] or "", file=sys.stderr, flush=True)
        return rows
    finally:
        site.stop()


def codec(chosen, command, options):
    testee, rows = Testee(command, options.timeout), []
    for case in chosen:
        for attempt in range(2):
            response = testee.ask(case)
            problem = None if isinstance(response, str) or response.get("unimplemented") else judge(case, response)
            result = verdict(case, response, problem)
            if attempt == 0:
                first, why = result, problem
            # What fails once is asked again, of a new process: whoever then answers well is not reliable.
            if result not in BAD or attempt == 1:
                break
            testee.end()
        if first in BAD and result not in BAD:
            first = "FLAKY"
        rows.append({"id": case["id"], "level": case["level"], "verdict": first, "detail": why})
    testee.end()
    return rows


def report(rows, tier, options):
    known = set()
    if options.known_failing:
        known = {l.split("#")[0].strip() for l in open(options.known_failing)} - {""}
    bad = {r["id"] for r in rows if r["verdict"] in BAD}
    stale = sorted(known - bad)
    counts = {}
    for row in rows:
        counts[row["verdict"]] = counts.get(row["verdict"], 0) + 1
    written = {"kit": "1.0", "tier": tier, "dialect": options.dialect, "counts": counts, "stale": stale, "cases": rows}
    if options.json:
        print(json.dumps(written))
    else:
        for row in rows:
            if row["verdict"] not in ("OK", "INFORMATIONAL", "UNIMPLEMENTED"):
                print(f"{row['verdict']:<12} {row['id']}: {row['detail'] or ''}{' (known)' if row['id'] in known else ''}")
        for name in stale:
            print(f"STALE        {name}: listed as failing, and it does not fail")
        print(", ".join(f"{v} {k}" for k, v in sorted(counts.items(), key=lambda p: -p[1])) or "no case")
    if options.json_file:
        pathlib.Path(options.json_file).write_text(json.dumps(written, indent=1) + "\n")
    return 1 if bad - known or stale else 0 if rows else 2


if __name__ == "__main__":
    sys.exit(main())
