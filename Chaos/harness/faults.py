"""The faults. Each is a generator that harms something, yields seconds or a condition to wait for, and mends it.

What a fault needs of chance was drawn when the schedule was made, so that a seed gives the same faults at the same
times: `place` chooses the client that it harms, `degree` is how bad it is, from 0 to 1. A fault of the server waits
until the one before it has ended.
"""
import random
import signal
from contextlib import contextmanager
from dataclasses import dataclass

from harness.clients import redis
from harness.proxy import HARMLESS

FAULTS = {}


def fault(brokers=("redis", "classic", "quorum"), is_of_server=False):
    def register(function):
        function.brokers, function.is_of_server = brokers, is_of_server
        FAULTS[function.__name__.replace("_", "-")] = function
        return function

    return register


@dataclass
class Planned:
    at: float
    kind: str
    place: int
    degree: float
    number: int


def schedule(seed, kills, kinds, pause, slowness=1):
    """Kills every 0.3 to 1 s, or so many times slower, and the other faults in turn, one every few seconds, servers less often."""
    chance = random.Random(seed)
    planned, at = [], 0.5
    if "kill" in kinds:
        for _ in range(kills):
            planned.append(("kill", at, chance.randrange(1 << 16), chance.random()))
            at += slowness * chance.uniform(0.3, 1)
    else:
        at += slowness * 0.65 * kills
    # A quorum queue of RabbitMQ 3.10 that was declared less than a second before a kill does not come back.
    others, end, at, quiet_until = [kind for kind in kinds if kind != "kill"], at, 1.0, 5.0
    turn = []
    while others and at < end:
        if not turn:
            turn = chance.sample(others, len(others))
        kind = turn.pop()
        if FAULTS[kind].is_of_server:
            at = max(at, quiet_until)
            quiet_until = at + pause
        planned.append((kind, at, chance.randrange(1 << 16), chance.random()))
        at += chance.uniform(1, 3)
    planned.sort(key=lambda fault: fault[1])
    return [Planned(at, kind, place, degree, n) for n, (kind, at, place, degree) in enumerate(planned)]


# Processes.


@fault()
def kill(site, plan):
    """SIGKILL to a worker or a bridge; the next one starts at once."""
    worker = site.worker(plan)
    with site.hitting(plan, worker):
        worker.signal(signal.SIGKILL)
    yield 0


@fault()
def freeze(site, plan):
    """SIGSTOP to a worker or a bridge until its claims have expired, then SIGCONT."""
    worker = site.worker(plan)
    with site.hitting(plan, worker):
        worker.signal(signal.SIGSTOP)
        yield site.claim + 0.5 + 2 * plan.degree
        worker.signal(signal.SIGCONT)


# Connections. They harm workers and the producer, or bridges: on one side or on both.


@fault()
def rst(site, plan):
    """RST to all connections of a client, on both sides."""
    client = site.client_of(plan)
    with site.hitting(plan, client):
        for proxy in site.cut(plan, client):
            proxy.reset()
        # The proxy's thread does it.
        yield 0.2


@contextmanager
def harming(site, plan, **settings):
    """Harms a client's connections, and yields their proxies."""
    client = site.client_of(plan)
    proxies = site.cut(plan, client)
    with site.hitting(plan, client, is_lasting=True):
        for proxy in proxies:
            for name, value in settings.items():
                setattr(proxy, name, value)
        try:
            yield proxies
        finally:
            for proxy in proxies:
                for name in settings:
                    setattr(proxy, name, HARMLESS[name])


@fault()
def blackhole(site, plan):
    """Nothing passes between a client and its servers, past the time that claims last; half of the time RST follows."""
    with harming(site, plan, is_black_hole=True) as proxies:
        yield site.claim + 2 * plan.degree
        if plan.degree < 0.5:
            for proxy in proxies:
                proxy.reset()
            yield 0.2


@fault()
def lost_answers(site, plan):
    """The servers do what a client says, and their answers are lost; then RST."""
    with harming(site, plan, drops_answers=True) as proxies:
        yield 0.1 + plan.degree
        for proxy in proxies:
            proxy.reset()
        yield 0.2


@fault()
def late_answers(site, plan):
    """Answers come up to 2 s late."""
    with harming(site, plan, lateness=0.2 + 1.8 * plan.degree):
        yield 4


@fault()
def throttle(site, plan):
    """2 to 20 kB pass in a second."""
    with harming(site, plan, rate=2000 + int(18000 * plan.degree)):
        yield 3


# Servers.


@fault(is_of_server=True)
def server_kill(site, plan):
    """SIGKILL to the broker, which starts again after up to 2 s."""
    yield from restart(site, plan, signal.SIGKILL)


@fault(is_of_server=True)
def server_restart(site, plan):
    """SIGTERM to the broker, which starts again after up to 2 s."""
    yield from restart(site, plan, signal.SIGTERM)


def restart(site, plan, number):
    broker = site.broker_of(plan)
    with site.hitting(plan):
        broker.signal(number)
        yield lambda: broker.has_ended
        yield 2 * plan.degree
        broker.spawn()
        yield broker.answers


@fault(is_of_server=True)
def server_freeze(site, plan):
    """SIGSTOP to the broker for 1 to 4 s."""
    broker = site.broker_of(plan)
    with site.hitting(plan):
        broker.signal(signal.SIGSTOP)
        yield 1 + 3 * plan.degree
        broker.signal(signal.SIGCONT)


@fault(["redis"], is_of_server=True)
def client_kill(site, plan):
    """CLIENT KILL of all connections of a client."""
    client, broker = site.client_of(plan), site.broker_of(plan)
    with site.hitting(plan, client):
        for port in [port for proxy in client.proxies if proxy.upstream == broker.port for port in proxy.ports()]:
            try:
                broker.client.execute_command("CLIENT", "KILL", "ADDR", f"127.0.0.1:{port}")
            except redis.ResponseError:
                pass  # It has gone meanwhile.
        yield 0.2


@fault(["redis"], is_of_server=True)
def client_pause(site, plan):
    """CLIENT PAUSE: Redis answers nobody for 1 to 4 s."""
    with site.hitting(plan):
        milliseconds = 1000 + int(3000 * plan.degree)
        site.broker_of(plan).client.execute_command("CLIENT", "PAUSE", milliseconds, "ALL")
        yield milliseconds / 1000 + 0.2


@fault(["redis"], is_of_server=True)
def oom(site, plan):
    """Redis is out of memory for 1 to 3 s: it refuses to write."""
    broker = site.broker_of(plan)
    with site.hitting(plan):
        broker.client.config_set("maxmemory", 1)
        yield 1 + 2 * plan.degree
        broker.client.config_set("maxmemory", 0)


@fault(["redis"], is_of_server=True)
def readonly(site, plan):
    """Redis is a replica for 1 to 3 s: it refuses to write, with READONLY."""
    broker = site.broker_of(plan)
    with site.hitting(plan):
        broker.client.execute_command("REPLICAOF", "127.0.0.1", site.dead_port)
        yield 1 + 2 * plan.degree
        broker.client.execute_command("REPLICAOF", "NO", "ONE")


@fault(["classic", "quorum"], is_of_server=True)
def alarm(site, plan):
    """RabbitMQ's memory alarm for 1 to 3 s: it reads from no publisher."""
    with site.hitting(plan):
        yield from control(site, plan, "set_vm_memory_high_watermark", "0.000001")
        yield 1 + 2 * plan.degree
        yield from control(site, plan, "set_vm_memory_high_watermark", "0.8")


@fault(["classic", "quorum"], is_of_server=True)
def close_connections(site, plan):
    """RabbitMQ closes all connections, as an operator does."""
    with site.hitting(plan):
        yield from control(site, plan, "close_all_connections", "--global", "chaos")


def control(site, plan, *words):
    process = site.broker_of(plan).begin_control(*words)
    yield lambda: process.poll() is not None


@fault(["classic", "quorum"], is_of_server=True)
def store_kill(site, plan):
    """SIGKILL to the Redis that holds the results, which starts again after up to 2 s."""
    store = site.store_of(plan)
    with site.hitting(plan):
        store.signal(signal.SIGKILL)
        yield lambda: store.has_ended
        yield 2 * plan.degree
        store.spawn()
        yield store.answers
