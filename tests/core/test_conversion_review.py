"""/v1/convert: the API server's reviews, and bodies of any kind."""

import json
from random import Random
from typing import Any

import orjson
import pytest
from flask.testing import FlaskClient
from support.left_out import RUN_ALL

from hooks.app import create_app
from hooks.config import Config
from hooks.convert import convert
from hooks.moved_fields import VERSIONS

Manifest = dict[str, Any]

V1, V2 = VERSIONS
SUPPORTED = f"supported values: {V1}, {V2}"
BODIES = 50_000 if RUN_ALL else 2_000


@pytest.fixture(scope="module")
def client() -> FlaskClient:
    return create_app(Config()).test_client()


def function(name: str, spec: Any, version: str = V1) -> Manifest:
    return {"apiVersion": version, "kind": "Function", "metadata": {"name": name, "uid": "u"}, "spec": spec}


def body(*objects: Any, version: Any = V2, uid: Any = "1-2") -> Manifest:
    request = {"uid": uid, "desiredAPIVersion": version, "objects": list(objects)}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "ConversionReview", "request": request}


def answered(client: FlaskClient, value: Any) -> Any:
    data = value if isinstance(value, bytes) else orjson.dumps(value)
    return client.post("/v1/convert", data=data, content_type="application/json")


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def test_objects_are_converted_in_order(client: FlaskClient) -> None:
    """Each object is in the response, in its place, with the UID of the review."""
    objects = [
        function("a", {"source": {"inline": {"source": "a"}}}),
        function("b", None, V2),
        function("c", {"template": 1}),
    ]
    answer = answered(client, body(*objects)).json
    assert answer == {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "ConversionReview",
        "response": {
            "uid": "1-2",
            "result": {"status": "Success"},
            "convertedObjects": [convert(each, V2) for each in objects],
        },
    }


@pytest.mark.parametrize(
    "spec", [None, 5, [], {"source": "a"}, {"source": {"inline": []}}, {"resourceConfiguration": 1}]
)
def test_a_broken_function_fails_no_other(client: FlaskClient, spec: Any) -> None:
    """Whatever a Function contains is converted."""
    response = answered(client, body(function("a", spec), function("b", {"runtime": "a"}))).json["response"]
    assert response["result"] == {"status": "Success"}
    assert [each["metadata"]["name"] for each in response["convertedObjects"]] == ["a", "b"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (body(function("a", {}), version="v3"), f"request.desiredAPIVersion: {SUPPORTED}"),
        (body(function("a", {}), version=5), f"request.desiredAPIVersion: {SUPPORTED}"),
        (body(function("a", {}), version=[V1]), f"request.desiredAPIVersion: {SUPPORTED}"),
        (body(function("a", {}), function("a", {}, "v3")), f"request.objects[1].apiVersion: {SUPPORTED}"),
        (body([]), f"request.objects[0].apiVersion: {SUPPORTED}"),
        (json.dumps(body(function("a", nested(300)))).encode(), "request.objects[0]: nested too deeply"),
    ],
    ids=["version", "no version", "list of versions", "version of an object", "no object", "nested"],
)
def test_what_no_api_server_sends(client: FlaskClient, value: Any, message: str) -> None:
    """The result is a failure that names the field, without objects."""
    response = answered(client, value).json["response"]
    assert (response["uid"], response["result"]["status"], set(response)) == ("1-2", "Failure", {"uid", "result"})
    assert response["result"]["message"] == message


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ([], "request.uid: expected a string"),
        ({}, "request.uid: expected a string"),
        (body(uid=""), "request.uid: expected a string"),
        (body(uid="x" * 129), "request.uid: expected a string"),
        (body() | {"request": []}, "request.uid: expected a string"),
        (body() | {"request": {"uid": "1", "objects": {}}}, "request.objects: expected a list"),
    ],
    ids=["list", "empty", "no UID", "long UID", "request", "objects"],
)
def test_what_is_no_review(client: FlaskClient, value: Any, error: str) -> None:
    """The response is an error of one line."""
    answer = answered(client, value)
    assert (answer.status_code, answer.json) == (422, {"error": error})


def test_what_is_no_json(client: FlaskClient) -> None:
    """The response is an error."""
    assert answered(client, b"{").status_code == 400


@pytest.mark.parametrize("uid", ["x", "x" * 128], ids=len)
def test_the_longest_and_the_shortest_uid(client: FlaskClient, uid: str) -> None:
    """They are in the response."""
    assert answered(client, body(uid=uid)).json["response"]["uid"] == uid


@pytest.mark.parametrize("levels", range(235, 256))
def test_nesting_around_the_bound(client: FlaskClient, levels: int) -> None:
    """A review of any depth has an answer."""
    amounts = {"claims": nested(levels), "limits": nested(levels)}
    spec = {"source": {"inline": nested(levels)}, "resourceConfiguration": {"function": {"resources": amounts}}}
    for objects in ([function("a", spec)], [function("a", nested(levels))], [convert(function("a", spec), V2)]):
        for version in (V1, V2):
            assert answered(client, json.dumps(body(*objects, version=version)).encode()).status_code == 200


def mutated(random: Random, data: bytes) -> bytes:
    """Return a review with some bytes or JSON values replaced."""
    if random.random() < 0.3:
        changed = bytearray(data)
        for _ in range(random.choice([1, 2, 8])):
            changed[random.randrange(len(changed))] = random.choice(b'{}[]",:0123n\\\xff a')
        return bytes(changed)
    tree = json.loads(data)
    for _ in range(random.choice([1, 2, 4])):
        here = tree
        while here and isinstance(here, dict | list):
            key: Any = random.choice(list(here)) if isinstance(here, dict) else random.randrange(len(here))
            if random.random() < 0.25:
                here[key] = random.choice(
                    [None, True, 0, -1, 1e99, 2**70, "", "x", V1, V2, [], {}, [here[key]], {"a": here[key]}]
                )
                break
            here = here[key]
    return json.dumps(tree).encode()


def test_bodies_of_any_kind(client: FlaskClient) -> None:
    """No body has an answer of 500, and a 200 has a success with as many objects, or a failure."""
    spec = {
        "source": {"inline": {"source": "a", "b": 1}},
        "resourceConfiguration": {"build": {"profile": "S"}},
        "template": {},
    }
    first, second = function("a", spec), convert(function("b", spec), V2)
    for number in range(BODIES):
        random = Random(number)
        value = mutated(random, orjson.dumps(body(first, second, version=random.choice(VERSIONS))))
        answer = answered(client, value)
        assert answer.status_code in (200, 400, 422), value
        if answer.status_code == 200 and answer.json["response"]["result"]["status"] == "Success":
            assert len(answer.json["response"]["convertedObjects"]) == len(orjson.loads(value)["request"]["objects"])
