#!/usr/bin/env python3
"""Measures how fast tasks are published and worked off: by Celeriac, by its peers, and by bare loops in C; what a task waits
and what a worker takes; and judges the figures by bars.

Run it by Scripts/bench, which starts the servers. All contestants of a row take turns on the same servers, round by round; a
figure is the median of its rounds, and a ratio is that of figures of the same round. All contestants log warnings only, and
events, traces and metrics are off, except in the rows that measure what those cost. --list prints the rows; each can be run
alone, and all of them take some four hours on two cores: --write keeps what earlier runs have measured of other rows. Python
peers get a quarter of the tasks. What is not there, such as Go and its module, is skipped with the reason.

A drain: a queue is filled with N `bench.add(i, i)` messages, each byte for byte like one of the task system's own; then the
worker is started. Every worker counts the tasks it has run in a file mapped into memory, so that nothing has to be asked of
the broker while it works. Time and CPU (of the worker's whole process tree) count from the first task seen to the end, so that
start-up is left out. The end is the N-th task, and the N-th stored result where results are stored. Before a rate is printed
all is checked: N tasks run and not one more, every result right, nothing left in the broker.

A publication: the producer's own N messages, timed by itself; the messages in the queue are counted. The bare loop makes an id
and an encoded message with all of Celery's headers for each, and RabbitMQ confirms them in windows of 1,000.

The files in Benchmarks/harness/rows say how their rows are measured. QUICK=1 in the environment is --quick.
"""
import argparse
import json
import os
import re
import sys
import tempfile
import time

from harness.selftest import check

try:
    from harness.common import Failure, Scale, say
    from harness.machine import commit, machine, software
    from harness.results import write
    from harness.row import has_failed
    from harness.rows import ROWS
    from harness.servers import RabbitMQ, Redis
    from harness.site import Site
    from harness.table import text
except ModuleNotFoundError as missing:
    # A Python without the servers' clients can still print --help and test itself.
    if missing.name not in ("amqp", "redis") or not {"-h", "--help", "--selftest"}.intersection(sys.argv):
        raise

ROUNDS = 5


def arguments():
    parser = argparse.ArgumentParser(
        prog="Scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    only = "a row, or a regular expression that rows' names must match; may be given several times"
    parser.add_argument("--only", metavar="NAME", action="append", help=only)
    parser.add_argument("--contestants", metavar="REGEX", default="", help="let only these take part")
    parser.add_argument("--list", action="store_true", help="print the names of the rows")
    parser.add_argument("--quick", action="store_true", help="one round of the main rows in less than five minutes")
    parser.add_argument("--rounds", type=int, help=f"how often each contestant has its turn ({ROUNDS}, when quick 1)")
    parser.add_argument("--tasks", type=int, default=20_000, help="how many tasks a turn has (20000)")
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
    written = "write the rows into Benchmarks/RESULTS.md, results.json and plots"
    parser.add_argument("--write", action="store_true", help=written)
    parser.add_argument("--selftest", action="store_true", help="check the arithmetic and the bars, without servers")
    parser.add_argument("--programs", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.quick = options.quick or os.environ.get("QUICK", "") not in ("", "0")
    options.rounds = options.rounds or (1 if options.quick else ROUNDS)
    if options.write and (options.quick or options.rounds < ROUNDS or options.contestants):
        parser.error(f"--write wants whole rows with medians of {ROUNDS} rounds")
    if options.tasks < 100 or options.rounds < 1:
        parser.error("a turn has 100 tasks or more, and there is one round or more")
    return options


def chosen(options):
    """The rows to run. One whose very name is asked for is run alone."""
    if not options.only:
        return [row for row in ROWS if not row.asked and (row.quick or not options.quick)]
    rows = []
    for row in ROWS:
        if any(row.name == name or (not is_row(name) and re.search(name, row.name)) for name in options.only):
            rows.append(row)
    if not rows:
        sys.exit(f"There is no row {' or '.join(options.only)}; --list prints them.")
    return rows


def is_row(name):
    return any(row.name == name for row in ROWS)


def command():
    """What was typed, without what Scripts/bench adds."""
    words = sys.argv[1:]
    if "--programs" in words:
        at = words.index("--programs")
        del words[at : at + 2]
    quoted = [f"'{word}'" if re.search(r"[^\w=,.:/-]", word) else word for word in words]
    return " ".join(["Scripts/bench", *quoted])


def run(options, site, rows):
    """Runs the rows; with --write each is written as soon as it is measured, so that a run that is ended early leaves it."""
    stamp = {"date": time.strftime("%Y-%m-%d"), "commit": commit(), "command": command(), "machine": machine()}
    stamp["software"] = software(site)
    done = []
    for row in rows:
        say(f"==> {time.strftime('%T')}  {row.name}")
        data = row.run(site, lambda name: re.search(options.contestants, name))
        say(text(data) + "\n")
        done.append(data | {"stamp": stamp})
        if options.write:
            write(done[-1:], [row.name for row in ROWS])
    return done


def main():
    options = arguments()
    check()
    if options.selftest:
        return print("the arithmetic and the bars are right")
    if options.list:
        for row in ROWS:
            print(f"{row.name:28}{row.title}{' (only by --only)' if row.asked else ''}")
        return
    if not options.programs or "CELERIAC_REDIS_URL" not in os.environ:
        sys.exit("Run it by Scripts/bench, which builds the programs and starts the servers.")
    rows = chosen(options)
    store, rabbitmq = Redis(os.environ["CELERIAC_REDIS_URL"]), RabbitMQ(os.environ["CELERIAC_AMQP_URL"])
    if store.broker.dbsize() or store.results.dbsize():
        sys.exit("This Redis is not empty: the benchmark would delete what is in it. Run it by Scripts/bench.")
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="celeriac-bench-") as folder:
        site = Site(folder, options.programs, store, rabbitmq, Scale(options.quick, options.tasks, options.rounds))
        try:
            done = run(options, site, rows)
        except Failure as failure:
            sys.exit(str(failure))
    if len(done) > 1:
        for data in done:
            say(text(data))
    say(f"\n{time.monotonic() - started:.0f} s")
    if options.json:
        print(json.dumps({"rows": done}))
    if any(has_failed(data) for data in done):
        sys.exit(1)


if __name__ == "__main__":
    main()
