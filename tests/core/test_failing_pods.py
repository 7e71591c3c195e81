"""What a pod's status says, and what becomes of it on the Function: one row each."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from support.cases import all_cases
from support.failing_pods import (
    FAILING,
    HEALTHY,
    INSTALL,
    LIMITS,
    NOW,
    condition,
    ended,
    killed,
    mounting,
    pod,
    running,
    waiting,
)

from hooks import naming
from hooks.redact import LINE_CHARACTERS
from hooks.resources import Resources
from hooks.status.pods import GRACE, Findings, of_pods
from hooks.status.reasons import Reason

Manifest = dict[str, Any]

XS = Resources(profile="XS", requests={}, limits={"memory": "256Mi"})


def cause_of(*pods: Manifest) -> Findings:
    return of_pods(pods, XS, NOW)


@pytest.mark.parametrize(("live", "reason", "words"), FAILING.values(), ids=FAILING)
def test_causes(live: Manifest, reason: str, words: str) -> None:
    """Each way to fail has one reason and one line, in the words of whoever knows."""
    found = cause_of(live).cause
    assert found is not None
    assert found.reason == reason
    assert words in found.message
    assert "\n" not in found.message


@pytest.mark.parametrize("live", [row[0] for row in FAILING.values()], ids=FAILING)
def test_nothing_secret_is_told(live: Manifest) -> None:
    """Credentials in addresses and lines of the handler's own log are left out."""
    found = cause_of(live).cause
    assert found is not None
    assert not {word for word in ("s3cret", "hunter2") if word in found.message}


@pytest.mark.parametrize(("length", "is_whole"), [(2047, True), (2048, False)])
def test_a_line_that_a_kubelet_may_have_cut_is_left_out(length: int, is_whole: bool) -> None:
    """Of a log a kubelet keeps the last 2,048 bytes: the first line may be the rest of a credential."""
    lines = "error: 3cret0123456789\nerror: no such package\n"
    message = lines + "x" * (length - len(lines))
    found = cause_of(pod(init=ended(1, message, name="install-dependencies"))).cause
    assert found is not None
    assert "no such package" in found.message
    assert ("3cret" in found.message) == is_whole


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ValueError: token=abc123, code 7", "ValueError: token=***, code 7"),
        ("ValueError: Authorization: Bearer abc.def", "ValueError: Authorization: ***"),
        ("ConnectionError: <Thing object at 0x7f0123456789>", "ConnectionError: <Thing object at 0x...>"),
        ("ValueError: 2026-01-01T01:00:00.123Z is late", "ValueError: ... is late"),
        (f"whole\nValueError: {'x' * 5000}", "x" * 1000),
    ],
)
def test_what_changes_by_itself_is_left_out(text: str, told: str) -> None:
    """Two runs of the same fault have the same words, and not too many."""
    found = cause_of(pod(ended(1, text))).cause
    assert found is not None
    assert told in found.message
    assert len(found.message) < 1200


def test_a_pod_that_is_under_way_has_no_cause() -> None:
    """A pod that starts, is ready or is going away explains nothing."""
    starting = pod(
        waiting("PodInitializing"), init={"name": INSTALL, "state": {"running": {"startedAt": "x"}}, "ready": False}
    )
    done = pod(waiting("PodInitializing"), init=ended(0, reason="Completed", name=INSTALL))
    ready = pod(running(60), conditions=[condition("Ready", "True")])
    going = pod(ended(137)) | {"metadata": {"deletionTimestamp": "x"}}
    assert cause_of(starting, done, ready, going) == Findings(cause=None, seconds=0)


@pytest.mark.parametrize("silent", [mounting, lambda seconds: pod(running(seconds), phase="Running")])
def test_silence_becomes_a_cause(silent: Any) -> None:
    """What the status never explains is looked at again when its grace is over, then told."""
    early = cause_of(silent(1))
    assert early.cause is None
    assert 0 < early.seconds <= GRACE.total_seconds() + 1
    late = cause_of(silent(1 + early.seconds))
    assert late.cause is not None
    assert late.seconds == 0


@pytest.mark.parametrize("live", HEALTHY.values(), ids=HEALTHY)
def test_what_is_no_cause(live: Manifest) -> None:
    """What is over, is for debugging, or is still on its way explains nothing."""
    assert cause_of(live) == Findings(cause=None, seconds=0)


def test_the_limit_has_its_source() -> None:
    """A limit that the user wrote out is told from a profile's."""
    custom = Resources(profile="custom", requests={}, limits={"memory": "256Mi"})
    found = of_pods([pod(killed("function"))], custom, NOW).cause
    assert found is not None
    assert found.message.endswith("256Mi, its limit in spec.resourceConfiguration")


ODD: list[Any] = [None, [], {}, "x", "", -1, 2**70, 1.5, True, [None], [[]], ["x"], {"a": None}, "9" * 80, "9999-12-31"]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


def changed(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    if not path:
        return odd
    copy = value.copy()
    copy[path[0]] = changed(value[path[0]], path[1:], odd)
    return copy


@pytest.mark.parametrize("live", [row[0] for row in FAILING.values()], ids=FAILING)
def test_any_value_may_stand_anywhere(live: Manifest) -> None:
    """Whatever stands in the place of a pod's field, there is an answer, of a known reason and bounded."""
    for path in places(live):
        for odd in ODD:
            found = cause_of(changed(live, path, odd))
            assert 0 <= found.seconds <= GRACE.total_seconds() + 1
            if found.cause:
                assert isinstance(found.cause.reason, Reason)
                assert len(found.cause.message) < 2 * LINE_CHARACTERS


def test_a_pod_of_any_size_takes_linear_time() -> None:
    """Twice the containers, gates and conditions take twice the calls, no more."""
    small, large = (calls(crowd(number)) for number in (200, 400))
    assert large < 2.2 * small


def crowd(number: int) -> Manifest:
    names = [f"c{n}" for n in range(number)]
    found = pod(*(running(60, name, ready=True) for name in names), conditions=[condition("ContainersReady", "True")])
    found["spec"]["containers"] = [{"name": name} | LIMITS for name in names]
    found["spec"]["readinessGates"] = [{"conditionType": name} for name in names]
    found["status"]["conditions"] += [condition(name, "True") for name in names[:-1]]
    return found


def calls(live: Manifest) -> int:
    """Return how many lines of ours one look at a pod runs."""
    count = 0

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        cause_of(live)
    finally:
        sys.settrace(before)
    return count


def test_the_handlers_container_has_this_name() -> None:
    """The container that is told from sidecars is the one that is built."""
    case = next(case for case in all_cases() if case.name == "minimal-nodejs")
    deployment = next(child for child in case.answer()["children"] if child["kind"] == "Deployment")
    assert [each["name"] for each in deployment["spec"]["template"]["spec"]["containers"]] == [naming.FUNCTION]


def test_the_most_useful_cause_is_told_once() -> None:
    """Of several pods the cause of the lowest rank is reported, and how many there are does not matter."""
    many = [FAILING[name][0] for name in ("health", "handler", "scheduler", "handler", "image")]
    assert cause_of(*many) == cause_of(*reversed(many)) == cause_of(FAILING["image"][0])
