"""Shows a row's data, on a terminal and as Markdown."""
from harness.bars import series, told
from harness.figures import median
from harness.metrics import METRICS


def medians(contest, metrics):
    return {metric: median(series(contest, metric).values()) for metric in metrics}


def cells(row):
    """Headings, and what each contestant has under them."""
    metrics = [metric for metric in row["metrics"] if any(series(contest, metric) for contest in row["contests"])]
    lines = []
    for contest in row["contests"]:
        if contest["rounds"]:
            figures = medians(contest, metrics)
            load = median([round["load"] for round in contest["rounds"]])
            lines.append((contest["name"], [METRICS[metric].text(figures[metric]) for metric in metrics] + [f"{load:.1f}"]))
        if reason := absence(contest):
            lines.append((contest["name"], reason))
    return [METRICS[metric].heading for metric in metrics] + ["load"], lines


def absence(contest):
    for reason in ("skipped", "failure"):
        if reason in contest:
            word = "skipped" if reason == "skipped" else "FAILED"
            text = contest[reason].strip()
            return f"{word}: {text.splitlines()[0] if text else ''}"
    return None


def of_rounds(row):
    rounds = row["rounds"]
    return "one run" if rounds == 1 else f"medians of {rounds}"


def text(row):
    headings, lines = cells(row)
    width = max([len(name) for name, _ in lines] + [30])
    shown = [f"\n{row['title']} ({of_rounds(row)})"]
    if len(headings) > 1:
        shown.append(" " * width + "".join(f"{heading:>{len(heading) + 3}}" for heading in headings))
    for name, values in lines:
        if isinstance(values, str):
            shown.append(f"{name:{width}}   {values}")
        else:
            shown.append(f"{name:{width}}" + "".join(f"{value:>{len(head) + 3}}" for head, value in zip(headings, values)))
    for verdict in row["verdicts"]:
        shown.append(f"    {'bar' if verdict['has_limit'] else 'ratio'}: {told(verdict)}")
    if row["note"]:
        shown.append(f"    {row['note']}")
    return "\n".join(shown)


def markdown(row):
    headings, lines = cells(row)
    head = ["", *headings]
    shown = ["| " + " | ".join(head) + " |", "|" + "---|" + "---:|" * len(headings)]
    for name, values in lines:
        row_cells = [values, *[""] * (len(headings) - 1)] if isinstance(values, str) else values
        shown.append("| " + " | ".join([name, *row_cells]) + " |")
    shown.append("")
    shown += [f"* {told(verdict)}" for verdict in row["verdicts"]]
    if row["note"]:
        shown.append(f"* {row['note']}")
    return "\n".join(shown)
