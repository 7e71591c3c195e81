"""The command line: what each command prints, and its errors with their lines."""

import io
import json
import os
import re
import subprocess
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import source_controller
from support.cases import UID, all_cases
from support.command_line import Output, Run

from hooks import __version__, naming
from hooks.cli import COMMANDS, files, main

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
FUNCTIONS = sorted(path for path in EXAMPLES.glob("*.yaml") if not path.stem.startswith("config-"))
POLICY = ROOT / "chart" / "files" / "validatingadmissionpolicy.yaml"
HELLO = """\
apiVersion: serverless.kyma-project.io/v1alpha2
kind: Function
metadata:
  name: hello
spec:
  runtime: python312
  source:
    inline:
      source: |
        def main(event, context):
            return 1
"""
SECOND = HELLO.replace("name: hello", "name: second")
OTHER = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n"


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in an empty directory; keyword arguments are files written there first (a_yaml: a.yaml)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BUILDLESS_CONFIG", raising=False)

    def run(*args: str, **contents: str) -> Output:
        for name, text in contents.items():
            (tmp_path / name.replace("_", ".")).write_text(text)
        try:
            code = main(args)
        except SystemExit as end:
            code = int(end.code or 0)
        return Output(code, *capsys.readouterr())

    return run


def rendered(output: Output) -> list[dict[str, Any]]:
    """Return the items in the output of a successful render."""
    assert (output.code, output.err) == (0, "")
    printed = yaml.safe_load(output.out)
    assert (printed["apiVersion"], printed["kind"]) == ("v1", "List")
    return list(printed["items"])


def kinds(output: Output) -> list[str]:
    """Return the kinds in the output of a successful render, sorted."""
    return sorted(item["kind"] for item in rendered(output))


def test_render_prints_one_list_of_children(run: Run) -> None:
    """The children of a Function are printed as one List, which kubectl can apply."""
    assert kinds(run("render", "a.yaml", a_yaml=HELLO)) == ["Deployment", "Service", "ServiceAccount"]


def listed(*documents: str) -> str:
    """Return one List, as `kubectl get -o yaml` prints it."""
    return yaml.safe_dump({"apiVersion": "v1", "items": [yaml.safe_load(each) for each in documents], "kind": "List"})


def test_render_reads_what_kubectl_prints(run: Run) -> None:
    """The items of a List are read like separate documents."""
    apart, together = (
        run("render", "a.yaml", a_yaml=f"{OTHER}---\n{HELLO}"),
        run("render", "b.yaml", b_yaml=listed(OTHER, HELLO)),
    )
    assert rendered(apart) == rendered(together)


def test_errors_in_a_list_have_their_lines(run: Run) -> None:
    """An error in an item of a List has the line of that item."""
    text = listed(OTHER, HELLO.replace("python312", "cobol"))
    line = text.splitlines().index("    runtime: cobol") + 1
    assert run("render", "a.yaml", a_yaml=text).err.startswith(f"a.yaml:{line}: spec.runtime: ")


def test_render_ignores_other_objects(run: Run) -> None:
    """A file may have objects of other kinds and empty documents, or be empty."""
    text = f"{OTHER}---\n{HELLO}---\n---\n{HELLO.replace('hello', 'second')}"
    names = [item["metadata"]["name"] for item in rendered(run("render", "a.yaml", "b.yaml", a_yaml=text, b_yaml=""))]
    assert names == ["hello"] * 3 + ["second"] * 3


def test_render_writes_json(run: Run) -> None:
    """-o json prints the same List as JSON."""
    as_yaml, as_json = run("render", "a.yaml", a_yaml=HELLO), run("render", "-o", "json", "a.yaml")
    assert json.loads(as_json.out) == yaml.safe_load(as_yaml.out)


def conditions(output: Output) -> dict[str, str]:
    """Return the reason of each condition of the one Function in the output of a render."""
    (function,) = [item for item in rendered(output) if item["kind"] == "Function"]
    return {condition["type"]: condition["reason"] for condition in function["status"]["conditions"]}


def test_render_adds_the_status(run: Run) -> None:
    """--status adds the Function as written, with the status right after apply, before its children."""
    with_status = rendered(run("render", "a.yaml", "--status", a_yaml=HELLO))
    assert with_status[1:] == rendered(run("render", "a.yaml"))
    function = with_status[0]
    assert {key: value for key, value in function.items() if key != "status"} == yaml.safe_load(HELLO)
    assert function["status"]["functionResourceProfile"] == "L"
    assert conditions(run("render", "a.yaml", "--status")) == {
        "ConfigurationReady": "FunctionSpecValidated",
        "Running": "DeploymentWaiting",
        "Ready": "DeploymentWaiting",
        "Reconciling": "DeploymentWaiting",
    }


@pytest.mark.parametrize(("uid", "ready"), [(UID, "OOMKilled"), ("another", "DeploymentWaiting")])
def test_status_is_that_of_the_observed_objects(run: Run, uid: str, ready: str) -> None:
    """Children in the files count as observed, and so do pods with the Function's UID, but no other pods."""
    request = deepcopy(next(case for case in all_cases() if case.name == "pods-say-why").request)
    pods = list(request["related"]["Pod.v1"].values())
    for pod in pods:
        pod["metadata"]["labels"] = naming.uid_label(uid)
    children = [child for group in request["children"].values() for child in group.values()]
    text = yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [*children, *pods, request["parent"]]})
    found = conditions(run("render", "a.yaml", "--status", a_yaml=text))
    assert (found["Running"], found["Ready"]) == ("DeploymentWaiting", ready)


def test_render_reads_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` reads standard input."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(HELLO.encode())))
    assert "Deployment" in kinds(run("render", "-"))


FROM_GIT = """\
apiVersion: serverless.kyma-project.io/v1alpha2
kind: Function
metadata: {name: hello, uid: u}
spec:
  runtime: python312
  source: {gitRepository: {url: "https://git.example/r.git", baseDir: /, reference: main}}
"""


def test_render_of_a_function_from_git(run: Run) -> None:
    """Before the first fetch a Function has a GitRepository and no Deployment."""
    done = run("render", "a.yaml", "--config", "config.yaml", a_yaml=FROM_GIT, config_yaml="git: {enabled: true}")
    kinds = [child["kind"] for child in yaml.safe_load(done.out)["items"]]
    assert kinds == ["ServiceAccount", "Service", "GitRepository"]


def test_render_of_a_fetched_source(run: Run) -> None:
    """With the object of Flux in the same file, the Deployment runs its artifact."""
    config = {"config_yaml": "git: {enabled: true}"}
    first = run("render", "a.yaml", "--config", "config.yaml", a_yaml=FROM_GIT, **config)
    (found,) = [child for child in yaml.safe_load(first.out)["items"] if child["kind"] == "GitRepository"]
    owner = {"apiVersion": "v1", "kind": "Function", "name": "hello", "uid": "u", "controller": True}
    found["metadata"] |= {"generation": 1, "ownerReferences": [owner]}
    found["metadata"]["labels"]["controller-uid"] = "u"
    source_controller.fetch(found)
    text = f"{FROM_GIT}---\n{yaml.safe_dump(found)}"
    items = yaml.safe_load(run("render", "a.yaml", "--config", "config.yaml", a_yaml=text, **config).out)["items"]
    (deployment,) = [child for child in items if child["kind"] == "Deployment"]
    env = deployment["spec"]["template"]["spec"]["initContainers"][0]["env"]
    assert {"name": "SOURCE_DIGEST", "value": found["status"]["artifact"]["digest"]} in env


def test_render_completes_metadata(run: Run) -> None:
    """The UID in the labels is zeros, or that of the file."""
    (deployment,) = [c for c in rendered(run("render", "a.yaml", a_yaml=HELLO)) if c["kind"] == "Deployment"]
    key = "serverless.kyma-project.io/uuid"
    assert deployment["metadata"]["labels"][key] == "00000000-0000-0000-0000-000000000000"
    given = HELLO.replace("name: hello", "name: hello\n  uid: 1-2-3")
    assert {c["metadata"]["labels"][key] for c in rendered(run("render", "a.yaml", a_yaml=given))} == {"1-2-3"}


def test_render_uses_the_config(run: Run) -> None:
    """--config overrides the defaults."""
    output = run("render", "a.yaml", "--config", "c.yaml", a_yaml=HELLO, c_yaml="registry: example.com/mine\n")
    assert "image: example.com/mine/runtime-python312:" in output.out


def test_render_writes_source_as_a_block(run: Run) -> None:
    """Source is a YAML block, not one line with escapes."""
    output = run("render", "a.yaml", a_yaml=HELLO)
    assert "value: |\n" in output.out
    assert "    return 1\n" in output.out


@pytest.mark.parametrize("text", ["1e3", "0o17", "y", "on", "2026-01-01", "1:30", "~", "null", "0x1F", "+1", ".5"])
def test_render_quotes_what_looks_like_a_value(run: Run, text: str) -> None:
    """A string that some YAML reader takes for another type is quoted."""
    function = HELLO + f"  env:\n    - name: X\n      value: '{text}'\n"
    assert f"value: '{text}'\n" in run("render", "a.yaml", a_yaml=function).out


@pytest.mark.parametrize("example", FUNCTIONS, ids=lambda path: path.stem)
def test_every_example_renders(run: Run, example: Path) -> None:
    """Every example is valid with the default config, and with Kyma's images if they have its runtime."""
    text = example.read_text()
    kyma = EXAMPLES / "config-kyma-images.yaml"
    left_out = [name for name, row in yaml.safe_load(kyma.read_text())["runtimes"].items() if row is None]
    configs = [[]] if any(f"runtime: {name}" in text for name in left_out) else [[], ["--config", str(kyma)]]
    for config in configs:
        assert "Deployment" in kinds(run("render", str(example), *config))


def test_kyma_images_replace_every_image(run: Run) -> None:
    """The config for Kyma's images has one for a runtime."""
    output = run("render", str(EXAMPLES / "hello-nodejs.yaml"), "--config", str(EXAMPLES / "config-kyma-images.yaml"))
    assert "image: europe-docker.pkg.dev/kyma-project/prod/function-runtime-nodejs22:main\n" in output.out


ERRORS = {
    "a broken rule": (HELLO.replace("python312", "cobol"), 'a.yaml:6: spec.runtime: Unsupported value: "cobol"'),
    "in the second document": (
        OTHER + "---\n" + HELLO.replace("python312", "cobol"),
        "a.yaml:10: spec.runtime: Unsupported value",
    ),
    "a wrong type": (HELLO + "  replicas: many\n", "a.yaml:12: spec.replicas: must be of type integer"),
    "an item of a list": (
        HELLO + "  secretMounts:\n    - secretName: a\n      mountPath: /a\n    - secretName: b\n",
        "a.yaml:15: spec.secretMounts[1].mountPath: Required value",
    ),
    "something missing": (HELLO.partition("  source:")[0], "a.yaml:5: spec.source: Required value"),
    "another version": (
        HELLO.replace("v1alpha2", "v1alpha9"),
        'a.yaml:1: apiVersion: Unsupported value: supported values: "serverless.kyma',
    ),
    "invalid YAML": (HELLO + "  env: [", "a.yaml:12: while parsing a flow"),
    "a key given twice": (HELLO + "spec: {}\n", "a.yaml:12: 'spec' is given twice"),
}


@pytest.mark.parametrize(("text", "line"), ERRORS.values(), ids=ERRORS)
def test_an_error_is_one_line_with_its_place(run: Run, text: str, line: str) -> None:
    """An error is one line, `file:line: path: message`, and standard output stays empty."""
    output = run("render", "b.yaml", "a.yaml", a_yaml=text, b_yaml=SECOND)
    assert (output.code, output.out) == (1, "")
    assert output.err.startswith(line)
    assert output.err.count("\n") == 1


def test_render_reports_every_error(run: Run) -> None:
    """All errors of all files are reported at once, unreadable files included."""
    broken = HELLO.replace("python312", "cobol") + "  scaleConfig: {minReplicas: 3, maxReplicas: 2}\n"
    output = run("render", "a.yaml", "gone.yaml", "b.yaml", a_yaml=broken, b_yaml=SECOND + "  replicas: x\n")
    assert output.code == 1
    assert sorted(line.split(": ")[0] for line in output.err.splitlines()) == [
        "a.yaml:12",
        "a.yaml:6",
        "b.yaml:12",
        "gone.yaml",
    ]


LINES = {
    "": 1,
    "spec": 2,
    "spec.env[0].name": 4,
    "spec.env[1]": 5,
    "spec.env.1.value": 6,
    "spec.env[7].name": 3,
    "spec.labels.a.b/c": 8,
    "spec.labels['a.b/c']": 8,
    "spec.missing.deeper": 2,
    "spec.labelsX": 2,
}


@pytest.mark.parametrize(("path", "line"), LINES.items())
def test_a_problem_has_the_line_of_its_path(tmp_path: Path, path: str, line: int) -> None:
    """In any notation a path has the line of its deepest part that is in the file."""
    file = tmp_path / "a.yaml"
    file.write_text("a: 1\nspec:\n  env:\n  - name: A\n  - name: B\n    value: x\n  labels:\n    a.b/c: d\n    a: e\n")
    (document,) = files.documents(str(file))
    assert document.problem(path, "").line == line


def test_dates_stay_strings(tmp_path: Path) -> None:
    """A date stays a string, since JSON has no dates."""
    file = tmp_path / "a.yaml"
    file.write_text("on: 2026-01-01\n")
    (document,) = files.documents(str(file))
    assert list(document.value.values()) == ["2026-01-01"]


CONFIG_ERRORS = {
    "an unknown setting": ("registri: x\n", "c.yaml:1: registri: Forbidden: there is no such setting\n"),
    "a wrong type": ("\nregistry: 5\n", "c.yaml:2: registry: must be of type string\n"),
    "a rule": (
        "defaultProfile: XXL\n",
        'c.yaml:1: defaultProfile: Unsupported value: "XXL": supported values: "L", "M", "S", "XL", "XS"\n',
    ),
    "a conflict of two values": (
        "profiles:\n  L:\n    limits: {cpu: 200m}\n",
        'c.yaml:2: profiles.L.requests.cpu: Invalid value: "400m": must be less than or equal to the limit of 200m\n',
    ),
    "no map": ("- a\n", "c.yaml: expected a map of settings, found list\n"),
    "invalid YAML": (
        "a: [\n",
        "c.yaml:2: while parsing a flow node expected the node content, but found '<stream end>'\n",
    ),
    "two": (
        "a: 1\nb: 2\n",
        "c.yaml:1: a: Forbidden: there is no such setting\nc.yaml:2: b: Forbidden: there is no such setting\n",
    ),
}


@pytest.mark.parametrize(("text", "message"), CONFIG_ERRORS.values(), ids=CONFIG_ERRORS)
@pytest.mark.parametrize("command", [["run", "a.yaml"], ["serve"], ["render", "a.yaml"], ["policy"]], ids=" ".join)
def test_an_invalid_config_ends_every_command(run: Run, command: list[str], text: str, message: str) -> None:
    """The errors of a config are printed, one a line, with exit code 2 and before anything is started."""
    assert run(*command, "--config", "c.yaml", a_yaml=HELLO, c_yaml=text) == Output(2, "", message)


def test_policy_prints_policies_bindings_and_parameters(run: Run) -> None:
    """Only the parameters depend on the config; they and the bindings use the given namespace."""
    plain = run("policy").out
    assert plain.startswith(POLICY.read_text(encoding="utf-8"))
    other = run("policy", "--config", "c.yaml", "--namespace", "here", c_yaml="profiles: {XL: null}").out
    (policy, *_), (same_policy, binding, *_, parameters) = (list(yaml.safe_load_all(text)) for text in (plain, other))
    assert policy == same_policy
    assert binding["spec"]["paramRef"]["namespace"] == parameters["metadata"]["namespace"] == "here"
    assert parameters["data"]["profiles"] == "L,M,S,XS"


def test_config_of_the_environment_is_checked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command reads and validates the file in BUILDLESS_CONFIG."""
    monkeypatch.setenv("BUILDLESS_CONFIG", "gone.yaml")
    assert run("serve") == Output(2, "", "gone.yaml: No such file or directory\n")


def test_serve_becomes_gunicorn(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """serve executes gunicorn with its settings, and passes the path of the config in the environment."""
    started: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda _, command: started.append(command))
    monkeypatch.setenv("BUILDLESS_CONFIG", "")
    run("serve", "--bind", "[::1]:80", "--config", "c.yaml", c_yaml="registry: x\n")
    assert started[0][:4] == [sys.executable, "-m", "gunicorn", "-c"]
    assert started[0][5:] == ["--bind", "[::1]:80", "hooks.app:create_app()"]
    assert os.environ["BUILDLESS_CONFIG"] == str(tmp_path / "c.yaml")


def test_serve_passes_the_certificate_to_gunicorn(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """gunicorn gets certificate and key; one without the other is an error."""
    started: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda _, command: started.append(command))
    run("serve", "--tls-certificate", "c", "--tls-key", "k")
    assert {"--certfile=c", "--keyfile=k"} <= set(started[0])
    output = run("serve", "--tls-key", "k")
    assert output.code == 2
    assert "Error: --tls-certificate and --tls-key go together\n" in output.err


@pytest.mark.parametrize("bind", ["8080", "host", "host:port", "a:b:1", "h:99999", "::1:80", ""])
def test_serve_rejects_an_invalid_address(run: Run, bind: str) -> None:
    """An address is HOST:PORT; anything else is an error."""
    output = run("serve", "--bind", bind)
    assert output.code == 2
    assert f"expected HOST:PORT, found {bind!r}" in output.err


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(run: Run, command: str, option: str) -> None:
    """The help of every command has an example, which is not wrapped."""
    output = run(command, option)
    assert output.code == 0
    examples = output.out.partition("\nExamples:\n")[2].splitlines()
    assert any(f"buildless {command} " in line for line in examples)
    assert all(line.startswith("  ") for line in examples)


def test_without_a_command_the_help_is_printed(run: Run) -> None:
    """`buildless` alone prints the list of commands."""
    output = run()
    assert (output.code, output.err) == (0, "")
    assert re.findall(r"^  ([a-z-]+)  ", output.out, re.MULTILINE) == list(COMMANDS)


SUGGESTIONS = {
    ("rendr",): "No such command 'rendr'. Did you mean 'render'?",
    ("render", "--staus", "a.yaml"): "No such option '--staus'. Did you mean '--status'?",
    ("render", "-o", "yml", "a.yaml"): "'yml' is not one of 'json', 'yaml'",
    ("render",): "Missing argument 'FILE...'",
    ("run", "a.yaml", "--port", "70000"): "70000 is not in the range 1<=x<=65535",
    ("render", "--stat", "a.yaml"): "No such option '--stat'",
}


@pytest.mark.parametrize(("command", "message"), SUGGESTIONS.items(), ids=" ".join)
def test_a_wrong_command_line_is_explained(run: Run, command: tuple[str, ...], message: str) -> None:
    """What is wrong is named, with what may be meant; abbreviated options are rejected."""
    output = run(*command)
    assert (output.code, output.out) == (2, "")
    assert f"Error: {message}" in output.err or message in output.err


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_version_is_that_of_the_package(run: Run, option: str) -> None:
    """--version prints the version."""
    assert run(option) == Output(0, f"buildless {__version__}\n", "")


def test_files_may_be_given_as_for_kubectl(run: Run) -> None:
    """-f names a file, too; a directory stands for the YAML files in it and below it, but not for hidden ones."""
    plain = run("render", "a.yaml", a_yaml=HELLO)
    assert run("render", "-f", "a.yaml") == plain
    for name in ("functions/below/a.yml", "functions/.hidden/b.yaml", "functions/node_modules/c.yaml"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(HELLO.replace("hello", Path(name).stem))
    assert {item["metadata"]["name"] for item in rendered(run("render", "functions"))} == {"a"}


NOTHING = {
    "": "found no object",
    OTHER: "found ConfigMap",
    "a: 1\n": "found an object without a kind",
    "[a]\n": "found no object",
    "kind: List\nitems: []\n": "found no object",
}


@pytest.mark.parametrize(("text", "message"), NOTHING.items())
def test_nothing_found_is_an_error(run: Run, text: str, message: str) -> None:
    """Files without a Function are an error that names what was expected and what was found."""
    output = run("render", "a.yaml", a_yaml=text)
    assert (output.code, output.out) == (1, "")
    versions = '"serverless.kyma-project.io/v1alpha2" or "serverless.kyma-project.io/v2alpha1"'
    expected = f'expected an object with apiVersion {versions} and kind "Function"'
    assert output.err == f"a.yaml: no Function: {expected}, {message}\n"


MISTAKEN = {
    HELLO.replace("kind: Function", "kind: Funktion"): 'a.yaml:2: kind: Unsupported value: "Funktion": supported',
    HELLO.replace("kind: Function", "knd: Function"): "a.yaml:1: kind: Required value",
    HELLO.replace("project.io", "projct.io"): "a.yaml:1: apiVersion: Unsupported value: supported values: ",
    HELLO.partition("\n")[2]: "a.yaml:1: apiVersion: Required value",
}


@pytest.mark.parametrize(("text", "message"), MISTAKEN.items())
def test_a_mistaken_function_is_an_error(run: Run, text: str, message: str) -> None:
    """An object that could only be meant as a Function is an error, also beside other Functions."""
    output = run("render", "a.yaml", "b.yaml", a_yaml=text, b_yaml=SECOND)
    assert (output.code, output.out) == (1, "")
    assert output.err.startswith(message)


def test_a_function_that_is_given_twice_is_an_error(run: Run) -> None:
    """Two Functions of one name and namespace are an error with both places."""
    output = run("render", "a.yaml", "b.yaml", a_yaml=HELLO, b_yaml=HELLO)
    assert output == Output(1, "", 'b.yaml:4: metadata.name: Duplicate value: "hello": also at a.yaml:4\n')
    other = HELLO.replace("name: hello", "name: hello\n  namespace: other")
    assert run("render", "a.yaml", "b.yaml", b_yaml=other).code == 0


@pytest.mark.parametrize(("variable", "has_colour"), [("FORCE_COLOR", True), ("NO_COLOR", False), ("A", False)])
def test_colours(run: Run, monkeypatch: pytest.MonkeyPatch, variable: str, *, has_colour: bool) -> None:
    """A pipe gets no colours unless FORCE_COLOR is set; NO_COLOR turns them off."""
    monkeypatch.setenv(variable, "1")
    output = run("render", "a.yaml", a_yaml=HELLO.replace("runtime:", "runtme:"))
    assert ("\x1b[" in output.err) == has_colour
    assert output.err.replace("\x1b[1m", "").startswith("a.yaml:6")


def completions(shell: str, line: str) -> list[str]:
    """Return what the completion script of a shell gets for a command line that ends with the cursor."""
    words = line.split(" ")
    env = os.environ | {
        "COMP_WORDS": line,
        "_BUILDLESS_COMPLETE": f"{shell}_complete",
        "COMP_CWORD": str(len(words) - 1),
    }
    command = [sys.executable, "-c", "from hooks.cli import main; main()"]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout.splitlines()


def test_completion_offers_commands_options_and_choices() -> None:
    """Commands, options, choices and files are completed."""
    assert "plain,render" in completions("bash", "buildless re")
    assert {"plain,--status"} <= set(completions("bash", "buildless render --st"))
    assert {"plain,json", "plain,yaml"} <= set(completions("bash", "buildless render -o "))
    assert completions("bash", "buildless run exam") == ["file,exam"]
