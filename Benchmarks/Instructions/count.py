"""Counts the instructions of decoding, encoding, sending and draining, and compares them with instructions.json.

Each thing is done N and 2N times under callgrind; the difference over N is what one costs, without the program's start.
What would make runs differ is taken away: hashes have no seed, and the concurrency pool has one thread (callgrind itself
runs one thread at a time). What is left is how threads take turns: what needs several is run several times, and the least
counts. Figures hold for one compiler and one set of dependencies: Scripts/check copies the versions of
the root's Package.resolved.
"""

import argparse
import json
import os
import re
import subprocess
import sys

LIMIT = 2.0  # percent
# How often each thing is done, and how many runs there are of it.
NUMBERS = {"decode": (2000, 1), "encode": (2000, 1), "send": (500, 3), "drain": (3000, 3)}


def collected(program, what, number):
    environment = dict(os.environ, SWIFT_DETERMINISTIC_HASHING="1", LIBDISPATCH_COOPERATIVE_POOL_STRICT="1")
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, what, str(number)]
    run = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600)
    found = re.search(r"Collected : (\d+)", run.stderr)
    if run.returncode != 0 or not found:
        sys.exit(f"Error: {' '.join(command)} ended with {run.returncode}:\n{run.stdout}{run.stderr}")
    return int(found[1])


def cost(program, what):
    number, runs = NUMBERS[what.split()[-1]]
    once, twice = (min(collected(program, what, count) for _ in range(runs)) for count in (number, 2 * number))
    return round((twice - once) / number)


def main():
    parser = argparse.ArgumentParser(prog="Scripts/check instructions", description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("figures")
    parser.add_argument("--update", action="store_true", help="rewrite the committed figures")
    options = parser.parse_args()
    # Without debug information, some forms of which older versions of valgrind cannot read.
    program = options.program + ".stripped"
    subprocess.run(["strip", "--strip-debug", "-o", program, options.program], check=True)
    things = subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines()
    before = {}
    if os.path.exists(options.figures):
        with open(options.figures) as file:
            before = json.load(file)
    after, grown = {}, []
    print(f"{'instructions for one':22}{'before':>10}{'after':>10}{'difference':>12}", flush=True)
    for thing in things:
        after[thing] = cost(program, thing)
        difference = (after[thing] - before[thing]) / before[thing] * 100 if thing in before else None
        if difference is None or difference > LIMIT:
            grown.append(thing)
        shown = "new" if difference is None else f"{difference:+.2f} %"
        print(f"{thing:22}{before.get(thing, '-'):>10}{after[thing]:>10}{shown:>12}", flush=True)
    gone = sorted(before.keys() - after.keys())
    if options.update:
        with open(options.figures, "w") as file:
            json.dump(after, file, indent=2)
            file.write("\n")
    elif grown or gone:
        sys.exit(
            f"Error: more than {LIMIT} % above Benchmarks/instructions.json, or not in it: {', '.join(grown) or 'none'}; "
            f"no longer measured: {', '.join(gone) or 'none'}. If it is meant: Scripts/check instructions --update")


main()
