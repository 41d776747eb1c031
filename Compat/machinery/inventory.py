#!/usr/bin/env python3
"""Counts the messages, states and groups in the captures beside this file, without any code of the package.

    python3 inventory.py            prints the inventory
    python3 inventory.py --check    compares it with INVENTORY.json and exits 1 where they differ
"""
import json, pathlib, sys

FOLDER = pathlib.Path(__file__).parent


def add(counts, kind):
    counts[kind] = counts.get(kind, 0) + 1


def walk(counts, value):
    if isinstance(value, str):
        if value.startswith("{"):
            keys = {key.lower() for key in json.JSONDecoder().raw_decode(value)[0]}
            if "taskuuid" in keys and "state" in keys:
                add(counts, "states")
            elif "taskuuids" in keys:
                add(counts, "groups")
            elif "name" in keys:
                add(counts, "signatures")
            else:
                raise ValueError(f"unknown object: {sorted(keys)}")
    elif isinstance(value, list):
        for element in value:
            walk(counts, element)
    elif isinstance(value, dict):
        if value.get("method") in ("basic.publish", "basic.deliver", "basic.get-ok"):
            add(counts, value["method"])
        for element in value.values():
            walk(counts, element)


def inventory():
    found = {}
    for path in sorted(FOLDER.glob("*.json")):
        if path.name == "INVENTORY.json":
            continue
        document, counts = json.loads(path.read_text()), {}
        for part in ("wire", "redis_keys_after", "rabbitmq"):
            walk(counts, document.get(part))
        found[path.name] = dict(sorted(counts.items()))
    return found


def main():
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(counts)}" for name, counts in inventory().items())
    text = "{\n" + lines + "\n}\n"
    if "--check" not in sys.argv:
        sys.stdout.write(text)
    elif text != (FOLDER / "INVENTORY.json").read_text():
        sys.exit("INVENTORY.json is not what is in the captures")


main()
