"""Publishing: each message has an id of its own and all of Celery's headers, the bare loop's too.

The bare loop, and Celeriac in batches, await the broker's answers for 1,000 messages at a time; RabbitMQ confirms them.
"""
from harness.bars import Bar
from harness.contestants import BARE_FAMILY, GO_FAMILY, peers, producers
from harness.row import Row

OF_LOOP = {"Redis": 0.6, "RabbitMQ": 0.85}
BATCHED, SENDERS = "Celeriac, batches of 1,000", "Celeriac, 100 senders"


def publish(broker_name):
    def contests(site):
        broker = next(broker for broker in site.brokers if broker.name == broker_name)
        those = [producer for producer in producers(site.programs) if broker_name in producer.brokers]
        return site.contests(
            those, lambda producer: site.publish(producer, broker, None, site.number(producer, site.scale.tasks)))

    python = [family for family in peers(broker_name) if family != GO_FAMILY]
    bars = [
        Bar(BATCHED, "rate", at_least=OF_LOOP[broker_name], of=BARE_FAMILY),
        Bar(SENDERS, "rate", at_least=0.4, of=BATCHED),
        Bar(BATCHED, "rate", of=python),
    ]
    return Row(f"publish {broker_name.lower()}", f"Published: {broker_name}", ["rate", "cpu"], contests, bars)


ROWS = [publish(broker) for broker in ("Redis", "RabbitMQ")]
