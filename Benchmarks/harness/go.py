"""Builds the worker of the real Go Machinery, where Go and the module can be had."""
import os
import shutil
import subprocess

from harness.common import HERE, Failure, Skipped
from harness.contestants import GoWorker

MODULE = "github.com/RichardKnop/machinery/v2"


class Go:
    """Go's own variables say where the module comes from, as for Scripts/check go."""

    def __init__(self, folder):
        self.folder, self.program, self.reason = folder + "/go", None, None

    def build(self):
        """The program; raises Skipped with the reason where it cannot be had."""
        if self.reason:
            raise Skipped(self.reason)
        if not self.program:
            try:
                self.program = self.built()
            except Skipped as skipped:
                self.reason = str(skipped)
                raise
        return self.program

    def built(self):
        if not shutil.which("go"):
            raise Skipped("Go is not installed")
        if not os.path.exists(self.folder):
            shutil.copytree(HERE + "/peers/go", self.folder)
        program = self.folder + "/worker"
        built = self.run("build", "-mod=mod", "-o", program, ".")
        if built.returncode == 0:
            return program
        # A module that is there and does not fit is a failure.
        if self.run("list", "-mod=mod", "-deps", ".").returncode == 0:
            raise Failure(f"the worker of Go does not build:\n{built.stderr[-3000:]}")
        last = (built.stderr.strip().splitlines() or ["go build says nothing"])[-1]
        raise Skipped(f"the module {MODULE} cannot be had: {last}")

    def run(self, *words):
        return subprocess.run(["go", *words], cwd=self.folder, capture_output=True, text=True, timeout=600)

    def version(self):
        if not self.program:
            return f"Go Machinery skipped: {self.reason}" if self.reason else None
        return " ".join(self.run("version").stdout.split()[1:3])

    def workers(self):
        """The workers; which of them is best depends on broker and results."""
        program = self.build()
        return [GoWorker(program, concurrency) for concurrency in (4, 100)]
