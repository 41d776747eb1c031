"""A row of the whole table: contestants who take turns at one work, and the bars for it."""
import os
import time
import traceback

from harness.common import Failure, Skipped, say
from harness.metrics import METRICS


class Contest:
    """One contestant at the work: what measures it once, or why it cannot be measured."""

    def __init__(self, name, family, measure=None, skipped=None):
        self.name, self.family, self.measure, self.skipped = name, family, measure, skipped


class Row:
    def __init__(self, name, title, metrics, contests, bars=(), note="", quick=True, asked=False, rounds=None):
        """
        name      what --only asks for
        metrics   the figures that the table shows, in this order
        contests  makes the contests, at a site: called only if the row is run
        quick     whether a quick run has it
        asked     whether only --only runs it, since it takes very long
        rounds    how often it is measured at most, where that takes long
        """
        self.name, self.title, self.metrics, self.contests, self.bars = name, title, metrics, contests, bars
        self.note, self.quick, self.asked, self.rounds = note, quick, asked, rounds

    def run(self, site, matches=lambda name: True):
        """Lets the contestants have their turns, round by round. One who fails has no further turn."""
        contests = [contest for contest in self.contests(site) if matches(contest.name)]
        data = [{"name": contest.name, "family": contest.family, "rounds": []} for contest in contests]
        for contest, own in zip(contests, data):
            if contest.skipped:
                own["skipped"] = contest.skipped
                say(f"{self.name}, {contest.name}: skipped: {contest.skipped}")
        rounds = min(site.scale.rounds, self.rounds or site.scale.rounds)
        for round in range(1, rounds + 1):
            for contest, own in zip(contests, data):
                if "skipped" in own or "failure" in own:
                    continue
                self.turn(contest, own, round, rounds)
        return {
            "name": self.name, "title": self.title, "note": self.note, "metrics": self.metrics, "contests": data,
            "verdicts": [bar.judge(data) for bar in self.bars], "rounds": rounds, "tasks": site.scale.tasks,
            "measured": time.strftime("%Y-%m-%d"),
        }

    def turn(self, contest, own, round, rounds):
        load = os.getloadavg()[0]
        where = f"{self.name}, {contest.name}, {round} of {rounds}"
        try:
            figures = contest.measure()
        except Skipped as skipped:
            own["skipped"] = str(skipped)
            return say(f"{where}: skipped: {skipped}")
        except Failure as failure:
            own["failure"] = str(failure)
            return say(f"{where}: FAILED: {failure}")
        except Exception as error:
            # A server that answers badly, for instance: hours of other rows need not be lost for it.
            own["failure"] = f"{type(error).__name__}: {error}"
            return say(f"{where}: FAILED:\n{traceback.format_exc()}")
        own["rounds"].append({"round": round, "load": load} | figures)
        shown = [f"{METRICS[key].text(figures[key])} {METRICS[key].heading}" for key in self.metrics if key in figures]
        say(f"{where}: {', '.join(shown)}")


def has_failed(row):
    return any("failure" in contest for contest in row["contests"])
