"""The Functions from Git in Kyma's docs, examples and integration tests, with repositories of ours in their place."""

import contextlib
import io
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.left_out import require_program
from support.local_git import git_function, instead_of, repository
from support.local_run import SECONDS, running

from hooks.cli import main
from hooks.manifest import value_at

pytestmark = pytest.mark.sampled

KYMA = "https://github.com/kyma-project/serverless.git"
AZURE = "kyma-wookiee/kyma-function"
EMITTER, RECEIVER = (f"/examples/incluster_eventing/src/{name}-fn/" for name in ("emitter", "receiver"))
SERVER = "http://gitserver.test-serverless-gitops.svc.cluster.local:80/function.git"
BASIC, KEY = ({"type": kind, "secretName": f"git-creds-{name}"} for kind, name in (("basic", "basic"), ("key", "ssh")))
SCALE = {
    "scaleConfig": {"minReplicas": 1, "maxReplicas": 2},
    "resourceConfiguration": {"function": {"profile": "M"}, "build": {"profile": "fast"}},
}
Sample = tuple[str, dict[str, Any], dict[str, Any]]
SAMPLES: dict[str, Sample] = {
    # docs/user/tutorials/01-11-create-git-function.md
    "redis-rest": ("nodejs24", {"url": KYMA, "baseDir": "examples/redis-rest/src"}, {}),
    "tutorial-basic": ("nodejs24", {"url": KYMA, "baseDir": "examples/redis-rest/src", "auth": BASIC}, {}),
    "tutorial-key": ("nodejs24", {"url": "git@github.com:handle/repo.git", "baseDir": "/", "auth": KEY}, {}),
    # examples/incluster_eventing/k8s-resources
    "event-emitter": (
        "nodejs24",
        {"url": KYMA, "baseDir": EMITTER},
        {"env": [{"name": "EVENT_TYPE", "value": "payload.sanitised"}, {"name": "EVENT_SOURCE", "value": "my-app"}]},
    ),
    "event-receiver": ("nodejs24", {"url": KYMA, "baseDir": RECEIVER}, {}),
    # tests/serverless/internal/testsuite/gitops.go and gitauth.go
    "gitops": ("nodejs24", {"url": SERVER, "baseDir": "/", "reference": "master"}, SCALE),
    "github-func": ("python312", {"url": "git@github.com:owner/private-fn.git", "baseDir": "/", "auth": KEY}, SCALE),
    "azure-devops-func": (
        "nodejs24",
        {"url": f"https://kyma-wookiee@dev.azure.com/{AZURE}/_git/kyma-function", "baseDir": "/code", "auth": BASIC},
        SCALE,
    ),
    "azure-devops-ssh-func": (
        "nodejs24",
        {"url": f"git@ssh.dev.azure.com:v3/{AZURE}/kyma-function", "baseDir": "/code", "auth": KEY},
        SCALE,
    ),
}
APPLIED_TO_FLUX = {
    "redis-rest": (KYMA, "main", ["examples/redis-rest/src/"]),
    "event-emitter": (KYMA, "main", [EMITTER.lstrip("/")]),
    "tutorial-key": ("ssh://git@github.com/handle/repo.git", "main", None),
    "gitops": (SERVER, "master", None),
    "azure-devops-ssh-func": (f"ssh://git@ssh.dev.azure.com/v3/{AZURE}/kyma-function", "main", ["code/"]),
}
OTHER_KINDS = """\
---
apiVersion: gateway.kyma-project.io/v2alpha1
kind: APIRule
metadata: {name: incoming-http-trigger}
---
apiVersion: eventing.kyma-project.io/v1alpha2
kind: Subscription
metadata: {name: event-receiver}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "samples.yaml"
    path.write_text("---\n".join(text(name, *sample) for name, sample in SAMPLES.items()) + OTHER_KINDS)
    return path


def text(name: str, runtime: str, source: dict[str, Any], more: dict[str, Any]) -> str:
    function = yaml.safe_load(git_function(name, runtime, **source))
    function["spec"] |= more
    return yaml.safe_dump(function)


def test_each_sample_renders(file: Path) -> None:
    """Without a config each has a GitRepository with URL, reference and directory, and its Secret by name."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert main(["render", str(file)]) == 0
    items = yaml.safe_load(out.getvalue())["items"]
    found = {item["metadata"]["name"]: item["spec"] for item in items if item["kind"] == "GitRepository"}
    assert set(found) == set(SAMPLES)
    for name, (url, branch, sparse) in APPLIED_TO_FLUX.items():
        spec = found[name]
        assert (spec["url"], spec["ref"], spec.get("sparseCheckout")) == (url, {"branch": branch}, sparse)
    secrets = {name: value_at(spec, "secretRef", "name") for name, spec in found.items()}
    assert secrets == {name: source.get("auth", {}).get("secretName") for name, (_, source, _) in SAMPLES.items()}


def test_each_sample_is_valid(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`validate` accepts them without a config, and `manifest` prints them with their gitRepository."""
    assert main(["validate", str(file)]) == 0
    assert main(["manifest", str(file)]) == 0
    printed = capsys.readouterr().out.partition("valid\n")[2]
    assert [each["spec"]["source"] for each in yaml.safe_load_all(printed)] == [
        yaml.safe_load(text(name, *sample))["spec"]["source"] for name, sample in SAMPLES.items()
    ]


def test_a_url_without_a_scheme_is_refused(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The sample of Kyma's reference page, which Kyma does not accept either, has no scheme."""
    file.write_text(git_function(url="github.com/username/repo", reference="branchA", baseDir="/"))
    assert main(["validate", str(file)]) == 1
    assert "gitRepository.url: Invalid value: must be an http://, https:// or ssh:// URL" in capsys.readouterr().err


def test_each_sample_runs(file: Path, tmp_path: Path) -> None:
    """With a repository in place of each remote, the handler in the sample's directory answers."""
    require_program("npm")
    javascript = "module.exports = { main: () => process.env.EVENT_TYPE ?? 'javascript' };\n"
    directories = {source["baseDir"].strip("/") for _, source, _ in SAMPLES.values()}
    files = {f"{directory}/handler.js": javascript for directory in directories}
    files |= {f"{directory}/package.json": '{"dependencies": {}}' for directory in directories}
    made = repository(tmp_path, {name.lstrip("/"): content for name, content in files.items()})
    made.push({"handler.py": "def main(event, context):\n    return 'python'\n"}, branch="master")
    made.push({}, branch="main")
    made.push({"handler.py": "def main(event, context):\n    return 'python'\n"})
    urls = {
        f"ssh://{url[: url.index(':')]}/{url[url.index(':') + 1 :]}" if url.startswith("git@") else url
        for url in (source["url"] for _, source, _ in SAMPLES.values())
    }
    with running(tmp_path, str(file), "--once", **instead_of(dict.fromkeys(urls, made.bare))) as run:
        assert run.process.wait(4 * SECONDS) == 0
    answers = dict.fromkeys(SAMPLES, "javascript") | {"github-func": "python", "event-emitter": "payload.sanitised"}
    for name, answer in answers.items():
        assert f"{name} | GET / answered 200: {answer}\n" in run.output
