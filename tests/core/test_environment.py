"""The variables of the containers and their order, which after an edit are those of a fresh install."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import kubelet
from support.cases import NOW, complete, make_available
from support.offline_metacontroller import LAST_APPLIED, World

from hooks.config import Config
from hooks.protocol import HookRequest
from hooks.sync import sync

Manifest = dict[str, Any]
Spec = dict[str, Any]
PACKAGES = {"inline": {"source": "x $(A)", "dependencies": '{"dependencies": {}}'}}
DEFAULT = Config()
BARE = Config.model_validate({"install": {"environment": False}})


def response_to(world: World, config: Config = DEFAULT) -> Manifest:
    return sync(HookRequest.parse(deepcopy(world.request())), config, now=NOW).to_json()


def pod(spec: Spec, config: Config = DEFAULT) -> Manifest:
    """Return the pod of a fresh install."""
    answer = response_to(World(complete({"spec": spec})), config)
    (made,) = [child for child in answer["children"] if child["kind"] == "Deployment"]
    return dict(made["spec"]["template"]["spec"])


def literal(**values: str) -> list[Manifest]:
    return [{"name": name, "value": value} for name, value in values.items()]


def main_env(spec: Spec) -> dict[str, str]:
    """Return the expanded variables of the main container of a fresh install."""
    return kubelet.environment(pod(spec)["containers"][0]["env"])


PROXY = "PUBLISHER_PROXY_ADDRESS"


@pytest.mark.parametrize(
    ("env", "name", "value"),
    [
        (literal(HOST="broker", PUBLISHER_PROXY_ADDRESS="http://$(HOST)/p"), PROXY, "http://broker/p"),
        (literal(A="$(FUNC_NAME)", FUNC_NAME="mine", B="$(FUNC_NAME)"), "A", "hello"),
        (literal(A="$(FUNC_NAME)", FUNC_NAME="mine", B="$(FUNC_NAME)"), "B", "mine"),
        (literal(FUNC_NAME="$(FUNC_NAME)-mine"), "FUNC_NAME", "hello-mine"),
        (literal(A="$$(FUNC_NAME)", FUNC_NAME="mine"), "A", "$(FUNC_NAME)"),
        (literal(A="$(B)", B="b"), "A", "$(B)"),
        (literal(B="b", A="$(B)"), "A", "b"),
        (literal(A="$(SERVICE_NAMESPACE)"), "A", "default"),
    ],
)
def test_references_expand_as_in_kyma(env: list[Manifest], name: str, value: str) -> None:
    """Our variables come first, then the user's in order; a reference gets the last definition before it."""
    assert main_env({"env": env})[name] == value


def test_names_are_unique() -> None:
    """A variable of the user replaces ours of the same name, and keeps its own position."""
    names = [entry["name"] for entry in pod({"env": literal(A="", FUNC_NAME="x", B="")})["containers"][0]["env"]]
    assert len(set(names)) == len(names)
    assert names[names.index("A") :][:3] == ["A", "FUNC_NAME", "B"]
    assert names[-2:] == ["FUNC_HANDLER_SOURCE", "FUNC_HANDLER_SOURCE_2"]


SECRET = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "registry", "key": "token"}}}
INPUTS = {
    "env": [SECRET, *literal(PIP_INDEX_URL="https://$(TOKEN)@index.example/simple")],
    "envFrom": [{"secretRef": {"name": "proxies"}}],
    "secretMounts": [{"secretName": "authority", "mountPath": "/etc/authority"}],
    "source": PACKAGES,
}


def test_packages_are_installed_with_the_functions_inputs() -> None:
    """As in Kyma, the install container gets the Function's variables, Secrets and files, but not its source."""
    made = pod(INPUTS)
    (install,), main = made["initContainers"], made["containers"][0]
    assert install["env"][:-1] == [each for each in main["env"] if "SOURCE" not in each["name"]]
    assert install["env"][-1]["name"] == "FUNC_HANDLER_DEPENDENCIES"
    assert install["envFrom"] == main["envFrom"]
    assert {each["mountPath"] for each in main["volumeMounts"]} < {
        each["mountPath"] for each in install["volumeMounts"]
    }


def test_the_operator_can_keep_inputs_from_packages() -> None:
    """With install.environment: false the install container has no variable, Secret or file of the Function."""
    (install,) = pod(INPUTS, BARE)["initContainers"]
    assert [entry["name"] for entry in install["env"]] == ["FUNC_HANDLER_DEPENDENCIES"]
    assert "envFrom" not in install
    assert "/etc/authority" not in {each["mountPath"] for each in install["volumeMounts"]}


def live(world: World) -> Manifest:
    return dict(world.children["Deployment", "hello"]["spec"])


def template(world: World) -> Manifest:
    return dict(live(world)["template"])


def settled(world: World, limit: int = 8) -> list[Manifest]:
    """Sync until nothing is written; return the Deployment's spec after each sync."""
    found = []
    for _ in range(limit):
        writes = world.apply(response_to(world))
        found.append(deepcopy(live(world)))
        if not make_available(world) and not writes:
            return found
    raise AssertionError("never settles")


def edited(before: list[Manifest], after: list[Manifest], **more: Any) -> World:
    """Return the world after an edit, and assert that no other pod template than the two was ever rolled out."""
    world = World(complete({"spec": {"env": before} | more}))
    settled(world)
    old = template(world)
    world.edit(complete({"spec": {"env": after} | more})["spec"])
    steps = settled(world)
    assert not live(world).get("paused")
    assert all(step.get("paused") or step["template"] in (old, template(world)) for step in steps)
    return world


def variables(container: Manifest) -> dict[str, str]:
    return kubelet.environment(container["env"])


NAMES = ("A", "B", "C", "FUNC_NAME", PROXY)
VALUES = st.sampled_from(["", "x", "$$", *(f"{text}({name})" for name in NAMES for text in ("$", "-$", "$$"))])
ENVS = st.lists(st.sampled_from(NAMES), unique=True, max_size=5).flatmap(
    lambda names: st.tuples(*(VALUES for _ in names)).map(
        lambda values: literal(**dict(zip(names, values, strict=True)))
    )
)


@settings(max_examples=3 * settings().max_examples)
@given(ENVS, ENVS)
def test_an_edit_ends_like_a_fresh_install(before: list[Manifest], after: list[Manifest]) -> None:
    """After any edit the containers have the variables of a fresh install."""
    world = edited(before, after, source=PACKAGES)
    fresh = pod({"env": after, "source": PACKAGES})
    for section in ("containers", "initContainers"):
        (now,), (wanted,) = template(world)["spec"][section], fresh[section]
        assert variables(now) == variables(wanted)


def test_an_edit_without_references_pauses_nothing() -> None:
    """If the order changes no value, the Deployment is not paused."""
    world = World(complete({"spec": {"env": literal(A="1", B="2")}}))
    settled(world)
    world.edit(complete({"spec": {"env": literal(B="2", C="$(X)", A="1")}})["spec"])
    assert {step.get("paused") for step in settled(world)} == {None}


AFTER = literal(HOST="h", URL="http://$(HOST)/")


def started() -> World:
    """Return a settled Function that references a variable that does not exist."""
    world = World(complete({"spec": {"env": literal(URL="http://$(HOST)/")}}))
    settled(world)
    return world


def edit(world: World) -> None:
    world.edit(complete({"spec": {"env": AFTER}})["spec"])


def url(world: World) -> str:
    return variables(template(world)["spec"]["containers"][0])["URL"]


def test_a_variable_of_another_component_is_moved() -> None:
    """A variable that was added to the live object first, and to the spec later, is moved like any other."""
    world = started()
    live(world)["template"]["spec"]["containers"][0]["env"].append({"name": "HOST", "value": "h"})
    edit(world)
    settled(world)
    assert url(world) == "http://h/"
    assert not live(world).get("paused")


def test_a_variable_that_a_policy_always_writes_is_not_moved() -> None:
    """If a policy writes a variable into every Deployment, the order stays and the pause ends."""
    world, quiet = started(), list[Manifest]()
    edit(world)
    for _ in range(6):
        env = live(world)["template"]["spec"]["containers"][0]["env"]
        if not {"HOST", "URL"} <= {entry["name"] for entry in env}:
            env[:] = [*reversed(AFTER), *(entry for entry in env if entry["name"] not in ("HOST", "URL"))]
        writes = world.apply(response_to(world))
        if world.children["Deployment", "hello"]["spec"].get("paused") is False:
            del world.children["Deployment", "hello"]["spec"]["paused"]  # as the API server does
            quiet.append(template(world))
        make_available(world)
    assert writes == ["update Deployment/hello"]  # which changes nothing, so no further sync follows
    assert len(quiet) > 2
    assert all(each == quiet[0] for each in quiet)


def test_a_pause_by_a_user_is_kept() -> None:
    """While a user has paused the rollout the hook moves no variable; it does so after the pause."""
    world = started()
    world.children["Deployment", "hello"]["spec"]["paused"] = True
    edit(world)
    for _ in range(4):
        world.apply(response_to(world))
    assert live(world)["paused"] is True
    del world.children["Deployment", "hello"]["spec"]["paused"]
    settled(world)
    assert url(world) == "http://h/"
    assert not live(world).get("paused")


def test_the_order_is_restored_without_a_record() -> None:
    """If the record is not valid, the hook first completes it."""
    world = started()
    world.children["Deployment", "hello"]["metadata"]["annotations"][LAST_APPLIED] = "{}"
    edit(world)
    settled(world)
    assert url(world) == "http://h/"
    assert not live(world).get("paused")
