"""What a run was made on and with."""
import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version

from harness.common import ROOT, Failure, Skipped


def first(path, name):
    try:
        with open(path) as file:
            for line in file:
                if line.startswith(name):
                    return line.split("=" if path.endswith("os-release") else ":", 1)[1].strip().strip('"')
    except OSError:
        pass
    return "unknown"


def output(*command):
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


def commit():
    """The commit that was measured, and whether what was built is more than that."""
    named = output("git", "rev-parse", "--short=10", "HEAD") or "unknown"
    # What an earlier run has written changes nothing that is measured.
    written = [f":!Benchmarks/{name}" for name in ("RESULTS.md", "results.json", "plots")]
    changes = output("git", "status", "--porcelain", "--untracked-files=no", "--", ".", *written)
    return named + (" with changes" if changes else "")


def machine():
    memory = first("/proc/meminfo", "MemTotal").split()
    size = f"{int(memory[0]) / 1024 / 1024:.0f} GiB" if memory[0].isdigit() else "unknown memory"
    model = first("/proc/cpuinfo", "model name")
    system = first("/etc/os-release", "PRETTY_NAME")
    return f"{os.cpu_count()} cores ({model}), {size}, {system}, Linux {platform.release().split('-')[0]}"


def software(site):
    """The versions of what takes part."""
    try:
        site.go.build()
    except (Failure, Skipped):
        pass  # The rows say why.
    swift = output("swift", "--version").splitlines()
    celery = peer_version("celery")
    named = [site.store.version(), site.rabbitmq.version(), f"Python {platform.python_version()}", celery]
    named += [next((line.strip() for line in swift if "Swift version" in line), None), site.go.version()]
    return ", ".join(name for name in named if name)


def peer_version(package):
    try:
        return f"{package.capitalize()} {version(package)}"
    except PackageNotFoundError:
        return None
