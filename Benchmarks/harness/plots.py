"""Draws the plots of RESULTS.md: `python -m harness.plots RESULTS.json FOLDER`, which prints titles and file names as JSON.

Ends with status 3 and the reason where matplotlib is not there.
"""
import json
import os
import re
import sys

from harness.bars import series
from harness.figures import median

PAYLOADS = {"100 B": 100, "10 KB": 10_000, "1 MB": 1_000_000}
AXES = {
    "concurrency": "handlers (threads of Celery's pool)",
    "prefetch": "messages held for each of 16 handlers",
    "payload": "size of the argument",
}
SPANS = "least and most of the rounds"


def curves(rows, what):
    """For each broker the lines of a plot: name → [(x, median, least, most)]."""
    found = {}
    for row in rows:
        words = row["name"].split(" ", 2)
        if words[0] != what:
            continue
        lines = found.setdefault(words[1], {})
        for contest in row["contests"]:
            rates = list(series(contest, "rate").values())
            if not rates:
                continue
            if what == "payload":
                name, x = contest["name"], PAYLOADS[words[2]]
            else:
                name, x = re.fullmatch(r"(.*) (\d+)", contest["name"]).groups()
            lines.setdefault(name, []).append((int(x), median(rates), min(rates), max(rates)))
    return {broker: {name: sorted(points) for name, points in lines.items()} for broker, lines in found.items()}


def draw(pyplot, what, brokers, path):
    figure, axes = pyplot.subplots(1, len(brokers), figsize=(5.2 * len(brokers), 4.2), squeeze=False, sharey=True)
    for axis, (broker, lines) in zip(axes[0], sorted(brokers.items(), reverse=True)):
        for name, points in lines.items():
            x, y, least, most = zip(*points)
            drawn = axis.plot(x, y, marker="o", markersize=4, linewidth=2 if name.startswith("Celeriac") else 1.2, label=name)
            axis.fill_between(x, least, most, color=drawn[0].get_color(), alpha=0.15, linewidth=0)
        axis.set_xscale("log", base=10 if what == "payload" else 2)
        axis.set_yscale("log")
        if what == "payload":
            axis.set_xticks(list(PAYLOADS.values()), list(PAYLOADS))
        else:
            axis.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axis.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axis.set_title({"redis": "Redis", "rabbitmq": "RabbitMQ"}.get(broker, broker) + ", results in Redis", fontsize=11)
        axis.set_xlabel(AXES[what])
        axis.grid(True, which="major", linewidth=0.4, alpha=0.6)
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(fontsize=8, frameon=False, loc="best")
    axes[0][0].set_ylabel("tasks/s")
    figure.suptitle(f"Rate against {what} (median; shaded: {SPANS})", fontsize=12)
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def main(source, folder):
    try:
        import matplotlib
    except ImportError:
        print("matplotlib is not installed")
        sys.exit(3)
    matplotlib.use("Agg")
    from matplotlib import pyplot

    with open(source) as file:
        rows = json.load(file)["rows"]
    os.makedirs(folder, exist_ok=True)
    pictures = []
    for what in AXES:
        if brokers := curves(rows, what):
            draw(pyplot, what, brokers, f"{folder}/{what}.png")
            pictures.append((f"Rate against {what}", f"{what}.png"))
    print(json.dumps(pictures))


if __name__ == "__main__":
    main(*sys.argv[1:])
