"""Writes seeds for Scripts/fuzz: what the captures in Compat/ hold, and the texts of the tests, sorted by the target
that reads them. libFuzzer's merge keeps the few that cover something of their own.

usage: seeds.py FOLDER    writes FOLDER/TARGET/<hash>
"""

import base64
import bz2
import hashlib
import json
import lzma
import pathlib
import re
import struct
import sys
import zlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
LONGEST = 4096


class Seeds:
    """The folder that the seeds go to."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.count = 0

    def add(self, target, data):
        if isinstance(data, str):
            data = data.encode("utf-8", "surrogatepass")
        if len(data) > LONGEST:
            return
        folder = self.folder / target
        folder.mkdir(parents=True, exist_ok=True)
        (folder / hashlib.sha1(data).hexdigest()).write_bytes(data)
        self.count += 1


def strings(value):
    """All strings in a JSON document."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for element in value:
            yield from strings(element)
    elif isinstance(value, dict):
        for element in value.values():
            yield from strings(element)


def sort_json(seeds, text):
    """Adds one JSON text of a capture where it belongs."""
    try:
        value = json.loads(text)
    except ValueError:
        return
    seeds.add("json", text)
    seeds.add("repr", text)
    for seconds in re.findall(r'"(\d{4}-\d\d-\d\dT[^"]{5,40})"', text):
        seeds.add("times", seconds)
    if isinstance(value, list) and len(value) == 3 and isinstance(value[0], dict) and "body" in value[0]:
        sort_json(seeds, json.dumps(value[0]))
    if not isinstance(value, dict):
        return
    keys = {key.lower() for key in value}
    if {"body", "properties"} <= keys:
        for target in ("envelope", "task", "event", "control"):
            seeds.add(target, text)
        sort_body(seeds, value)
    elif {"status", "result"} <= keys or keys == {"result"}:
        seeds.add("result", text)
    elif {"taskuuid", "state"} <= keys:
        seeds.add("machinery-state", text)
    elif "taskuuids" in keys:
        seeds.add("machinery-group", text)
    elif {"uuid", "name"} <= keys:
        seeds.add("machinery-signature", text)
    if "reason" in keys and ("message" in keys or "message_base64" in keys):
        seeds.add("parked", text)


def sort_body(seeds, envelope):
    """Adds the body of an envelope where it belongs."""
    body = envelope.get("body")
    if not isinstance(body, str):
        return
    if envelope["properties"].get("body_encoding") == "base64":
        seeds.add("base64", body)
        body = base64.b64decode(body)
    else:
        body = body.encode()
    kind = str(envelope.get("content-type"))
    compression = str((envelope.get("headers") or {}).get("compression"))
    for index, name in enumerate(("gzip", "bzip2", "lzma", "zstd")):
        if name in compression:
            seeds.add("compression", bytes([index]) + body)
            return
    if "msgpack" in kind:
        seeds.add("messagepack", body)
    elif "yaml" in kind:
        seeds.add("yaml", body)
    elif "json" in kind:
        seeds.add("json", body)
        for target in ("event", "control"):
            seeds.add(target, body)
        try:
            signatures(seeds, json.loads(body))
        except ValueError:
            pass


def signatures(seeds, value):
    """Adds every signature within a body."""
    if isinstance(value, list):
        for element in value:
            signatures(seeds, element)
    elif isinstance(value, dict):
        if "subtask_type" in value:
            seeds.add("canvas", json.dumps(value))
        for element in value.values():
            signatures(seeds, element)


def captures(seeds):
    for path in sorted((ROOT / "Compat").glob("*/*.json")):
        try:
            document = json.loads(path.read_text())
        except ValueError:
            continue
        for text in strings(document):
            if text[:1] in "{[":
                sort_json(seeds, text)
            # What a monitor of Redis shows of commands: escaped texts within quotation marks.
            for argument in re.findall(r'"((?:[^"\\]|\\.){20,})"', text) if text[:1] not in "{[" else []:
                if argument[:1] in "{[":
                    sort_json(seeds, argument.replace('\\"', '"').replace("\\\\", "\\"))
        for value in messages(document):
            seeds.add("task", json.dumps(value))
            seeds.add("envelope", json.dumps(value))


def messages(value):
    """The messages that captures hold as objects, as envelopes."""
    if isinstance(value, list):
        for element in value:
            yield from messages(element)
    elif isinstance(value, dict):
        body = value.get("body")
        if isinstance(value.get("properties"), dict) and isinstance(body, str):
            properties = dict(value["properties"])
            headers = properties.pop("headers", {})
            properties.setdefault("delivery_tag", "1")
            properties["delivery_info"] = {"exchange": "", "routing_key": "celery"}
            yield {
                "body": body,
                "content-encoding": properties.pop("content_encoding", "utf-8"),
                "content-type": properties.pop("content_type", "application/json"),
                "headers": headers,
                "properties": properties,
            }
        for element in value.values():
            yield from messages(element)


LITERAL = re.compile(r'#"(.*?)"#|"""\n(.*?)"""|"((?:[^"\\\n]|\\.)*)"', re.S)
JSON_TARGETS = (
    "json", "repr", "envelope", "task", "event", "control", "result", "canvas", "parked", "machinery-signature",
    "machinery-state", "machinery-group",
)  # fmt: skip
YAML_TARGETS = ("yaml", "beat-file", "machinery-yaml")
LINE_TARGETS = ("times", "base64", "crontab", "urls", "patterns")


def readers(text):
    """The targets that may make something of a text."""
    if text[0] in "{[":
        return JSON_TARGETS + ("yaml",)
    if "\r\n" in text:
        return ("resp",)
    if "\n" in text:
        return YAML_TARGETS
    return LINE_TARGETS if len(text) <= 64 and not re.fullmatch(r"[a-z ,.-]*", text, re.I) else ()


def unescaped(text):
    """A Swift literal's text; None where it has interpolations."""
    if "\\(" in text:
        return None
    text = re.sub(r"\\u\{([0-9a-fA-F]+)\}", lambda match: chr(int(match[1], 16)), text)
    simple = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", '"': '"', "\\": "\\", "'": "'"}
    return re.sub(r"\\(.)", lambda match: simple.get(match[1], match[0]), text)


def test_texts(seeds):
    """Adds the texts of the tests: the merge drops those that mean nothing to a target."""
    for folder in ("Tests", "Compat", "Examples"):
        for path in sorted((ROOT / folder).rglob("*.swift")):
            for raw, block, plain in LITERAL.findall(path.read_text()):
                text = raw or unescaped(block or plain)
                for target in readers(text) if text else ():
                    seeds.add(target, text)


# MARK: AMQP


def short(text):
    return bytes([len(text)]) + text.encode()


def frame(kind, channel, payload):
    return struct.pack(">BHI", kind, channel, len(payload)) + payload + b"\xce"


def method(class_id, method_id, arguments=b"", channel=1):
    return frame(1, channel, struct.pack(">HH", class_id, method_id) + arguments)


def header(size, properties):
    return frame(2, 1, struct.pack(">HHQ", 60, 0, size) + properties)


def amqp(seeds):
    properties = []
    for line in (ROOT / "Tests/CeleriacAMQPTests/Fixtures/properties.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            properties.append(bytes.fromhex(line.split(" ", 1)[1]))
    for data in properties:
        seeds.add("amqp-properties", data)
        table = data[2:]
        if data[0] & 0x80:
            table = table[1 + table[0] :]
        if data[0] & 0x40:
            table = table[1 + table[0] :]
        size = struct.unpack(">I", table[:4])[0]
        seeds.add("amqp-table", table[: size + 4])
    seeds.add("amqp-table", field_table())
    seeds.add("amqp-properties", b"\xff\xfc" + short("t") + short("e") + field_table() + b"\x02\x05" + short("c")
              + short("r") + short("60000") + short("m") + struct.pack(">Q", 1700000000) + short("t") + short("u")
              + short("a") + short(""))  # fmt: skip
    deliver = method(60, 60, short("c") + struct.pack(">QB", 1, 0) + short("") + short("q"))
    methods = [
        method(10, 10, b"\0\x09" + field_table() + struct.pack(">I", 14) + b"PLAIN EXTERNAL" + b"\0\0\0\x05en_US", 0),
        method(10, 20, b"\0\0\0\0", 0),
        method(10, 30, struct.pack(">HIH", 2047, 131072, 60), 0),
        method(10, 41, short(""), 0),
        method(10, 50, struct.pack(">H", 320) + short("CONNECTION_FORCED") + b"\0\0\0\0", 0),
        method(10, 51, b"", 0),
        method(10, 60, short("low on memory"), 0),
        method(10, 61, b"", 0),
        method(20, 20, b"\0"),
        method(20, 20, b"\x01"),
        method(20, 40, struct.pack(">H", 404) + short("NOT_FOUND") + struct.pack(">HH", 60, 20)),
        method(20, 41),
        method(40, 11),
        method(50, 11, short("q") + struct.pack(">II", 3, 1)),
        method(50, 21),
        method(50, 31, struct.pack(">I", 7)),
        method(50, 41, struct.pack(">I", 7)),
        method(60, 11),
        method(60, 21, short("c")),
        method(60, 30, short("c") + b"\x01"),
        method(60, 31, short("c")),
        method(60, 50, struct.pack(">H", 312) + short("NO_ROUTE") + short("") + short("a")) + header(0, b"\0\0"),
        deliver + header(2, properties[0]) + frame(3, 1, b"[]"),
        deliver + header(600, b"\0\0") + frame(3, 1, b"x" * 300) + frame(3, 1, b"x" * 300),
        deliver + header(0, b"\0\0"),
        method(60, 71, struct.pack(">QB", 2, 0) + short("") + short("q") + struct.pack(">I", 0)) + header(0, b"\0\0"),
        method(60, 72, short("")),
        method(60, 80, struct.pack(">QB", 1, 0)),
        method(60, 80, struct.pack(">QB", 2, 1)),
        method(60, 120, struct.pack(">QB", 1, 0)),
        frame(8, 0, b""),
    ]
    handshake = methods[0] + methods[2] + methods[3]
    for data in methods:
        seeds.add("amqp-method", data[7:-1])
        seeds.add("amqp-frames", data)
        seeds.add("amqp-connection", b"\0" + data)
    seeds.add("amqp-connection", b"\x01" + handshake)
    seeds.add("amqp-connection", b"\0" + methods[15] + methods[22] + methods[25] + methods[28] + methods[8] + methods[9])
    seeds.add("amqp-frames", methods[22] + methods[23] + b"\x05\x01\x09\x03")


def field_table():
    fields = [
        b"t\x01", b"b\xff", b"B\xff", b"s\xff\xfe", b"u\xff\xfe", b"I\0\0\0\x07", b"i\xff\xff\xff\xff",
        b"l" + struct.pack(">q", -9), b"L" + struct.pack(">q", 9), b"f" + struct.pack(">f", 1.5),
        b"d" + struct.pack(">d", 2.5), b"D\x02" + struct.pack(">i", -1234), b"S\0\0\0\x02ab", b"x\0\0\0\x01\xff",
        b"T" + struct.pack(">Q", 1700000000), b"V", b"A\0\0\0\x06t\x01I\0\0\0\x01"[:5] + b"\x74\x01\x56\x56\x56\x56",
        b"F\0\0\0\x04\x01at\x01",
    ]  # fmt: skip
    body = b"".join(short(chr(97 + index)) + field for index, field in enumerate(fields))
    return struct.pack(">I", len(body)) + body


# MARK: The rest


def others(seeds):
    for text in (
        "+OK\r\n", ":42\r\n", "$5\r\nhello\r\n", "$-1\r\n", "*-1\r\n", "*0\r\n", "-ERR unknown command 'X'\r\n",
        "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n", "*2\r\n*1\r\n:1\r\n*1\r\n$0\r\n\r\n",
        "-NOSCRIPT No matching script.\r\n:1\r\n+PONG\r\n", "%1\r\n+a\r\n:1\r\n", "*1\r\n" * 9 + ":1\r\n",
    ):  # fmt: skip
        seeds.add("resp", text)
        seeds.add("resp", text + "\x00\x01\x02\x03")
    for text in (
        "* * * * *", "*/5 0-12/3 1,15 * mon-fri", "0 0 29 2 *", "@every 1h30m", "@daily", "@yearly", "0 0 1 jan,jul *",
        "TZ=UTC 0 9 * * 1-5", "CRON_TZ=Europe/Berlin 30 2 * * *", "0 0 L * *", "0 0 ? * ?", "@every 1s",
    ):  # fmt: skip
        seeds.add("crontab", text)
    for text in (
        "amqp://guest:guest@localhost:5672//", "amqps://u:p%40@[::1]/v%2fh?heartbeat=10&cacertfile=/ca.pem&frame_max=0",
        "redis://:secret@localhost:6379/2", "rediss://u:p@h:1/0?ssl_cert_reqs=CERT_NONE", "redis+socket:///tmp/s?db=1",
        "amqp://h1;amqp://h2", "unix:///tmp/redis.sock?virtual_host=3", "memory://", "filesystem:///tmp/x",
    ):  # fmt: skip
        seeds.add("urls", text)
    for text in ("celery@*", "w[0-9]@host\nw1@host", "^cel(ery|ia)@.+$", r"(?P<n>\w+)@\d{1,3}(-|\.)", "[!a]*?\nb1"):
        seeds.add("patterns", text)
    for text in ("1h30m", "1.5s", "-3ms", "2026-01-02T03:04:05.678901+05:30", "2026-01-02", "03:04:05.5", "1e-7",
                 "2026-01-02T03:04:05.123456789Z", "0001-01-01T00:00:00Z", "12.50"):  # fmt: skip
        seeds.add("times", text)
    for text in (
        "a: &a [1, 2]\nb: *a\nc: {d: 1:30, e: 0x1f, f: .inf}\n", "- |\n  text\n- >\n  folded\n- !!binary aGk=\n",
        "? k\n: v\n--- # no\n", "x: 2001-12-14t21:59:43.10-05:00\ny: ~\nz: 'it''s'\n", '"\\u00e9\\x41\\U0001F600": yes\n',
    ):  # fmt: skip
        seeds.add("yaml", text)
    documentation = (ROOT / "Sources/CeleryDialect/Settings/BeatFile.swift").read_text()
    sample = re.search(r"/// ```yaml\n(.*?)/// ```", documentation, re.S)
    if sample:
        seeds.add("beat-file", re.sub(r"^/// ?", "", sample[1], flags=re.M))
    settings = {
        "broker": "redis://localhost", "lock": "redis://localhost", "default_queue": "q", "result_backend": "amqp://h",
        "results_expire_in": 60, "no_unix_signals": True, "multiple_broker_separator": ";",
    }  # fmt: skip
    amqp_settings = {
        "exchange": "e", "exchange_type": "topic", "binding_key": "k", "prefetch_count": 3, "auto_delete": False,
        "queue_declare_args": {"x-max-priority": 10}, "queue_binding_args": {"a": "b"}, "delayed_queue": "d",
        "maximum_eta_hold": 60,
    }  # fmt: skip
    redis_settings = {"delayed_tasks_key": "d", "delayed_tasks_poll_period": 20, "connect_timeout": 15,
                      "read_timeout": 15, "client_name": "c", "master_name": "", "cluster_enabled": False}  # fmt: skip
    whole = dict(settings, amqp=amqp_settings, redis=redis_settings)
    seeds.add("machinery-yaml", json.dumps(whole, indent=1))
    lines = [f"{key.upper()}={value}" for key, value in settings.items()]
    lines += [f"AMQP_{key.upper()}={value}" for key, value in amqp_settings.items() if not isinstance(value, dict)]
    lines += [f"REDIS_{key.upper()}={value}" for key, value in redis_settings.items()]
    lines += ["AMQP_QUEUE_BINDING_ARGS=a:b,c:d"]
    seeds.add("machinery-environment", "\n".join(lines))
    for line in lines:
        seeds.add("machinery-environment", line)
    for index, compress in enumerate((zlib.compress, bz2.compress, lzma.compress)):
        for content in (b"", b"abc", b"[[1, 2], {}, null]" * 20, bytes(range(256)) * 4):
            seeds.add("compression", bytes([index]) + compress(content))
    seeds.add("compression", b"\x03" + bytes.fromhex("28b52ffd2003190000616263"))
    for name in ("UTC", "Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "Pacific/Apia", "Africa/Casablanca"):
        path = pathlib.Path("/usr/share/zoneinfo") / name
        if path.is_file():
            seeds.add("zone", path.read_bytes())
    for reason in ({"message": "{}"}, {"message_base64": "/w=="}):
        seeds.add("parked", json.dumps({"reason": "unregistered", "detail": "d", "queue": "q", "worker": "w@h",
                                        "time": "2026-01-02T03:04:05+00:00", "failure_stored": False, **reason}))  # fmt: skip
    for body in (
        {"method": "revoke", "arguments": {"task_id": "i", "terminate": True}, "destination": ["w@h"], "pattern": "w*",
         "matcher": "glob", "ticket": "t", "reply_to": {"exchange": "reply.celery.pidbox", "routing_key": "k"}},
        {"w@h": {"ok": "pong"}},
    ):  # fmt: skip
        seeds.add("control", json.dumps(body))
    for value in (b"\x82\xa1a\xc0\xa1b\xcb?\xf8\0\0\0\0\0\0", b"\x93\xc4\x01\xff\xcd\xff\xff\xd3" + b"\xff" * 8,
                  b"\xdc\0\x01\xcf" + b"\xff" * 8, b"\xde\0\x01\xd9\x01a\xca?\x80\0\0", b"\xdf\0\0\0\0"):  # fmt: skip
        seeds.add("messagepack", value)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    seeds = Seeds(sys.argv[1])
    captures(seeds)
    test_texts(seeds)
    amqp(seeds)
    others(seeds)
    print(f"{seeds.count} seeds in {seeds.folder}", file=sys.stderr)


main()
