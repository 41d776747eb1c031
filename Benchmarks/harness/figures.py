"""The arithmetic of the benchmark: medians, percentiles, ratios of figures of the same round, lines."""


def median(values):
    ordered = sorted(values)
    if not ordered:
        return None
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def percentile(counts, percent):
    """The first index of a histogram up to which so many percent of what was counted lies."""
    total, seen = sum(counts), 0
    if not total:
        return None
    for index, count in enumerate(counts):
        seen += count
        if seen * 100 >= total * percent:
            return index
    return len(counts) - 1


def ratios(own, others, best=max):
    """One's figure in each round in proportion to the best of the others' in the same round.

    own and each of the others are dictionaries from the round to a figure. A round in which one side has none counts for
    nothing.
    """
    found = []
    for round, figure in sorted(own.items()):
        there = [other[round] for other in others if round in other]
        if there and best(there):
            found.append(figure / best(there))
    return found


def line(samples):
    """The slope a second of the straight line through (seconds, value) pairs, and its first and its last value."""
    count = len(samples)
    mean_x = sum(x for x, _ in samples) / count
    mean_y = sum(y for _, y in samples) / count
    spread = sum((x - mean_x) ** 2 for x, _ in samples)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in samples) / spread if spread else 0.0
    begin, end = samples[0][0], samples[-1][0]
    return slope, mean_y + slope * (begin - mean_x), mean_y + slope * (end - mean_x)
