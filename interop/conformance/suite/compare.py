#!/usr/bin/env python3
"""Compares a run of Celery's integration tests against our worker with the reference of a Python worker.

compare.py redis|rabbitmq|rpc: prints both totals and every test that passes there and not here; exit status 1 if there is one.
"""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..", "..")
NAMES = {"redis": "redis-redis", "rabbitmq": "rabbit-redis", "rpc": "rabbit-rpc"}


def load(path):
    with open(path) as file:
        return json.load(file)


def outcome(entry):
    return entry if isinstance(entry, str) else entry.get("outcome")


def main():
    run = sys.argv[1]
    reference = load(os.path.join(ROOT, "Compat", "celery-suite", f"ext-{NAMES[run]}.json"))["tests"]
    ours = load(os.path.join(ROOT, ".build", "celery-suite", f"{run}.json"))["tests"]
    classes = load(os.path.join(HERE, "classification.json"))
    wanted = [name for name, entry in classes.items() if entry["class"] == "A" and name in ours]
    good = {"passed", "xfailed", "xpassed", "skipped"}
    worse = [n for n in wanted if outcome(reference.get(n, "")) in good and outcome(ours[n]) not in good]
    for label, tests in (("Python", reference), ("Swift", ours)):
        counts = {}
        for name in wanted:
            kind = outcome(tests.get(name, "")) or "missing"
            counts[kind] = counts.get(kind, 0) + 1
        print(f"{run:9} {label:7} " + ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items())))
    for name in worse:
        print(f"  passes with Python, not here ({outcome(ours[name])}): {name}")
    return 1 if worse else 0


if __name__ == "__main__":
    sys.exit(main())
