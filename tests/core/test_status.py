"""
The status as a table: a row for each state of the Deployment, with or without an autoscaler.

A column for each stage of an edit: `applied` (the desired spec is applied, and the controller has observed it),
`unseen` (applied but not observed) and `unapplied` (the live spec is the previous one). A cell is the phase (+ Ready,
~ Reconciling, ! Stalled) and its reason; the rest of the status follows from it.
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
from hooks.status import evaluation
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
    """Return an overlay on the Deployment; `pods` are the numbers of all, updated and available pods: "3/1/2"."""
    replicas, updated, available = map(int, pods.split("/"))
    counts = {"replicas": replicas, "updatedReplicas": updated, "availableReplicas": available}
    return {"spec": spec, "status": counts | {"conditions": list(conditions)}}


# The spec has two replicas, unless the overlay sets another number.
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
    "a pod lost, without a time": live("2/2/1", DONE),
    "zero": live("0/0/0", AVAILABLE, DONE, replicas=0),
    "going to zero": live("1/0/1", AVAILABLE, DONE, replicas=0),
}

TABLE = """
Deployment                  | autoscaler | applied                   | unseen              | unapplied
absent                      | any        | ~ DeploymentWaiting       | -                   | -
new                         | any        | ~ DeploymentWaiting       | -                   | ~ DeploymentWaiting
creating                    | any        | ~ DeploymentWaiting       | ~ DeploymentWaiting | ~ DeploymentWaiting
progressing                 | any        | ~ DeploymentWaiting       | ~ DeploymentWaiting | ~ DeploymentWaiting
surge                       | any        | ~ DeploymentWaiting       | ~ DeploymentWaiting | ~ DeploymentWaiting
one old pod left            | any        | ~ DeploymentWaiting       | ~ DeploymentWaiting | ~ DeploymentWaiting
available                   | any        | + DeploymentReady         | ~ DeploymentWaiting | ~ DeploymentWaiting
available, paused           | any        | + DeploymentReady         | ~ DeploymentWaiting | ~ DeploymentWaiting
paused half-way             | any        | ! DeploymentPaused        | ~ DeploymentWaiting | ~ DeploymentWaiting
deadline exceeded           | any        | ! DeploymentFailed        | ~ DeploymentWaiting | ~ DeploymentWaiting
pods refused                | any        | ~ DeploymentFailed        | ~ DeploymentWaiting | ~ DeploymentWaiting
pods refused, deadline over | any        | ! DeploymentFailed        | ~ DeploymentWaiting | ~ DeploymentWaiting
surge refused               | any        | ~ DeploymentFailed        | ~ DeploymentWaiting | ~ DeploymentWaiting
a pod lost just now         | any        | ~ MinReplicasNotAvailable | ~ DeploymentWaiting | ~ DeploymentWaiting
a pod lost                  | any        | ! MinReplicasNotAvailable | ~ DeploymentWaiting | ~ DeploymentWaiting
a pod lost, without a time  | any        | ~ MinReplicasNotAvailable | ~ DeploymentWaiting | ~ DeploymentWaiting
zero                        | no         | + ScaledToZero            | ~ DeploymentWaiting | ~ DeploymentWaiting
zero                        | yes        | ~ DeploymentWaiting       | ~ DeploymentWaiting | ~ DeploymentWaiting
going to zero               | no         | ~ DeploymentWaiting       | ~ DeploymentWaiting | ~ DeploymentWaiting
going to zero               | yes        | ~ DeploymentWaiting       | ~ DeploymentWaiting | ~ DeploymentWaiting
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
    """Return a Function that was settled with two pods or none, and whose Deployment is now in this state."""
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
    """Return the conditions of the response, by type; they become the status of the Function."""
    answer = sync(HookRequest.parse(world.request()), Config(), now=NOW + later)
    world.parent["status"] = deepcopy(answer.status)
    return {condition["type"]: condition for condition in answer.status["conditions"]}


def test_the_table_is_complete() -> None:
    """Every Deployment has a row with and a row without an autoscaler."""
    assert {(name, scaled) for name, scaled, _, _ in rows()} == {(n, s) for n in DEPLOYMENTS for s in (False, True)}


@pytest.mark.parametrize(("deployment", "autoscaled", "stage", "cell"), rows())
def test_table(deployment: str, autoscaled: bool, stage: str, cell: str) -> None:
    """Exactly one of Ready, Reconciling and Stalled is True: that of the cell, with its reason."""
    found = conditions(world_of(DEPLOYMENTS[deployment], autoscaled=autoscaled, stage=stage))
    mark, reason = cell.split()
    phase = PHASES[mark]
    assert set(found) == {"ConfigurationReady", "Running", "Ready", phase}
    assert {found[phase]["status"], found["ConfigurationReady"]["status"]} == {"True"}
    assert found["Ready"]["status"] == ("True" if phase == "Ready" else "False")
    assert {found["Ready"]["reason"], found[phase]["reason"]} == {reason}
    assert found["Ready"]["message"] == found[phase]["message"]


# The status and reason of Kyma's Running for each reason.
KYMA = {
    "DeploymentWaiting": ("Unknown", "DeploymentWaiting"),
    "DeploymentPaused": ("Unknown", "DeploymentWaiting"),
    "MinReplicasNotAvailable": ("Unknown", "MinReplicasNotAvailable"),
    "DeploymentFailed": ("False", "DeploymentFailed"),
    "DeploymentReady": ("True", "DeploymentReady"),
    "ScaledToZero": ("True", "DeploymentReady"),
}


@pytest.mark.parametrize(("deployment", "autoscaled", "stage", "cell"), rows())
def test_running_has_kymas_reasons(deployment: str, autoscaled: bool, stage: str, cell: str) -> None:
    """Running has one of Kyma's reasons, with Kyma's status for it."""
    running = conditions(world_of(DEPLOYMENTS[deployment], autoscaled=autoscaled, stage=stage))["Running"]
    assert (running["status"], running["reason"]) == KYMA[cell.split()[1]]


@pytest.mark.parametrize("autoscaled", [False, True])
@pytest.mark.parametrize("deployment", DEPLOYMENTS)
def test_reconciling_ends(deployment: str, autoscaled: bool) -> None:
    """After a day without a change, only states with a deadline of Kubernetes are still Reconciling."""
    world = world_of(DEPLOYMENTS[deployment], autoscaled=autoscaled)
    for day in range(2):
        conditions(world, later=timedelta(days=day))
    is_reconciling = "Reconciling" in conditions(world, later=timedelta(days=2))
    status = world.children.get(("Deployment", "hello"), {}).get("status", {})
    has_deadline = MOVING in status.get("conditions", ())
    # A Deployment of zero replicas has no deadline; without a status no controller is running, and every controller
    # sets the time.
    never_ends = deployment in ("new", "a pod lost, without a time")
    assert is_reconciling <= (has_deadline or never_ends or (deployment == "going to zero" and not autoscaled))


@pytest.mark.parametrize("kind", ["Service", "ServiceAccount", "HorizontalPodAutoscaler"])
def test_running_is_about_the_deployment(kind: str) -> None:
    """While another child is missing, the Function is not ready, but its Deployment is Running."""
    world = world_of(DEPLOYMENTS["available"], autoscaled=True)
    del world.children[kind, "hello"]
    for seconds, phase, reason in ((0, "Reconciling", "ChildrenPending"), (5, "Stalled", "ChildrenNotCreated")):
        found = conditions(world, later=timedelta(seconds=seconds))
        assert (found["Ready"]["status"], found[phase]["reason"]) == ("False", reason)
        assert (found["Running"]["status"], found["Running"]["reason"]) == ("True", "DeploymentReady")


def test_a_start_and_an_edit_write_the_status_twice() -> None:
    """No step of the Deployment and no number of pods between the first status and the ready one is a write."""
    world = World(complete({"spec": {"replicas": 2}}))
    assert status_writes(world, "absent", "new", "creating", "progressing") == 1
    assert status_writes(world, "available", "available") == 1
    world.edit(world.parent["spec"] | {"env": [{"name": "A", "value": "b"}]})
    assert status_writes(world, "available", "surge", "one old pod left") == 1
    assert status_writes(world, "available", "available") == 1
    assert world.parent["status"]["replicas"] == 2


def test_a_long_rollout_reports_its_pods() -> None:
    """A scaler that reads the number of pods has it right 5 seconds after the beginning of a rollout that goes on."""
    world = world_of(DEPLOYMENTS["creating"], autoscaled=False)
    conditions(world)
    world.children["Deployment", "hello"]["status"]["replicas"] = 7
    found = {}
    for second in (-60, 0, 4, 5, 60):
        answer = sync(HookRequest.parse(world.request()), Config(), now=NOW + timedelta(seconds=second)).to_json()
        found[second] = (answer["status"]["replicas"], answer.get("resyncAfterSeconds", 0))
    assert found == {-60: (7, 0), 0: (0, 5), 4: (0, 5), 5: (7, 0), 60: (7, 0)}


def status_writes(world: World, *states: str) -> int:
    """Sync at each state of the Deployment; return how often the status was written."""
    count = 0
    for state in states:
        if child := world.children.get(("Deployment", "hello")):
            status = (DEPLOYMENTS[state] or {}).get("status")
            child["status"] = {"observedGeneration": child["metadata"].get("generation", 1)} | status if status else {}
        count += world.apply(sync(HookRequest.parse(world.request()), Config(), now=NOW).to_json()).count("status")
    return count


@pytest.mark.parametrize(
    ("stage", "late", "failed"),
    [("absent", "ChildrenPending", "ChildrenNotCreated"), ("unapplied", "DeploymentUpdated", "UpdateRefused")],
)
def test_a_late_operation_is_reported_and_then_fails(stage: str, late: str, failed: str) -> None:
    """An operation has the reason of a rollout for 5 seconds, its own for 5 more, and then counts as failed."""
    world = world_of(None if stage == "absent" else DEPLOYMENTS["available"], autoscaled=False, stage=stage)
    expected = {0: "DeploymentWaiting", 4: "DeploymentWaiting", 5: late, 9: late, 10: failed, 60: failed}
    found = {second: conditions(world, later=timedelta(seconds=second))["Ready"]["reason"] for second in expected}
    assert found == expected
    world.parent["metadata"]["generation"] += 1
    assert conditions(world, later=timedelta(seconds=61))["Ready"]["reason"] == "DeploymentWaiting"


@pytest.mark.parametrize("stage", ["absent", "unapplied"])
def test_no_operation_during_a_rollout_counts_as_failed_at_once(stage: str) -> None:
    """A child that goes missing, or an update, late in a rollout has the whole time of its own."""
    world = world_of(DEPLOYMENTS["surge"], autoscaled=False)
    conditions(world, later=-timedelta(minutes=9))
    child = world.children.pop(("Deployment", "hello"))
    if stage == "unapplied":
        world.children["Deployment", "hello"] = child
        child["spec"]["replicas"] += 1
    assert [phase(world, second) for second in (0, 4, 5)] == ["Reconciling", "Reconciling", "Stalled"]


def test_each_operation_has_its_own_timeout() -> None:
    """The timeout starts when a child goes missing, and starts again with each edit."""
    world = world_of(DEPLOYMENTS["surge"], autoscaled=False)
    conditions(world, later=-timedelta(minutes=9))
    service = world.children.pop(("Service", "hello"))
    assert [phase(world, second) for second in (0, 4)] == ["Reconciling", "Reconciling"]
    for start in (5, 20):
        world.edit(world.parent["spec"] | {"env": [{"name": "A", "value": f"{start}"}]})
        seconds = [start + second for second in (0, 4, 5, 9, 10)]
        assert [phase(world, second) for second in seconds] == [*["Reconciling"] * 4, "Stalled"]
    world.children["Service", "hello"] = service
    seconds = [40 + second for second in (0, 4, 5, 9, 10)]
    assert [phase(world, second) for second in seconds] == [*["Reconciling"] * 4, "Stalled"]


@pytest.mark.parametrize(("ahead", "ends"), [([0], 10), ([0, 5], 5)], ids=["rollout", "operation"])
def test_a_timeout_that_began_while_a_clock_was_ahead(ahead: list[int], ends: int) -> None:
    """A pending operation times out at the usual time after the clock is right again."""
    world = world_of(DEPLOYMENTS["surge"], autoscaled=False)
    del world.children["Service", "hello"]
    assert {phase(world, 365 * 24 * 3600 + second) for second in ahead} == {"Reconciling"}
    phases = [phase(world, second) for second in range(ends + 1)]
    assert phases == ["Reconciling"] * ends + ["Stalled"]


@pytest.mark.parametrize("deployment", ["pods refused", "surge refused"])
def test_refused_pods_time_out(deployment: str) -> None:
    """Pods that are refused for 5 seconds are a failure with Kubernetes' message; an edit restarts the timeout."""
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
    """A failure has Kubernetes' reason and message, or the command to run."""
    assert text in conditions(world_of(DEPLOYMENTS[deployment], autoscaled=False))["Stalled"]["message"]


def test_resync_after() -> None:
    """If a state ends without a change of an object, the response requests a sync at that time."""
    expected = {"absent": 5, "pods refused": 5, "a pod lost just now": 599, "available": 0, "surge": 0}
    for deployment, seconds in expected.items():
        world = world_of(DEPLOYMENTS[deployment], autoscaled=False)
        assert sync(HookRequest.parse(world.request()), Config(), now=NOW).resync_after == seconds


def autoscaled(*conditions: Manifest) -> World:
    """Return a ready Function whose autoscaler has these conditions."""
    world = world_of(DEPLOYMENTS["available"], autoscaled=True)
    world.children["HorizontalPodAutoscaler", "hello"]["status"] = {"conditions": list(conditions)}
    return world


IDLE = condition("ScalingActive", "False", "FailedGetResourceMetric")
STUCK = condition("AbleToScale", "False", "FailedUpdateScale")
AUTOSCALERS: dict[str, tuple[list[Manifest], str, int]] = {
    "measures": ([condition("ScalingActive", "True", "ValidMetricFound")], "DeploymentReady", 0),
    "has no conditions": ([], "DeploymentReady", 0),
    "is unknown": ([IDLE | {"status": "Unknown"}], "DeploymentReady", 0),
    "cannot measure": ([IDLE], "AutoscalerInactive", 0),
    "cannot measure yet": ([IDLE | {"lastTransitionTime": SECOND_AGO}], "DeploymentReady", 119),
    "cannot measure, without a time": ([IDLE | {"lastTransitionTime": None}], "DeploymentReady", 120),
    "cannot measure, in the future": ([IDLE | {"lastTransitionTime": "2999-01-01T00:00:00Z"}], "DeploymentReady", 120),
    "cannot scale": ([STUCK], "AutoscalerInactive", 0),
    "cannot measure yet, nor scale": ([IDLE | {"lastTransitionTime": SECOND_AGO}, STUCK], "AutoscalerInactive", 0),
    "is switched off": ([condition("ScalingActive", "False", "ScalingDisabled")], "DeploymentReady", 0),
    "is malformed": (["x", {"type": "ScalingActive", "status": ["False"], "reason": {}}], "DeploymentReady", 0),  # type: ignore[list-item]
    "has no reason": ([IDLE | {"reason": {}}], "AutoscalerInactive", 0),
}


@pytest.mark.parametrize(("given", "reason", "seconds"), AUTOSCALERS.values(), ids=AUTOSCALERS)
def test_autoscalers(given: list[Manifest], reason: str, seconds: int) -> None:
    """An autoscaler that has failed for two minutes is reported; the Function stays ready."""
    world = autoscaled(*given)
    assert sync(HookRequest.parse(world.request()), Config(), now=NOW).resync_after == seconds
    found = conditions(world)
    assert (found["Ready"]["status"], found["Ready"]["reason"]) == ("True", reason)
    assert set(found) == {"ConfigurationReady", "Running", "Ready"}
    assert (found["Running"]["reason"], found["Running"]["message"]) == ("DeploymentReady", "Deployment hello is ready")


def test_autoscaler_messages_are_stable() -> None:
    """The autoscaler's reason is repeated; its message, which has pod names and numbers, is not."""
    message = conditions(autoscaled(IDLE | {"message": "of Pod hello-5d9c-x"}))["Ready"]["message"]
    assert message == (
        "Deployment hello is ready, but its autoscaler does not scale it: "
        "ScalingActive is False with reason FailedGetResourceMetric"
    )
    assert message == conditions(autoscaled(IDLE | {"message": "of Pod hello-1a2b-y"}))["Ready"]["message"]


@pytest.mark.parametrize("deployment", ["surge", "zero", "deadline exceeded"])
def test_autoscalers_count_only_for_ready_functions(deployment: str) -> None:
    """A Function that is not ready keeps its reason, and so does one without an autoscaler."""
    world = world_of(DEPLOYMENTS[deployment], autoscaled=deployment != "zero")
    before = conditions(world)
    if scaler := world.children.get(("HorizontalPodAutoscaler", "hello")):
        scaler["status"] = {"conditions": [IDLE]}
    assert conditions(world) == before


def test_page(request: pytest.FixtureRequest) -> None:
    """docs/status.md has the table of reasons.py; --bless writes it."""
    page = ROOT / "docs" / "status.md"
    text = page.read_text(encoding="utf-8")
    wanted = re.sub(r"^\| reason \|.*?\n\n", lambda _: table() + "\n", text, count=1, flags=re.MULTILINE | re.DOTALL)
    if request.config.getoption("--bless"):
        page.write_text(wanted, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == wanted, "run with --bless, then read the diff"
    assert table() in wanted


def test_every_reason_is_reached() -> None:
    """Each reason is in a golden case, in a table here or in a row of test_failing_pods.py."""
    in_cases = {each["reason"] for case in all_cases() for each in case.answer()["status"].get("conditions", ())}
    in_tables = {cell.split()[1] for *_, cell in rows()} | {reason for _, reason, _ in AUTOSCALERS.values()}
    assert set(Reason) == in_cases | in_tables | {reason for _, reason, _ in FAILING.values()}


def test_reasons_are_spelled_once() -> None:
    """Only reasons.py spells a reason; the rest of hooks/ uses the member."""
    files = [path for path in (ROOT / "hooks").rglob("*.py") if path.name != "reasons.py"]
    spelled = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.value}"
        for path in files
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in set(Reason)
    ]
    assert len(files) > 50
    assert not spelled


def test_reasons_in_a_response_are_strings() -> None:
    """Conditions hold plain strings, which every serializer accepts."""
    answer = sync(HookRequest.parse(world_of(DEPLOYMENTS["surge"], autoscaled=False).request()), Config(), now=NOW)
    assert {type(each["reason"]) for each in answer.status["conditions"]} == {str}


@pytest.mark.parametrize("kind", ["Deployment", "Service", "ServiceAccount", "HorizontalPodAutoscaler"])
@pytest.mark.parametrize("record", ["{", "[]", "1"])
def test_unreadable_records_are_reported(kind: str, record: str) -> None:
    """The Function is Stalled with the command that removes the record, and is ready again after that."""
    world = world_of(DEPLOYMENTS["available"], autoscaled=True)
    annotations = world.children[kind, "hello"]["metadata"]["annotations"]
    before, annotations[LAST_APPLIED] = annotations[LAST_APPLIED], record
    found = conditions(world)
    assert found["Stalled"]["reason"] == found["Ready"]["reason"] == "RecordUnreadable"
    assert found["Stalled"]["message"].endswith(f"kubectl annotate {kind.lower()} hello {LAST_APPLIED}-")
    annotations[LAST_APPLIED] = before
    assert conditions(world)["Ready"]["reason"] == "DeploymentReady"


def test_an_error_in_an_explanation_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Function is ready with the Deployment's message, and the location of the error goes to the log."""

    def broken(*_: Any) -> None:
        raise ValueError("s3cr3t")

    monkeypatch.setattr(evaluation, "explain_autoscaler", broken)
    answer = sync(HookRequest.parse(autoscaled(IDLE).request()), Config(), now=NOW)
    assert {each["type"]: each["reason"] for each in answer.status["conditions"]}["Ready"] == "DeploymentReady"
    assert answer.dropped.startswith("ValueError at test_status:")
    assert answer.dropped.endswith(" in broken")
    assert "dropped" not in answer.to_json()
