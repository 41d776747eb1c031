"""The live tiers without Swift: plays the steps of a case to a worker, producer, client, beat or monitor beside a real broker.

Needs Python 3.10 and redis-server; for RabbitMQ the package amqp and a broker that is given by its URL.
"""
import base64, json, os, pathlib, queue, re, shutil, signal, socket, subprocess, sys, tempfile, threading, time, uuid
from datetime import datetime, timedelta, timezone
from urllib.parse import unquote, urlparse

import run

# A worker that has not finished the first task by then is not one that can be tested.
STARTING = 60
OWN = ("CELERY_BROKER_URL", "CELERY_RESULT_BACKEND", "BROKER", "RESULT_BACKEND", "DEFAULT_QUEUE")
QUEUES = ["celery", "machinery_tasks", "kit.other", *(f"kit.{name}" for name in (
    "every", "half", "hour", "keywords", "minute", "never", "options", "priority"))]
# Roles that are asked by lines, and those whose lines are read.
ASKED, READ = ("producer", "client"), ("producer", "client", "monitor")
# A shell has what runs behind it ignore SIGINT, and a testee would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Whether the testee's log is thrown away.
QUIET = bool(os.environ.get("KIT_QUIET"))


class Unmet(Exception):
    """A step that did not go as the case wants, in a sentence."""


class Late(Unmet):
    """What a step waits for did not come in time."""


class Gone(Exception):
    """The testee has ended."""


class Unimplemented(Exception):
    """The testee says that it has no such operation."""


# MARK: Servers

class Redis:
    """As much of a Redis client as the kit needs."""

    def __init__(self, url):
        parts = urlparse(url)
        self.database = int(parts.path.strip("/") or 0)
        self.socket = socket.create_connection((parts.hostname, parts.port or 6379))
        self.file = self.socket.makefile("rb")
        if parts.password:
            self("AUTH", *filter(None, [parts.username]), unquote(parts.password))
        self("SELECT", self.database)

    def send(self, *words):
        words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        self.socket.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))

    def __call__(self, *words):
        self.send(*words)
        return self.reply()

    def reply(self):
        line = self.file.readline()
        if not line:
            raise OSError("Redis has ended")
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise OSError(rest.decode())
        if kind == b"+":
            return rest.decode()
        if kind == b":":
            return int(rest)
        if int(rest) < 0:
            return None
        if kind == b"*":
            return [self.reply() for _ in range(int(rest))]
        return self.file.read(int(rest) + 2)[:-2]


class RedisServer:
    """A private redis-server."""

    def __init__(self):
        program = shutil.which("redis-server") or sys.exit("there is no redis-server")
        self.folder = tempfile.mkdtemp(prefix="kit-redis-")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.process = subprocess.Popen([program, "--port", str(port), "--bind", "127.0.0.1", "--dir", self.folder, "--save", ""],
                                        stdout=subprocess.DEVNULL)
        self.url = f"redis://127.0.0.1:{port}/0"
        deadline = time.monotonic() + 30
        while True:
            try:
                return Redis(self.url).socket.close()
            except OSError:
                if time.monotonic() > deadline:
                    sys.exit("redis-server did not start")
                time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def envelope(message, exchange, key):
    """A message as kombu puts it into Redis."""
    properties = {"correlation_id": message["headers"].get("id"), "delivery_mode": 2, "priority": 0, "body_encoding": "base64",
                  "delivery_info": {"exchange": exchange, "routing_key": key}, "delivery_tag": str(uuid.uuid4()),
                  **message.get("properties", {})}
    return json.dumps({"body": base64.b64encode(body_of(message)).decode(), "headers": message["headers"], "properties": properties,
                       "content-type": message.get("content_type", "application/json"),
                       "content-encoding": message.get("content_encoding", "utf-8")})


def body_of(message):
    if "base64" in message:
        return base64.b64decode(message["base64"])
    return message["text"].encode() if "text" in message else json.dumps(message["value"]).encode()


def seen(data):
    """What checks see of an element of a list: kombu's envelope opened, or a document as it is."""
    document = json.loads(data)
    if isinstance(document, dict) and "body" in document and "properties" in document:
        return opened(run.view("envelope", {"envelope": base64.b64encode(data).decode()}))
    return {"value": document}


def opened(found):
    """A message, with the value of a body that has one key as `only`: replies of workers are under the name of their node."""
    value = found["value"]
    return {**found, "only": next(iter(value.values()))} if isinstance(value, dict) and len(value) == 1 else found


class RedisBroker:
    def __init__(self, url):
        self.redis, self.url = Redis(url), url
        self.heard = {}

    def send(self, message, key):
        self.redis("LPUSH", key, envelope(message, "", key))

    def broadcast(self, message, exchange, key=""):
        channel = f"/{self.redis.database}.{exchange}" + (f"/{key}" if key else "")
        self.redis("PUBLISH", channel, envelope(message, exchange, key))

    def receive(self, queue, first):
        data = self.redis("LPOP" if first else "RPOP", queue)
        return None if data is None else seen(data)

    def bind(self, queue, exchange, key):
        for table in ("_kombu.binding.", "_kombu.binding_permanent."):
            self.redis("SADD", table + exchange, "\x06\x16".join([key, "", queue]))

    def listen(self, exchange):
        if exchange in self.heard:
            return
        messages, listener = queue.Queue(), Redis(self.url)
        listener("PSUBSCRIBE", f"/{self.redis.database}.{exchange}*")
        def read():
            try:
                while True:
                    messages.put(seen(listener.reply()[3]))
            except (OSError, ValueError):
                pass
        threading.Thread(target=read, daemon=True).start()
        self.heard[exchange] = messages

    def hear(self, exchange, limit):
        try:
            return self.heard[exchange].get(timeout=limit)
        except queue.Empty:
            return None

    def clear(self, queues):
        for name in queues:
            self.redis("DEL", name, *(f"{name}\x06\x16{step}" for step in (3, 6, 9)))
        for messages in self.heard.values():
            while not messages.empty():
                messages.get()


class RabbitMQBroker:
    def __init__(self, url):
        import amqp
        parts = urlparse(url)
        self.amqp, self.url, self.heard, self.declared = amqp, url, {}, set()
        self.connection = amqp.Connection(
            host=f"{parts.hostname}:{parts.port or 5672}", userid=unquote(parts.username or "guest"),
            password=unquote(parts.password or "guest"), virtual_host=unquote(parts.path[1:]) or "/")
        self.connection.connect()
        self.channel = self.connection.channel()

    def publish(self, message, exchange, key):
        properties = {"correlation_id": message["headers"].get("id"), "delivery_mode": 2, **message.get("properties", {})}
        self.channel.basic_publish(self.amqp.Message(
            body_of(message), content_type=message.get("content_type", "application/json"),
            content_encoding=message.get("content_encoding", "utf-8"), application_headers=message["headers"],
            **{k: v for k, v in properties.items() if v is not None}), exchange=exchange, routing_key=key)

    def send(self, message, key):
        # A worker that starts has not declared it yet.
        if key not in self.declared:
            self.channel.queue_declare(key, durable=True, auto_delete=False)
            self.declared.add(key)
        self.publish(message, "", key)

    def broadcast(self, message, exchange, key=""):
        self.publish(message, exchange, key)

    def receive(self, queue, first):
        try:
            message = self.channel.basic_get(queue, no_ack=True)
        except self.amqp.exceptions.NotFound:
            self.channel = self.connection.channel()
            return None
        if message is None:
            return None
        body = message.body.encode() if isinstance(message.body, str) else bytes(message.body)
        properties = {k: v for k, v in message.properties.items() if k != "application_headers"}
        found = {"headers": message.headers, "properties": properties, "content-type": properties.get("content_type"),
                 "content-encoding": properties.get("content_encoding"), "prefix": body[:6].hex(),
                 "exchange": message.delivery_info.get("exchange"), "routing_key": message.delivery_info.get("routing_key")}
        if compression := message.headers.get("compression"):
            body = run.DECOMPRESS[compression](body)
        return opened({**found, "value": run.parsed(body, found["content-type"])})

    def bind(self, queue, exchange, key):
        self.channel.exchange_declare(exchange, "direct", durable=False, auto_delete=False, passive=False)
        self.channel.queue_declare(queue, durable=False, exclusive=True, auto_delete=False)
        self.channel.queue_bind(queue, exchange, key)

    def listen(self, exchange):
        if exchange in self.heard:
            return
        self.channel.exchange_declare(exchange, "topic", durable=True, auto_delete=False)
        name = self.channel.queue_declare("", durable=False, exclusive=True)[0]
        self.channel.queue_bind(name, exchange, "#")
        self.heard[exchange] = name

    def hear(self, exchange, limit):
        return poll(lambda: self.receive(self.heard[exchange], True), limit)

    def clear(self, queues):
        for name in [*queues, *self.heard.values()]:
            try:
                self.channel.queue_purge(name)
            except self.amqp.exceptions.NotFound:
                self.channel = self.connection.channel()


def poll(find, limit):
    """What `find` finds, asked again and again until it is not None or the time is over."""
    deadline = time.monotonic() + limit
    while (found := find()) is None and time.monotonic() < deadline:
        time.sleep(0.01)
    return found


# MARK: The testee

class LiveTestee:
    """A program with the broker and the result store in its environment. Producers and clients are asked by lines, and monitors
    print what they hear."""

    def __init__(self, command, environment, role):
        asks, reads = role in ASKED, role in READ
        self.lines = queue.Queue()
        # Its first answer waits for the start of an interpreter.
        self.starting = STARTING
        # A developer's own brokers must not be those of a testee.
        own = {k: v for k, v in os.environ.items() if k not in OWN}
        self.process = subprocess.Popen(
            command, env={**own, **environment}, start_new_session=True, stdin=subprocess.PIPE if asks else subprocess.DEVNULL,
            stdout=subprocess.PIPE if reads else subprocess.DEVNULL, stderr=subprocess.DEVNULL if QUIET else None)
        if reads:
            def read(output=self.process.stdout, lines=self.lines):
                for line in output:
                    lines.put(line)
                lines.put(None)
            threading.Thread(target=read, daemon=True).start()

    def ask(self, question):
        try:
            self.process.stdin.write(json.dumps(question).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            raise Gone

    def line(self, limit):
        try:
            line = self.lines.get(timeout=limit)
        except queue.Empty:
            raise Late("no answer in time")
        if line is None:
            raise Gone
        return line

    def answer(self, limit):
        line = self.line(limit + self.starting)
        self.starting = 0
        try:
            answer = json.loads(line)
        except ValueError:
            raise Unmet("the answer is no JSON")
        if isinstance(answer, dict) and "unsupported" in answer:
            raise Unimplemented
        return answer

    def has_refused(self):
        """Whether the answer that waits says that there is no such operation."""
        try:
            return b'"unsupported"' in (self.lines.get_nowait() or b"")
        except queue.Empty:
            return False

    def ended(self):
        return self.process.poll()

    def stop(self):
        for number in (signal.SIGKILL,):
            try:
                os.killpg(self.process.pid, number)
            except ProcessLookupError:
                pass
        self.process.wait()


# MARK: A case

class Play:
    """One run of a case's steps."""

    def __init__(self, case, site):
        self.case, self.site, self.testee = case, site, site.testee
        self.names, self.began = {}, datetime.now(timezone.utc)

    def filled(self, value):
        """A value with the placeholders of its texts filled in."""
        if isinstance(value, dict):
            return {self.filled(k): self.filled(v) for k, v in value.items()}
        if isinstance(value, list):
            return [self.filled(v) for v in value]
        return re.sub(r"\$\{([^}]*)\}", lambda m: self.word(m[1]), value) if isinstance(value, str) else value

    def word(self, name):
        # ${now+2}: two seconds after the case began; ${nowz…} with Z, ${nown…} without a zone, ${nowi…} as in India.
        if time := re.fullmatch(r"now([zni]?)([+-][0-9.]+)?", name):
            when = self.began + timedelta(seconds=float(time[2] or 0))
            if time[1] == "i":
                when = when.astimezone(timezone(timedelta(hours=5, minutes=30)))
            text = when.isoformat(timespec="microseconds")
            return {"z": text.replace("+00:00", "Z"), "n": text.replace("+00:00", "")}.get(time[1], text)
        return self.names.setdefault(name, str(uuid.uuid4()))

    def run(self):
        for number, step in enumerate(self.case["input"]["steps"], 1):
            try:
                self.step(self.filled(step))
            except Unmet as error:
                if self.testee and self.testee.has_refused():
                    raise Unimplemented
                raise type(error)(f"step {number}: {error}")

    def step(self, step):
        broker, store = self.site.broker, self.site.store
        limit = step.get("within", 10)
        if "send" in step:
            broker.send(step["send"], step.get("to", "celery"))
        elif "broadcast" in step:
            broker.broadcast(step["broadcast"], step["exchange"], step.get("key", ""))
        elif "redis" in step:
            store(*(self.argument(word) for word in step["redis"]))
        elif "store" in step:
            text = step["text"] if "text" in step else json.dumps(step["value"])
            store("SETEX", step["store"], 600, text)
            if step.get("publish"):
                store("PUBLISH", step["store"], text)
        elif "result" in step:
            self.wait(lambda: self.document(step["result"]), step, limit, step["result"])
        elif "receive" in step:
            found = poll(lambda: broker.receive(step["receive"], step.get("end") == "left"), limit)
            self.look(found, step, f"no message in {step['receive']}")
        elif "subscribe" in step:
            self.channel = Redis(self.site.store_url)
            self.channel("SUBSCRIBE", step["subscribe"])
        elif "told" in step:
            self.told(step, limit)
        elif "bind" in step:
            broker.bind(step["bind"], step["exchange"], step["key"])
        elif "listen" in step:
            broker.listen(step["listen"])
        elif "hear" in step:
            self.hear(step, limit)
        elif "ask" in step:
            self.testee.ask(step["ask"])
        elif "answer" in step:
            self.look({"value": self.testee.answer(limit)}, step, "no answer")
        elif "printed" in step:
            self.printed(step, limit)
        elif "count" in step:
            self.count(step)
        elif "await" in step:
            def reply():
                value = store(*step["await"])
                return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
            if poll(lambda: True if reply() == step["is"] else None, limit) is None and not step.get("optional"):
                raise Late(f"{' '.join(step['await'])} is {reply()} instead of {step['is']}")
        elif "absent" in step:
            if store("EXISTS", step["absent"]):
                raise Unmet(f"{step['absent']} is there")
        elif "signal" in step:
            os.kill(self.testee.process.pid, getattr(signal, "SIG" + step["signal"]))
        elif "ended" in step:
            status = poll(self.testee.ended, limit)
            if status is None:
                raise Late("the testee has not ended")
            if status not in step["ended"]:
                raise Unmet(f"the testee has ended with {status}")
            self.testee = None
            self.site.restart()
        else:
            raise Unmet(f"this program knows no step {sorted(step)}")

    def argument(self, word):
        if not isinstance(word, dict):
            return word
        if "base64" in word:
            return base64.b64decode(word["base64"])
        return json.dumps(word["json"]) if "json" in word else envelope(word["envelope"], "", word.get("to", "celery"))

    def document(self, key):
        data = self.site.store("GET", key)
        return None if data is None else {"value": json.loads(data)}

    def problem(self, found, step):
        return next((why for check in step.get("checks", []) if (why := run.unmet(check, found))), None)

    def keep(self, found, step):
        for name, way in step.get("keep", {}).items():
            value = found
            for key in way:
                value = value[key]
            self.names[name] = str(value)

    def look(self, found, step, missing):
        if found is None:
            raise Late(missing)
        if why := self.problem(found, step):
            raise Unmet(why)
        self.keep(found, step)

    def wait(self, find, step, limit, what):
        why = [None]
        def good():
            if self.testee is not None and self.testee.ended() is not None:
                raise Gone
            found = find()
            why[0] = f"no {what}" if found is None else self.problem(found, step)
            return found if why[0] is None else None
        found = poll(good, limit)
        if found is None:
            raise (Late if why[0].startswith("no ") else Unmet)(why[0])
        self.keep(found, step)

    def told(self, step, limit):
        """The next messages of a channel, until one passes: a state may be told before the last one."""
        self.channel.socket.settimeout(limit)
        why = f"nothing was published to {step['told']}"
        try:
            while why:
                why = self.problem({"value": json.loads(self.channel.reply()[2])}, step)
        except OSError:
            raise Late(why)

    def printed(self, step, limit):
        """The next lines that a monitor prints, until one passes; `again` is a step that is taken each second until then."""
        deadline, why = time.monotonic() + limit, "nothing was printed"
        while (left := deadline - time.monotonic()) > 0:
            if "again" in step:
                self.step(step["again"])
            end = time.monotonic() + min(left, 1 if "again" in step else left)
            while (rest := end - time.monotonic()) > 0:
                try:
                    found = {"text": self.testee.line(rest).decode("utf-8", "replace").rstrip("\n")}
                except Late:
                    break
                why = self.problem(found, step)
                if why is None:
                    return self.keep(found, step)
        raise Late(why)

    def count(self, step):
        """How many messages come to a queue in a time, and whether each has an id of its own."""
        take = lambda: self.site.broker.receive(step["count"], False)
        while take() is not None:
            pass
        ids, deadline = [], time.monotonic() + step["over"]
        while (left := deadline - time.monotonic()) > 0:
            if (found := poll(take, left)) is not None:
                ids.append(found["headers"].get("id"))
        if not step["least"] <= len(ids) <= step["most"]:
            raise Unmet(f"{step['count']} had {len(ids)} messages")
        if len(set(ids)) < len(ids):
            raise Unmet(f"{step['count']} had two messages with the same id")

    def hear(self, step, limit):
        deadline, why = time.monotonic() + limit, "nothing was heard"
        while (left := deadline - time.monotonic()) > 0:
            message = self.site.broker.hear(step["hear"], left)
            if message is None:
                break
            # Workers send task events in arrays.
            values = message["value"] if isinstance(message["value"], list) else [message["value"]]
            for value in values:
                found = {**message, "value": value}
                problem = self.problem(found, step)
                if problem is None:
                    return self.keep(found, step)
                why = problem if why == "nothing was heard" or step["hear"] in why else why
        raise Late(why)


class Site:
    """The servers and the testee of a run."""

    def __init__(self, role, dialect, command, options):
        self.role, self.dialect, self.command, self.testee = role, dialect, command, None
        self.server = None if options.redis_url else RedisServer()
        url = options.redis_url or self.server.url
        self.store, self.store_url = Redis(url), url
        self.broker_url = url if options.broker == "redis" else options.broker_url
        self.broker = RedisBroker(url) if options.broker == "redis" else RabbitMQBroker(options.broker_url)
        self.environment = {"CELERY_BROKER_URL": self.broker_url, "CELERY_RESULT_BACKEND": url} if dialect == "celery" else {
            "BROKER": self.broker_url, "RESULT_BACKEND": url, "DEFAULT_QUEUE": "machinery_tasks"}

    def start(self):
        """Starts the testee if it does not run, and waits until a worker has done a task, a beat has sent one and a monitor hears."""
        if self.testee and self.testee.ended() is None:
            return
        # What a worker that was killed held is nobody's now.
        self.store("DEL", "unacked", "unacked_index", "unacked_mutex", "delayed_tasks")
        self.broker.clear(QUEUES)
        self.testee = LiveTestee(self.command, self.environment, self.role)
        Play(warmup(self.role, self.dialect), self).run()

    def restart(self):
        if self.testee:
            self.testee.stop()
        self.testee = None

    def stop(self):
        self.restart()
        if self.server:
            self.server.stop()

    def play(self, case):
        """The verdict on a case, and why."""
        try:
            self.start()
        except (Unmet, Gone) as error:
            sys.exit(f"the {self.role} did not begin: {error or 'it has ended'}") if isinstance(error, Unmet) else None
            self.restart()
            return "CRASH", "the testee ended before the case began"
        result, why = "OK", None
        try:
            Play(case, self).run()
            if self.testee and self.testee.ended() is not None:
                raise Gone
        except Unimplemented:
            result = "UNIMPLEMENTED"
        except Gone:
            result, why = "CRASH", "the testee has ended"
        except Late as error:
            result, why = "TIMEOUT", str(error)
        except Unmet as error:
            result, why = "FAILED", str(error)
        self.broker.clear(QUEUES)
        if result not in ("OK", "UNIMPLEMENTED"):
            self.restart()
        return result, why


def warmup(role, dialect):
    """The steps that tell that a testee works. Who is asked by lines is asked at once."""
    if role in ASKED:
        steps = []
    elif role == "beat":
        steps = [{"receive": "kit.every", "within": STARTING}]
    elif role == "monitor":
        # What is published before a monitor listens is lost: it is published again and again.
        steps = [{"listen": "celeryev"},
                 {"printed": True, "within": STARTING, "checks": [{"at": ["text"], "contains": "${a}"}], "again": {
                     "broadcast": {"headers": {"hostname": "kit-${a}@nowhere"}, "value": {
                         "type": "worker-heartbeat", "hostname": "kit-${a}@nowhere", "timestamp": 1795000000.25, "utcoffset": 0, "pid": 7,
                         "clock": 12, "freq": 2.0, "active": 0, "processed": 0}},
                     "exchange": "celeryev", "key": "worker.heartbeat"}}]
    elif dialect == "machinery":
        steps = [{"redis": ["RPUSH", "machinery_tasks", {"json": {"UUID": "task_${a}", "Name": "add", "Args": [
                     {"Name": "", "Type": "int64", "Value": 1}, {"Name": "", "Type": "int64", "Value": 2}]}}]},
                 {"result": "task_${a}", "checks": [{"at": ["value", "State"], "is": "SUCCESS"}], "within": STARTING}]
    else:
        steps = [{"send": {"headers": {"lang": "py", "task": "tasks.add", "id": "${a}", "root_id": "${a}", "parent_id": None, "group": None,
                                       "eta": None, "expires": None, "retries": 0, "timelimit": [None, None], "ignore_result": False},
                           "value": [[1, 2], {}, {"callbacks": None, "errbacks": None, "chain": None, "chord": None}]}},
                 {"result": "celery-task-meta-${a}", "checks": [{"at": ["value", "result"], "is": 3}], "within": STARTING}]
    return {"id": "warmup", "input": {"steps": steps}}


LEVELS = {"MUST": None, "SHOULD": "NON-STRICT", "MAY": "INFORMATIONAL", "INFORMATIONAL": "INFORMATIONAL"}


def lacking(case, options):
    """Whether a case asks for what the testee is said to lack."""
    return any(need in options.lacks for need in case["input"].get("needs", []))


def rows(cases, site, options):
    """Plays cases, what fails a second time to a new process."""
    for case in cases:
        if lacking(case, options):
            yield {"id": case["id"], "level": case["level"], "verdict": "UNIMPLEMENTED", "detail": None}
            continue
        result, why = site.play(case)
        if case["level"] == "INFORMATIONAL" and result != "UNIMPLEMENTED":
            result = "INFORMATIONAL"
        elif result in run.BAD:
            if LEVELS[case["level"]]:
                result = LEVELS[case["level"]]
            elif site.play(case)[0] == "OK":
                result = "FLAKY"
        yield {"id": case["id"], "level": case["level"], "verdict": result, "detail": why}
