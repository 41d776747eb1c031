"""What is committed: results.json has the figures of the last run of every row, and RESULTS.md and the plots show them.

Nothing else writes there, and what a run has not measured stays as it was, with its own date, commit and machine.
"""
import json
import os
import subprocess

from harness.bars import without
from harness.common import HERE, PYTHON_BENCH, Failure, say
from harness.table import markdown, of_rounds

PATH = HERE + "/results.json"
PAGE = HERE + "/RESULTS.md"
PLOTS = HERE + "/plots"
HEAD = """# What the benchmark has measured

`Scripts/bench --write` writes this page and `results.json`, from what it has measured and from nothing else. Each figure is the
median of its contestant's rounds, in which all contestants of a row took their turns on the same servers; a ratio is the median
of the ratios of each round. Rates move with a machine and its load (the last column): the ratios are what to compare. All
contestants log warnings only, and events, traces and metrics are off, but for the rows that say what those cost. The head of
`Benchmarks/bench.py` explains the method, `Scripts/bench --only NAME` measures a row again.
"""


def merged(rows, order):
    """The rows of the last run, and of those before what it has not measured."""
    known = {}
    if os.path.exists(PATH):
        with open(PATH) as file:
            known = {row["name"]: row for row in json.load(file)["rows"]}
    known |= {row["name"]: row for row in rows}
    return [known[name] for name in order if name in known]


def page(rows, pictures=()):
    """RESULTS.md."""
    stamps = []
    for row in rows:
        if row["stamp"] not in stamps:
            stamps.append(row["stamp"])
    parts = [HEAD]
    for number, stamp in enumerate(stamps, 1):
        where = f"`{stamp['command']}` on {stamp['machine']}; {stamp['software']}."
        parts.append(f"**Run {number}**, {stamp['date']}, commit {stamp['commit']}: {where}\n")
    parts.append("## Bars\n\n" + bars(rows))
    if pictures:
        parts.append("## Plots\n\n" + "\n\n".join(f"![{title}](plots/{name})" for title, name in pictures) + "\n")
    parts.append("## Rows\n")
    for row in rows:
        run = stamps.index(row["stamp"]) + 1
        made = f"`{row['name']}`, {of_rounds(row)}, {row['tasks']:,} tasks, run {run}"
        parts.append(f"### {row['title']}\n\n{made}\n\n{markdown(row)}\n")
    return "\n".join(parts)


def bars(rows):
    """All verdicts in one table."""
    lines = ["| row | bar | is | |", "|---|---|---:|---|"]
    for row in rows:
        for verdict in row["verdicts"]:
            if not verdict["has_limit"]:
                continue
            value = "" if verdict["value"] is None else f"{verdict['value']:,.3g}"
            judged = {True: "met", False: "**missed**", None: f"not judged: {verdict['reason']}"}[verdict["met"]]
            judged += without(verdict)
            lines.append(f"| {row['name']} | {verdict['bar']} | {value} | {judged} |")
    return "\n".join(lines) + "\n"


def plots():
    """Draws what can be drawn, with matplotlib of the benchmark's environment; titles and file names."""
    if not os.path.exists(PYTHON_BENCH):
        say("plots skipped: Scripts/setup bench has made no environment")
        return []
    command = [PYTHON_BENCH, "-m", "harness.plots", PATH, PLOTS]
    run = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=300)
    if run.returncode == 3:
        say(f"plots skipped: {run.stdout.strip()}")
        return []
    if run.returncode != 0:
        raise Failure(f"the plots could not be drawn:\n{run.stderr[-2000:]}")
    return [tuple(picture) for picture in json.loads(run.stdout)]


def write(rows, order):
    known = merged(rows, order)
    with open(PATH, "w") as file:
        json.dump({"rows": known}, file, indent=1, ensure_ascii=False)
        file.write("\n")
    pictures = plots()
    with open(PAGE, "w") as file:
        file.write(page(known, pictures))
    say(f"wrote {', '.join(row['name'] for row in rows)} into {os.path.relpath(PAGE)} and {os.path.relpath(PATH)}")
