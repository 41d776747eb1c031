"""What tasks do: their names, their arguments and their results."""
from datetime import datetime, timezone


class Add:
    """add(i, i)"""

    task = "bench.add"
    types = ("int64", "int64")

    def arguments(self, i):
        return [i, i]

    def result(self, i):
        return i + i

    def eta(self, i):
        return None


class Length(Add):
    """The length of a text of so many bytes."""

    task = "bench.length"
    types = ("string",)

    def __init__(self, size):
        self.text = "x" * size

    def arguments(self, i):
        return [self.text]

    def result(self, i):
        return len(self.text)


class Late(Add):
    """Tasks that are due one after another, and take the time when they are, in microseconds since 1970."""

    task = "bench.late"
    types = ("int64",)

    def __init__(self, first, rate):
        self.first, self.rate = first, rate

    def due(self, i):
        return self.first + i / self.rate

    def arguments(self, i):
        return [int(self.due(i) * 1_000_000)]

    def eta(self, i):
        return datetime.fromtimestamp(self.due(i), timezone.utc).isoformat()
