"""Judges a ledger in Jepsen's words.

ok           confirmed by the broker, and every task of it has ended (or is parked, and should be)
recovered    not confirmed, and it was run all the same
lost         confirmed, and a task of it has not ended; or the first task of a chain ended and a later one did not
unexpected   run, but never sent
duplicated   begun more than once

A duplicate is explained when, between its two beginnings or while it was held before, a fault hit the process that held
it first, or the connection by which it held it. Who holds a message need not have begun it: a worker that cannot know
that it has lost its hold (it was frozen, or its connection was silent) may begin second, so such faults explain a
duplicate of whichever of the two they hit.

A task that follows from one that was begun more than once may be begun more than once. So may one that a worker, or for
Machinery's delay queues the producer, has published again, because a fault hit it before the broker confirmed that it
had the message: since then that one ended, or since the producer was about to send it. And so may a delayed task of
Machinery's that was in its delay queue, or on its way out of it, when RabbitMQ was killed.

A parked task is explained when at least as many of its beginnings as a worker allows were each followed by a kill of
their process before the task began again: its handler may have ended, but nothing was settled. What follows from a
parked task is not lost.

Where a bridge stands between producer and workers, it publishes what the workers begin, and a fault that hits it makes it,
or the other bridge, publish again what it held: at most as many tasks as it may have in flight, and as many that follow
from others as it may hold notes about replies. So each such fault, from when the task could reach the bridge until
it began again, explains so many duplicates and no more; the sum of these numbers is the bound.

What is parked and is a unit of its own must have a stored failure, or an outcome from before.

What a Python worker was the last to hold is lost by the peer, and so is what should have followed from it. Python takes
a message out of a list in Redis before it writes down that it has it: where Redis refuses that, Python ends with the
message, so as many tasks that nobody held are lost by the peer as Python's processes ended by themselves. A delayed
task of Machinery's that RabbitMQ never delivered is lost by its delay queue if the broker stood still or was down
when its time came: by what Go's Machinery declares, and Swift must declare with it, the broker then drops the queue
with the message, or sends the message before its queue is there (see Compat/RELIABILITY.md).
"""
from collections import defaultdict
from dataclasses import dataclass, field

from harness.ledger import before, countdown, is_poison, tasks_of, unit_of

# Faults by which a worker loses its hold on messages and cannot know it.
BLIND = {"freeze", "blackhole", "late-answers", "lost-answers", "throttle", "client-pause"}
# Faults by which RabbitMQ stands still or is down.
STANDSTILLS = {"server-freeze", "server-kill", "server-restart"}
# How long a fault goes on to work after it has ended: by then processes have noticed it.
AFTERMATH = 1_000_000_000
# How long a worker may have held a message before it began it, and may have lost its hold meanwhile: its window waits for
# the lock of Machinery's chords, which outlives a killed worker by 8 s.
HELD = 8_000_000_000
# After a fault of a bridge its messages come back: claims of 3 s expire, and are looked for by who has time.
BACK = 60_000_000_000
FAILURES = "lost unexpected unexplained_duplicates unexplained_parked unstored leftovers stuck crashed".split()


@dataclass
class Fault:
    kind: str
    begin: int
    end: float = float("inf")
    hit: set = field(default_factory=set)

    def explains(self, first, second):
        before = AFTERMATH if self.kind in ("kill", "poison") else HELD
        if self.begin > second.time or self.end + before < first.time:
            return False
        holders = {str(first.pid), str(second.pid)} if self.kind in BLIND else {str(first.pid)}
        return "*" in self.hit or bool(self.hit & holders)


@dataclass
class Verdict:
    sent: int = 0
    acknowledged: int = 0
    tasks: int = 0
    ok: int = 0
    kills: int = 0
    faults: dict = field(default_factory=dict)
    recovered: list = field(default_factory=list)
    lost: list = field(default_factory=list)
    lost_by_the_peer: list = field(default_factory=list)
    lost_by_a_delay_queue: list = field(default_factory=list)
    unexpected: list = field(default_factory=list)
    duplicated: list = field(default_factory=list)
    # Those that only a fault of a bridge explains, how many times they began again, and how many times they might have.
    forwarded_twice: list = field(default_factory=list)
    repeats: int = 0
    bound: int = 0
    unexplained_duplicates: list = field(default_factory=list)
    parked: list = field(default_factory=list)
    unexplained_parked: list = field(default_factory=list)
    unstored: list = field(default_factory=list)
    leftovers: dict = field(default_factory=dict)
    stuck: list = field(default_factory=list)
    crashed: list = field(default_factory=list)

    @property
    def status(self):
        return 1 if any(getattr(self, name) for name in FAILURES) else 0


class Judge:
    def __init__(self, events, attempts=5, leftovers=None, stuck=(), has_delay_queues=False, room=None):
        self.attempts, self.leftovers, self.stuck = attempts, dict(leftovers or {}), list(stuck)
        self.has_delay_queues = has_delay_queues
        # How many messages and how many notes about replies a bridge holds at most.
        self.room, self.bridges, self.spent = room or (0, 0), set(), defaultdict(int)
        # When each unit was sent, confirmed, refused.
        self.units = {"sent": {}, "acked": {}, "refused": {}}
        self.producers = {}
        self.begins, self.ends, self.holders = defaultdict(list), defaultdict(list), {}
        self.faults, self.struck, self.killed, self.peers, self.crashed = {}, {}, {}, set(), []
        self.peer_crashes = 0
        self.parked, self.stored, self.failed, self.has_read_results = set(), set(), set(), False
        # Each process writes in its own order, but lines of two may stand in another order than their times.
        for event in sorted(events, key=lambda event: event.time):
            self.take(event)

    def take(self, event):
        word = event.words[0] if event.words else ""
        match event.name:
            case "sent" | "acked" | "refused":
                self.units[event.name][word] = event.time
                self.producers[word] = event.pid
            case "received":
                self.holders[word] = event.pid
            case "begin":
                self.begins[word].append(event)
                self.holders[word] = event.pid
                if is_poison(word):
                    self.faults[f"poison-{event.time}"] = Fault("poison", event.time, hit={str(event.pid)})
            case "end":
                self.ends[word].append(event)
            case "spawned":
                if word.startswith("python"):
                    self.peers.add(event.pid)
                elif word.startswith("bridge"):
                    self.bridges.add(str(event.pid))
            case "died":
                if word == "-9":
                    # It is noted a bit after it has died.
                    self.killed[event.pid] = self.struck.get(event.pid, event.time)
                elif word != "0" and event.pid in self.peers:
                    self.peer_crashes += 1
                elif word != "0":
                    self.crashed.append(f"process {event.pid} with status {word}")
            case "fault":
                id, kind, hit = event.words
                self.faults.setdefault(id, Fault(kind, event.time)).hit.update(hit.split(","))
                if kind == "kill":
                    self.struck.update((int(pid), event.time) for pid in hit.split(","))
            case "healed":
                self.faults[word].end = event.time
            case "parked":
                self.parked.add(word)
            case "stored":
                self.stored.add(word)
            case "failed":
                self.failed.add(word)
            case "read":
                self.has_read_results = True

    def verdict(self):
        verdict = Verdict(leftovers=self.leftovers, stuck=self.stuck, crashed=self.crashed)
        ended = {pid for fault in self.faults.values() if fault.kind in ("kill", "poison") for pid in fault.hit}
        verdict.crashed += [f"process {pid}, killed by nobody" for pid in self.killed if str(pid) not in ended]
        verdict.sent, verdict.acknowledged = len(self.units["sent"]), len(self.units["acked"])
        verdict.tasks = sum(len(tasks_of(unit)) for unit in self.units["sent"])
        for fault in self.faults.values():
            verdict.faults[fault.kind] = verdict.faults.get(fault.kind, 0) + 1
        verdict.kills = verdict.faults.get("kill", 0)
        verdict.unexpected = sorted(task for task in self.begins if not self.was_sent(task))
        for unit in sorted(self.units["sent"], key=lambda unit: (unit[0], int(unit[1:]))):
            self.judge(unit, verdict)
        unheld = [task for task in verdict.lost if task not in self.holders and not before(task)]
        for task in unheld[: self.peer_crashes]:
            verdict.lost.remove(task)
            verdict.lost_by_the_peer.append(task)
        verdict.bound = sum(self.room) * sum(1 for fault in self.faults.values() if self.hits_bridge(fault))
        for task in self.begins:
            self.judge_duplicates(task, verdict)
        for task in sorted(self.parked):
            verdict.parked.append(task)
            if not self.was_sent(task) or not self.is_park_explained(task):
                verdict.unexplained_parked.append(task)
        return verdict

    def was_sent(self, task):
        unit = unit_of(task)
        return unit in self.units["sent"] and task in tasks_of(unit)

    # Lost, ok, recovered.

    def judge(self, unit, verdict):
        tasks = tasks_of(unit)
        is_confirmed = unit in self.units["acked"]
        if not is_confirmed:
            if any(task in self.begins for task in tasks):
                verdict.recovered.append(unit)
            # A chain is one message; of a chord's messages some may be missing. What is parked has been delivered.
            if unit[0] != "c" or tasks[0] not in self.ends:
                return
        missing = [task for task in tasks if not self.is_settled(task)]
        for task in missing:
            if self.is_lost_by_the_peer(task):
                verdict.lost_by_the_peer.append(task)
            elif self.is_lost_by_a_delay_queue(task):
                verdict.lost_by_a_delay_queue.append(task)
            else:
                verdict.lost.append(task)
        if missing:
            return
        has_result = unit in self.stored or unit in self.parked and unit in self.failed
        if self.has_read_results and is_confirmed and unit[0] in "peqx" and not has_result:
            holder = self.holders.get(unit)
            (verdict.lost_by_the_peer if holder in self.peers else verdict.unstored).append(unit)
        elif is_confirmed:
            verdict.ok += 1

    def is_settled(self, task):
        """Whether a task has ended, is parked, or follows from one that is parked."""
        if task in self.ends or task in self.parked:
            return True
        return any(
            earlier in self.parked or (earlier not in self.ends and self.is_settled(earlier))
            for earlier in before(task)
        )

    def is_lost_by_the_peer(self, task):
        if task in self.holders:
            return self.holders[task] in self.peers
        return any(
            self.is_lost_by_the_peer(earlier) if earlier not in self.ends else self.ends[earlier][-1].pid in self.peers
            for earlier in before(task)
        )

    def is_lost_by_a_delay_queue(self, task):
        if not self.has_delay_queues or task[0] != "e" or task in self.begins:
            return False
        earliest, latest = self.units["sent"][task], self.units["acked"][task]
        delay = countdown(task)
        # The queue is dropped twice the delay after it was last declared.
        return any(
            fault.kind in STANDSTILLS and fault.begin <= latest + 2 * delay and fault.end + AFTERMATH >= earliest + delay
            for fault in self.faults.values()
        )

    # Duplicates and parked tasks.

    def judge_duplicates(self, task, verdict):
        begins = self.begins[task]
        if len(begins) < 2 or task in verdict.unexpected:
            return
        verdict.duplicated.append(task)
        if any(len(self.begins.get(earlier, ())) > 1 for earlier in before(task)):
            return
        if self.may_be_published_twice(task, begins[-1].time):
            return
        for first, second in zip(begins, begins[1:]):
            if any(fault.explains(first, second) for fault in self.faults.values()):
                continue
            if not self.was_forwarded_twice(task, second.time):
                verdict.unexplained_duplicates.append(task)
                return
            verdict.repeats += 1
            if task not in verdict.forwarded_twice[-1:]:
                verdict.forwarded_twice.append(task)

    def hits_bridge(self, fault):
        return bool(fault.hit & self.bridges) or "*" in fault.hit and bool(self.bridges)

    def was_forwarded_twice(self, task, again):
        """Whether a fault of a bridge explains that a task began again; the fault then explains one less."""
        ends = [end.time for earlier in before(task) for end in self.ends.get(earlier, ())]
        since = min(ends) if ends else self.units["sent"].get(unit_of(task), 0)
        kind = 1 if ends else 0
        explaining = [
            id for id, fault in self.faults.items()
            if self.hits_bridge(fault) and fault.begin <= again <= fault.end + BACK and fault.end + AFTERMATH >= since
            and self.spent[id, kind] < self.room[kind]
        ]
        if not explaining:
            return False
        # The latest first: the earlier ones may have to explain what came before.
        self.spent[max(explaining, key=lambda id: self.faults[id].begin), kind] += 1
        return True

    def may_be_published_twice(self, task, last):
        """Whether a fault hit a publisher of the task before it was confirmed, or else before it began last."""
        publishers = [(end.pid, end.time, last) for earlier in before(task) for end in self.ends.get(earlier, ())]
        if self.has_delay_queues and task[0] == "e":
            answered = self.units["acked"].get(task) or self.units["refused"].get(task) or last
            sent = self.units["sent"][task]
            publishers.append((self.producers[task], sent, answered))
            if any(f.kind == "server-kill" and sent <= f.end and f.begin <= last for f in self.faults.values()):
                return True
        return any(
            fault.begin <= end and fault.end + AFTERMATH >= begin and fault.hit & {"*", str(pid)}
            for pid, begin, end in publishers for fault in self.faults.values()
        )

    def is_park_explained(self, task):
        begins = self.begins.get(task, [])
        # A poison's process dies by it, and that is noted a bit later: perhaps after another worker has begun it again.
        nexts = [begin.time for begin in begins[1:] if not is_poison(task)]
        nexts += [float("inf")] * (len(begins) - len(nexts))
        killed = (begin.time < self.killed.get(begin.pid, 0) < end for begin, end in zip(begins, nexts))
        return sum(killed) >= self.attempts
