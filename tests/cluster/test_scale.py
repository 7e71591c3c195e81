"""The scale subresource of a Function, which autoscalers and KEDA read and write (docs/scaling.md)."""

from support.cluster.control_plane import Manifest, wait_until
from support.cluster.functions import create_function, edit_function, function, replicas, wait_until_ready
from support.cluster.stack import GROUP, PREFIX, Stack

MERGE = "application/merge-patch+json"


def scale(stack: Stack, namespace: str, resource: str = "functions") -> Manifest:
    found = stack.plane.call("GET", f"{PREFIX[resource]}/namespaces/{namespace}/{resource}/hello/scale")[1]
    wanted, status = found["spec"].get("replicas", 0), found["status"]
    return {"wanted": wanted, "pods": status.get("replicas", 0), "selector": set(status["selector"].split(","))}


def set_scale(stack: Stack, namespace: str, number: int) -> None:
    path = f"{GROUP}/namespaces/{namespace}/functions/hello/scale"
    code, answer = stack.plane.call("PATCH", path, {"spec": {"replicas": number}}, kind=MERGE)
    assert code == 200, answer


def wait_until_agreed(stack: Stack, namespace: str, wanted: int, pods: int) -> None:
    """Return once the scales of Function and Deployment are the same, with these numbers."""
    both = ("functions", "deployments")
    expected = {"wanted": wanted, "pods": pods, "selector": scale(stack, namespace, "deployments")["selector"]}
    wait_until(
        lambda: [scale(stack, namespace, each) for each in both] == [expected, expected],
        f"both scales to have {wanted} and {pods}",
    )


def test_the_scale_is_that_of_the_deployment(stack: Stack, namespace: str) -> None:
    """Before any pod is ready, during a rollout that cannot finish, at zero and back."""
    create_function(stack, namespace, replicas=2)
    wait_until(lambda: stack.get("deployments", namespace, "hello"), "the Deployment")
    wait_until_agreed(stack, namespace, 2, 2)
    assert stack.condition(namespace, "hello", "Ready").get("status") == "False"
    wait_until_ready(stack, namespace)
    wait_until_agreed(stack, namespace, 2, 2)
    edit_function(stack, namespace, env=[{"name": "NEW", "value": "1"}])
    wait_until_agreed(stack, namespace, 2, 3)  # the pods of the new template are not ready
    for number in (0, 3):
        set_scale(stack, namespace, number)
        wait_until_agreed(stack, namespace, number, number)
        wait_until_ready(stack, namespace)


def test_a_broken_function_is_scaled_once_it_is_corrected(stack: Stack, namespace: str) -> None:
    """Meanwhile the scale has its pods and their selector, also after its status is lost."""
    create_function(stack, namespace, replicas=2)
    wait_until_ready(stack, namespace)
    edit_function(stack, namespace, resourceConfiguration={"function": {"profile": "HUGE"}})
    wait_until(lambda: stack.condition(namespace, "hello", "Stalled"), "Stalled")
    lost = dict.fromkeys(("podSelector", "replicas", "conditions"))
    stack.patch("functions", namespace, "hello", {"status": lost}, status=True)
    wait_until_agreed(stack, namespace, 2, 2)
    set_scale(stack, namespace, 3)
    wait_until(lambda: scale(stack, namespace)["wanted"] == 3, "the new number")
    assert replicas(stack, namespace) == 2
    edit_function(stack, namespace, resourceConfiguration=None)
    wait_until(lambda: replicas(stack, namespace) == 3, "the Deployment to be scaled")


def test_replicas_that_git_leaves_out_are_kept(stack: Stack, namespace: str) -> None:
    """An apply without replicas keeps those of a scaler; those that Git had itself become one."""

    def apply(**spec: int) -> int:
        flags = ("--server-side", "--force-conflicts", "--field-manager=flux", "-n", namespace, "-f", "-")
        stack.plane.kubectl("apply", *flags, stdin=function("hello", **spec))
        applied = stack.get("functions", namespace, "hello") or {}
        return int(applied["spec"]["replicas"])

    assert apply() == 1
    set_scale(stack, namespace, 3)
    assert apply() == 3
    assert apply(replicas=2) == 2
    set_scale(stack, namespace, 3)
    assert apply() == 3
    assert apply(replicas=2) == 2
    assert apply() == 1
