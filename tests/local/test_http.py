"""The HTTP layer: status codes, error messages, and what responses and the log must not contain."""

import json
import logging
import re
from copy import deepcopy
from datetime import datetime
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from support.cases import ROOT, UID, all_cases
from support.offline_metacontroller import World

from hooks import app
from hooks.app import MAX_BODY_BYTES
from hooks.config import Config
from hooks.moved_fields import VERSIONS
from hooks.status import pods

Manifest = dict[str, Any]

SECRET = "s3cr3t-of-the-user"


@pytest.fixture
def client() -> FlaskClient:
    return app.create_app(Config()).test_client()


def body(**changes: Any) -> Manifest:
    """Return a valid first request; `changes` replace keys of its parent."""
    parent: Manifest = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function"}
    parent["metadata"] = {"name": "hello", "namespace": "default", "uid": UID}
    parent["spec"] = {"runtime": "nodejs22", "source": {"inline": {"source": SECRET}}}
    return World(parent | changes).request()


def post(client: FlaskClient, value: Any, path: str = "/v1/sync", **options: Any) -> Any:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return client.post(path, data=data, **({"content_type": "application/json"} | options))


def test_sync_returns_children_and_status(client: FlaskClient) -> None:
    """The response to a valid request has status 200 and only keys that Metacontroller knows."""
    response = post(client, body())
    assert response.status_code == 200
    assert set(response.json) <= {"status", "children", "resyncAfterSeconds", "finalized"}
    assert len(response.json["children"]) == 3


def test_finalize_returns_finalized(client: FlaskClient) -> None:
    """Once no child is observed, the response is `finalized: true`."""
    response = post(client, body() | {"finalizing": True}, "/v1/finalize")
    assert response.json["finalized"] is True


def test_customize_requests_pods(client: FlaskClient) -> None:
    """The hook requests a valid Function's pods, and nothing for an invalid one."""
    (rule,) = post(client, body(), "/v1/customize").json["relatedResources"]
    assert rule["resource"] == "pods"
    assert post(client, {"parent": {}}, "/v1/customize").json == {"relatedResources": []}
    assert post(client, [], "/v1/customize").status_code == 422


PLAIN: list[tuple[str, Manifest]] = [
    ("", {}),
    ("?revision=any", {}),
    ("", {"content_type": "application/json; charset=utf-8"}),
    ("", {"environ_overrides": {"CONTENT_LENGTH": "+99999"}}),
    ("", {"environ_overrides": {"CONTENT_LENGTH": "\u0661"}}),
    ("", {"environ_overrides": {"HTTP_TRANSFER_ENCODING": "chunked"}}),
]


@pytest.mark.parametrize(("query", "options"), PLAIN, ids=[str(number) for number in range(len(PLAIN))])
@pytest.mark.parametrize(
    "value", [body(), [], {"parent": {}}, b"{", b""], ids=["valid", "list", "parent", "text", "empty"]
)
def test_plain_requests_are_answered_as_flask_answers_them(value: Any, query: str, options: Manifest) -> None:
    """The layer before Flask changes no status, no body and no header of a response."""
    with_layer, without = app.create_app(Config()), app.create_app(Config())
    without.wsgi_app = without.wsgi_app.flask  # type: ignore[method-assign,attr-defined]
    answers = [post(each.test_client(), value, f"/v1/finalize{query}", **options) for each in (with_layer, without)]
    one, other = ((each.status_code, each.data, sorted(each.headers)) for each in answers)
    assert one == other


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_probes(client: FlaskClient, path: str) -> None:
    """Both probes succeed."""
    assert client.get(path).status_code == 200


REJECTED: list[tuple[Any, Manifest, int, str]] = [
    (b"{", {}, 400, "not JSON"),
    (b"", {}, 411, "Content-Length is required"),
    (b"\xff\xfe", {}, 400, "not JSON"),
    (b'{"a": NaN}', {}, 400, "not JSON"),
    (b"[" * 2000, {}, 400, "not JSON"),
    ([], {}, 422, "expected a JSON object"),
    ({"parent": {}}, {}, 422, "children: expected an object"),
    ({"parent": [], "children": {}}, {}, 422, "parent: expected an object"),
    (body(metadata={"name": "hello"}), {}, 422, "metadata.namespace: Required value"),
    (body(), {"content_type": "text/plain"}, 415, "application/json"),
    (b" " * (MAX_BODY_BYTES + 1), {}, 413, "Request Entity Too Large"),
]


@pytest.mark.parametrize(("value", "options", "code", "message"), REJECTED, ids=[str(n) for n in range(len(REJECTED))])
def test_refused(client: FlaskClient, value: Any, options: Manifest, code: int, message: str) -> None:
    """The response to an invalid request is a 4xx with one line of JSON that names the error."""
    response = post(client, value, **options)
    assert response.status_code == code
    assert message in response.json["error"]
    assert b"\n" not in response.data


@pytest.mark.parametrize("path", ["/v1/sync", "/v1/finalize", "/v1/customize"])
def test_requests_for_another_revision_are_rejected(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """A pod rejects requests for another revision with 429, and Metacontroller retries a second later."""
    monkeypatch.setenv("BUILDLESS_REVISION", "new")
    client = app.create_app(Config()).test_client()
    response = post(client, body() | {"finalizing": True}, path + "?revision=old")
    assert (response.status_code, response.headers["Retry-After"]) == (429, "1")
    for query in ("?revision=new", ""):
        assert post(client, body() | {"finalizing": True}, path + query).status_code == 200


def test_conversions_are_those_of_any_revision(monkeypatch: pytest.MonkeyPatch) -> None:
    """The API server adds a timeout to the query of a webhook; a pod with a revision answers it."""
    monkeypatch.setenv("BUILDLESS_REVISION", "new")
    client = app.create_app(Config()).test_client()
    review = {"request": {"uid": "u", "desiredAPIVersion": VERSIONS[1], "objects": []}}
    response = post(client, review, "/v1/convert?timeout=30s")
    assert response.get_json()["response"]["result"] == {"status": "Success"}


def test_without_a_revision_every_request_is_accepted(client: FlaskClient) -> None:
    """A hook without a revision accepts requests for any."""
    assert post(client, body(), "/v1/sync?revision=any").status_code == 200


def test_a_body_without_length_is_rejected(client: FlaskClient) -> None:
    """A chunked body, whose size is unknown in advance, is rejected."""
    environ = {"CONTENT_LENGTH": "", "HTTP_TRANSFER_ENCODING": "chunked"}
    assert post(client, body(), environ_overrides=environ).status_code == 411


def test_a_short_body_is_rejected(client: FlaskClient) -> None:
    """A body shorter than its Content-Length is rejected, even if it is valid JSON."""
    assert post(client, b'{"a": 1}', environ_overrides={"CONTENT_LENGTH": "99"}).status_code == 400


@pytest.mark.parametrize(
    ("method", "path", "code"), [("GET", "/v1/sync", 405), ("POST", "/sync", 404), ("POST", "/v1/sync/", 404)]
)
def test_other_routes(client: FlaskClient, method: str, path: str, code: int) -> None:
    """Any other path or method is a 404 or 405, never a redirect."""
    response = client.open(path, method=method)
    assert response.status_code == code
    assert response.get_json()["error"]


def test_a_child_without_record_is_returned_as_observed(client: FlaskClient) -> None:
    """Server-side apply keeps no record; a broken Function's children are then returned as observed."""
    request = deepcopy(next(case for case in all_cases() if case.name == "broken-running").request)
    live = request["children"]["Service.v1"]["hello"]
    del live["metadata"]["annotations"]
    children = post(client, request).json["children"]
    assert next(child for child in children if child["kind"] == "Service")["spec"] == live["spec"]


def test_an_internal_error_has_no_details(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An internal error is a 500 without details; the log has its type and frames, and no values."""

    def broken(*_: Any, **__: Any) -> None:
        try:
            datetime.fromisoformat(SECRET)
        except ValueError as error:
            raise KeyError(SECRET) from error

    monkeypatch.setattr(app, "sync", broken)
    response = post(app.create_app(Config()).test_client(), body())
    assert (response.status_code, response.json) == (500, {"error": "internal error"})
    (line,) = caplog.messages
    assert re.search(r"^internal error: KeyError at .*hooks\.app:\d+ in post_sync > test_http:\d+ in broken; ", line)
    assert re.search(r"; raised after ValueError at test_http:\d+ in broken$", line)
    assert SECRET not in caplog.text


@pytest.mark.parametrize("key", ["x\nERROR forged", "x\u2028y\x1b[2J", "x" * 50_000])
def test_an_error_is_one_bounded_line(client: FlaskClient, caplog: pytest.LogCaptureFixture, key: str) -> None:
    """Neither a map key nor a URL path can start a new line in the log or make a line arbitrarily long."""
    metadata = {"name": "hello", "namespace": "default", "uid": UID, "labels": {key: 1}}
    answers = [post(client, body(metadata=metadata)), client.post(f"/v1/{quote(key[:900])}")]
    assert [answer.status_code for answer in answers] == [422, 404]
    for text in (*caplog.messages, *(answer.json["error"] for answer in answers)):
        assert text.isprintable()
        assert len(text) < 2200


def test_an_error_in_an_explanation_drops_only_the_explanation(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The children stay, the Deployment's reason is reported, and the log has the place once, without values."""

    def broken(*_: Any) -> None:
        raise KeyError(SECRET)

    hook_request = next(case for case in all_cases() if case.name == "pods-say-why").request
    before = post(client, hook_request).json
    monkeypatch.setattr(pods, "explain_pods", broken)
    answers = [post(client, hook_request) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {200}
    assert all(answer.json["children"] == before["children"] for answer in answers)
    ready = next(each for each in answers[0].json["status"]["conditions"] if each["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "DeploymentWaiting")
    (line,) = caplog.messages
    assert re.fullmatch(r"explanation dropped: KeyError at test_http:\d+ in broken", line)


def test_the_log_holds_no_source(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    """Neither source nor values appear in an error or, at any level, in the log."""
    caplog.set_level(logging.DEBUG)
    post(client, body())
    env = [{"name": "A", "value": SECRET}, {"name": "A", "value": SECRET}]
    source = {"inline": {"source": SECRET}}
    answers = [
        post(client, body(spec={"runtime": "nodejs22", "source": source, "env": env})),
        post(client, body(spec={"runtime": "nodejs22", "source": {"inline": SECRET}})),
        post(client, body(spec={"runtime": "nodejs22", "source": source, "replicas": SECRET})),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert not any(SECRET in answer.text for answer in answers)
    assert "default/hello" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("name", ["sync-v1-first", "sync-v1-steady", "sync-v2-steady", "finalize-v1", "customize-v1"])
def test_captured_bodies_are_accepted(client: FlaskClient, name: str) -> None:
    """Requests captured from a real Metacontroller are accepted, in both versions of its hook API."""
    captured = (ROOT / "tests" / "support" / "fixtures" / "metacontroller" / f"{name}.json").read_bytes()
    response = post(client, captured, f"/v1/{name.partition('-')[0]}")
    assert response.status_code == 200
    if name.startswith("sync"):
        kinds = [child["kind"] for child in response.json["children"]]
        assert kinds == ["ServiceAccount", "Service", "Deployment"]


def test_both_hook_versions_get_the_same_children(client: FlaskClient) -> None:
    """The versions differ only in the keys of observed children."""
    captured = {}
    for version in ("v1", "v2"):
        file = ROOT / "tests" / "support" / "fixtures" / "metacontroller" / f"sync-{version}-steady.json"
        captured[version] = json.loads(file.read_text(encoding="utf-8"))
    captured["v2"]["parent"] = captured["v1"]["parent"]
    answers = [post(client, request).json["children"] for request in captured.values()]
    assert answers[0] == answers[1]
