"""What foreign_worker.py makes of pytest's reports: run by Scripts/celery-suite before the suite."""
import os
from types import SimpleNamespace

os.environ["FOREIGN_MODE"] = "none"
import foreign_worker  # noqa: E402
import pytest  # noqa: E402

RACE = "celery.exceptions.ChordError: Dependency 1 raised ExpectedException()"


class SubtestReport(SimpleNamespace):
    pass


@pytest.fixture(autouse=True)
def tests(monkeypatch):
    monkeypatch.setattr(foreign_worker, "TESTS", {})


def report(outcome, text="", kind=SimpleNamespace):
    foreign_worker.pytest_runtest_logreport(kind(
        nodeid="t", outcome=outcome, failed=outcome == "failed", skipped=outcome == "skipped", when="call",
        duration=0, longrepr=text))


def outcome():
    return foreign_worker.TESTS["t"]["outcome"]


@pytest.mark.parametrize("text, expected", [(RACE, "passed"), ("TimeoutError", "failed")])
def test_a_test_that_races_may_be_tried_again_after_a_chord_error_only(text, expected):
    foreign_worker._rec("t")["races"] = True
    report("rerun", text)
    report("passed")
    assert outcome() == expected


@pytest.mark.parametrize("texts, expected", [([RACE], "passed"), ([RACE, "AssertionError"], "failed")])
def test_so_may_one_whose_subtests_failed(texts, expected):
    foreign_worker._rec("t")["races"] = True
    for text in texts:
        report("failed", text, SubtestReport)
    report("rerun", "contains failed subtests")
    report("passed")
    assert outcome() == expected


def test_what_fails_to_the_last_has_failed():
    foreign_worker._rec("t")["races"] = True
    report("rerun", RACE)
    report("failed", RACE)
    assert outcome() == "failed"


def test_a_failed_subtest_fails_its_test():
    report("failed", "AssertionError", SubtestReport)
    report("passed")
    assert outcome() == "failed"


def test_celerys_own_flaky_tests_may_be_tried_again_whatever_failed():
    report("rerun", "TimeoutError")
    report("passed")
    assert outcome() == "passed"
    assert foreign_worker.TESTS["t"]["attempts"] == 2
