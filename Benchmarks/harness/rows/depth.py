"""One queue of 1,000,000: how much of its rate on a short queue a worker keeps, beside the bare loop."""
from harness.bars import Bar
from harness.common import PATIENCE
from harness.contestants import BARE_FAMILY, OURS, Bare, CeleriacWorker
from harness.row import Row

DEEP = 1_000_000
# The worker may lose a tenth more than the loop does.
KEPT = 0.9


def depth(broker_name):
    def contests(site):
        broker = next(broker for broker in site.brokers if broker.name == broker_name)

        def fill(broker, number):
            producer = site.start(Bare(site.programs, "publish"), broker, None, number, log="producer")
            producer.told(PATIENCE + number / 1000, "the producer")

        def measure(worker):
            small = site.drain(worker, broker, None, site.scale.tasks, fill=fill)
            deep = site.drain(worker, broker, None, DEEP, fill=fill)
            return deep | {"small_rate": small["rate"], "kept": deep["rate"] / small["rate"]}

        return site.contests([CeleriacWorker(site.programs), Bare(site.programs, "drain")], measure)

    bars = [Bar(OURS, "kept", at_least=KEPT, of=BARE_FAMILY)]
    title = f"One queue of {DEEP:,}: {broker_name}, no results"
    metrics = ["rate", "small_rate", "kept", "cpu", "memory"]
    return Row(f"depth {broker_name.lower()}", title, metrics, contests, bars, quick=False)


ROWS = [depth(broker) for broker in ("Redis", "RabbitMQ")]
