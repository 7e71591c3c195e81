"""The operator's settings: defaults, merging, and a message for each invalid value."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import settings
from support import random_configs
from support.cases import ROOT
from support.config_mistakes import IN_SCHEMA, MISTAKES, REGISTRY, RESOURCE
from support.pod_security import faults as restricted

from hooks import kubernetes_names as names
from hooks import quantity
from hooks.cli.files import documents
from hooks.config import Config, InvalidConfig, load, over_defaults
from hooks.config_texts import shown
from hooks.pod_annotations import annotation_fault
from hooks.rules.size import OTHER_BYTES, SOURCE_BYTES, encoded_bytes

Manifest = dict[str, Any]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
GENERATED = 4 * settings().max_examples
SCHEMA = json.loads((ROOT / "chart" / "values.schema.json").read_text(encoding="utf-8"))["properties"]["config"]


def loaded(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return load(str(file))


def lines(overlay: Manifest) -> list[str]:
    """Return the errors of a config, one line each."""
    try:
        over_defaults(overlay)
    except InvalidConfig as error:
        return str(error).splitlines()
    return []


def test_values_that_only_yaml_has() -> None:
    """A lone surrogate in a key, and a date, are errors with their path."""
    assert "podAnnotations.\\ud800: Invalid value: must be Unicode" in lines({"podAnnotations": {"\ud800": "a"}})
    assert lines({"podAnnotations": {"a": NOW.date()}}) == ["podAnnotations.a: must be of type string"]


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "{}", "profiles: null", "install: {limits: null}", "registry: null"]
)
def test_empty_files_change_nothing(tmp_path: Path, text: str) -> None:
    """An empty file changes nothing, and a setting that is null has its default."""
    assert loaded(tmp_path, text) == Config()


def test_maps_are_merged_and_null_removes(tmp_path: Path) -> None:
    """One profile is changed, one removed, the others stay; quantities become canonical."""
    config = loaded(tmp_path, "profiles: {XL: null, S: {limits: {cpu: 1000m}}}")
    assert set(config.profiles) == {"XS", "S", "M", "L"}
    assert config.profiles["S"].limits == {"cpu": "1", "memory": "256Mi"}
    assert config.profiles["M"] == Config().profiles["M"]


@pytest.mark.parametrize(("text", "message"), MISTAKES, ids=[message.partition(":")[0] for _, message in MISTAKES])
def test_mistakes_are_named(tmp_path: Path, text: str, message: str) -> None:
    """An invalid setting is an error with its path, the value and the expected format; there is no other error."""
    with pytest.raises(InvalidConfig) as refused:
        loaded(tmp_path, text)
    assert str(refused.value) == message


@pytest.mark.parametrize(("text", "message"), MISTAKES, ids=[message.partition(":")[0] for _, message in MISTAKES])
def test_the_schema_rejects_single_values(text: str, message: str) -> None:
    """Helm rejects invalid single values before it installs anything, and accepts everything else."""
    values = merged(yaml.safe_load(text))
    assert jsonschema.Draft7Validator(SCHEMA).is_valid(values) != ((text, message) in IN_SCHEMA)


def merged(overlay: Manifest) -> Manifest:
    """Return the chart's values overridden by others, as Helm merges them."""

    def over(base: Any, other: Any) -> Any:
        if not (isinstance(base, dict) and isinstance(other, dict)):
            return other
        both = base | {key: over(base.get(key), value) for key, value in other.items()}
        return {key: value for key, value in both.items() if value is not None}

    found: Manifest = over(Config().model_dump(by_alias=True, mode="json"), overlay)
    return found


def test_all_errors_are_reported_at_once() -> None:
    """An invalid value hides no error of a combination, not even in the same map."""
    text = """
        registry: ghcr.io/acme/
        runtimes: {Py: {family: python, image: x}, py: {family: python, image: 'localhost:5000/x'}}
        profiles: {L: {limits: {cpu: 200m, mem: 1Gi}}, S: {limits: {memory: much}}}
        defaultProfile: HUGE
        install: {limits: {example.com/gpu: 1, cpu: -1}}
        podAnnotations: {a b: c, kubernetes.io/config.mirror: x}
        imagePullSecrets: ['']
        volumeSizes: {tmp: 0}
    """
    assert {line.partition(": ")[0] for line in lines(yaml.safe_load(text))} == {
        "registry",
        "runtimes.Py",
        "profiles.L.limits.mem",
        "profiles.L.requests.cpu",
        "profiles.S.limits.memory",
        "defaultProfile",
        "install.limits.example.com/gpu",
        "install.limits.cpu",
        "podAnnotations.a b",
        "podAnnotations.kubernetes.io/config.mirror",
        "imagePullSecrets[0]",
        "volumeSizes.tmp",
    }


@pytest.mark.parametrize(
    "setting",
    ["traceCollectorEndpoint: ftp://u:s3cr3t@a", "registry: https://u:s3cr3t@a", "podAnnotations: {a b: s3cr3t}"],
)
def test_passwords_are_not_repeated(setting: str) -> None:
    """Messages contain neither addresses nor values of annotations."""
    (line,) = lines(yaml.safe_load(setting))
    assert "s3cr3t" not in line


def test_a_list_is_no_config(tmp_path: Path) -> None:
    """The file must be a map."""
    with pytest.raises(ValueError, match="expected a map of settings, found list"):
        loaded(tmp_path, "[]")


def test_config_file_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an argument BUILDLESS_CONFIG names the file, and without that there are the defaults."""
    monkeypatch.delenv("BUILDLESS_CONFIG", raising=False)
    assert load() == Config()
    (tmp_path / "c.yaml").write_text("registry: ''\n")
    monkeypatch.setenv("BUILDLESS_CONFIG", str(tmp_path / "c.yaml"))
    assert load().image(load().runtimes["nodejs22"]).startswith("runtime-nodejs22:")


def test_the_defaults_are_valid() -> None:
    """The defaults pass validation, which pydantic itself does not apply to them, and stay the same."""
    assert over_defaults({}) == Config()


def test_addresses_reach_functions_as_written() -> None:
    """Each $ of an operator's address is doubled, since the kubelet expands $(NAME) in the value of a variable."""
    config = over_defaults({"traceCollectorEndpoint": "http://a/$(FUNC_NAME)?$$=$"})
    deployment = random_configs.children_of(random_configs.function("nodejs22", "L", None, None), config)["Deployment"]
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    values = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert values["TRACE_COLLECTOR_ENDPOINT"] == "http://a/$$(FUNC_NAME)?$$$$=$$"


def test_valid_configs_work() -> None:
    """With every valid config, the children of a Function of each runtime and size break no rule of the API server."""
    kinds: Counter[str] = Counter()
    for seed in range(GENERATED):
        overlay = random_configs.overlay(seed)
        if lines(overlay):
            kinds["refused"] += 1
            assert all(line.partition(": ")[1] for line in lines(overlay)), seed
            continue
        kinds["accepted"] += 1
        config = over_defaults(overlay)
        jsonschema.validate(merged(overlay), SCHEMA)
        for parent in random_configs.functions(config):
            kinds["Functions"] += 1
            assert list(refusals(random_configs.children_of(parent, config))) == [], (seed, parent["spec"])
    assert min(kinds["refused"], kinds["accepted"]) > GENERATED // 5, kinds


def refusals(found: dict[str, Manifest]) -> Iterator[str]:
    """Yield each reason for which the API server or a kubelet would reject the children."""
    if not found:
        return
    template = found["Deployment"]["spec"]["template"]
    pod = template["spec"]
    yield from restricted(pod)
    for container in pod["containers"] + pod.get("initContainers", []):
        yield from (f"image {container['image']}" for _ in (1,) if not names.is_image(container["image"]))
        yield from of_resources(container["resources"])
    for key, value in template.get("metadata", {}).get("annotations", {}).items():
        yield from (
            f"annotation {key}" for _ in (1,) if not names.is_annotation_key(key) or annotation_fault(key, value)
        )
    for volume in pod["volumes"]:
        yield from (str(volume) for _ in (1,) if quantity.parse(volume.get("emptyDir", {}).get("sizeLimit", 1)) <= 0)
        yield from (
            str(volume) for _ in (1,) if not names.is_object_name(volume.get("secret", {}).get("secretName", "a"))
        )
    for secret in pod.get("imagePullSecrets", []):
        yield from (str(secret) for _ in (1,) if not names.is_object_name(secret["name"]))
    # The last-applied record is one annotation: it has to hold the largest Function and the rest.
    if encoded_bytes(found["Deployment"]) > 262_144 - 1024 - SOURCE_BYTES - OTHER_BYTES:
        yield "too large"


def of_resources(resources: Manifest) -> Iterator[str]:
    requests, limits = resources["requests"], resources["limits"]
    for name, amount in [*requests.items(), *limits.items()]:
        if not names.is_resource(name) or names.amount_fault(name, amount) or quantity.parse(amount) < 0:
            yield f"{name}: {amount}"
    for name, request in requests.items():
        less = quantity.parse(request) - quantity.parse(limits.get(name, request))
        if less > 0 or (not names.is_overcommitted(name) and (less or name not in limits)):
            yield f"{name}: {request} of {limits.get(name)}"


@pytest.mark.process
def test_serve_prints_one_line_for_each_error(tmp_path: Path) -> None:
    """The service does not start with an invalid config: exit code 2, a line for each error, no traceback."""
    limits = "    limits:\n      cpu: 200m\n      mem: 1Gi\n"
    config = f"registry: ghcr.io/acme/\nprofiles:\n  L:\n{limits}imagePullSecrets: ['']\n"
    (tmp_path / "c.yaml").write_text(config)
    done = subprocess.run(
        [sys.executable, "-m", "hooks.cli", "serve", "--bind", "127.0.0.1:0", "--config", "c.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f"c.yaml:1: registry: Invalid value: {REGISTRY}",
        'c.yaml:3: profiles.L.requests.cpu: Invalid value: "400m": must be less than or equal to the limit of 200m',
        f'c.yaml:6: profiles.L.limits.mem: Invalid value: "mem": {RESOURCE}',
        "c.yaml:7: imagePullSecrets[0]: Required value",
    ]


@pytest.mark.process
def test_gunicorn_does_not_start(tmp_path: Path) -> None:
    """If the app reads an invalid config, gunicorn exits with the message before it starts workers."""
    (tmp_path / "c.yaml").write_text("registry: ghcr.io/acme/\n")
    gunicorn = ["-m", "gunicorn", "-c", str(ROOT / "hooks" / "gunicorn.conf.py"), "--bind", "127.0.0.1:0"]
    done = subprocess.run(
        [sys.executable, *gunicorn, "hooks.app:create_app()"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PYTHONPATH": str(ROOT), "PATH": "", "BUILDLESS_CONFIG": "c.yaml"},
    )
    assert done.returncode != 0
    assert f"registry: Invalid value: {REGISTRY}" in done.stderr
    assert "Booting worker" not in done.stderr


@pytest.mark.parametrize(
    ("found", "words"), [("a", '"a"'), ("a\n\u202e", '"a\\n\\u202e"'), (5, '"5"'), ("x" * 300, f'"{"x" * 200}..."')]
)
def test_values_in_messages_are_one_short_line(found: Any, words: str) -> None:
    """A value in a message is quoted, printable and at most 200 characters long."""
    assert shown(found) == words


def test_errors_have_their_line(tmp_path: Path) -> None:
    """The path of an error leads to its line, even if a key contains dots, slashes or white space."""
    (tmp_path / "c.yaml").write_text("podAnnotations:\n  fine: a\n  a.b/c d: x\n")
    (document,) = documents(str(tmp_path / "c.yaml"))
    assert document.problem("podAnnotations.a.b/c d", "m").line == 3
