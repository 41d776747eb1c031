"""Tells a verdict."""
import json
import sys

SHOWN = 8


def listed(names):
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(map(str, list(names)[:SHOWN])) + more


def tell(verdict, heading):
    def row(name, names, kind=""):
        text = f" {kind}" if kind else ""
        print(f"  {name:12}{len(names):>9,}{text}{': ' + listed(names) if names else ''}", file=sys.stderr)

    print(f"\n{heading}", file=sys.stderr)
    faults = ", ".join(f"{kind} {count}" for kind, count in sorted(verdict.faults.items()))
    print(f"  faults      {faults}", file=sys.stderr)
    confirmed = f"{verdict.tasks:,} tasks; {verdict.acknowledged:,} confirmed"
    print(f"  sent        {verdict.sent:>9,}, {confirmed}", file=sys.stderr)
    print(f"  ok          {verdict.ok:>9,}", file=sys.stderr)
    print(f"  recovered   {len(verdict.recovered):>9,}", file=sys.stderr)
    row("lost", verdict.lost)
    if verdict.lost_by_the_peer:
        row("", verdict.lost_by_the_peer, "by the peer")
    if verdict.lost_by_a_delay_queue:
        row("", verdict.lost_by_a_delay_queue, "by a delay queue, as in Go")
    row("unexpected", verdict.unexpected)
    print(f"  duplicated  {len(verdict.duplicated):>9,}", file=sys.stderr)
    if verdict.bound:
        repeats = f"{verdict.repeats:,} times of at most {verdict.bound:,}"
        row("", verdict.forwarded_twice, f"forwarded again by a bridge, {repeats}")
    row("", verdict.unexplained_duplicates, "unexplained")
    print(f"  parked      {len(verdict.parked):>9,}: {listed(verdict.parked)}", file=sys.stderr)
    row("", verdict.unexplained_parked, "unexplained")
    row("unstored", verdict.unstored)
    row("leftovers", verdict.leftovers.items())
    row("stuck", verdict.stuck)
    row("crashed", verdict.crashed)
    print("  " + ("passed" if verdict.status == 0 else "FAILED"), file=sys.stderr, flush=True)


def print_json(verdicts):
    print(json.dumps([name | verdict.__dict__ | {"status": verdict.status} for name, verdict in verdicts]))
