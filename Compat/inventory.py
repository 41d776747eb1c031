#!/usr/bin/env python3
"""Counts what the captures in `celery/` hold, without any code of the Swift package. Needs only Python 3.10.

    Compat/inventory.py             writes celery/INVENTORY.json anew
    Compat/inventory.py --check     compares instead: prints the differences, if any, and exits 1
    Compat/inventory.py --summary   prints the sums of each family of captures, as a table in Markdown

A capture is a JSON document with messages and results somewhere in its strings and objects, as their transport or store
held them. What stands in two places, as in a Redis list and in the command that pushed it there, counts twice. Not read
is the top-level `decoded`, which repeats `redis_keys_after` for people. Counted per file, zeros left out:

    envelopes        messages in kombu's JSON envelope: list elements, commands, entries of `unacked`, files, SQL rows
    amqp_messages    messages as AMQP carried them, {properties, body}
    tasks_v1, tasks_v2, refused_pickle, refused_signed, other_messages
                     what those messages are, if no results; "other" are events and remote control
    results          results in stores, channels and files, compressed or not, and in messages (the rpc store)
    groups           groups as stores keep them, {"result": [...]}
    sql_results, sql_groups
                     rows of the SQL result store's tables
"""
import ast
import base64
import bz2
import collections
import difflib
import io
import json
import lzma
import pathlib
import re
import struct
import sys
import zlib

FOLDER = pathlib.Path(__file__).resolve().parent / "celery"
INVENTORY = FOLDER / "INVENTORY.json"
COLUMNS = {"files": ["files"], "envelopes": ["envelopes"], "AMQP": ["amqp_messages"], "tasks v1": ["tasks_v1"],
           "tasks v2": ["tasks_v2"], "refused": ["refused_pickle", "refused_signed"], "other": ["other_messages"],
           "results": ["results"], "groups": ["groups"], "SQL rows": ["sql_results", "sql_groups"]}

# 1795403476.459197 [1 127.0.0.1:43968] "GET" "key": the quoted arguments are literals of Python's bytes as they stand.
MONITOR_LINE = re.compile(r'\d+\.\d+ \[\d+ [^]]*\]((?: "(?:[^"\\]|\\.)*")+)')
ARGUMENT = re.compile(r'"(?:[^"\\]|\\.)*"')
REFUSED = {"application/x-python-serialize": "refused_pickle", "application/data": "refused_signed"}
# What kombu calls gzip is the zlib format.
DECOMPRESS = {"application/x-gzip": zlib.decompress, "application/x-bz2": bz2.decompress,
              "application/x-lzma": lzma.decompress}
COMPRESSED_RESULT = re.compile(rb"\0celery-compressed\0([^\0]+)\0(.*)", re.DOTALL)


def read_msgpack(data):
    """Reads one MessagePack value from a binary file. Types of extensions are unknown to it, and an error."""
    def number(form):
        return struct.unpack(">" + form, data.read(struct.calcsize(form)))[0]

    tag = number("B")
    if tag < 0x80 or tag >= 0xE0:
        return tag if tag < 0x80 else tag - 0x100
    if tag < 0x90 or tag in (0xDE, 0xDF):
        count = tag & 0x0F if tag < 0x90 else number("HI"[tag - 0xDE])
        return {read_msgpack(data): read_msgpack(data) for _ in range(count)}
    if tag < 0xA0 or tag in (0xDC, 0xDD):
        count = tag & 0x0F if tag < 0xA0 else number("HI"[tag - 0xDC])
        return [read_msgpack(data) for _ in range(count)]
    if tag < 0xC0 or 0xD9 <= tag <= 0xDB:
        return data.read(tag & 0x1F if tag < 0xC0 else number("BHI"[tag - 0xD9])).decode()
    if 0xC4 <= tag <= 0xC6:
        return data.read(number("BHI"[tag - 0xC4]))
    if 0xCA <= tag <= 0xD3:
        return number("fdBHIQbhiq"[tag - 0xCA])
    return {0xC0: None, 0xC2: False, 0xC3: True}[tag]


def keys_of(body, content_type):
    """The keys of a serialized mapping; none of anything else."""
    if content_type == "application/x-yaml":
        # A mapping in block style, as PyYAML writes it: its own keys are those that stand at the start of a line.
        return set(re.findall(r"^(\w+):", body.decode(), re.MULTILINE))
    value = read_msgpack(io.BytesIO(body)) if content_type == "application/x-msgpack" else json.loads(body)
    return set(value) if isinstance(value, dict) else set()


def kind_of_message(headers, content_type, body):
    """What a message is, decided as Celery's worker does: protocol 2 by its headers, protocol 1 by its body."""
    if content_type in REFUSED:
        return REFUSED[content_type]
    if headers.get("compression"):
        body = DECOMPRESS[headers["compression"]](body)
    keys = keys_of(body, content_type)
    if "task" in headers:
        return "tasks_v2"
    if {"task", "id", "args", "kwargs"} <= keys:
        return "tasks_v1"
    return "results" if {"task_id", "status", "result"} <= keys else "other_messages"


def kinds_in_bytes(data):
    """What one value that a transport or store held is, if anything."""
    if compressed := COMPRESSED_RESULT.fullmatch(data):
        data = DECOMPRESS[compressed[1].decode()](compressed[2])
    try:
        value = json.loads(data)
    except ValueError:
        return []
    match value:
        case {"body": str(), "properties": properties} | [{"body": str(), "properties": properties}, _, _]:
            envelope = value if isinstance(value, dict) else value[0]  # of an entry of `unacked`
            body = envelope["body"].encode()
            if properties.get("body_encoding") == "base64":
                body = base64.b64decode(body)
            return ["envelopes", kind_of_message(envelope["headers"], envelope["content-type"], body)]
        case {"task_id": _, "status": _, "result": _}:
            return ["results"]
        case {"result": list()} if len(value) == 1:
            return ["groups"]
    return []


def kinds_in(value):
    """What a part of a capture holds, however deep."""
    match value:
        case str():
            line = MONITOR_LINE.fullmatch(value)
            parts = [ast.literal_eval("b" + text) for text in ARGUMENT.findall(line[1])] if line else [value.encode()]
            return [kind for part in parts for kind in kinds_in_bytes(part)]
        case {"base64": str(text)} if len(value) == 1:
            return kinds_in_bytes(base64.b64decode(text))
        case {"properties": dict() as properties, "body": body}:
            body = base64.b64decode(body["base64"]) if isinstance(body, dict) else body.encode()
            headers = properties.get("application_headers", {})
            return ["amqp_messages", kind_of_message(headers, properties["content_type"], body)]
        case {"task_id": _, "status": _, "date_done": _, "id": int()}:
            return ["sql_results"]
        case {"taskset_id": _, "result": _}:
            return ["sql_groups"]
        case dict() | list():
            return [kind for part in (value.values() if isinstance(value, dict) else value) for kind in kinds_in(part)]
    return []


def count():
    """The inventory: name of the file -> kind -> count."""
    inventory = {}
    for path in sorted(FOLDER.glob("*.json")):
        if path != INVENTORY:
            document = json.loads(path.read_text())
            document.pop("decoded", None)
            inventory[path.name] = dict(sorted(collections.Counter(kinds_in(document)).items()))
    return inventory


def summary(inventory):
    """A table in Markdown: a row for each family, which is a name up to its case, and one for all."""
    rows = collections.defaultdict(collections.Counter)
    for name, counts in inventory.items():
        for row in (re.match(r"\w+\.(?:amqp|redis)|\w+", name)[0], "all"):
            rows[row].update(counts, files=1)
    rows["all"] = rows.pop("all")
    yield " | ".join(["| family", *COLUMNS]) + " |"
    yield "|---|" + "--:|" * len(COLUMNS)
    for name, counts in rows.items():
        sums = [str(sum(counts[kind] for kind in kinds)) for kinds in COLUMNS.values()]
        yield " | ".join([f"| {name}", *sums]) + " |"


def main(arguments):
    inventory = count()
    lines = [f"  {json.dumps(name)}: {json.dumps(counts)}" for name, counts in inventory.items()]
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    match arguments:
        case []:
            INVENTORY.write_text(text)
        case ["--summary"]:
            print(*summary(inventory), sep="\n")
        case ["--check"]:
            old, new = INVENTORY.read_text().splitlines(True), text.splitlines(True)
            differences = "".join(difflib.unified_diff(old, new, INVENTORY.name, "counted", n=0))
            sys.stdout.write(differences)
            return 1 if differences else 0
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
