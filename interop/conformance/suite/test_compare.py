"""That compare.py fails when it must: run by Scripts/celery-suite before the suite."""
import json
import os
import subprocess
import sys

import compare
import pytest

NAME = "redis-redis"
REFERENCE = compare.load(os.path.join(compare.LISTS, f"ext-{NAME}.json"))["tests"]
PASSES = next(name for name in compare.class_a() if REFERENCE[name] == "passed")


@pytest.fixture
def report():
    """A whole run as good as Python's."""
    tests = {name: {"outcome": REFERENCE[name]} for name in compare.class_a()}
    return {"exit_status": 0, "worker_ends": ["stopped 0", "stopped 0"], "tests": tests}


@pytest.fixture
def judge(tmp_path):
    def judge(report, *arguments):
        path = tmp_path / "report.json"
        path.write_text(json.dumps(report))
        command = [sys.executable, os.path.join(compare.HERE, "compare.py"), NAME, str(path), *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True).returncode

    return judge


def test_a_run_as_good_as_pythons_passes(report, judge):
    assert judge(report) == 0


@pytest.mark.parametrize("outcome", ["failed", "error", "skipped", "xfailed", None])
def test_what_passes_with_python_must_pass(report, judge, outcome):
    report["tests"][PASSES]["outcome"] = outcome
    assert judge(report) == 1
    assert judge(report, "--part") == 1


def test_a_test_that_was_not_run_counts(report, judge):
    del report["tests"][PASSES]
    assert judge(report) == 1
    assert judge(report, "--part") == 0


@pytest.mark.parametrize("status", [None, 2, 3, 4, 5])
def test_a_run_that_was_cut_counts(report, judge, status):
    report["exit_status"] = status
    assert judge(report) == 1


@pytest.mark.parametrize("ends", [[], ["died -11", "stopped 0"], ["stopped 1"], ["killed -9"]])
def test_a_worker_that_crashed_or_hung_counts(report, judge, ends):
    report["worker_ends"] = ends
    assert judge(report) == 1


def test_a_worker_that_died_under_a_test_counts(report, judge):
    report["tests"][PASSES]["worker_died"] = -11
    assert judge(report) == 1


def test_the_tests_of_a_list_must_be_there(report, judge, tmp_path):
    chosen = tmp_path / "chosen.txt"
    chosen.write_text(f"# a comment\n{PASSES}  # why\n")
    one = dict(report, tests={PASSES: report["tests"][PASSES]})
    assert judge(one, "--only", chosen) == 0
    assert judge(dict(one, tests={}), "--only", chosen) == 1
    chosen.write_text("t/integration/test_tasks.py::no_such_test\n")
    assert judge(one, "--only", chosen) == 1
    chosen.write_text("")
    assert judge(one, "--only", chosen) == 1


def test_a_kept_list_is_judged_alike(report, judge, tmp_path):
    kept = tmp_path / "kept.json"
    assert judge(report, "--keep", kept) == 0
    content = compare.load(kept)
    assert judge(content, "--list") == 0
    assert sum(content["totals"].values()) == len(compare.class_a())
    del content["tests"][PASSES]
    assert judge(content, "--list") == 1


def test_only_whole_runs_are_kept(report, judge, tmp_path):
    kept = tmp_path / "kept.json"
    judge(dict(report, exit_status=2), "--keep", kept)
    del report["tests"][PASSES]
    judge(report, "--keep", kept)
    assert not kept.exists()


def test_a_test_without_reference_counts(judge):
    assert compare.worse(["new"], {}, {"new": "passed"})


@pytest.mark.parametrize("outcome", ["failed", "skipped"])
def test_smoke_tests_are_judged_without_one_worker(outcome, tmp_path):
    reference = compare.load(os.path.join(compare.LISTS, "ext-smoke.json"))
    passes = next(name for name in compare.class_a("smoke") if reference["tests"].get(name) == "passed")
    chosen, path = tmp_path / "chosen.txt", tmp_path / "report.json"
    chosen.write_text(passes + "\n")

    def status(outcome):
        path.write_text(json.dumps({"exit_status": 0, "worker_ends": [], "tests": {passes: {"outcome": outcome}}}))
        command = [sys.executable, os.path.join(compare.HERE, "compare.py"), "smoke", str(path), "--only", str(chosen)]
        return subprocess.run(command, capture_output=True, text=True).returncode

    assert status("passed") == 0
    assert status(outcome) == 1


def test_a_reference_that_changes_is_unsteady():
    known = {"tests": {"steady": "passed", "changes": "passed"}, "unsteady": []}
    outcomes = {"steady": "passed", "changes": "failed", "new": "passed", "cut": None, "not-set-up": "error"}
    learned = compare.learn(known, {"tests": {name: {"outcome": outcome} for name, outcome in outcomes.items()}})
    assert learned["unsteady"] == ["changes"]
    assert learned["tests"] == {"steady": "passed", "changes": "passed", "new": "passed"}


def test_what_is_left_out_has_a_reason():
    entries = compare.load(os.path.join(compare.HERE, "smoke-classification.json"))
    left_out = {name for name, entry in entries.items() if entry.get("left_out")}
    assert left_out and not left_out & set(compare.class_a("smoke"))
