"""Processes that a run starts. Each is ended by its id, by the kernel too if this process dies."""
import os
import signal
import socket
import subprocess
import time

# How long a process may take to end after SIGTERM.
PATIENCE = 40


def start(command, environment, log):
    """Starts a process; from the main thread only, since the kernel ends it with the thread that started it."""
    with open(log, "ab") as file:
        return subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "--", *command], env=environment, stdin=subprocess.DEVNULL, stdout=file,
            stderr=subprocess.STDOUT, start_new_session=True,
        )


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def tail(log, bytes=2000):
    with open(log, errors="replace") as file:
        return file.read()[-bytes:]


class Worker:
    """A place for a worker process: the next one takes it when one is killed."""

    def __init__(self, name, command, environment, folder, proxies, ledger):
        self.name, self.command, self.environment = name, command, environment
        self.proxies, self.ledger = proxies, ledger
        self.log = f"{folder}/{name}.log"
        self.process, self.is_stopping, self.pids = None, False, set()
        # The proxies to each of its sides, if it has several.
        self.cuts = []
        # Faults of its connections, which hit whoever takes this place meanwhile.
        self.faults = {}

    @property
    def pid(self):
        return self.process.pid

    @property
    def is_peer(self):
        return self.name.startswith("python")

    def spawn(self):
        self.process = start(self.command, os.environ | self.environment, self.log)
        self.pids.add(self.pid)
        self.ledger.note(self.pid, "spawned", self.name)
        for id, kind in self.faults.items():
            self.ledger.note(0, "fault", id, kind, self.pid)

    def tick(self):
        """Notes the end of the process and starts the next one."""
        if self.process is None or self.process.poll() is None:
            return
        self.ledger.note(self.pid, "died", self.process.returncode)
        self.process = None
        if not self.is_stopping:
            self.spawn()

    def signal(self, number):
        if self.process is not None and self.process.poll() is None:
            os.kill(self.pid, number)

    def terminate(self):
        self.is_stopping = True
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        self.deadline = time.monotonic() + PATIENCE

    def kill(self):
        self.is_stopping = True
        if self.process is not None:
            self.signal(signal.SIGKILL)
            self.process.wait()
