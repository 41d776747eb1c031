"""The two task systems: their messages, byte for byte as Celery and Go's Machinery write them, and their results."""
import json
import os
import uuid

import amqp

from harness.common import QUEUE, wait_until
from harness.servers import Redis
from harness.work import Add

# Celery cuts off what it shows of arguments.
SHOWN = 1000


def task_id(i):
    return f"00000000-0000-4000-8000-{i:012d}"


class Celery:
    """The messages and results of Celery 5.7."""

    name = "celery"

    def put(self, broker, number, work=Add()):
        broker.put_celery(self.messages(number, work))

    def messages(self, number, work=Add()):
        """Headers, properties that depend on the message, body."""
        origin, reply_to = f"gen{os.getpid()}@bench", str(uuid.uuid4())
        for i in range(number):
            id, arguments = task_id(i), work.arguments(i)
            headers = {
                "lang": "py",
                "task": work.task,
                "id": id,
                "shadow": None,
                "eta": work.eta(i),
                "expires": None,
                "group": None,
                "group_index": None,
                "retries": 0,
                "timelimit": [None, None],
                "root_id": id,
                "parent_id": None,
                "argsrepr": repr(tuple(arguments))[:SHOWN],
                "kwargsrepr": "{}",
                "origin": origin,
                "ignore_result": False,
                "replaced_task_nesting": 0,
                "stamped_headers": None,
                "stamps": {},
            }
            body = [arguments, {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]
            yield headers, {"correlation_id": id, "reply_to": reply_to}, json.dumps(body)

    def are_stored(self, results, number):
        return results.results.dbsize() >= number

    def result_key(self, i):
        return f"celery-task-meta-{task_id(i)}"

    def result(self, meta):
        return meta.get("status"), meta.get("result")


class Machinery:
    """The messages and states of Go's Machinery."""

    name = "machinery"

    def put(self, broker, number, work=Add()):
        bodies = (self.message(i, work) for i in range(number))
        if isinstance(broker, Redis):
            return broker.push("rpush", bodies)
        with broker.connect() as connection:
            channel = connection.channel()
            channel.exchange_declare("machinery_exchange", "direct", durable=True, auto_delete=False)
            channel.queue_declare(QUEUE, durable=True, auto_delete=False)
            channel.queue_bind(QUEUE, "machinery_exchange", QUEUE)
            for body in bodies:
                message = amqp.Message(body, content_type="application/json", delivery_mode=2)
                channel.basic_publish(message, exchange="machinery_exchange", routing_key=QUEUE)
        wait_until(lambda: broker.length() == number, "RabbitMQ has taken the messages")

    def message(self, i, work):
        arguments = [
            {"Name": "", "Type": type, "Value": value} for type, value in zip(work.types, work.arguments(i))
        ]
        signature = {"UUID": f"task_{task_id(i)}", "Name": work.task, "RoutingKey": QUEUE, "ETA": work.eta(i), "GroupUUID": ""}
        signature |= {"GroupTaskCount": 0, "Args": arguments, "Headers": {}, "Priority": 0, "Immutable": False}
        signature |= {"RetryCount": 0, "RetryTimeout": 0, "OnSuccess": None, "OnError": None, "ChordCallback": None}
        signature |= {"BrokerMessageGroupId": "", "SQSReceiptHandle": "", "StopTaskDeletionOnError": False}
        signature |= {"IgnoreWhenTaskNotRegistered": False}
        return json.dumps(signature, separators=(",", ":"))

    def are_stored(self, results, number):
        # A task has a state before it has its last one, and the last tasks of the queue are the last to have theirs.
        if results.results.dbsize() < number:
            return False
        last = results.results.mget([self.result_key(i) for i in range(max(0, number - 300), number)])
        return all(value and b'"SUCCESS"' in value for value in last)

    def result_key(self, i):
        return f"task_{task_id(i)}"

    def result(self, state):
        results = state.get("Results") or [{}]
        return state.get("State"), results[0].get("Value")


CELERY, MACHINERY = Celery(), Machinery()
