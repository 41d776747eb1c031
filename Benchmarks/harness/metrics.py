"""The figures that rows have: how a table heads and writes them, and which is better."""


class Metric:
    def __init__(self, heading, form, more_is_better=False):
        self.heading, self.form, self.more_is_better = heading, form, more_is_better

    @property
    def best(self):
        return max if self.more_is_better else min

    def text(self, value):
        return "" if value is None else self.form.format(value)


METRICS = {
    "rate": Metric("tasks/s", "{:,.0f}", more_is_better=True),
    "cpu": Metric("CPU µs a task", "{:,.1f}"),
    "memory": Metric("peak RSS MB", "{:,.0f}"),
    "p50": Metric("p50 ms", "{:,.2f}"),
    "p99": Metric("p99 ms", "{:,.2f}"),
    "begun_p50": Metric("begun p50 ms", "{:,.2f}"),
    "begun_p99": Metric("begun p99 ms", "{:,.2f}"),
    "load_rate": Metric("load tasks/s", "{:,.0f}"),
    "idle_memory": Metric("RSS idle MB", "{:,.1f}"),
    "loaded_memory": Metric("RSS loaded MB", "{:,.1f}"),
    "rise": Metric("rise %", "{:+,.2f}"),
    "bytes": Metric("bytes a task", "{:,.0f}"),
    "cpu_percent": Metric("CPU %", "{:,.3f}"),
    "late_p50": Metric("late p50 ms", "{:,.0f}"),
    "late_p99": Metric("late p99 ms", "{:,.0f}"),
    "late_max": Metric("latest ms", "{:,.0f}"),
    "early": Metric("early", "{:,.0f}"),
    "kept": Metric("rate kept", "{:,.3f}", more_is_better=True),
    "small_rate": Metric("tasks/s, short queue", "{:,.0f}", more_is_better=True),
    "server_cpu": Metric("server CPU µs a task", "{:,.1f}"),
    "wakeups": Metric("wake-ups/s", "{:,.1f}"),
    "commands": Metric("Redis commands/s", "{:,.2f}"),
    "growth": Metric("cost a member, 1,000 : 250", "{:,.2f}"),
    "share": Metric("share of the slower side", "{:,.2f}", more_is_better=True),
    "added_p50": Metric("added p50 ms", "{:,.2f}"),
    "added_p99": Metric("added p99 ms", "{:,.2f}"),
    "ended_p50": Metric("result added p50 ms", "{:,.2f}"),
    "ended_p99": Metric("result added p99 ms", "{:,.2f}"),
}
