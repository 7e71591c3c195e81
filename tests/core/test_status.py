"""
The status as a table: what the Deployment is like, with and without an autoscaler, and how far the last edit has come.

A column for each stage of an edit: `applied` (the Deployment is the one that is asked for, and its controller has seen
it), `unseen` (applied, not seen by the controller) and `unapplied` (the Deployment is still the one before). A cell is
the phase (+ Ready, ~ Reconciling, ! Stalled) and its reason; whatever else a status says follows from it.
"""

import ast
import re
from copy import deepcopy
from datetime import timedelta
from typing import Any

import pytest
from support.cases import NOW, ROOT, all_cases, complete, overlaid, settle
from support.failing_pods import FAILING
from support.offline_metacontroller import World

from hooks.config import Config
from hooks.protocol import HookRequest
from hooks.records import LAST_APPLIED
from hooks.status import children
from hooks.status.reasons import Reason, table
from hooks.sync import sync

Manifest = dict[str, Any]

HOUR_AGO, SECOND_AGO = "2026-01-01T00:00:00Z", "2026-01-01T00:59:59Z"


def condition(kind: str, status: str, reason: str, since: str = HOUR_AGO) -> Manifest:
    return {"type": kind, "status": status, "reason": reason, "message": "so it is", "lastTransitionTime": since}


AVAILABLE = condition("Available", "True", "MinimumReplicasAvailable")
UNAVAILABLE = condition("Available", "False", "MinimumReplicasUnavailable")
LOST = condition("Available", "False", "MinimumReplicasUnavailable", SECOND_AGO)
MOVING = condition("Progressing", "True", "ReplicaSetUpdated")
DONE = condition("Progressing", "True", "NewReplicaSetAvailable")
LATE = condition("Progressing", "False", "ProgressDeadlineExceeded")
PAUSED = condition("Progressing", "Unknown", "DeploymentPaused")
REFUSED = condition("ReplicaFailure", "True", "FailedCreate")


def live(pods: str, *conditions: Manifest, **spec: Any) -> Manifest:
    """Return an overlay on the Deployment; `pods` are those that exist, are updated and are available: "3/1/2"."""
    replicas, updated, available = map(int, pods.split("/"))
    counts = {"replicas": replicas, "updatedReplicas": updated, "availableReplicas": available}
    return {"spec": spec, "status": counts | {"conditions": list(conditions)}}


# Two pods are wanted, unless the spec says otherwise.
DEPLOYMENTS: dict[str, Manifest | None] = {
    "absent": None,
    "new": {"status": None},
    "creating": live("0/0/0", UNAVAILABLE, MOVING),
    "progressing": live("2/2/1", UNAVAILABLE, MOVING),
    "surge": live("3/1/2", AVAILABLE, MOVING),
    "one old pod left": live("3/2/3", AVAILABLE, MOVING),
    "available": live("2/2/2", AVAILABLE, DONE),
    "available, paused": live("2/2/2", AVAILABLE, PAUSED, paused=True),
    "paused half-way": live("3/1/2", AVAILABLE, PAUSED, paused=True),
    "deadline exceeded": live("3/1/2", AVAILABLE, LATE),
    "pods refused": live("0/0/0", UNAVAILABLE, MOVING, REFUSED),
    "pods refused, deadline over": live("0/0/0", UNAVAILABLE, LATE, REFUSED),
    "surge refused": live("2/0/2", AVAILABLE, MOVING, REFUSED),
    "a pod lost just now": live("2/2/1", LOST, DONE),
    "a pod lost": live("2/2/1", UNAVAILABLE, DONE),
    "zero": live("0/0/0", AVAILABLE, DONE, replicas=0),
    "going to zero": live("1/0/1", AVAILABLE, DONE, replicas=0),
}

TABLE = """
Deployment                  | autoscaler | applied                   | unseen              | unapplied
absent                      | any        | ~ ChildrenPending         | -                   | -
new                         | any        | ~ ChildrenPending         | -                   | ~ ChildrenPending
creating                    | any        | ~ MinReplicasNotAvailable | ~ DeploymentWaiting | ~ DeploymentUpdated
progressing                 | any        | ~ MinReplicasNotAvailable | ~ DeploymentWaiting | ~ DeploymentUpdated
surge                       | any        | ~ DeploymentWaiting       | ~ DeploymentWaiting | ~ DeploymentUpdated
one old pod left            | any        | ~ DeploymentWaiting       | ~ DeploymentWaiting | ~ DeploymentUpdated
available                   | any        | + DeploymentReady         | ~ DeploymentWaiting | ~ DeploymentUpdated
available, paused           | any        | + DeploymentReady         | ~ DeploymentWaiting | ~ DeploymentUpdated
paused half-way             | any        | ! DeploymentPaused        | ~ DeploymentWaiting | ~ DeploymentUpdated
deadline exceeded           | any        | ! DeploymentFailed        | ~ DeploymentWaiting | ~ DeploymentUpdated
pods refused                | any        | ~ DeploymentFailed        | ~ DeploymentWaiting | ~ DeploymentUpdated
pods refused, deadline over | any        | ! DeploymentFailed        | ~ DeploymentWaiting | ~ DeploymentUpdated
surge refused               | any        | ~ DeploymentFailed        | ~ DeploymentWaiting | ~ DeploymentUpdated
a pod lost just now         | any        | ~ MinReplicasNotAvailable | ~ DeploymentWaiting | ~ DeploymentUpdated
a pod lost                  | any        | ! MinReplicasNotAvailable | ~ DeploymentWaiting | ~ DeploymentUpdated
zero                        | no         | + ScaledToZero            | ~ DeploymentWaiting | ~ DeploymentUpdated
zero                        | yes        | ~ DeploymentUpdated       | ~ DeploymentUpdated | ~ DeploymentUpdated
going to zero               | no         | ~ DeploymentWaiting       | ~ DeploymentWaiting | ~ DeploymentUpdated
going to zero               | yes        | ~ DeploymentUpdated       | ~ DeploymentUpdated | ~ DeploymentUpdated
"""
PHASES = {"+": "Ready", "~": "Reconciling", "!": "Stalled"}


def rows() -> list[tuple[str, bool, str, str]]:
    """Return (Deployment, autoscaled, stage, cell) of every cell in the table."""
    head, *lines = [[cell.strip() for cell in line.split("|")] for line in TABLE.strip().splitlines()]
    return [
        (line[0], autoscaled, stage, cell)
        for line in lines
        for autoscaled in (False, True)
        if line[1] in ("any", "yes" if autoscaled else "no")
        for stage, cell in zip(head[2:], line[2:], strict=True)
        if cell != "-"
    ]


def world_of(deployment: Manifest | None, *, autoscaled: bool, stage: str = "applied") -> World:
    """Return a Function that was settled with two pods, or with none, and whose Deployment has become what it is."""
    scale = {"scaleConfig": {"minReplicas": 2, "maxReplicas": 5}} if autoscaled else {}
    replicas = 2 if autoscaled else (deployment or {}).get("spec", {}).get("replicas", 2)
    world = World(complete({"spec": {"replicas": replicas} | scale}))
    settle(world, Config(), NOW - timedelta(hours=2))
    if deployment is None:
        world.children.clear()
        return world
    child = world.children["Deployment", "hello"]
    child["spec"] |= deployment.get("spec", {})
    child["status"] = overlaid({"observedGeneration": 1}, deployment["status"]) if deployment["status"] else {}
    if stage == "unseen":
        child["metadata"]["generation"] += 1
    if stage == "unapplied":
        world.edit(world.parent["spec"] | {"env": [{"name": "A", "value": "b"}]})
    return world


def conditions(world: World, *, later: timedelta = timedelta()) -> dict[str, Manifest]:
    """Return the conditions that the hook answers, by type."""
    answer = sync(HookRequest.parse(world.request()), Config(), now=NOW + later)
    world.parent["status"] = deepcopy(answer.status)
    return {condition["type"]: condition for condition in answer.status["conditions"]}


def test_the_table_is_whole() -> None:
    """Every Deployment has a row with and a row without an autoscaler."""
    assert {(name, scaled) for name, scaled, _, _ in rows()} == {(n, s) for n in DEPLOYMENTS for s in (False, True)}


@pytest.mark.parametrize(("deployment", "autoscaled", "stage", "cell"), rows())
def test_table(deployment: str, autoscaled: bool, stage: str, cell: str) -> None:
    """The cell holds, and there is exactly one of Reconciling and Stalled, or neither where Ready is True."""
    said = conditions(world_of(DEPLOYMENTS[deployment], autoscaled=autoscaled, stage=stage))
    mark, reason = cell.split()
    phase = PHASES[mark]
    assert set(said) == {"ConfigurationReady", "Running", "Ready", phase}
    assert {said[phase]["status"], said["ConfigurationReady"]["status"]} == {"True"}
    assert said["Ready"]["status"] == ("True" if phase == "Ready" else "False")
    assert {said["Ready"]["reason"], said[phase]["reason"]} == {reason}
    assert said["Ready"]["message"] == said[phase]["message"]


# What Kyma's Running says for each reason: its status and Kyma's own reason.
KYMA = {
    "ChildrenPending": ("Unknown", "DeploymentCreated"),
    "DeploymentUpdated": ("Unknown", "DeploymentUpdated"),
    "DeploymentWaiting": ("Unknown", "DeploymentWaiting"),
    "DeploymentPaused": ("Unknown", "DeploymentWaiting"),
    "MinReplicasNotAvailable": ("Unknown", "MinReplicasNotAvailable"),
    "DeploymentFailed": ("False", "DeploymentFailed"),
    "DeploymentReady": ("True", "DeploymentReady"),
    "ScaledToZero": ("True", "DeploymentReady"),
}


@pytest.mark.parametrize(("deployment", "autoscaled", "stage", "cell"), rows())
def test_running_has_kymas_words(deployment: str, autoscaled: bool, stage: str, cell: str) -> None:
    """Running carries one of Kyma's own reasons, with the status that Kyma gives it."""
    running = conditions(world_of(DEPLOYMENTS[deployment], autoscaled=autoscaled, stage=stage))["Running"]
    assert (running["status"], running["reason"]) == KYMA[cell.split()[1]]


@pytest.mark.parametrize("autoscaled", [False, True])
@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_waiting_has_an_end(deployment: str, autoscaled: bool) -> None:
    """After a day without any change only what Kubernetes itself puts an end to still counts as under way."""
    world = world_of(DEPLOYMENTS[deployment], autoscaled=autoscaled)
    conditions(world)
    is_under_way = "Reconciling" in conditions(world, later=timedelta(days=1))
    status = world.children.get(("Deployment", "hello"), {}).get("status", {})
    has_deadline = MOVING in status.get("conditions", ())
    # A Deployment of zero is never late, and one without a status has a controller that does not run.
    assert is_under_way <= (has_deadline or deployment == "new" or (deployment == "going to zero" and not autoscaled))


@pytest.mark.parametrize("kind", ["Service", "ServiceAccount", "HorizontalPodAutoscaler"])
def test_running_is_about_the_deployment(kind: str) -> None:
    """While another child is missing, and when it stays away, the Function is not ready and its Deployment runs."""
    world = world_of(DEPLOYMENTS["available"], autoscaled=True)
    del world.children[kind, "hello"]
    for seconds, phase, reason in ((0, "Reconciling", "ChildrenPending"), (5, "Stalled", "ChildrenNotCreated")):
        said = conditions(world, later=timedelta(seconds=seconds))
        assert (said["Ready"]["status"], said[phase]["reason"]) == ("False", reason)
        assert (said["Running"]["status"], said["Running"]["reason"]) == ("True", "DeploymentReady")


def test_each_wish_has_its_own_time() -> None:
    """A child that goes missing late in a rollout, or is asked for by an edit, has all of the time there is."""
    world = world_of(DEPLOYMENTS["surge"], autoscaled=False)
    conditions(world, later=-timedelta(minutes=9))
    service = world.children.pop(("Service", "hello"))
    assert [phase(world, second) for second in (0, 4)] == ["Reconciling", "Reconciling"]
    world.edit(world.parent["spec"] | {"env": [{"name": "A", "value": "b"}]})
    assert [phase(world, second) for second in (5, 9, 10)] == ["Reconciling", "Reconciling", "Stalled"]
    world.edit(world.parent["spec"] | {"env": [{"name": "A", "value": "c"}]})
    assert [phase(world, second) for second in (11, 15, 16)] == ["Reconciling", "Reconciling", "Stalled"]
    world.children["Service", "hello"] = service
    assert [phase(world, second) for second in (17, 21, 22)] == ["Reconciling", "Reconciling", "Stalled"]


@pytest.mark.parametrize("deployment", ["pods refused", "surge refused"])
def test_refused_pods_stall(deployment: str) -> None:
    """Pods refused for a few seconds are a failure, told in Kubernetes' words; an edit gets its own few seconds."""
    world = world_of(DEPLOYMENTS[deployment], autoscaled=False)
    assert [phase(world, second) for second in (0, 4, 5, 6)] == ["Reconciling", "Reconciling", "Stalled", "Stalled"]
    assert "FailedCreate: so it is" in conditions(world, later=timedelta(seconds=7))["Stalled"]["message"]
    world.parent["metadata"]["generation"] += 1
    assert [phase(world, second) for second in (8, 12, 13)] == ["Reconciling", "Reconciling", "Stalled"]


def phase(world: World, second: int) -> str:
    return next(iter({"Reconciling", "Stalled"} & set(conditions(world, later=timedelta(seconds=second)))))


@pytest.mark.parametrize(
    ("deployment", "text"),
    {
        "deadline exceeded": "ProgressDeadlineExceeded: so it is",
        "paused half-way": "kubectl rollout resume deployment hello",
        "a pod lost": "for more than 600 seconds",
    }.items(),
)
def test_messages_help(deployment: str, text: str) -> None:
    """A failure carries Kubernetes' own reason and message, or says what to do."""
    assert text in conditions(world_of(DEPLOYMENTS[deployment], autoscaled=False))["Stalled"]["message"]


def test_it_asks_to_look_again() -> None:
    """Where time alone ends a state, the hook asks to be called at that time."""
    expected = {"absent": 5, "pods refused": 5, "a pod lost just now": 599, "available": 0, "surge": 0}
    for deployment, seconds in expected.items():
        world = world_of(DEPLOYMENTS[deployment], autoscaled=False)
        assert sync(HookRequest.parse(world.request()), Config(), now=NOW).resync_after == seconds


def autoscaled(*conditions: Manifest) -> World:
    """Return a Function that is ready, and whose autoscaler has these conditions."""
    world = world_of(DEPLOYMENTS["available"], autoscaled=True)
    world.children["HorizontalPodAutoscaler", "hello"]["status"] = {"conditions": list(conditions)}
    return world


IDLE = condition("ScalingActive", "False", "FailedGetResourceMetric")
STUCK = condition("AbleToScale", "False", "FailedUpdateScale")
AUTOSCALERS: dict[str, tuple[list[Manifest], str, int]] = {
    "measures": ([condition("ScalingActive", "True", "ValidMetricFound")], "DeploymentReady", 0),
    "says nothing": ([], "DeploymentReady", 0),
    "does not know": ([IDLE | {"status": "Unknown"}], "DeploymentReady", 0),
    "cannot measure": ([IDLE], "AutoscalerInactive", 0),
    "cannot measure yet": ([IDLE | {"lastTransitionTime": SECOND_AGO}], "DeploymentReady", 119),
    "cannot measure, since when is unknown": ([IDLE | {"lastTransitionTime": None}], "DeploymentReady", 120),
    "cannot measure, in the future": ([IDLE | {"lastTransitionTime": "2999-01-01T00:00:00Z"}], "DeploymentReady", 120),
    "cannot scale": ([STUCK], "AutoscalerInactive", 0),
    "cannot measure yet, nor scale": ([IDLE | {"lastTransitionTime": SECOND_AGO}, STUCK], "AutoscalerInactive", 0),
    "is switched off": ([condition("ScalingActive", "False", "ScalingDisabled")], "DeploymentReady", 0),
    "is odd": (["x", {"type": "ScalingActive", "status": ["False"], "reason": {}}], "DeploymentReady", 0),  # type: ignore[list-item]
    "has no reason": ([IDLE | {"reason": {}}], "AutoscalerInactive", 0),
}


@pytest.mark.parametrize(("given", "reason", "seconds"), AUTOSCALERS.values(), ids=AUTOSCALERS)
def test_autoscalers(given: list[Manifest], reason: str, seconds: int) -> None:
    """An autoscaler that has been unable to work for two minutes is reported; the Function is ready all the time."""
    world = autoscaled(*given)
    assert sync(HookRequest.parse(world.request()), Config(), now=NOW).resync_after == seconds
    said = conditions(world)
    assert (said["Ready"]["status"], said["Ready"]["reason"]) == ("True", reason)
    assert set(said) == {"ConfigurationReady", "Running", "Ready"}
    assert (said["Running"]["reason"], said["Running"]["message"]) == ("DeploymentReady", "Deployment hello is ready")


def test_what_an_autoscaler_says_is_stable() -> None:
    """Its reason is repeated, its message, which names pods and counts, is not."""
    message = conditions(autoscaled(IDLE | {"message": "of Pod hello-5d9c-x"}))["Ready"]["message"]
    assert message == (
        "Deployment hello is ready, but its autoscaler does not scale it: "
        "ScalingActive is False with reason FailedGetResourceMetric"
    )
    assert message == conditions(autoscaled(IDLE | {"message": "of Pod hello-1a2b-y"}))["Ready"]["message"]


@pytest.mark.parametrize("deployment", ["surge", "zero", "deadline exceeded"])
def test_an_autoscaler_counts_only_for_what_is_ready(deployment: str) -> None:
    """What is under way or has failed has a reason of its own, and what is not scaled needs no autoscaler."""
    world = world_of(DEPLOYMENTS[deployment], autoscaled=deployment != "zero")
    before = conditions(world)
    if scaler := world.children.get(("HorizontalPodAutoscaler", "hello")):
        scaler["status"] = {"conditions": [IDLE]}
    assert conditions(world) == before


def test_page(request: pytest.FixtureRequest) -> None:
    """docs/status.md has the table that is made from Reason; --bless writes it."""
    page = ROOT / "docs" / "status.md"
    text = page.read_text(encoding="utf-8")
    wanted = re.sub(r"^\| reason \|.*?\n\n", lambda _: table() + "\n", text, count=1, flags=re.MULTILINE | re.DOTALL)
    if request.config.getoption("--bless"):
        page.write_text(wanted, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == wanted, "run with --bless, then read the difference"
    assert table() in wanted


def test_every_reason_is_reached() -> None:
    """A golden case, a row of the tables here or a row of test_failing_pods.py has each reason."""
    in_cases = {each["reason"] for case in all_cases() for each in case.answer()["status"].get("conditions", ())}
    in_tables = {cell.split()[1] for *_, cell in rows()} | {reason for _, reason, _ in AUTOSCALERS.values()}
    assert set(Reason) == in_cases | in_tables | {reason for _, reason, _ in FAILING.values()}


def test_reasons_are_spelled_once() -> None:
    """A reason as text stands in reasons.py only: everything else in hooks/ uses the member."""
    files = [path for path in (ROOT / "hooks").rglob("*.py") if path.name != "reasons.py"]
    spelled = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.value}"
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in set(Reason)
    ]
    assert len(files) > 50
    assert not spelled


def test_a_reason_in_an_answer_is_text() -> None:
    """Conditions hold plain strings, which every serializer writes."""
    answer = sync(HookRequest.parse(world_of(DEPLOYMENTS["surge"], autoscaled=False).request()), Config(), now=NOW)
    assert {type(each["reason"]) for each in answer.status["conditions"]} == {str}


@pytest.mark.parametrize("kind", ["Deployment", "Service", "ServiceAccount", "HorizontalPodAutoscaler"])
@pytest.mark.parametrize("record", ["{", "[]", "1"])
def test_a_record_that_cannot_be_read_is_named(kind: str, record: str) -> None:
    """The Function is stalled with the command that mends it; when the record is gone all is as before."""
    world = world_of(DEPLOYMENTS["available"], autoscaled=True)
    annotations = world.children[kind, "hello"]["metadata"]["annotations"]
    before, annotations[LAST_APPLIED] = annotations[LAST_APPLIED], record
    said = conditions(world)
    assert said["Stalled"]["reason"] == said["Ready"]["reason"] == "RecordUnreadable"
    assert said["Stalled"]["message"].endswith(f"kubectl annotate {kind.lower()} hello {LAST_APPLIED}-")
    annotations[LAST_APPLIED] = before
    assert conditions(world)["Ready"]["reason"] == "DeploymentReady"


def test_an_error_in_what_an_autoscaler_says_costs_only_that(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Function is ready in its Deployment's own words, and the place of the error is carried to the log."""

    def broken(*_: Any) -> None:
        raise ValueError("s3cr3t")

    monkeypatch.setattr(children, "of_autoscaler", broken)
    answer = sync(HookRequest.parse(autoscaled(IDLE).request()), Config(), now=NOW)
    assert {each["type"]: each["reason"] for each in answer.status["conditions"]}["Ready"] == "DeploymentReady"
    assert answer.dropped.startswith("ValueError at test_status:")
    assert answer.dropped.endswith(" in broken")
    assert "dropped" not in answer.to_json()
