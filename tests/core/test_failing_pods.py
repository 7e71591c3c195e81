"""Pod statuses, and the reason and message that they give: one row each."""

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
    created,
    ended,
    killed,
    mounting,
    pod,
    running,
    waiting,
)

from hooks import naming
from hooks.redact import MAX_LINE_CHARACTERS
from hooks.resources import Resources
from hooks.status.pods import Explanation, explain_pods
from hooks.status.reasons import Reason
from hooks.status.stopped_steps import STOPPED_POD_GRACE

Manifest = dict[str, Any]

XS = Resources(profile="XS", requests={}, limits={"memory": "256Mi"})


def cause_of(*pods: Manifest) -> Explanation:
    return explain_pods(pods, XS, NOW)


@pytest.mark.parametrize(("live", "reason", "words"), FAILING.values(), ids=FAILING)
def test_causes(live: Manifest, reason: str, words: str) -> None:
    """Each failure has one reason and a message of one line; `$` is the end of the message."""
    found = cause_of(live).cause
    assert found is not None
    assert found.reason == reason
    assert words in f"{found.message}$"
    assert "\n" not in found.message


@pytest.mark.parametrize("live", [row[0] for row in FAILING.values()], ids=FAILING)
def test_messages_have_no_credentials(live: Manifest) -> None:
    """No message has the credentials of a URL or a line of the handler's own log."""
    found = cause_of(live).cause
    assert found is not None
    assert not {word for word in ("s3cret", "hunter2") if word in found.message}


@pytest.mark.parametrize(("length", "is_whole"), [(2047, True), (2048, False)])
def test_the_first_line_of_a_cut_log_is_left_out(length: int, is_whole: bool) -> None:
    """The kubelet keeps the last 2,048 bytes of a log: the first line may be the end of a credential."""
    lines = "error: 3cret0123456789\nerror: no such package\n"
    message = lines + "x" * (length - len(lines))
    found = cause_of(pod(init=ended(1, message, name="install-dependencies"))).cause
    assert found is not None
    assert "no such package" in found.message
    assert ("3cret" in found.message) == is_whole


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ValueError: token=abc123, code 7", "ValueError: token=***, code 7"),
        ("ValueError: Authorization: Bearer abc.def", "ValueError: Authorization: ***"),
        ("ConnectionError: <Thing object at 0x7f0123456789>", "ConnectionError: <Thing object at 0x...>"),
        ("ValueError: 2026-01-01T01:00:00.123Z is late", "ValueError: ... is late"),
        (f"whole\nValueError: {'x' * 5000}", "x" * 1000),
    ],
)
def test_messages_are_stable(text: str, expected: str) -> None:
    """Two occurrences of an error have the same message, and its length is bounded."""
    found = cause_of(pod(ended(1, text))).cause
    assert found is not None
    assert expected in found.message
    assert len(found.message) < 1200


def test_pods_without_a_failure_have_no_cause() -> None:
    """A pod that is starting, ready or being deleted has no cause."""
    starting = pod(
        waiting("PodInitializing"), init={"name": INSTALL, "state": {"running": {"startedAt": "x"}}, "ready": False}
    )
    done = pod(waiting("PodInitializing"), init=ended(0, reason="Completed", name=INSTALL))
    ready = pod(running(60), conditions=[condition("Ready", "True")])
    going = pod(ended(137)) | {"metadata": {"deletionTimestamp": "x"}}
    assert cause_of(starting, done, ready, going) == Explanation(cause=None, seconds=0)


@pytest.mark.parametrize(
    "stopped",
    [
        mounting,
        lambda seconds: pod(running(seconds), phase="Running"),
        lambda seconds: created(mounting(0, time=False), seconds),
    ],
)
def test_a_stopped_step_becomes_a_cause(stopped: Any) -> None:
    """A step without a reported failure is checked again when its grace is over, and is then the cause."""
    early = cause_of(stopped(1))
    assert early.cause is None
    assert 0 < early.seconds <= STOPPED_POD_GRACE.total_seconds() + 1
    late = cause_of(stopped(1 + early.seconds))
    assert late.cause is not None
    assert late.seconds == 0


@pytest.mark.parametrize("live", HEALTHY.values(), ids=HEALTHY)
def test_containers_without_a_failure_are_no_cause(live: Manifest) -> None:
    """A container that has recovered or completed, is for debugging or is starting is not a cause."""
    assert cause_of(live) == Explanation(cause=None, seconds=0)


def test_memory_limits_have_their_source() -> None:
    """The message says whether a limit is set in the spec or in a profile."""
    custom = Resources(profile="custom", requests={}, limits={"memory": "256Mi"})
    found = explain_pods([pod(killed("function"))], custom, NOW).cause
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
def test_malformed_fields_do_not_raise(live: Manifest) -> None:
    """With any value in any field, a cause has a known reason and a bounded message."""
    for path in places(live):
        for odd in ODD:
            found = cause_of(changed(live, path, odd))
            assert 0 <= found.seconds <= STOPPED_POD_GRACE.total_seconds() + 1
            if found.cause:
                assert isinstance(found.cause.reason, Reason)
                assert len(found.cause.message) < 2 * MAX_LINE_CHARACTERS


def test_a_pod_of_any_size_takes_linear_time() -> None:
    """Twice as many containers, gates and conditions take about twice as many steps."""
    small, large = (executed_lines(crowd(number)) for number in (200, 400))
    assert large < 2.2 * small


def crowd(number: int) -> Manifest:
    names = [f"c{n}" for n in range(number)]
    found = pod(*(running(60, name, ready=True) for name in names), conditions=[condition("ContainersReady", "True")])
    found["spec"]["containers"] = [{"name": name} | LIMITS for name in names]
    found["spec"]["readinessGates"] = [{"conditionType": name} for name in names]
    found["status"]["conditions"] += [condition(name, "True") for name in names[:-1]]
    return found


def executed_lines(live: Manifest) -> int:
    """Return the number of Python lines that are executed for one pod."""
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


def test_the_main_container_has_its_name() -> None:
    """The name by which the main container is recognized is that in the Deployment."""
    case = next(case for case in all_cases() if case.name == "minimal-nodejs")
    deployment = next(child for child in case.answer()["children"] if child["kind"] == "Deployment")
    assert [each["name"] for each in deployment["spec"]["template"]["spec"]["containers"]] == [naming.MAIN_CONTAINER]


def test_the_cause_of_the_lowest_rank_is_reported() -> None:
    """Of several pods the cause of the lowest rank is reported, whatever their number and order."""
    many = [FAILING[name][0] for name in ("health", "handler", "scheduler", "handler", "image")]
    assert cause_of(*many) == cause_of(*reversed(many)) == cause_of(FAILING["image"][0])
