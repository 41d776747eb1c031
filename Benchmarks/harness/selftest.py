"""Checks the arithmetic and the bars by figures written by hand: they must be right before they may judge a run."""
from harness.bars import Bar, told
from harness.figures import line, median, percentile, ratios
from harness.results import bars as table_of_bars
from harness.table import cells


def contest(name, family=None, rates=(), **more):
    return {"name": name, "family": family or name, "rounds": [
        {"round": round, "load": 0.5, "rate": rate} for round, rate in enumerate(rates, 1) if rate is not None
    ]} | more


ARITHMETIC = [
    ("the median of an odd number", median([5, 1, 3]), 3),
    ("the median of an even number", median([4, 1, 3, 2]), 2.5),
    ("one slow round moves no median", median([100, 101, 102, 103, 5]), 101),
    ("there is no median of nothing", median([]), None),
    ("half of a histogram", percentile([5, 3, 2], 50), 0),
    ("all of a histogram", percentile([5, 3, 2, 0], 100), 2),
    ("the last hundredth of a histogram", percentile([99, 0, 1], 99), 0),
    ("a histogram without anything", percentile([0, 0], 50), None),
    ("ratios are of the same round", ratios({"1": 10, "2": 30}, [{"1": 20, "2": 30}]), [0.5, 1.0]),
    ("the best of the others counts", ratios({"1": 10}, [{"1": 20}, {"1": 40}]), [0.25]),
    ("where less is better the least counts", ratios({"1": 10}, [{"1": 20}, {"1": 40}], min), [0.5]),
    ("a round that one side lacks", ratios({"1": 10, "2": 30}, [{"2": 60}]), [0.5]),
    ("no round in common", ratios({"1": 10}, [{"2": 60}]), []),
    ("nothing to compare with", ratios({"1": 10}, []), []),
    ("a line that rises", line([(0, 1.0), (1, 2.0), (2, 3.0)]), (1.0, 1.0, 3.0)),
]

LOOP = contest("loop", rates=[100, 200, 100])
SKIPPED = contest("Go", skipped="Go is not installed")

# Name, bar, contests, the value, and whether it is met.
JUDGED = [
    ("just met", Bar("we", "rate", at_least=0.8, of="loop"), [contest("we", rates=[80, 160, 80]), LOOP], 0.8, True),
    ("missed", Bar("we", "rate", at_least=0.8, of="loop"), [contest("we", rates=[79, 150, 79]), LOOP], 0.79, False),
    ("paired by rounds", Bar("we", "rate", at_least=1, of="loop"), [contest("we", rates=[100, 20, 100]), LOOP], 1.0, True),
    ("at most", Bar("we", "cpu", at_most=5, of="loop"), [contest("we"), LOOP], None, None),
    ("by itself", Bar("we", "rate", at_least=90), [contest("we", rates=[80, 100, 120])], 100, True),
    ("by itself, at most", Bar("we", "rate", at_most=90), [contest("we", rates=[80, 100, 120])], 100, False),
    ("no limit", Bar("we", "rate", of="loop"), [contest("we", rates=[50, 100, 50]), LOOP], 0.5, None),
    ("not measured", Bar("we", "rate", at_least=1), [LOOP], None, None),
    ("the other is skipped", Bar("we", "rate", at_least=8, of="Go"), [contest("we", rates=[8]), SKIPPED], None, None),
    (
        "by the other's family, whose best counts",
        Bar("we", "rate", at_least=1, of=["slow", "Celery"]),
        [contest("we", rates=[90]), contest("solo", "Celery", [100]), contest("prefork", "Celery", [50])], 0.9, False,
    ),
    (
        "never by itself",
        Bar("we", "rate", at_least=1, of="ours"),
        [contest("we", "ours", [50]), contest("they", "ours", [100])], 0.5, False,
    ),
    ("zero is a figure", Bar("we", "rate", at_most=0), [contest("we", rates=[0, 0])], 0, True),
]


def check():
    """Raises AssertionError with the name of what is wrong."""
    for name, found, expected in ARITHMETIC:
        assert found == expected, f"{name}: {found} instead of {expected}"
    for name, bar, contests, value, met in JUDGED:
        verdict = bar.judge(contests)
        assert verdict["value"] == value, f"{name}: {verdict['value']} instead of {value}"
        assert verdict["met"] is met, f"{name}: {verdict['met']} instead of {met}"
        assert verdict["value"] is not None or verdict["reason"], f"{name}: nothing says why there is no verdict"
        assert told(verdict), name
    # Peers that are not there are named, so that the best of the others does not pass for the best of all.
    peers = [contest("we", rates=[90]), contest("solo", "Celery", [60]), SKIPPED]
    verdict = Bar("we", "rate", at_least=1, of=["Celery", "Go"]).judge(peers)
    assert (verdict["value"], verdict["without"]) == (1.5, ["Go"]), verdict
    assert told(verdict).endswith("1.5, met (without Go)"), told(verdict)
    reason = JUDGED[8][1].judge(JUDGED[8][2])["reason"]
    assert reason == "Go skipped: Go is not installed", reason
    # What was not measured is in a table in words, and nowhere as a number.
    row = {"name": "row", "metrics": ["rate"], "contests": [SKIPPED], "verdicts": [JUDGED[8][1].judge(JUDGED[8][2])]}
    assert cells(row) == (["load"], [("Go", "skipped: Go is not installed")]), cells(row)
    assert f"not judged: {reason}" in table_of_bars([row]), table_of_bars([row])


if __name__ == "__main__":
    check()
