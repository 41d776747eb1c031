#!/usr/bin/env python3
"""Harms workers, their connections and their servers while tasks run, and judges by a ledger what became of each
task.

Run it by Scripts/chaos. A producer sends tasks, tasks with an ETA, chains, chords and a task that kills its worker,
and notes which the broker confirmed; workers note each beginning and end. Meanwhile a schedule of faults, drawn from
the seed, takes its course. Then nothing is harmed any more until all has ended or nothing goes on, probes show that
every worker still works, and the workers are stopped. harness/judge.py says what is a failure; with one the status is
1, and ledger and logs are kept.

With --bridge the producer and the workers are of two task systems, --dialect being the producer's: Machinery on Redis,
and Celery on --broker. Two bridges between them are killed, frozen and cut off, on one side or on both, and the servers
are harmed; workers and producer are not. What the bridges forward twice is counted, and has a bound.
"""
import argparse
import os
import random
import shutil
import signal
import sys
import tempfile
import time

from harness import selftest
from harness.faults import FAULTS, schedule
from harness.judge import Judge
from harness.report import print_json, tell
from harness.servers import Failure
from harness.site import IN_FLIGHT, PENDING, Site, say

BROKERS = ["redis", "classic", "quorum"]
# A bridge declares queues as their task system does by default.
BRIDGED = ["redis", "classic"]
DIALECTS = ["celery", "machinery"]
KINDS = "pechx"
PROBES = 200
# How long nothing may go on before the run gives up waiting for the rest.
PATIENCE = 60


def arguments():
    parser = argparse.ArgumentParser(
        prog="Scripts/chaos", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=5000, help="how many tasks are sent (%(default)s)")
    parser.add_argument("--kills", type=int, default=30, help="how many workers are killed (%(default)s)")
    parser.add_argument("--seed", type=int, help="replays the faults of a run; the seed of each run is printed")
    parser.add_argument("--broker", choices=BROKERS, action="append", help="all of them if not given")
    parser.add_argument("--dialect", choices=DIALECTS, action="append", help="both if not given")
    parser.add_argument("--with-python", action="store_true", help="one Swift worker and an unharmed one in Python")
    parser.add_argument("--bridge", action="store_true", help="bridges between producer and workers, and harm to them")
    parser.add_argument("--only", nargs="+", metavar="FAULT", choices=FAULTS, help="no other faults")
    parser.add_argument(
        "--kinds", default=KINDS, help="letters: p tasks, e with ETA, c chains, h chords, x a poison task (%(default)s)"
    )
    parser.add_argument("--list-faults", action="store_true", help="lists the faults and ends")
    parser.add_argument("--self-test", action="store_true", help="only judges ledgers written by hand")
    parser.add_argument("--json", action="store_true", help="prints one JSON list on standard output")
    parser.add_argument("--keep", action="store_true", help="keeps ledger and logs of runs that pass too")
    parser.add_argument("--programs", help="the folder of the programs that this package builds")
    parser.add_argument("--python", default=sys.executable, help="a Python with Celery (this one)")
    options = parser.parse_args()
    if options.bridge and (options.with_python or "quorum" in (options.broker or [])):
        parser.error("--bridge is neither for Python's worker nor for quorum queues")
    return options


def harm_and_judge(folder, options):
    site = Site(folder, options)
    try:
        return run(site, options)
    finally:
        site.close()


def run(site, options):
    brokers = {options.broker} | ({"redis"} if options.bridge else set())
    kinds = [name for name, fault in FAULTS.items() if brokers & set(fault.brokers)]
    if options.only:
        kinds = [kind for kind in kinds if kind in options.only]
    # RabbitMQ takes several seconds to start: it is not harmed again before it has worked for a while.
    # A killed bridge's messages go to the other one only when its claims have expired: it is killed less often.
    planned = schedule(
        options.seed, options.kills, kinds, 6 if options.broker == "redis" else 15, 3 if options.bridge else 1)
    last = planned[-1].at if planned else 0
    # A chain or a chord is sent at once.
    rate = options.tasks / max(last, 5) * (0.9 if set("ch") & set(options.kinds) else 1)
    kinds_sent = options.kinds.replace("x", "") if options.with_python or options.bridge else options.kinds
    site.launch()
    say(f"{options.tasks:,} tasks at {rate:.0f} a second, {len(planned)} faults in {last:.0f} s")
    site.produce(options.tasks, rate, kinds_sent)
    harm(site, planned)
    leftovers = drain(site)
    stuck = probe(site)
    if site.bridges:
        # A bridge that is stopped leaves replies that are under way to the next one.
        leftovers |= drain(site)
    stuck += stop(site)
    read(site)
    has_delay_queues = options.dialect == "machinery" and options.broker != "redis" and not options.bridge
    room = (IN_FLIGHT, PENDING) if options.bridge else None
    return Judge(site.ledger.events(), options.attempts, leftovers, stuck, has_delay_queues, room).verdict()


def harm(site, planned):
    """Begins each fault at its time, and waits until all have ended and the producer has."""
    start = told = time.monotonic()
    planned = list(planned)
    while planned or site.waiting or site.producer.process is not None:
        now = time.monotonic()
        while planned and now - start >= planned[0].at:
            site.begin(planned.pop(0))
        if now - told > 10:
            told = now
            counts = f"{len(site.confirmed):,} tasks confirmed, {len(site.outstanding):,} to end"
            say(f"{len(planned)} faults to come, {counts}")
        if now - start > 3600:
            raise Failure("the producer has not ended in an hour")
        site.tick()


def drain(site):
    """Waits until all has ended and nothing is left, or nothing has changed for PATIENCE; returns what is left."""
    before, since, looked, told = None, time.monotonic(), 0.0, time.monotonic()
    empty_since = None
    while True:
        site.tick()
        now = time.monotonic()
        if now - looked < 2:
            continue
        looked, left = now, site.leftovers()
        state = (len(site.ended), sum(left.values()))
        if state != before:
            before, since = state, now
        if now - told > 10:
            told = now
            say(f"{len(site.outstanding):,} tasks to end, {sum(left.values()):,} messages left")
        empty_since = (empty_since or now) if not left else None
        # A task between two queues is in neither for a moment.
        if not left and (not site.outstanding or now - empty_since > 10):
            return {}
        if now - since > PATIENCE:
            say(f"nothing has gone on for {PATIENCE} s")
            return left


def probe(site):
    """Sends probes, of which every worker must take some; names the workers that do not. While one takes none, more are
    sent: a worker that pauses between two attempts to connect finds nothing left of what the others have taken."""
    sent = 0
    deadline = time.monotonic() + PATIENCE

    def idle():
        busy = {pid for pid, tasks in site.begun_by.items() if any(task[0] == "q" for task in tasks)}
        return [worker.name for worker in site.workers if not worker.pids & busy]

    def is_under_way():
        return site.producer.process is not None or any(task[0] == "q" for task in site.outstanding)

    while not sent or is_under_way() or idle():
        if time.monotonic() > deadline:
            break
        if not is_under_way():
            site.produce(PROBES, PROBES, "q", "prober", first=sent)
            sent += PROBES
        site.tick()
    return [f"{name} takes no task" for name in idle()]


def stop(site):
    """Stops the workers and the bridges; names those that do not end."""
    for worker in site.crew:
        worker.terminate()
    while any(worker.process for worker in site.crew):
        late = [worker for worker in site.crew if worker.process and time.monotonic() > worker.deadline]
        if late:
            return [f"{worker.name} does not end" for worker in late]
        site.tick()
    return []


def read(site):
    """Notes in the ledger what the servers have kept."""
    for side in site.sides:
        for task in side.broker.parked():
            site.ledger.note(0, "parked", task)
    for task, is_success in site.source.store.stored():
        site.ledger.note(0, "stored" if is_success else "failed", task)
    site.ledger.note(0, "read", "results")


def command(options, dialect, broker):
    """The command that replays a run."""
    words = ["Scripts/chaos", "--broker", broker]
    words += ["--with-python"] if options.with_python else ["--dialect", dialect]
    words += ["--bridge"] if options.bridge else []
    words += ["--tasks", options.tasks, "--kills", options.kills, "--seed", options.seed]
    words += ["--kinds", options.kinds] if options.kinds != KINDS else []
    words += ["--only", *options.only] if options.only else []
    return " ".join(map(str, words))


def interrupted(*_):
    raise KeyboardInterrupt


def main():
    options = arguments()
    if options.list_faults:
        for name, fault in FAULTS.items():
            print(f"{name:20}{'/'.join(fault.brokers):24}{fault.__doc__}")
        return 0
    wrong = selftest.run()
    for line in wrong:
        say(f"the judge errs: {line}")
    if wrong or options.self_test:
        return 1 if wrong else 0
    signal.signal(signal.SIGTERM, interrupted)
    options.attempts = 5
    options.seed = random.randrange(1 << 31) if options.seed is None else options.seed
    verdicts = []
    for dialect in ["celery"] if options.with_python else options.dialect or DIALECTS:
        for broker in options.broker or (BRIDGED if options.bridge else BROKERS):
            name = {"dialect": dialect, "broker": broker, "seed": options.seed, "with_python": options.with_python}
            name |= {"bridge": options.bridge}
            where = f"{dialect} on {broker}"
            if options.bridge:
                ends = ["Machinery on Redis", f"Celery on {broker}"]
                where = " to ".join(ends if dialect == "machinery" else ends[::-1])
            text = f"{where}: {command(options, dialect, broker)}"
            say(text)
            folder = tempfile.mkdtemp(prefix="celeriac-chaos-")
            chosen = argparse.Namespace(**vars(options) | {"dialect": dialect, "broker": broker})
            start = time.monotonic()
            is_kept = True
            try:
                verdict = harm_and_judge(folder, chosen)
                is_kept = options.keep or verdict.status != 0
            finally:
                if not is_kept:
                    shutil.rmtree(folder)
                else:
                    say(f"ledger and logs are in {folder}")
            tell(verdict, f"{text}, {time.monotonic() - start:.0f} s")
            verdicts.append((name, verdict))
    if options.json:
        print_json(verdicts)
    return max(verdict.status for _, verdict in verdicts)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"Error: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
