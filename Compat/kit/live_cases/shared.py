"""What the cases of all live roles are made of: messages of protocol 2, steps that look at results, and the corpus itself."""
import json

EMBED = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
META = "celery-task-meta-"
BOTH = ["redis", "rabbitmq"]


# MARK: Messages and checks

def message(task, args=(), kwargs=None, id="${a}", embed=None, **headers):
    """A message of protocol 2, as Celery 5.7 sends it."""
    return {"headers": {"lang": "py", "task": task, "id": id, "shadow": None, "eta": None, "expires": None, "group": None,
                        "group_index": None, "retries": 0, "timelimit": [None, None], "root_id": id, "parent_id": None,
                        "argsrepr": repr(tuple(args)), "kwargsrepr": repr(kwargs or {}), "origin": "gen1@kit", "ignore_result": False,
                        "replaced_task_nesting": 0, "stamped_headers": None, "stamps": {}, **headers},
            "value": [list(args), kwargs or {}, {**EMBED, **(embed or {})}]}


def signature(task, args=(), id=None, immutable=False, **options):
    return {"task": task, "args": list(args), "kwargs": {}, "options": {**({"task_id": id} if id else {}), **options},
            "subtask_type": None, "immutable": immutable}


def at(*way, **requirement):
    return {"at": list(way), **({"is": requirement.pop("equals")} if "equals" in requirement else {}), **requirement}


def value(*way, **requirement):
    return at("value", *way, **requirement)


def succeeds(result=None, id="a", *more, within=10, anything=False):
    checks = [value("status", equals="SUCCESS"), value("task_id", equals="${%s}" % id)]
    return {"result": META + "${%s}" % id, "within": within,
            "checks": checks + ([] if anything else [value("result", equals=result)]) + list(more)}


def fails(kind=None, message=None, id="a", status="FAILURE", within=10):
    checks = [value("status", equals=status)]
    checks += [value("result", "exc_type", equals=kind)] if kind else [value("result", "exc_type", kind=["string"], filled=True)]
    checks += [value("result", "exc_message", 0, contains=message)] if message else []
    return {"result": META + "${%s}" % id, "within": within, "checks": checks}


def alive(id="alive"):
    """The worker goes on with the next task."""
    return [{"send": message("tasks.add", [20, 22], id="${%s}" % id)}, succeeds(42, id)]


NOTHING_WAITS = [{"await": ["LLEN", "celery"], "is": 0}, {"await": ["HLEN", "unacked"], "is": 0},
                 {"await": ["ZCARD", "unacked_index"], "is": 0}]


def plain_envelope(task, args):
    m = message(task, args)
    return {"body": json.dumps(m["value"]), "content-type": "application/json", "content-encoding": "utf-8", "headers": m["headers"],
            "properties": {"correlation_id": "${a}", "delivery_mode": 2, "delivery_info": {"exchange": "", "routing_key": "celery"},
                           "priority": 0, "delivery_tag": "${t}"}}


class Cases:
    def __init__(self, dialect, reference):
        self.dialect, self.reference, self.files = dialect, reference, {}

    def add(self, role, topic, name, level, section, procedure, steps, brokers=BOTH, needs=(), note=None, versions=None):
        case = {"id": f"{self.dialect}/{role}/live/{topic}/{name}", "role": role, "level": level, "section": section,
                "procedure": procedure, "versions": versions or [self.reference], "op": "live",
                "input": {"brokers": brokers, "needs": list(needs), "steps": steps}, "expect": {"steps": True}}
        if note:
            case["note"] = note
        self.files.setdefault(f"live-{role}", []).append(case)

    def documents(self):
        for file, cases in sorted(self.files.items()):
            head = {"kit": "1.0", "dialect": self.dialect, "tier": "live", "reference": self.reference}
            lines = ",\n".join("  " + json.dumps(case, ensure_ascii=True) for case in cases)
            yield f"{self.dialect}/{file}.json", json.dumps(head)[:-1] + ', "cases": [\n' + lines + "\n]}\n"


# Whether somebody listens to a channel.
SUBSCRIBED = "return redis.call('PUBSUB', 'NUMSUB', ARGV[1])[2] > 0 and 1 or 0"
