#!/usr/bin/env python3
"""Counts the messages and results in the captures beside this file, without any code of the package.

    python3 inventory.py            prints the inventory
    python3 inventory.py --check    compares it with INVENTORY.json and exits 1 where they differ

Needs msgpack and PyYAML: protocol 1 is told by the body alone.
"""
import base64, bz2, json, lzma, pathlib, re, sys, zlib
import msgpack, yaml

MONITOR = re.compile(r'^\d+\.\d+ \[\d+ [^\]]*\] "')
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')
ESCAPES = {"n": b"\n", "r": b"\r", "t": b"\t", "a": b"\a", "b": b"\b", '"': b'"', "\\": b"\\"}
MARK = b"\x00celery-compressed\x00"
INFLATE = {"application/x-gzip": zlib.decompress, "application/x-bz2": bz2.decompress,
           "application/x-lzma": lzma.decompress}
PARSE = {"application/json": json.loads, "application/x-yaml": yaml.safe_load,
         "application/x-msgpack": lambda data: msgpack.unpackb(data, raw=False)}
REFUSED = {"application/x-python-serialize": "pickle", "application/data": "signed"}


def unquote(text):
    out, i = bytearray(), 0
    while i < len(text):
        if text[i] != "\\":
            out += text[i].encode()
            i += 1
        elif text[i + 1] == "x":
            out.append(int(text[i + 2:i + 4], 16))
            i += 4
        else:
            out += ESCAPES[text[i + 1]]
            i += 2
    return bytes(out)


def add(counts, kind):
    counts[kind] = counts.get(kind, 0) + 1


def message(counts, headers, content_type, body, kind="message"):
    """Counts one message whose body is bytes."""
    if content_type in REFUSED:
        add(counts, "refused_" + REFUSED[content_type])
        return
    if headers.get("compression"):
        body = INFLATE[headers["compression"]](body)
    value = PARSE[content_type](body)
    if "task" in headers:
        add(counts, "tasks_v2")
    elif isinstance(value, dict) and "task" in value and "args" in value:
        add(counts, "tasks_v1")
    elif isinstance(value, dict) and "status" in value and "task_id" in value:
        add(counts, "results")
    else:
        add(counts, "other_messages")


def envelope(counts, value):
    body = value["body"].encode()
    if value["properties"].get("body_encoding") == "base64":
        body = base64.b64decode(body)
    message(counts, value["headers"], value["content-type"], body)
    add(counts, "envelopes")


def text(counts, data):
    """Counts what one string or byte string holds."""
    if data.startswith(MARK):
        mime, _, rest = data[len(MARK):].partition(b"\0")
        data = INFLATE[mime.decode()](rest)
    if data[:1] not in b"{[" or not data:
        return
    try:
        value = json.loads(data)
    except ValueError:
        return
    if isinstance(value, list) and len(value) == 3 and isinstance(value[0], dict) and "body" in value[0]:
        envelope(counts, value[0])
    elif not isinstance(value, dict):
        return
    elif "body" in value and "properties" in value:
        envelope(counts, value)
    elif "status" in value and "task_id" in value:
        add(counts, "results")
    elif list(value) == ["result"] and isinstance(value["result"], list):
        add(counts, "groups")


def walk(counts, value):
    if isinstance(value, str):
        if MONITOR.match(value):
            for quoted in QUOTED.findall(value):
                text(counts, unquote(quoted))
        else:
            text(counts, value.encode())
    elif isinstance(value, list):
        for item in value:
            walk(counts, item)
    elif isinstance(value, dict):
        if list(value) == ["base64"]:
            text(counts, base64.b64decode(value["base64"]))
        elif isinstance(value.get("properties"), dict) and "body" in value:
            body, properties = value["body"], value["properties"]
            body = base64.b64decode(body["base64"]) if isinstance(body, dict) else body.encode()
            message(counts, properties.get("application_headers", {}), properties["content_type"], body)
            add(counts, "amqp_messages")
        elif {"task_id", "status", "date_done"} <= set(value):
            add(counts, "sql_results")
        elif {"taskset_id", "result"} <= set(value):
            add(counts, "sql_groups")
        else:
            for item in value.values():
                walk(counts, item)


def inventory():
    files = {}
    for path in sorted(pathlib.Path(__file__).parent.glob("*.json")):
        if path.name == "INVENTORY.json":
            continue
        counts = {}
        document = json.loads(path.read_text())
        # `decoded` repeats, for the reader, what `redis_keys_after` holds.
        document.pop("decoded", None)
        walk(counts, document)
        files[path.name] = dict(sorted(counts.items()))
    return files


files = inventory()
rows = ",\n".join(f"  {json.dumps(name)}: {json.dumps(counts)}" for name, counts in files.items())
output = "{\n" + rows + "\n}\n"
if "--check" in sys.argv:
    expected = (pathlib.Path(__file__).parent / "INVENTORY.json").read_text()
    sys.exit(0 if expected == output else "INVENTORY.json differs from what the captures hold")
sys.stdout.write(output)
