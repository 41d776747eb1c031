"""The servers of a run, as the benchmark fills, counts and clears them."""
import base64
import json
import socket
import uuid
from urllib.parse import urlsplit

import amqp
import redis

from harness.common import PATIENCE, QUEUE, wait_until

# How many messages, and how many bytes, are written before the server is asked for its replies.
PORTION, PORTION_BYTES = 1000, 4_000_000


class Redis:
    """A Redis database as broker (0, if not another) and as result store (the next one)."""

    name = "Redis"

    def __init__(self, url, database=0):
        server = url.rsplit("/", 1)[0]
        self.broker_url, self.results_url = f"{server}/{database}", f"{server}/{database + 1}"
        parts = urlsplit(url)
        self.host, self.port = parts.hostname, parts.port
        self.broker = redis.Redis.from_url(self.broker_url)
        self.results = redis.Redis.from_url(self.results_url)

    def clear(self):
        self.broker.flushall()

    def prepare(self):
        """A queue of Redis is there when something is in it."""

    def push(self, command, messages):
        with self.broker.pipeline(transaction=False) as pipeline:
            count = size = 0
            for message in messages:
                pipeline.execute_command(command, QUEUE, message)
                count, size = count + 1, size + len(message)
                if count == PORTION or size >= PORTION_BYTES:
                    pipeline.execute()
                    count = size = 0
            pipeline.execute()

    def put_celery(self, messages):
        self.push("lpush", map(self.envelope, messages))

    @staticmethod
    def envelope(message):
        headers, properties, body = message
        return json.dumps({
            "body": base64.b64encode(body.encode()).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": headers,
            "properties": properties
            | {
                "delivery_mode": 2,
                "delivery_info": {"exchange": "", "routing_key": QUEUE},
                "priority": 0,
                "body_encoding": "base64",
                "delivery_tag": str(uuid.uuid4()),
            },
        })

    def length(self):
        return self.broker.llen(QUEUE)

    def left(self):
        """How many messages are in the queue, or taken and not acknowledged."""
        return self.broker.llen(QUEUE) + self.broker.hlen("unacked") + self.broker.hlen(QUEUE + ".celeriac.claims")

    def first(self):
        """Headers, properties and body of the message that is next."""
        envelope = json.loads(self.broker.lindex(QUEUE, -1))
        return envelope["headers"], envelope["properties"], base64.b64decode(envelope["body"])

    def commands(self):
        """How many commands the server has carried out."""
        return self.broker.info("stats")["total_commands_processed"]

    def version(self):
        return "Redis " + self.broker.info("server")["redis_version"]


class RabbitMQ:
    """A RabbitMQ broker."""

    name = "RabbitMQ"

    def __init__(self, url):
        self.broker_url = url
        parts = urlsplit(url)
        self.host, self.port = parts.hostname, parts.port

    def connect(self):
        # Else py-amqp gives up when a broker that is catching up does not read for a second.
        patient = {socket.TCP_USER_TIMEOUT: PATIENCE * 1000}
        connection = amqp.Connection(
            f"{self.host}:{self.port}", userid="guest", password="guest", socket_settings=patient
        )
        connection.connect()
        return connection

    def clear(self):
        with self.connect() as connection:
            connection.channel().queue_delete(QUEUE)

    def prepare(self):
        """Declares the queue as Celery does."""
        with self.connect() as connection:
            connection.channel().queue_declare(QUEUE, durable=True, auto_delete=False)

    def put_celery(self, messages):
        with self.connect() as connection:
            channel = connection.channel()
            channel.queue_declare(QUEUE, durable=True, auto_delete=False)
            number = 0
            for headers, properties, body in messages:
                message = amqp.Message(
                    body,
                    content_type="application/json",
                    content_encoding="utf-8",
                    application_headers=headers,
                    delivery_mode=2,
                    priority=0,
                    **properties,
                )
                channel.basic_publish(message, exchange="", routing_key=QUEUE)
                number += 1
        wait_until(lambda: self.length() == number, "RabbitMQ has taken the messages")

    def length(self):
        with self.connect() as connection:
            return connection.channel().queue_declare(QUEUE, passive=True).message_count

    def left(self):
        return self.length()

    def first(self):
        """Headers, properties and body of the message that is next, which stays where it is."""
        with self.connect() as connection:
            message = connection.channel().basic_get(QUEUE)
            return message.headers, message.properties, message.body

    def version(self):
        with self.connect() as connection:
            return "RabbitMQ " + str(connection.server_properties.get("version"))


class Rpc:
    """Results that go back over RabbitMQ to whoever has sent the task."""

    name = "rpc"
    results_url = "rpc://"
