"""What Celery's own schedules answer, for the driver's operations ``crontab`` and ``interval``.

Instants are seconds since 1970. Every start is followed for ``steps`` runs, each counted from the one before.
"""
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from celery.schedules import crontab, schedule


def seconds(delta):
    return delta / timedelta(microseconds=1) / 1e6


def walk(made, zone, starts, steps):
    """For each start a list of [last run, next run, due a second before, due then]."""

    def instant(seconds):
        return datetime.fromtimestamp(seconds, zone)

    walks = []
    for start in starts:
        runs, last = [], start
        for _ in range(steps):
            made.nowfun = lambda: instant(last)
            following = last + seconds(made.remaining_estimate(instant(last)))
            made.nowfun = lambda: instant(following - 1)
            before = made.is_due(instant(last)).is_due
            made.nowfun = lambda: instant(following)
            runs.append([last, following, before, made.is_due(instant(last)).is_due])
            if following <= last:
                break
            last = following
        walks.append(runs)
    return walks


def answer(make, case):
    try:
        made = make()
    except Exception as error:
        return {"refused": type(error).__name__}
    made.tz = ZoneInfo(case["zone"])
    answered = {"walks": walk(made, made.tz, case["starts"], case["steps"])}
    if isinstance(made, crontab):
        sets = made.minute, made.hour, made.day_of_week, made.day_of_month, made.month_of_year
        answered["sets"] = [sorted(numbers) for numbers in sets]
    return answered


def crontabs(app, cases):
    def make(case):
        if "line" in case:
            made = crontab.from_string(case["line"])
            made.app = app
            return made
        return crontab(*case["fields"], app=app)

    return [answer(lambda: make(case), case) for case in cases]


def intervals(app, cases):
    return [answer(lambda: schedule(case["every"], relative=case["relative"], app=app), case) for case in cases]
