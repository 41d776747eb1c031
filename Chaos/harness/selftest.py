"""Judges ledgers written by hand: the judge must find each defect, and nothing else, before it may judge a run."""
from harness.judge import FAILURES, Judge
from harness.ledger import parse

SECOND = 1_000_000_000
BRIDGE = "0 30 spawned bridge-1; "
SOUND = "0 1 sent p1; 1 1 acked p1; 2 10 begin p1; 3 10 end p1"
POISON = "0 1 sent x1; 1 1 acked x1; 9 1 parked x1"
# Due at 1 s and a half, or a second later; its queue is dropped at the latest three seconds after it was confirmed.
DELAYED = "0 1 sent e27; 1 1 acked e27"

# Name, ledger (times in seconds), what else is known, and the failures that must be found, each with what it names.
CASES = [
    ("a sound run", SOUND, {}, {}),
    ("nothing confirmed, nothing run", "0 1 sent p1; 1 1 refused p1", {}, {}),
    ("a lost task", "0 1 sent p1; 1 1 acked p1", {}, {"lost": ["p1"]}),
    ("a task that began and never ended", "0 1 sent p1; 1 1 acked p1; 2 10 begin p1", {}, {"lost": ["p1"]}),
    ("a recovered task", "0 1 sent p1; 1 1 refused p1; 2 10 begin p1; 3 10 end p1", {}, {}),
    ("a task that nobody sent", SOUND + "; 4 10 begin p2; 5 10 end p2", {}, {"unexpected": ["p2"]}),
    ("an unexplained duplicate", SOUND + "; 9 11 begin p1; 10 11 end p1", {}, {"unexplained_duplicates": ["p1"]}),
    (
        "a duplicate explained by a kill",
        "0 1 sent p1; 1 1 acked p1; 2 10 begin p1; 3 0 fault f1 kill 10; 3 0 healed f1; 3 10 died -9; "
        "4 11 begin p1; 5 11 end p1",
        {},
        {},
    ),
    (
        "a kill of another process explains nothing",
        SOUND + "; 4 0 fault f1 kill 12; 4 0 healed f1; 9 11 begin p1; 10 11 end p1",
        {},
        {"unexplained_duplicates": ["p1"]},
    ),
    (
        "a kill of the second process explains nothing",
        SOUND + "; 4 0 fault f1 kill 11; 4 0 healed f1; 9 11 begin p1; 10 11 end p1",
        {},
        {"unexplained_duplicates": ["p1"]},
    ),
    (
        "a kill before the first beginning explains nothing",
        "0 1 sent p1; 1 1 acked p1; 1 0 fault f1 kill 10; 1 0 healed f1; 5 10 begin p1; 6 10 end p1; 9 11 begin p1",
        {},
        {"unexplained_duplicates": ["p1"]},
    ),
    (
        "a kill after the second beginning explains nothing",
        SOUND + "; 4 11 begin p1; 5 11 end p1; 6 0 fault f1 kill 10; 6 0 healed f1",
        {},
        {"unexplained_duplicates": ["p1"]},
    ),
    (
        "a third beginning needs a fault of its own",
        SOUND + "; 4 0 fault f1 kill 10; 4 0 healed f1; 5 11 begin p1; 6 11 end p1; 9 12 begin p1",
        {},
        {"unexplained_duplicates": ["p1"]},
    ),
    (
        "a hold that was lost while the task waited for its turn",
        "0 1 sent p1; 1 1 acked p1; 1 0 fault f1 readonly *; 2 0 healed f1; 9 10 begin p1; 9 10 end p1; 11 11 begin p1",
        {},
        {},
    ),
    (
        "a fault of long before explains nothing",
        "0 1 sent p1; 1 1 acked p1; 1 0 fault f1 readonly *; 2 0 healed f1; 11 10 begin p1; 11 10 end p1; 12 11 begin p1",
        {},
        {"unexplained_duplicates": ["p1"]},
    ),
    ("a server's fault hits all", SOUND + "; 3 0 fault f1 server-kill *; 4 0 healed f1; 5 11 begin p1", {}, {}),
    (
        "a frozen worker that held it begins second",
        "0 1 sent p1; 1 1 acked p1; 1 0 fault f1 freeze 10; 5 11 begin p1; 6 11 end p1; 7 0 healed f1; 8 10 begin p1",
        {},
        {},
    ),
    (
        "a delayed task whose producer was hit before it was confirmed",
        "0 1 sent e27; 1 0 fault f1 rst 1; 1 0 healed f1; 4 1 acked e27; 5 10 begin e27; 9 11 begin e27; 9 11 end e27",
        {"has_delay_queues": True},
        {},
    ),
    (
        "a delayed task that was in its queue when the broker was killed",
        DELAYED + "; 3 0 fault f1 server-kill *; 4 0 healed f1; 6 10 begin e27; 6 10 end e27; 7 11 begin e27; "
        "7 11 end e27",
        {"has_delay_queues": True},
        {},
    ),
    (
        "a delayed task whose producer was hit after it was confirmed",
        DELAYED + "; 3 0 fault f1 rst 1; 3 0 healed f1; 5 10 begin e27; 9 11 begin e27; 9 11 end e27",
        {"has_delay_queues": True},
        {"unexplained_duplicates": ["e27"]},
    ),
    (
        "a link whose publisher was hit before it was confirmed",
        "0 1 sent c1; 1 1 acked c1; 2 9 begin c1.0; 3 9 end c1.0; 3 0 fault f1 rst 9; 3 0 healed f1; 4 10 begin c1.1; "
        "4 10 end c1.1; 5 10 begin c1.1; 5 10 end c1.1; 6 10 begin c1.2; 6 10 end c1.2",
        {},
        {},
    ),
    (
        "a link whose publisher was hit before it published",
        "0 1 sent c1; 1 1 acked c1; 1 0 fault f1 rst 9; 1 0 healed f1; 3 9 begin c1.0; 4 9 end c1.0; 4 10 begin c1.1; "
        "4 10 end c1.1; 5 10 begin c1.1; 5 10 end c1.1; 6 10 begin c1.2; 6 10 end c1.2",
        {},
        {"unexplained_duplicates": ["c1.1"]},
    ),
    (
        "a task without ETA whose producer was hit before it was confirmed",
        "0 1 sent p1; 1 0 fault f1 rst 1; 1 0 healed f1; 4 1 acked p1; 5 10 begin p1; 9 11 begin p1; 9 11 end p1",
        {"has_delay_queues": True},
        {"unexplained_duplicates": ["p1"]},
    ),
    ("a leftover", SOUND, {"leftovers": {"the queue": 1}}, {"leftovers": {"the queue": 1}}),
    ("a stuck worker", SOUND, {"stuck": ["swift-1"]}, {"stuck": ["swift-1"]}),
    ("a worker that crashes", SOUND + "; 9 10 died -11", {}, {"crashed": ["process 10 with status -11"]}),
    ("a worker that somebody else kills", SOUND + "; 9 10 died -9", {}, {"crashed": ["process 10, killed by nobody"]}),
    ("a result that is not there", SOUND + "; 9 0 read results", {}, {"unstored": ["p1"]}),
    ("a result that is there", SOUND + "; 9 0 stored p1; 9 0 read results", {}, {}),
    (
        "a parked task whose failure is stored",
        POISON + "; 2 10 begin x1; 3 10 died -9; 4 11 begin x1; 5 11 died -9; 9 0 failed x1; 9 0 read results",
        {"attempts": 2},
        {},
    ),
    (
        "a parked task of which nobody was told",
        POISON + "; 2 10 begin x1; 3 10 died -9; 4 11 begin x1; 5 11 died -9; 9 0 read results",
        {"attempts": 2},
        {"unstored": ["x1"]},
    ),
    ("a failure of a task that ended", SOUND + "; 9 0 failed p1; 9 0 read results", {}, {"unstored": ["p1"]}),
    (
        "a delayed task whose queue was dropped",
        DELAYED + "; 1 0 fault f1 server-freeze *; 4 0 healed f1",
        {"has_delay_queues": True},
        {},
    ),
    ("a delayed task whose queue stood", DELAYED, {"has_delay_queues": True}, {"lost": ["e27"]}),
    (
        "a delayed task whose broker stood still long after its time",
        DELAYED + "; 6 0 fault f1 server-freeze *; 9 0 healed f1",
        {"has_delay_queues": True},
        {"lost": ["e27"]},
    ),
    (
        "a delayed task whose broker stood still long before its time",
        "2 1 sent e27; 3 1 acked e27; 0 0 fault f1 server-kill *; 1 0 healed f1",
        {"has_delay_queues": True},
        {"lost": ["e27"]},
    ),
    (
        "a delayed task that began",
        DELAYED + "; 1 0 fault f1 server-freeze *; 4 0 healed f1; 5 10 begin e27",
        {"has_delay_queues": True},
        {"lost": ["e27"]},
    ),
    (
        "a delayed task where there are no delay queues",
        DELAYED + "; 1 0 fault f1 server-freeze *; 4 0 healed f1",
        {},
        {"lost": ["e27"]},
    ),
    (
        "a poison task that is parked after enough beginnings",
        POISON + "; 2 10 begin x1; 3 10 died -9; 4 11 begin x1; 5 11 died -9",
        {"attempts": 2},
        {},
    ),
    (
        "a parked task that began again before its worker's death was noted",
        POISON + "; 2 10 begin x1; 3 0 fault f1 kill 10; 3 0 healed f1; 4 11 begin x1; 5 10 died -9; 5 11 died -9",
        {"attempts": 2},
        {},
    ),
    (
        "a poison that began again before the death that it caused was noted",
        POISON + "; 2 10 begin x1; 4 11 begin x1; 5 10 died -9; 5 11 died -9",
        {"attempts": 2},
        {},
    ),
    (
        "a task that is parked after too few",
        POISON + "; 2 10 begin x1; 3 10 died -9",
        {"attempts": 2},
        {"unexplained_parked": ["x1"]},
    ),
    (
        "a task that is parked although a process was only killed much later",
        POISON.replace("x1", "p1") + "; 2 10 begin p1; 3 11 begin p1; 1 0 fault f1 server-kill *; 8 0 healed f1; "
        "2 0 fault f2 kill 10,11; 4 10 died -9; 5 11 died -9",
        {"attempts": 2},
        {"unexplained_parked": ["p1"]},
    ),
    (
        "a chord's body behind a parked member",
        "0 1 sent h1; 1 1 acked h1; 2 9 begin h1.0; 3 9 end h1.0; 2 9 begin h1.1; 3 9 end h1.1; 2 9 begin h1.2; "
        "3 9 end h1.2; 3 0 fault f1 kill 9; 4 9 died -9; 5 1 parked h1.0",
        {"attempts": 1},
        {},
    ),
    ("a task that is parked and never began", POISON, {}, {"unexplained_parked": ["x1"]}),
    (
        "a poison task that is gone",
        "0 1 sent x1; 1 1 acked x1; 2 10 begin x1; 3 10 died -9",
        {"attempts": 1},
        {"lost": ["x1"]},
    ),
    (
        "a broken chain",
        "0 1 sent c1; 1 1 acked c1; 2 10 begin c1.0; 3 10 end c1.0",
        {},
        {"lost": ["c1.1", "c1.2"]},
    ),
    (
        "a broken chain that was not confirmed",
        "0 1 sent c1; 1 1 refused c1; 2 10 begin c1.0; 3 10 end c1.0; 4 10 begin c1.1; 5 10 end c1.1",
        {},
        {"lost": ["c1.2"]},
    ),
    (
        "a chord without its body",
        "0 1 sent h1; 1 1 acked h1; 2 9 begin h1.0; 3 9 end h1.0; 2 9 begin h1.1; 3 9 end h1.1; 2 9 begin h1.2; "
        "3 9 end h1.2",
        {},
        {"lost": ["h1.b"]},
    ),
    (
        "what Python held last is lost by the peer",
        "0 20 spawned python-1; 0 1 sent p1; 1 1 acked p1; 2 20 received p1; 0 1 sent c1; 1 1 acked c1; "
        "2 20 begin c1.0; 3 20 end c1.0",
        {},
        {},
    ),
    (
        "Python's process ended with a message that it had not written down, but with one only",
        "0 20 spawned python-1; 0 1 sent p1; 1 1 acked p1; 0 1 sent p2; 1 1 acked p2; 2 20 died 1",
        {},
        {"lost": ["p2"]},
    ),
    (
        "what Swift held last is not",
        "0 20 spawned python-1; 0 1 sent p1; 1 1 acked p1; 2 20 received p1; 3 10 begin p1",
        {},
        {"lost": ["p1"]},
    ),
    (
        "a task that a killed bridge's message brought again",
        BRIDGE + SOUND + "; 1 0 fault f1 kill 30; 1 0 healed f1; 2 30 died -9; 9 11 begin p1; 10 11 end p1",
        {"room": (1, 1)},
        {},
    ),
    (
        "a task that comes again without a fault of a bridge",
        BRIDGE + SOUND + "; 9 11 begin p1; 10 11 end p1",
        {"room": (1, 1)},
        {"unexplained_duplicates": ["p1"]},
    ),
    (
        "a bridge that was hit before the task was sent",
        BRIDGE + "0 0 fault f1 rst 30; 0 0 healed f1; 4 1 sent p1; 5 1 acked p1; 6 10 begin p1; 6 10 end p1; 9 11 begin p1; "
        "9 11 end p1",
        {"room": (1, 1)},
        {"unexplained_duplicates": ["p1"]},
    ),
    (
        "more tasks again than a bridge holds",
        BRIDGE + SOUND + "; 0 1 sent p2; 1 1 acked p2; 2 10 begin p2; 3 10 end p2; 1 0 fault f1 kill 30; 1 0 healed f1; "
        "2 30 died -9; 9 11 begin p1; 10 11 end p1; 9 11 begin p2; 10 11 end p2",
        {"room": (1, 1)},
        {"unexplained_duplicates": ["p2"]},
    ),
    (
        "a link that the bridge sent again with the reply, though it forwards nothing twice",
        BRIDGE + "0 1 sent c1; 1 1 acked c1; 2 9 begin c1.0; 3 9 end c1.0; 3 0 fault f1 freeze 30; 8 0 healed f1; "
        "4 10 begin c1.1; 4 10 end c1.1; 9 10 begin c1.1; 9 10 end c1.1; 10 10 begin c1.2; 10 10 end c1.2",
        {"room": (0, 1)},
        {},
    ),
    (
        "a task that a bridge lost",
        BRIDGE + "0 1 sent p1; 1 1 acked p1; 1 0 fault f1 kill 30; 1 0 healed f1; 2 30 died -9",
        {"room": (1, 1)},
        {"lost": ["p1"]},
    ),
    (
        "a bridge that ends by itself",
        BRIDGE + SOUND + "; 4 30 died 1",
        {"room": (1, 1)},
        {"crashed": ["process 30 with status 1"]},
    ),
]


def event(text):
    time, rest = text.strip().split(" ", 1)
    return parse(f"{int(time) * SECOND} {rest}")


def run():
    """Returns what the judge gets wrong, a line each."""
    wrong = []
    for name, ledger, known, expected in CASES:
        verdict = Judge([event(text) for text in ledger.split(";")], **known).verdict()
        found = {failure: getattr(verdict, failure) for failure in FAILURES if getattr(verdict, failure)}
        if found != expected or verdict.status != (1 if expected else 0):
            wrong.append(f"{name}: status {verdict.status}, {found or 'nothing'} instead of {expected or 'nothing'}")
    return wrong
