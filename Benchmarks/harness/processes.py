"""Processes that are measured, and what the kernel says of them."""
import json
import mmap
import os
import signal
import subprocess
import time

from harness.common import HERE, Failure

TICKS = os.sysconf("SC_CLK_TCK")


def tree(pid):
    """The ids of a process and its descendants."""
    pids = [pid]
    for parent in pids:
        try:
            for thread in os.listdir(f"/proc/{parent}/task"):
                with open(f"/proc/{parent}/task/{thread}/children") as file:
                    pids += map(int, file.read().split())
        except FileNotFoundError:
            pass
    return pids


def cpu_seconds(pid):
    """The processor time of a process tree, that of ended children included."""
    total = 0
    for member in tree(pid):
        try:
            with open(f"/proc/{member}/stat") as file:
                fields = file.read().rsplit(")", 1)[1].split()
            # The clock of another process: finer than the ticks of its stat, from which only ended children are taken.
            total += time.clock_gettime((~member << 3) | 2) + sum(map(int, fields[13:15])) / TICKS
        except OSError:
            pass
    return total


def megabytes(pid, field):
    """A field of the status of a process tree, summed up; pages shared by processes count for each."""
    total = 0
    for member in tree(pid):
        try:
            with open(f"/proc/{member}/status") as file:
                total += sum(int(line.split()[1]) for line in file if line.startswith(field))
        except FileNotFoundError:
            pass
    return total / 1024


def peak_megabytes(pid):
    return megabytes(pid, "VmHWM")


def resident_megabytes(pid):
    return megabytes(pid, "VmRSS")


def wakeups(pid):
    """How often the threads of a process tree have gone to sleep of their own will."""
    total = 0
    for member in tree(pid):
        try:
            for thread in os.listdir(f"/proc/{member}/task"):
                with open(f"/proc/{member}/task/{thread}/status") as file:
                    total += sum(int(line.split()[1]) for line in file if line.startswith("voluntary_ctxt_switches"))
        except FileNotFoundError:
            pass
    return total


def sockets(end, port, state):
    """The names under /proc of the TCP sockets in a state whose local (1) or remote (2) port this is."""
    found = set()
    for table in ("tcp", "tcp6"):
        with open(f"/proc/net/{table}") as file:
            for line in file.readlines()[1:]:
                fields = line.split()
                if fields[3] == state and int(fields[end].rsplit(":", 1)[1], 16) == port:
                    found.add(f"socket:[{fields[9]}]")
    return found


def has_one(pid, names):
    """Whether a process has one of the sockets open."""
    try:
        return any(os.readlink(entry.path) in names for entry in os.scandir(f"/proc/{pid}/fd"))
    except OSError:
        return False


def listener(port):
    """The id of the process that listens on a port; None if it cannot be found."""
    names = sockets(1, port, "0A")
    return next((int(pid) for pid in os.listdir("/proc") if pid.isdigit() and has_one(pid, names)), None)


class Slots:
    """Numbers in a file that processes count in: 8 bytes each."""

    def __init__(self, path, count):
        self.path, self.count = path, count
        with open(path, "wb") as file:
            file.write(bytes(count * 8))
        with open(path, "r+b") as file:
            self.slots = memoryview(mmap.mmap(file.fileno(), count * 8)).cast("Q")

    def clear(self):
        for i in range(self.count):
            self.slots[i] = 0


class Counter(Slots):
    """The tasks that workers have run: 64 slots, and how many of them are taken."""

    def __init__(self, path):
        super().__init__(path, 65)

    def value(self):
        return sum(self.slots[:64])


class Process:
    """A contestant's worker or producer."""

    def __init__(self, command, environment, log):
        self.log = log
        environment = os.environ | environment | {"PYTHONPATH": HERE + "/peers", "PYTHONDONTWRITEBYTECODE": "1"}
        with open(log, "wb") as file:
            try:
                self.process = subprocess.Popen(
                    command, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except OSError as error:
                raise Failure(f"{command[0]} cannot be started: {error.strerror}") from None
        self.pid = self.process.pid

    def failure(self, what):
        with open(self.log, errors="replace") as file:
            return Failure(f"{what}\n{file.read()[-3000:]}")

    def check(self):
        if self.process.poll() is not None:
            raise self.failure(f"it has ended with status {self.process.returncode}")

    def told(self, seconds, what):
        """The last line of JSON that a producer prints, once it has ended well; it may log beside."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise self.failure(f"{what} has not ended in {seconds:.0f} s") from None
        finally:
            self.stop()
        if self.process.returncode != 0:
            raise self.failure(f"{what} has ended with status {self.process.returncode}")
        with open(self.log, errors="replace") as file:
            lines = [line for line in file if line.startswith("{")]
        if not lines:
            raise self.failure(f"{what} has not said what it has done")
        return json.loads(lines[-1])

    def settle(self, seconds=60, must=True):
        """Waits until the process has begun and does nothing any more, or if it need not, until the time is over."""
        deadline = time.monotonic() + seconds
        time.sleep(0.5)
        used = cpu_seconds(self.pid)
        while time.monotonic() < deadline:
            self.check()
            time.sleep(0.5)
            now = cpu_seconds(self.pid)
            if now - used < 0.005:
                return
            used = now
        if must:
            raise self.failure(f"it is not idle after {seconds} s")

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
