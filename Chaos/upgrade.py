#!/usr/bin/env python3
"""Upgrades workers while tasks run, and judges by a ledger what became of each task.

Run it by Scripts/upgrade. `old` is an earlier commit, `new` is this tree. The cases:

up        Two old workers are replaced by new ones, one after the other: SIGTERM, and the next begins when the one has
          ended. Then these by old ones, and so on while an old producer sends; in the end both are new.
down      The same with a new producer and two new workers; in the end both are old.
held      An old worker is killed while it holds messages. A new one, started afterwards, runs them.
handover  An old worker is killed after Redis moved a message for it into a list of its own. So does a new one.
beside    As handover, but the new worker has been idle since before the message was sent.

harness/judge.py says what is a failure. So is whatever is left behind in keys or queues, and a worker that does not
end or takes no task. With a failure the status is 1, and ledger and logs are kept.
"""
import argparse
import shutil
import signal
import sys
import tempfile
import time

from chaos import BROKERS, DIALECTS, PATIENCE, drain, interrupted, probe, read, stop
from harness.judge import Judge
from harness.report import print_json, tell
from harness.servers import QUEUE, Failure
from harness.site import Site, say

# Tasks, tasks with an ETA, chains and chords.
KINDS = "pech"
# Tasks a second: two workers can do three times as many, so that one keeps up.
RATE = 400
# The part of the tasks after which no further upgrade begins, so that there is work for all workers until the last one.
PART = 0.8


class Upgrade(Site):
    def __init__(self, folder, options):
        super().__init__(folder, options)
        self.replaced = 0

    def program(self, version):
        return getattr(self.options, version)

    def start(self, first):
        """Starts servers, and two workers of a version."""
        self.options.programs = self.program(first)
        self.launch()

    def turn(self, worker, version):
        """Makes the next process in a worker's place one of a version."""
        worker.command = [self.program(version) + "/ChaosWorker", "work"]

    def wait(self, what, condition, patience=PATIENCE):
        deadline = time.monotonic() + patience
        while not condition():
            if time.monotonic() > deadline:
                raise Failure(f"waited {patience} s for {what}")
            self.tick()

    def replace(self, worker, version):
        """Asks a worker to end, and waits until its successor has begun a task."""
        pid = worker.pid
        self.turn(worker, version)
        worker.signal(signal.SIGTERM)
        self.wait(f"{worker.name} to end", lambda: worker.process is not None and worker.pid != pid)
        self.replaced += 1
        self.wait(f"{worker.name} to begin", lambda: worker.pid in self.begun_by)

    def sweep(self, version):
        for worker in self.workers:
            self.replace(worker, version)
            pause = time.monotonic() + 0.5
            while time.monotonic() < pause:
                self.tick()

    def kill(self, worker):
        """Kills a worker for good, and notes it."""
        self.ledger.note(0, "fault", f"kill-{worker.pid}", "kill", worker.pid)
        worker.kill()
        self.ledger.note(0, "healed", f"kill-{worker.pid}")
        worker.tick()

    def take_place(self, worker, version):
        self.turn(worker, version)
        worker.is_stopping = False
        worker.spawn()

    def leftovers(self):
        """What stands where messages are, and any other key that does not expire; kombu's bindings stay."""
        left = super().leftovers()
        if self.source.broker is self.source.store:
            for key in self.source.broker.client.scan_iter(count=1000):
                name = key.decode(errors="replace")
                if name not in left and not name.startswith("_kombu.binding") and self.source.broker.client.ttl(key) == -1:
                    left[name] = 1
        return left


def roll(site, first, last):
    """Replaces workers to and fro while a producer sends, up to the last version."""
    site.start(first)
    site.produce(site.options.tasks, RATE, KINDS)
    for worker in site.workers:
        site.wait(f"{worker.name} to begin", lambda: worker.pid in site.begun_by)
    version = first
    while version != last or len(site.confirmed) < site.options.tasks * PART:
        version = "old" if version == "new" else "new"
        site.sweep(version)
    say(f"{site.replaced} workers replaced")
    site.wait("the producer to end", lambda: not site.producer.process, 600)


def up(site):
    roll(site, "old", "new")


def down(site):
    roll(site, "new", "old")


def held(site):
    site.start("old")
    one, other = site.workers
    site.kill(other)
    site.produce(300, 3000, "pe")
    site.wait("tasks to begin", lambda: len(site.begun_by.get(one.pid, ())) > 20 and not site.producer.process)
    site.kill(one)
    left = {}
    # A quorum queue is slow to tell of what came back to it.
    site.wait("the old worker's messages to be there", lambda: left.update(site.leftovers()) or left)
    say(f"left by the old worker: {left}")
    for worker in site.workers:
        site.take_place(worker, "new")


def handover(site, is_beside=False):
    site.start("old")
    one, other = site.workers
    site.kill(other)
    # Redis hands a message to whoever began to wait first.
    site.wait("the old worker to wait", lambda: len(waiting(site)) > 0)
    one.signal(signal.SIGSTOP)
    if is_beside:
        before = len(waiting(site))
        site.take_place(other, "new")
        site.wait("the new worker to wait", lambda: len(waiting(site)) > before)
    key = QUEUE + (".handover" if site.options.dialect == "celery" else ".celeriac.handover")
    site.produce(1, 100, "p")
    site.wait("the message to be handed over", lambda: site.source.broker.client.llen(key) == 1)
    site.wait("the producer", lambda: not site.producer.process)
    site.kill(one)
    for worker in site.workers:
        if worker.process is None:
            site.take_place(worker, "new")


def beside(site):
    handover(site, is_beside=True)


def waiting(site):
    """The clients that wait for a message in the queue."""
    return [client for client in site.source.broker.client.client_list() if client["cmd"] == "blmove" and "b" in client["flags"]]


ALL = {"up": up, "down": down, "held": held, "handover": handover, "beside": beside}


def arguments():
    parser = argparse.ArgumentParser(
        prog="Scripts/upgrade [OLD_COMMIT]", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=10000, help="how many tasks up and down run (%(default)s)")
    parser.add_argument("--broker", choices=BROKERS, action="append", help="all of them if not given")
    parser.add_argument("--dialect", choices=DIALECTS, action="append", help="both if not given")
    parser.add_argument("--case", choices=ALL, action="append", help="all of them if not given")
    parser.add_argument("--json", action="store_true", help="prints one JSON list on standard output")
    parser.add_argument("--keep", action="store_true", help="keeps ledger and logs of runs that pass too")
    parser.add_argument("--old", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--new", required=True, help=argparse.SUPPRESS)
    return parser.parse_args()


def run(case, folder, options):
    site = Upgrade(folder, options)
    try:
        stuck = []
        try:
            ALL[case](site)
        except Failure as failure:
            stuck.append(str(failure))
        leftovers = drain(site)
        stuck += probe(site) + stop(site)
        read(site)
        return Judge(site.ledger.events(), options.attempts, leftovers, stuck).verdict()
    finally:
        site.close()


def main():
    options = arguments()
    options.attempts, options.with_python, options.bridge = 5, False, False
    signal.signal(signal.SIGTERM, interrupted)
    verdicts = []
    for dialect in options.dialect or DIALECTS:
        for broker in options.broker or BROKERS:
            for case in options.case or ALL:
                if ALL[case] in (handover, beside) and broker != "redis":
                    continue
                text = f"{case}: {dialect} on {broker}"
                say(text)
                folder = tempfile.mkdtemp(prefix="celeriac-upgrade-")
                chosen = argparse.Namespace(**vars(options) | {"dialect": dialect, "broker": broker})
                begin, is_kept = time.monotonic(), True
                try:
                    verdict = run(case, folder, chosen)
                    is_kept = options.keep or verdict.status != 0
                finally:
                    if not is_kept:
                        shutil.rmtree(folder)
                    else:
                        say(f"ledger and logs are in {folder}")
                tell(verdict, f"{text}, {time.monotonic() - begin:.0f} s")
                verdicts.append(({"case": case, "dialect": dialect, "broker": broker}, verdict))
    if options.json:
        print_json(verdicts)
    failed = [name for name, verdict in verdicts if verdict.status]
    say(f"{len(verdicts) - len(failed)} of {len(verdicts)} passed")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        sys.exit(f"Error: {failure}")
    except KeyboardInterrupt:
        sys.exit(130)
