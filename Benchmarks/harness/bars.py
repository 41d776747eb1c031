"""Bars: what a figure must be at least or at most, by itself or in proportion to somebody else's of the same run."""
from harness.figures import median, ratios
from harness.metrics import METRICS


class Bar:
    """Whose figure is judged, by which limit, and compared with whom. Without a limit it only says how things compare."""

    def __init__(self, own, metric, at_least=None, at_most=None, of=()):
        self.own, self.metric, self.at_least, self.at_most = own, metric, at_least, at_most
        self.of = (of,) if isinstance(of, str) else tuple(of)

    @property
    def text(self):
        limit = ""
        if self.at_least is not None:
            limit = f" ≥ {self.at_least:g}"
        elif self.at_most is not None:
            limit = f" ≤ {self.at_most:g}"
        against = ""
        if self.of:
            best = "the best of " if len(self.of) > 1 else ""
            against = (" ×" if limit else " in proportion to") + f" {best}{', '.join(self.of)}"
        return f"{self.own}: {METRICS[self.metric].heading}{limit}{against}"

    def judge(self, contests):
        """The verdict over the contests of a row, as they stand in its data."""
        has_limit = self.at_least is not None or self.at_most is not None
        verdict = {"bar": self.text, "has_limit": has_limit, "value": None, "met": None, "reason": None, "without": []}
        own = [contest for contest in contests if contest["name"] == self.own]
        figures = series(own[0], self.metric) if own else {}
        if not figures:
            return verdict | {"reason": absence(own) or f"{self.own} was not measured"}
        if not self.of:
            value = median(figures.values())
        else:
            others = [contest for contest in contests if {contest["name"], contest["family"]}.intersection(self.of)]
            others = [contest for contest in others if contest["name"] != self.own]
            best = METRICS[self.metric].best
            value = median(ratios(figures, [series(other, self.metric) for other in others], best))
            if value is None:
                return verdict | {"reason": absence(others) or f"{' and '.join(self.of)} not measured"}
            verdict["without"] = self.missing(others)
        return verdict | {"value": value, "met": self.is_met(value)}

    def missing(self, others):
        """Those of whom the best should count, and of whom nothing was measured."""
        there = set()
        for other in others:
            if series(other, self.metric):
                there |= {other["name"], other["family"]}
        return [name for name in self.of if name not in there]

    def is_met(self, value):
        if self.at_least is not None:
            return value >= self.at_least
        return value <= self.at_most if self.at_most is not None else None


def series(contest, metric):
    """A contest's figures by round."""
    return {str(round["round"]): round[metric] for round in contest["rounds"] if round.get(metric) is not None}


def absence(contests):
    """Why there are no figures."""
    for contest in contests:
        for reason in ("skipped", "failure"):
            if contest.get(reason):
                word = "skipped" if reason == "skipped" else "failed"
                return f"{contest['name']} {word}: {contest[reason].splitlines()[0]}"
    return None


def told(verdict):
    """A verdict in words."""
    if verdict["value"] is None:
        return f"{verdict['bar']}: not judged: {verdict['reason']}"
    judged = {True: ", met", False: ", MISSED", None: ""}[verdict["met"]]
    return f"{verdict['bar']}: {verdict['value']:,.3g}{judged}{without(verdict)}"


def without(verdict):
    return f" (without {', '.join(verdict['without'])})" if verdict["without"] else ""
