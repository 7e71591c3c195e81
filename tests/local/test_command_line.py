"""The command line: what each command prints, what it refuses, and on which line the fault is."""

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from hooks import __version__
from hooks.cli import COMMANDS, files, main

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
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
OTHER = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n"


class Output(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


Run = Callable[..., Output]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in an empty directory; keyword arguments are files to be written there first (a_yaml: a.yaml)."""
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
    """Return the children in the output of a render that went well."""
    assert (output.code, output.err) == (0, "")
    answer = yaml.safe_load(output.out)
    assert (answer["apiVersion"], answer["kind"]) == ("v1", "List")
    return list(answer["items"])


def kinds(output: Output) -> list[str]:
    """Return the kinds in the output of a render that went well, sorted."""
    return sorted(item["kind"] for item in rendered(output))


def test_render_prints_one_list_of_children(run: Run) -> None:
    """A Function becomes one List that kubectl can apply as it stands."""
    assert kinds(run("render", "a.yaml", a_yaml=HELLO)) == ["Deployment", "Service", "ServiceAccount"]


def listed(*documents: str) -> str:
    """Return one List, as `kubectl get -o yaml` prints it."""
    return yaml.safe_dump({"apiVersion": "v1", "items": [yaml.safe_load(each) for each in documents], "kind": "List"})


def test_render_reads_what_kubectl_prints(run: Run) -> None:
    """A List of Functions is read like as many documents; an empty one has nothing in it."""
    apart, together = (
        run("render", "a.yaml", a_yaml=f"{OTHER}---\n{HELLO}"),
        run("render", "b.yaml", b_yaml=listed(OTHER, HELLO)),
    )
    assert rendered(apart) == rendered(together)
    assert rendered(run("render", "c.yaml", c_yaml=listed())) == []


def test_faults_in_a_list_have_their_lines(run: Run) -> None:
    """What is wrong in an item is told where it stands."""
    text = listed(OTHER, HELLO.replace("python312", "cobol"))
    line = text.splitlines().index("    runtime: cobol") + 1
    assert run("render", "a.yaml", a_yaml=text).err.startswith(f"a.yaml:{line}: spec.runtime: ")


def test_render_leaves_other_documents_alone(run: Run) -> None:
    """A file may hold anything beside Functions, and nothing at all."""
    text = f"{OTHER}---\n{HELLO}---\n---\n{HELLO.replace('hello', 'second')}"
    names = [item["metadata"]["name"] for item in rendered(run("render", "a.yaml", "b.yaml", a_yaml=text, b_yaml=""))]
    assert names == ["hello"] * 3 + ["second"] * 3


def test_render_writes_json(run: Run) -> None:
    """-o json is the same List."""
    as_yaml, as_json = run("render", "a.yaml", a_yaml=HELLO), run("render", "-o", "json", "a.yaml")
    assert json.loads(as_json.out) == yaml.safe_load(as_yaml.out)


def test_render_reads_standard_input(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` is standard input."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(HELLO.encode())))
    assert "Deployment" in kinds(run("render", "-"))


def test_render_completes_metadata(run: Run) -> None:
    """Without a cluster the UID is zeros, and one that is given is kept."""
    (deployment,) = [c for c in rendered(run("render", "a.yaml", a_yaml=HELLO)) if c["kind"] == "Deployment"]
    key = "serverless.kyma-project.io/uuid"
    assert deployment["metadata"]["labels"][key] == "00000000-0000-0000-0000-000000000000"
    given = HELLO.replace("name: hello", "name: hello\n  uid: 1-2-3")
    assert {c["metadata"]["labels"][key] for c in rendered(run("render", "a.yaml", a_yaml=given))} == {"1-2-3"}


def test_render_asks_the_config(run: Run) -> None:
    """--config lays a file over the defaults, and so does the environment."""
    output = run("render", "a.yaml", "--config", "c.yaml", a_yaml=HELLO, c_yaml="registry: example.com/mine\n")
    assert "image: example.com/mine/runtime-python312:" in output.out


def test_render_writes_source_as_a_block(run: Run) -> None:
    """Code stays readable in YAML: lines, not one string of escapes."""
    output = run("render", "a.yaml", a_yaml=HELLO)
    assert "value: |\n" in output.out
    assert "    return 1\n" in output.out


@pytest.mark.parametrize("text", ["1e3", "0o17", "y", "on", "2026-01-01", "1:30", "~", "null", "0x1F", "+1", ".5"])
def test_render_quotes_what_looks_like_a_value(run: Run, text: str) -> None:
    """A string that some YAML reader takes for something else is quoted."""
    function = HELLO + f"  env:\n    - name: X\n      value: '{text}'\n"
    assert f"value: '{text}'\n" in run("render", "a.yaml", a_yaml=function).out


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_renders(run: Run, example: Path) -> None:
    """Every example is sound under the defaults, and under Kyma's images too."""
    has_function = "kind: Function" in example.read_text()
    for config in ([], ["--config", str(EXAMPLES / "config-kyma-images.yaml")]):
        assert ("Deployment" in kinds(run("render", str(example), *config))) == has_function


def test_kyma_images_replace_every_image(run: Run) -> None:
    """The overlay for Kyma's images names one for each runtime there is."""
    output = run("render", str(EXAMPLES / "hello-nodejs.yaml"), "--config", str(EXAMPLES / "config-kyma-images.yaml"))
    assert "image: europe-docker.pkg.dev/kyma-project/prod/function-runtime-nodejs22:main\n" in output.out


FAULTS = {
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
    "another version": (HELLO.replace("v1alpha2", "v1alpha9"), "a.yaml:1: apiVersion: expected serverless.kyma"),
    "no YAML": (HELLO + "  env: [", "a.yaml:12: while parsing a flow"),
    "a key given twice": (HELLO + "spec: {}\n", "a.yaml:12: 'spec' is given twice"),
}


@pytest.mark.parametrize(("text", "line"), FAULTS.values(), ids=FAULTS)
def test_render_names_the_line_of_a_fault(run: Run, text: str, line: str) -> None:
    """A fault is one line, `file:line: path: message`, and then nothing is printed that could be applied."""
    output = run("render", "b.yaml", "a.yaml", a_yaml=text, b_yaml=HELLO)
    assert (output.code, output.out) == (1, "")
    assert output.err.startswith(line)
    assert output.err.count("\n") == 1


def test_render_names_every_fault(run: Run) -> None:
    """All faults of all files are told at once, those of a file that cannot be read too."""
    broken = HELLO.replace("python312", "cobol") + "  scaleConfig: {minReplicas: 3, maxReplicas: 2}\n"
    output = run("render", "a.yaml", "gone.yaml", "b.yaml", a_yaml=broken, b_yaml=HELLO + "  replicas: x\n")
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
def test_path_leads_to_the_nearest_line(tmp_path: Path, path: str, line: int) -> None:
    """A path, however it is spelt, leads to the line of the deepest thing that was written."""
    file = tmp_path / "a.yaml"
    file.write_text("a: 1\nspec:\n  env:\n  - name: A\n  - name: B\n    value: x\n  labels:\n    a.b/c: d\n    a: e\n")
    (document,) = files.documents(str(file))
    assert document.problem(path, "").line == line


def test_dates_stay_strings(tmp_path: Path) -> None:
    """Kubernetes knows no dates: what looks like one is text."""
    file = tmp_path / "a.yaml"
    file.write_text("on: 2026-01-01\n")
    (document,) = files.documents(str(file))
    assert list(document.value.values()) == ["2026-01-01"]


CONFIG_FAULTS = {
    "an unknown setting": ("registri: x\n", "c.yaml:1: registri: Forbidden: there is no such setting\n"),
    "a wrong type": ("\nregistry: 5\n", "c.yaml:2: registry: must be of type string\n"),
    "a rule": (
        "defaultProfile: XXL\n",
        'c.yaml:1: defaultProfile: Unsupported value: "XXL": supported values: "L", "M", "S", "XL", "XS"\n',
    ),
    "a fault of two values": (
        "profiles:\n  L:\n    limits: {cpu: 200m}\n",
        'c.yaml:2: profiles.L.requests.cpu: Invalid value: "400m": must be less than or equal to the limit of 200m\n',
    ),
    "no map": ("- a\n", "c.yaml: expected a map of settings, found list\n"),
    "no YAML": ("a: [\n", "c.yaml:2: while parsing a flow node expected the node content, but found '<stream end>'\n"),
    "two": (
        "a: 1\nb: 2\n",
        "c.yaml:1: a: Forbidden: there is no such setting\nc.yaml:2: b: Forbidden: there is no such setting\n",
    ),
}


@pytest.mark.parametrize(("text", "said"), CONFIG_FAULTS.values(), ids=CONFIG_FAULTS)
@pytest.mark.parametrize(
    "command", [["run", "a.yaml"], ["serve"], ["render", "a.yaml"], ["policy"], ["demo", "a.yaml"]], ids=COMMANDS
)
def test_faulty_config_ends_every_command(run: Run, command: list[str], text: str, said: str) -> None:
    """A config that is not sound is told line by line with exit code 2, before anything is started."""
    assert run(*command, "--config", "c.yaml", a_yaml=HELLO, c_yaml=text) == Output(2, "", said)


def test_policy_prints_all_that_apply_needs(run: Run) -> None:
    """The policy is that of the repository, whatever the config, which the parameters hold, in the namespace given."""
    plain = run("policy").out
    assert plain.startswith(POLICY.read_text(encoding="utf-8"))
    other = run("policy", "--config", "c.yaml", "--namespace", "here", c_yaml="profiles: {XL: null}").out
    (policy, *_), (same_policy, binding, *_, parameters) = (list(yaml.safe_load_all(text)) for text in (plain, other))
    assert policy == same_policy
    assert binding["spec"]["paramRef"]["namespace"] == parameters["metadata"]["namespace"] == "here"
    assert parameters["data"]["profiles"] == "L,M,S,XS"


def test_config_of_the_environment_is_checked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file that BUILDLESS_CONFIG names is held to the same."""
    monkeypatch.setenv("BUILDLESS_CONFIG", "gone.yaml")
    assert run("serve") == Output(2, "", "gone.yaml: No such file or directory\n")


def test_serve_becomes_gunicorn(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """serve hands over to gunicorn with its settings, and tells the app which config to read."""
    started: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda _, command: started.append(command))
    monkeypatch.setenv("BUILDLESS_CONFIG", "")
    run("serve", "--bind", "[::1]:80", "--config", "c.yaml", c_yaml="registry: x\n")
    assert started[0][:4] == [sys.executable, "-m", "gunicorn", "-c"]
    assert started[0][5:] == ["--bind", "[::1]:80", "hooks.app:create_app()"]
    assert os.environ["BUILDLESS_CONFIG"] == str(tmp_path / "c.yaml")


def test_serve_speaks_https(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate and its key are handed to gunicorn; one without the other is told at once."""
    started: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda _, command: started.append(command))
    run("serve", "--tls-certificate", "c", "--tls-key", "k")
    assert {"--certfile=c", "--keyfile=k"} <= set(started[0])
    assert run("serve", "--tls-key", "k") == Output(
        2, "", "buildless serve: --tls-certificate and --tls-key go together\n"
    )


@pytest.mark.parametrize("bind", ["8080", "host", "host:port", "a:b:1", "h:99999", "::1:80", ""])
def test_serve_refuses_what_is_no_address(run: Run, bind: str) -> None:
    """An address is HOST:PORT; anything else is told at once."""
    output = run("serve", "--bind", bind)
    assert output.code == 2
    assert f"expected HOST:PORT, found {bind!r}" in output.err


@pytest.mark.parametrize("command", COMMANDS)
def test_help_shows_an_example(run: Run, command: str) -> None:
    """Every command's help says what it does and shows how it is typed."""
    output = run(command, "--help")
    assert output.code == 0
    assert f"\n  buildless {command} " in output.out


def test_version_is_the_package_s(run: Run) -> None:
    """--version tells which release this is."""
    assert run("--version") == Output(0, f"buildless {__version__}\n", "")


def buildless(*args: str) -> list[str]:
    """Return the command line of a process of its own."""
    return [sys.executable, "-m", "hooks.cli", *args]


def test_demo_shows_every_example() -> None:
    """demo asks a real service about each Function and draws its conditions and children."""
    examples = sorted(map(str, EXAMPLES.glob("*.yaml")))
    shown = subprocess.run(buildless("demo", "--once", *examples), capture_output=True, text=True, check=True)
    assert shown.stderr == ""
    trees = shown.stdout.split("\n\n")
    assert len(trees) == len(examples)  # the config is no Function, but the output ends with an empty line
    assert all("├─ ConfigurationReady True: " in tree for tree in trees[:-1])
    assert all("─ Deployment " in tree and "─ Service " in tree for tree in trees[:-1])
    assert "HorizontalPodAutoscaler autoscaled: 2 to 10 replicas, cpu at 70 %" in shown.stdout


def test_demo_shows_what_breaks_the_schema(tmp_path: Path) -> None:
    """A Function outside the schema has its faults in its status."""
    (tmp_path / "a.yaml").write_text(HELLO + "  replicas: many\n")
    shown = subprocess.run(
        buildless("demo", "--once", f"{tmp_path}/a.yaml"), capture_output=True, text=True, check=False
    )
    assert "InvalidFunctionSpec: spec.replicas: must be of type integer" in shown.stdout
    assert "ServiceAccount" not in shown.stdout


@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_demo_serves_until_it_is_interrupted(ended_by: signal.Signals) -> None:
    """demo keeps the service up, and takes it along when it ends."""
    command = buildless("demo", str(EXAMPLES / "hello-python.yaml"))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert any(line.startswith("The hook listens on http://127.0.0.1:") for line in process.stdout)
        process.send_signal(ended_by)
        _, errors = process.communicate(timeout=20)  # ends only when the service has closed its standard error
    assert (process.returncode, errors) == (0, "")
