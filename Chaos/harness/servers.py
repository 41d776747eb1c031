"""The private servers of a run, which it restarts and kills."""
import base64
import json
import os
import re
import signal
import socket
import subprocess
import time

from harness.clients import amqp, redis
from harness.processes import free_port, start, tail

QUEUE = "chaos"
# How the names of queues begin in which bridges keep what they must not forget.
NOTES = "celeriac.bridge."
START_PATIENCE = 120
NAME = re.compile(rb'"([pechxq]\d+(?:\.\w)?)"')


class Failure(Exception):
    pass


class Server:
    process = None

    def __init__(self, folder):
        os.makedirs(folder)
        self.folder, self.port, self.log = folder, free_port(), folder + "/server.log"

    def spawn(self):
        self.process = start(self.command, self.environment, self.log)

    @property
    def has_ended(self):
        return self.process is None or self.process.poll() is not None

    def signal(self, number):
        if not self.has_ended:
            os.kill(self.process.pid, number)

    def ask(self, question):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 0.5) as connection:
                connection.sendall(question)
                return connection.recv(64)
        except OSError:
            return b""

    def launch(self):
        """Starts it and waits until it answers."""
        self.spawn()
        deadline = time.monotonic() + START_PATIENCE
        while not self.answers():
            if self.has_ended or time.monotonic() > deadline:
                raise Failure(f"{self.name} did not start:\n{tail(self.log)}")
            time.sleep(0.02)

    def stop(self):
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        if self.process is not None:
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.signal(signal.SIGKILL)
                self.process.wait()


class Redis(Server):
    name = "Redis"

    def __init__(self, folder):
        super().__init__(folder)
        self.command = ["redis-server", "--bind", "127.0.0.1", "--port", str(self.port), "--dir", folder, "--save", ""]
        # What it has confirmed is there after a kill.
        self.command += ["--appendonly", "yes", "--appendfsync", "always"]
        self.environment = dict(os.environ)
        self.client = redis.Redis(port=self.port, socket_timeout=10)
        self.results = redis.Redis(port=self.port, db=1, socket_timeout=60)

    def url(self, proxy, database=0):
        return f"redis://127.0.0.1:{proxy.port}/{database}"

    def answers(self):
        return self.ask(b"PING\r\n").startswith(b"+PONG")

    def leftovers(self):
        """How many messages are where they should not be after a run, by place."""
        places = {"delayed_tasks": self.client.zcard, "unacked": self.client.hlen, "unacked_index": self.client.zcard}
        places |= {QUEUE + ".celeriac.claims": self.client.hlen, QUEUE + ".celeriac.claimed": self.client.zcard}
        lists = [key.decode() for name in (QUEUE, NOTES) for key in self.client.scan_iter(name + "*", _type="list")]
        places |= {key: self.client.llen for key in lists if not key.endswith(".parked")}
        counts = {place: count(place) for place, count in places.items()}
        return {place: count for place, count in counts.items() if count}

    def parked(self):
        return [message_task(record) for record in self.client.lrange(QUEUE + ".parked", 0, -1)]

    def stored(self):
        """The tasks whose outcome is stored, each with whether it is a success."""
        keys = list(self.results.scan_iter(count=1000, _type="string"))
        outcomes = []
        for begin in range(0, len(keys), 1000):
            portion = keys[begin:begin + 1000]
            for key, value in zip(portion, self.results.mget(portion)):
                for state in ("SUCCESS", "FAILURE"):
                    if f'"{state}"'.encode() in (value or b""):
                        outcomes.append((key.decode().removeprefix("celery-task-meta-"), state == "SUCCESS"))
        return outcomes


class RabbitMQ(Server):
    name = "RabbitMQ"

    def __init__(self, folder):
        super().__init__(folder)
        programs = [path for path in ("/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin") if os.path.isdir(path)]
        if not programs:
            raise Failure("RabbitMQ is not installed: the package rabbitmq-server")
        self.control, self.command = programs[0] + "/rabbitmqctl", [programs[0] + "/rabbitmq-server"]
        distribution, epmd_port = free_port(), free_port()
        # One that the node started would outlive it.
        epmd = ["epmd", "-port", str(epmd_port), "-address", "127.0.0.1"]
        self.epmd = start(epmd, os.environ | {"HOME": folder}, folder + "/epmd.log")
        files = {"CONF_ENV_FILE": "rabbitmq-env.conf", "CONFIG_FILE": "rabbitmq.conf", "PID_FILE": "pid"}
        files |= {"ADVANCED_CONFIG_FILE": "advanced.config", "ENABLED_PLUGINS_FILE": "enabled_plugins"}
        files |= {"MNESIA_BASE": "mnesia", "LOG_BASE": "log"}
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("RABBITMQ_", "ERL_"))}
        self.environment |= {f"RABBITMQ_{name}": f"{folder}/{file}" for name, file in files.items()}
        self.environment |= {
            "HOME": folder,
            "ERL_EPMD_PORT": str(epmd_port),
            "ERL_CRASH_DUMP": folder + "/erl_crash.dump",
            "RABBITMQ_NODENAME": f"chaos-{distribution}@localhost",
            "RABBITMQ_DIST_PORT": str(distribution),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
            # The start script then execs the node, so that its id is ours.
            "RUNNING_UNDER_SYSTEMD": "true",
        }
        lines = [f"listeners.tcp.1 = 127.0.0.1:{self.port}", "log.file = false", "log.console = true"]
        lines += ["log.console.level = warning", "disk_free_limit.absolute = 50MB"]
        texts = {"rabbitmq.conf": "\n".join(lines) + "\n", "enabled_plugins": "[].\n", "rabbitmq-env.conf": ""}
        for file, text in texts.items():
            with open(f"{folder}/{file}", "w") as out:
                out.write(text)

    def url(self, proxy):
        return f"amqp://guest:guest@127.0.0.1:{proxy.port}//"

    def answers(self):
        # A method frame on channel 0.
        return self.ask(b"AMQP\x00\x00\x09\x01").startswith(b"\x01\x00\x00")

    def begin_control(self, *words):
        """Starts rabbitmqctl; it takes a second or two."""
        return start([self.control, "--quiet", *words], self.environment, self.folder + "/control.log")

    def leftovers(self):
        command = [self.control, "--quiet", "list_queues", "--formatter", "json", "name", "messages"]
        for _ in range(3):
            try:
                done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=30)
                break
            except subprocess.TimeoutExpired:
                continue  # It waits for ever for a queue that is deleted while it asks.
        else:
            raise Failure("rabbitmqctl list_queues does not answer")
        if done.returncode != 0:
            raise Failure(f"rabbitmqctl: {done.stderr[-2000:]}")
        counts = {queue["name"]: queue["messages"] for queue in json.loads(done.stdout)}
        return {
            name: count
            for name, count in counts.items()
            if count and name.startswith((QUEUE, NOTES, "delay.", "celeriac.delay")) and not name.endswith(".parked")
        }

    def parked(self):
        tasks = []
        with amqp.Connection(f"127.0.0.1:{self.port}") as connection:
            channel = connection.channel()
            try:
                while message := channel.basic_get(QUEUE + ".parked"):
                    body = message.body
                    tasks.append(message_task(body.encode() if isinstance(body, str) else body))
            except amqp.NotFound:
                pass
        return tasks

    def stop(self):
        super().stop()
        self.epmd.kill()
        self.epmd.wait()


def message_task(record):
    """The name of the task in a parked message."""
    if record.startswith(b"{"):
        try:
            parked = json.loads(record)
            record = parked.get("message", "").encode() or base64.b64decode(parked.get("message_base64", "")) or record
            envelope = json.loads(record)
            if "body" in envelope and "properties" in envelope:
                record = base64.b64decode(envelope["body"])
        except ValueError:
            pass
    found = NAME.search(record)
    return found[1].decode() if found else "unknown"
