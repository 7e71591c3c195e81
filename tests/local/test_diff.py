"""`buildless diff`: its forms of input, its output and its exit codes."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from support.cases import NOW, complete, settle
from support.cluster.git_repository import git
from support.offline_metacontroller import World

from hooks.cli import main
from hooks.cli.comparison.api_server import defaulted
from hooks.config import Config

Manifest = dict[str, Any]

SPEC: Manifest = {
    "runtime": "python312",
    "source": {"inline": {"source": "def main(event, context):\n    return 1\n"}},
    "env": [{"name": "A", "value": "1"}],
}


class Output(NamedTuple):
    """Exit code, standard output and standard error."""

    code: int
    out: str
    err: str


Run = Callable[..., Output]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `buildless diff` in an empty directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BUILDLESS_CONFIG", raising=False)

    def run(*arguments: str) -> Output:
        capsys.readouterr()
        code = main(["diff", *arguments])
        return Output(code, *capsys.readouterr())

    return run


def function(name: str = "hello", **spec: Any) -> Manifest:
    head = {"apiVersion": "serverless.kyma-project.io/v1alpha2", "kind": "Function", "metadata": {"name": name}}
    return head | {"spec": SPEC | spec}


def write(name: str, *objects: Manifest) -> str:
    """Write objects into a file of the present directory; return its name."""
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(yaml.safe_dump_all(objects), encoding="utf-8")
    return name


def heads(output: Output) -> list[str]:
    """Return the line of each Function."""
    return [line for line in output.out.splitlines() if not line.startswith(" ")]


def test_equal_files_have_no_output(run: Run) -> None:
    """Nothing changes: the exit code is 0."""
    assert run(write("a.yaml", function()), write("b.yaml", function())) == (0, "", "")


def test_a_change_is_printed_with_its_reasons(run: Run) -> None:
    """A line has the Function and the reasons; below it are the children with old and new values."""
    source = {"inline": {"source": "def main(event, context):\n    return '$x'\n"}}
    new = function(source=source, env=[{"name": "A", "value": "2"}], scaleConfig={"minReplicas": 1, "maxReplicas": 2})
    assert run(write("a.yaml", function()), write("b.yaml", new)) == (
        1,
        """\
function/hello: restarts pods: source, environment variable A
  HorizontalPodAutoscaler is created
  Deployment
    ~ spec.template.spec.containers[function].env[A].value: "1" -> "2"
    ~ spec.template.spec.containers[function].env[FUNC_HANDLER_SOURCE].value:
       def main(event, context):
      -    return 1
      +    return '$x'
""",
        "",
    )


def test_every_outcome_has_a_line(run: Run) -> None:
    """Functions are created, deleted, changed and refused; a refused one is reported as `validate` does."""
    old = write("old.yaml", function("a"), function("b"), function("c"), function("d", runtime="cobol"))
    new = write("new.yaml", function("a", replicas=2), function("c", runtime="cobol"), function("d"), function("e"))
    output = run(old, new)
    assert output.code == 2
    assert heads(output) == [
        "function/a: restarts no pods",
        "function/b: is deleted; its pods end",
        "function/c: is refused; the old pods stay",
        "function/d: is valid again; what its pods run at present is unknown",
        "function/e: is created: ServiceAccount, Service, Deployment",
    ]
    assert output.err.startswith("new.yaml:23: spec.runtime: Unsupported value")


def test_no_pod_runs_at_zero_replicas(run: Run) -> None:
    """A changed template restarts nothing where replicas is 0, and the line says so."""
    old, new = function(replicas=0), function(replicas=0, labels={"a": "b"})
    assert heads(run(write("a.yaml", old), write("b.yaml", new))) == [
        "function/hello: restarts pods (replicas is 0: none run): label a"
    ]


def test_json_has_the_same(run: Run) -> None:
    """-o json prints one object; a changed text is a list of lines."""
    new = function(source={"inline": {"source": "x\n"}}, replicas=2)
    output = run("-o", "json", write("a.yaml", function()), write("b.yaml", new))
    (found,) = json.loads(output.out)["functions"]
    assert {key: found[key] for key in ("namespace", "name", "change", "restartsPods", "reasons")} == {
        "namespace": "default",
        "name": "hello",
        "change": "changed",
        "restartsPods": True,
        "reasons": ["source"],
    }
    (deployment,) = found["children"]
    assert deployment["fields"] == [
        {"path": "spec.replicas", "old": 1, "new": 2},
        {
            "path": "spec.template.spec.containers[function].env[FUNC_HANDLER_SOURCE].value",
            "diff": ["-def main(event, context):", "-    return 1", "+x"],
        },
    ]
    assert json.loads(run("-o", "json", "a.yaml", "a.yaml").out) == {"functions": []}


def test_long_texts_and_values_are_cut(run: Run) -> None:
    """Of a source 40 lines are printed, of another value 160 characters, and how much is left out."""
    source = {"inline": {"source": "".join(f"line {number}\n" for number in range(3_000))}}
    new = function(source=source, env=[{"name": "A", "value": "x" * 5_000}])
    lines = run(write("a.yaml", function()), write("b.yaml", new)).out.splitlines()
    assert lines[-1].strip() == "... 2962 more lines"
    assert len(lines) < 50
    assert max(map(len, lines)) < 300
    assert any(line.endswith("(4842 more characters)") for line in lines)


def test_control_characters_are_escaped(run: Run) -> None:
    """No text of a manifest reaches the terminal as a control sequence."""
    new = function(source={"inline": {"source": "\x1b[2J\u202e\n\ta\n"}}, env=[{"name": "A", "value": "\x1b[2J\u009b"}])
    output = run(write("a.yaml", function()), write("b.yaml", new))
    assert output.code == 1
    assert output.out.replace("\n", "").isprintable()


def test_settings_change_children_too(run: Run) -> None:
    """--config is for both sides, --old-config for OLD alone."""
    file, config = write("a.yaml", function()), write("config.yaml", {"registry": "example.com"})
    empty = write("empty.yaml", {})
    assert run(file, file, "--config", config).code == 0
    assert heads(run(file, file, "--config", config, "--old-config", empty)) == ["function/hello: restarts pods: image"]
    assert run(file, file, "--old-config", write("bad.yaml", {"registry": 1})).code == 2


@pytest.mark.parametrize(
    "arguments", [["a.yaml"], ["a.yaml"] * 3, ["-", "-"], [], ["--base", "HEAD"], ["--base", "HEAD", "-"]]
)
def test_an_invalid_command_line_has_exit_code_2(run: Run, arguments: list[str]) -> None:
    """Two files, or a revision and files, are needed."""
    write("a.yaml", function())
    output = run(*arguments)
    assert (output.code, output.out) == (2, "")
    assert output.err


def test_an_unreadable_file_has_exit_code_2(run: Run) -> None:
    """Nothing is printed about the others."""
    output = run(write("a.yaml", function()), "missing.yaml")
    assert output == (2, "", "missing.yaml: No such file or directory\n")


@pytest.fixture
def repository(tmp_path: Path, run: Run) -> Path:
    """A repository with four Functions in functions/, and one whose code is in a file."""
    for name in ("kept", "changed", "removed", "renamed"):
        write(f"functions/{name}.yaml", function(name))
    bare = function("coded")
    del bare["spec"]["source"]
    write("functions/coded/function.yaml", bare)
    Path("functions/coded/handler.py").write_text("def main(event, context):\n    return 1\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    return tmp_path


def edit() -> None:
    """Change, remove, rename and add Functions."""
    write("functions/changed.yaml", function("changed", replicas=2))
    Path("functions/removed.yaml").unlink()
    Path("functions/renamed.yaml").rename("functions/moved.yaml")
    Path("functions/coded/handler.py").write_text("def main(event, context):\n    return 2\n")
    write("functions/added.yaml", function("added", source={"inline": {"source": "# other\n" * 50}}))


EDITED = [
    "function/added: is created: ServiceAccount, Service, Deployment",
    "function/changed: restarts no pods",
    "function/coded: restarts pods: source",
    "function/removed: is deleted; its pods end",
]


@pytest.mark.parametrize(
    ("directory", "place"), [(".", "functions"), (".", "."), ("functions", "."), ("functions/coded", "..")]
)
def test_files_are_compared_with_a_revision(
    repository: Path, run: Run, monkeypatch: pytest.MonkeyPatch, directory: str, place: str
) -> None:
    """From any directory; neither the index nor the working tree is touched."""
    edit()
    status = git(repository, "status", "--porcelain")
    index = (repository / ".git/index").read_bytes()
    monkeypatch.chdir(directory)
    output = run("--base", "HEAD", place)
    assert (output.code, heads(output), output.err) == (1, EDITED, "")
    assert (repository / ".git/index").read_bytes() == index
    assert git(repository, "status", "--porcelain") == status


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("kept.yaml", []),
        ("changed.yaml", EDITED[1:2]),
        ("removed.yaml", EDITED[3:4]),
        ("added.yaml", EDITED[0:1]),
        ("moved.yaml", []),
        ("coded/function.yaml", EDITED[2:3]),
    ],
)
def test_single_files_are_compared_with_a_revision(repository: Path, run: Run, file: str, expected: list[str]) -> None:
    """A file may have been added, removed, or renamed with git."""
    edit()
    git(repository, "add", "--all")
    output = run("--base", "HEAD", f"functions/{file}")
    assert (output.code, heads(output), output.err) == (int(bool(expected)), expected, "")


def test_a_branch_a_tag_and_an_older_commit_are_revisions(repository: Path, run: Run) -> None:
    """Every name of a commit is accepted."""
    git(repository, "tag", "v1")
    git(repository, "branch", "other")
    edit()
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "second")
    assert run("--base", "HEAD", "functions").code == 0
    assert {run("--base", name, "functions").out.count("function/") for name in ("v1", "other", "HEAD~1")} == {4}


@pytest.mark.parametrize("revision", ["nowhere", "--output=x", "HEAD:functions", "", "a\0b"])
def test_an_unknown_revision_is_refused(repository: Path, run: Run, revision: str) -> None:
    """The message names it; an option of git is no revision."""
    output = run(f"--base={revision}", "functions")
    assert (output.code, output.out) == (2, "")
    assert "Traceback" not in output.err
    assert not (repository / "x").exists()


def test_a_file_outside_the_repository_is_refused(
    repository: Path, run: Run, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """So is a directory that is in no repository."""
    assert "is outside the repository" in run("--base", "HEAD", str(tmp_path_factory.mktemp("other"))).err


def test_without_a_repository_the_exit_code_is_2(run: Run) -> None:
    """The message is git's."""
    output = run("--base", "HEAD", write("a.yaml", function()))
    assert output.code == 2
    assert "not a git repository" in output.err


def test_errors_at_the_revision_have_its_name(repository: Path, run: Run) -> None:
    """A file that could not be read there is named as git names it."""
    (repository / "functions/kept.yaml").write_text("a: [\n")
    git(repository, "commit", "--quiet", "--all", "--message", "broken")
    write("functions/kept.yaml", function("kept"))
    output = run("--base", "HEAD", "functions")
    assert (output.code, output.out) == (2, "")
    assert output.err.startswith("HEAD:functions/kept.yaml:2: ")


def test_links_of_a_revision_stay_inside(repository: Path, run: Run, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A link to another file of the repository is followed, one that leads out of it is not."""
    outside = tmp_path_factory.mktemp("outside") / "secret.yaml"
    outside.write_text(yaml.safe_dump(function("secret")))
    (repository / "linked").mkdir()
    (repository / "linked/inside.yaml").symlink_to("../functions/kept.yaml")
    (repository / "linked/outside.yaml").symlink_to(outside)
    git(repository, "add", "linked")
    git(repository, "commit", "--quiet", "--message", "links")
    for link in (repository / "linked").iterdir():
        link.unlink()
    assert heads(run("--base", "HEAD", "linked")) == ["function/kept: is deleted; its pods end"]


def live(spec: Manifest, change: Callable[[World], None] | None = None) -> tuple[Manifest, list[Manifest]]:
    """Return a Function and its children as the API server has them."""
    world = World(complete({"metadata": {"name": "hello"}, "spec": spec}))
    settle(world, Config(), NOW)
    if change:
        change(world)
        world.children = {key: defaulted(child) for key, child in world.children.items()}
        settle(world, Config(), NOW)
    return world.parent, list(world.children.values())


def dumped(name: str, *objects: Manifest) -> str:
    """Write objects as `kubectl get -o json` prints them."""
    items = [each | {"metadata": each["metadata"] | {"managedFields": [{"manager": "m"}]}} for each in objects]
    Path(name).write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    return name


def add_by_others(world: World) -> None:
    """Scale, restart and inject, as other components do."""
    deployment = world.children["Deployment", "hello"]
    template = deployment["spec"]["template"]
    template["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"] = "2026-01-01T00:00:00Z"
    template["spec"]["containers"].append({"name": "sidecar", "image": "proxy"})
    deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "7"
    world.children["Service", "hello"]["metadata"]["annotations"]["a.b/c"] = "d"


@pytest.mark.parametrize("kinds", [(), ("Deployment",), ("Deployment", "Service", "ServiceAccount")])
@pytest.mark.parametrize("change", [None, add_by_others])
def test_live_objects_equal_the_file_that_made_them(
    run: Run, kinds: tuple[str, ...], change: Callable[[World], None] | None
) -> None:
    """Defaults of the API server, records and additions of others are no change, however few kinds are printed."""
    parent, children = live(SPEC, change)
    there = [child for child in children if child["kind"] in kinds]
    assert run(dumped("live.json", parent, *there), write("a.yaml", function())) == (0, "", "")


def test_an_edit_of_live_objects_is_all_that_is_printed(run: Run) -> None:
    """The children are those in the cluster, with what others have added to them."""
    parent, children = live(SPEC, add_by_others)
    output = run(dumped("live.json", parent, *children), write("a.yaml", function(env=[{"name": "A", "value": "2"}])))
    assert output.out.splitlines() == [
        "function/hello: restarts pods: environment variable A",
        "  Deployment",
        '    ~ spec.template.spec.containers[function].env[A].value: "1" -> "2"',
    ]


def test_an_autoscaler_keeps_its_replicas(run: Run) -> None:
    """A Function that is scaled at present is not scaled back by an edit."""

    def scale(world: World) -> None:
        world.children["Deployment", "hello"]["spec"]["replicas"] = 4

    limits = {"minReplicas": 1, "maxReplicas": 5}
    parent, children = live(SPEC | {"scaleConfig": limits}, scale)
    new = function(scaleConfig=limits | {"maxReplicas": 6})
    assert run(dumped("live.json", parent, *children), write("a.yaml", new)).out.splitlines() == [
        "function/hello: restarts no pods",
        "  HorizontalPodAutoscaler",
        "    ~ spec.maxReplicas: 5 -> 6",
    ]


def test_what_runs_is_compared_not_what_the_live_function_says(run: Run) -> None:
    """A live Function with an invalid spec keeps its children, so its repair is compared with these."""
    parent, children = live(SPEC)
    parent["spec"]["runtime"] = "cobol"
    file = dumped("live.json", parent, *children)
    assert run(file, write("a.yaml", function())).code == 0
    assert heads(run(file, write("b.yaml", function(labels={"a": "b"})))) == ["function/hello: restarts pods: label a"]


def test_children_of_another_function_do_not_count(run: Run) -> None:
    """Only a child with the UID of the Function is its child."""
    parent, children = live(SPEC)
    for child in children:
        child["metadata"]["labels"]["controller-uid"] = "another"
        child["spec"] = {}
    assert run(dumped("live.json", parent, *children), write("a.yaml", function())).code == 0


@pytest.mark.parametrize("spec", [None, 1, [], {"template": 1}, {"template": {"spec": {"containers": [1]}}}])
def test_a_malformed_child_is_a_problem(run: Run, spec: Any) -> None:
    """It is reported in one line, or replaced as in a cluster."""
    parent, children = live(SPEC)
    for child in children:
        if child["kind"] == "Deployment":
            child["spec"] = spec
    output = run(dumped("live.json", parent, *children), write("a.yaml", function()))
    assert output.code in (1, 2)
    assert output.code == 1 or output.err.startswith("a.yaml:1: its children are not as the API server stores them")
