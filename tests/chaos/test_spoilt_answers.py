"""The hook answers with an error, garbage, half a body or a slow one: afterwards all is as without the fault."""

import itertools
import time
from collections.abc import Callable, Iterable, Mapping

import pytest
from support.faults.chaos import Chaos
from support.faults.hook_proxy import Call, Reply, Rule, passed
from support.faults.mixed_functions import MixedFunctions

FAULTY_SECONDS = 4


def closed(_: Call) -> Reply:
    raise ConnectionError


FAULTS: Mapping[str, Rule] = {
    "error 500": lambda _: Reply(500, b'{"error": "internal error"}'),
    "429": lambda _: Reply(429, b'{"error": "another revision"}', retry_after="1"),
    "429 without a time": lambda _: Reply(429, b"{}"),
    "503": lambda _: Reply(503, b"", retry_after="1"),
    "redirect": lambda _: Reply(302, b""),
    "no content": lambda _: Reply(204, b""),
    "not JSON": lambda _: Reply(200, b"<html>\x00\xff</html>"),
    "empty": lambda _: Reply(200, b""),
    "half a body": lambda call: halved(call.forward()),
    "half a body without a length": lambda call: halved(call.forward())._replace(has_length=False),
    "no answer": closed,
    "an answer after the time limit": lambda call: call.forward()._replace(seconds=11),
    "a slow answer": lambda call: call.forward()._replace(seconds=2),
}
QUICK = [fault for name, fault in FAULTS.items() if name != "an answer after the time limit"]


def halved(reply: Reply) -> Reply:
    return reply._replace(cut=len(reply.body) // 2)


def every_second(fault: Rule) -> Rule:
    """Return the rule that applies the fault to every second call, and passes the others."""
    calls = itertools.count()
    return lambda call: fault(call) if next(calls) % 2 == 0 else call.forward()


def in_turn(faults: Iterable[Rule]) -> Rule:
    """Return the rule that applies the next fault to each call."""
    rules = itertools.cycle(faults)

    def apply_next(call: Call) -> Reply:
        return next(rules)(call)

    return apply_next


def always(fault: Rule) -> Rule:
    return fault


def check(chaos: Chaos, mixed: MixedFunctions, rule: Rule) -> None:
    """Edits, deletions and creations during the fault take effect after it, and nothing else changes."""
    chaos.hook.rule = rule
    mixed.change()
    time.sleep(FAULTY_SECONDS)
    chaos.no_faults()
    chaos.check(mixed)


def test_one_fault_after_the_other(chaos: Chaos, mixed: MixedFunctions) -> None:
    """Each call meets another fault, every second one none: faults meet Functions at any step."""
    check(chaos, mixed, in_turn(each for fault in QUICK for each in (fault, passed)))


@pytest.mark.parametrize("fault", [pytest.param(FAULTS[name], id=name) for name in ("error 500", "half a body")])
def test_only_faults(chaos: Chaos, mixed: MixedFunctions, fault: Rule) -> None:
    """No call succeeds for seconds."""
    check(chaos, mixed, fault)


@pytest.mark.whole
@pytest.mark.parametrize("share", [always, every_second])
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_each(chaos: Chaos, mixed: MixedFunctions, fault: Rule, share: Callable[[Rule], Rule]) -> None:
    """Each fault alone, on every call and on every second one."""
    check(chaos, mixed, share(fault))
