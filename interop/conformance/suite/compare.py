#!/usr/bin/env python3
"""Compares runs of Celery's integration and smoke tests against our worker with those of a Python worker.

    compare.py NAME REPORT              a whole run: every class A test must be in it
    compare.py NAME REPORT --only FILE  a run of the tests that FILE lists: each of them must be in it
    compare.py NAME REPORT --part       a run of whatever pytest was told to
    compare.py NAME LIST --list         a list that was kept of a whole run
    ... --keep LIST                     keeps the list of outcomes, if the run was whole
    compare.py smoke REPORT --reference adds a run with the Python worker to the reference
    compare.py smoke --tests all        prints the tests to run; unknown: those that the reference does not have yet

NAME is redis-redis, rabbit-redis, rabbit-rpc or smoke; REPORT is what foreign_worker.py wrote. Of the smoke tests those
are left out that smoke-classification.json says why, and those that once passed and once did not with the Python worker. Prints both totals and everything
that is worse than with Python; exit status 1 if there is anything, or if the report does not show a run that was finished
with a worker that lived.
"""
import argparse
import json
import os
import re
import sys
from collections import Counter

HERE = os.path.dirname(os.path.abspath(__file__))
LISTS = os.path.join(HERE, "..", "..", "..", "Compat", "celery-suite")
PASSING = {"passed", "xpassed"}


def load(path):
    with open(path) as file:
        return json.load(file)


def save(path, content):
    with open(path, "w") as file:
        json.dump(content, file, indent=1, sort_keys=True)
        file.write("\n")


def class_a(name=""):
    """The tests that depend on nothing but what a worker does, without those that cannot be asked of another worker."""
    kind = "smoke-" if name == "smoke" else ""
    entries = load(os.path.join(HERE, f"{kind}classification.json"))
    return sorted(test for test, entry in entries.items() if entry["class"] == "A" and "left_out" not in entry)


def learn(reference, report):
    """Adds the outcomes of a run with the Python worker; a test that did not end as before is unsteady from now on."""
    unsteady = set(reference["unsteady"])
    for name, entry in report["tests"].items():
        # The last test of a run that was cut has no outcome, and one whose servers did not start in time says nothing.
        if entry["outcome"] in (None, "error"):
            continue
        if entry["outcome"] != reference["tests"].setdefault(name, entry["outcome"]):
            unsteady.add(name)
    return dict(reference, unsteady=sorted(unsteady))


def listed(path):
    """The tests of a file with one a line and comments."""
    with open(path) as file:
        lines = [re.sub(r"(^|\s)#.*", "", line).strip() for line in file]
    return [line for line in lines if line]


def good_enough(reference, ours):
    """Whether an outcome is at least as good as Python's: a skipped test is no passed one."""
    if reference in PASSING:
        return ours in PASSING
    if reference == "xfailed":
        return ours in PASSING or ours == "xfailed"
    if reference == "skipped":
        return ours in PASSING or ours in ("skipped", "xfailed")
    return True


def worse(wanted, reference, ours):
    """What is worse than with Python, a line each."""
    return [
        f"{reference.get(name, 'missing')} with Python, {ours.get(name, 'missing')} here: {name}"
        for name in wanted
        if name not in reference or name not in ours or not good_enough(reference[name], ours[name])
    ]


def unsound(report, has_one_worker=True):
    """Why a report does not show a finished run with a worker that lived, a line each."""
    faults = []
    # 1 is pytest's for tests that failed, which are judged one by one; others mean that it did not run them all.
    if report.get("exit_status") not in (0, 1):
        faults.append(f"pytest was cut or ended with {report.get('exit_status')}")
    if not has_one_worker:
        return faults
    ends = report.get("worker_ends") or ["never ran"]
    faults += [f"the worker {end}" for end in ends if end != "stopped 0"]
    faults += [
        f"the worker died ({entry['worker_died']}) under {name}"
        for name, entry in report["tests"].items()
        if "worker_died" in entry
    ]
    return faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("report", nargs="?", default="")
    parser.add_argument("--only")
    parser.add_argument("--part", action="store_true")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--keep")
    parser.add_argument("--reference", action="store_true")
    parser.add_argument("--tests", choices=["all", "unknown"])
    arguments = parser.parse_args()

    kept = os.path.join(LISTS, f"ext-{arguments.name}.json")
    known = load(kept)
    reference, unsteady = known["tests"], known.get("unsteady", [])
    if arguments.tests:
        for name in class_a(arguments.name):
            if name not in (unsteady if arguments.tests == "all" else reference):
                print(name)
        return 0
    if not os.path.exists(arguments.report):
        print(f"{arguments.name:12} there is no {arguments.report}")
        return 1
    report = load(arguments.report)
    if arguments.reference:
        save(kept, learn(known, report))
        return 0
    is_smoke = arguments.name == "smoke"
    if arguments.list:
        ours, faults = report["tests"], []
    else:
        ours = {name: entry["outcome"] for name, entry in report["tests"].items()}
        faults = unsound(report, has_one_worker=not is_smoke)
    wanted = [name for name in class_a(arguments.name) if name not in unsteady]
    if arguments.only:
        chosen = listed(arguments.only)
        faults += [f"not a class A test: {name}" for name in chosen if name not in wanted and name not in unsteady]
        wanted = [name for name in wanted if name in chosen]
    elif arguments.part:
        wanted = [name for name in wanted if name in ours]
    if not wanted:
        faults.append("no test was run")

    whole = not faults and all(name in ours for name in wanted)
    for label, tests in (("Python", reference), ("Swift", ours)):
        counts = Counter(tests.get(name) or "missing" for name in wanted)
        counts = ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()))
        print(f"{arguments.name:12} {label:6} {len(wanted)} tests: {counts}")
    flaky = [name for name in report.get("flaky", []) if name in wanted]
    if flaky:
        print(f"  passed on a rerun: {', '.join(flaky)}")
    for name in unsteady:
        print(f"  unsteady with Python, and left out: {name}")
    faults += worse(wanted, reference, ours)
    for fault in faults:
        print(f"  {fault}")
    if arguments.keep and whole:
        outcomes = {name: ours[name] for name in wanted if name in ours}
        save(arguments.keep, {"totals": Counter(outcomes.values()), "flaky": flaky, "tests": outcomes})
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
