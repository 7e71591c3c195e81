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
from support.pod_security import faults as restricted

from hooks import kubernetes_names as names
from hooks import quantity
from hooks.cli.files import documents
from hooks.config import Config, InvalidConfig, load, over_defaults
from hooks.config_texts import shown
from hooks.function import Function
from hooks.protocol import HookRequest
from hooks.rules import validate
from hooks.rules.size import OTHER_BYTES, SOURCE_BYTES, encoded_bytes
from hooks.runtimes import FAMILIES
from hooks.sync import sync

Manifest = dict[str, Any]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
GENERATED = 4 * settings.default.max_examples
SCHEMA = json.loads((ROOT / "chart" / "values.schema.json").read_text(encoding="utf-8"))["properties"]["config"]

RESOURCE, IMAGE, NAME = names.RESOURCE_SHAPE, names.IMAGE_SHAPE, names.SUBDOMAIN_SHAPE
REGISTRY = "must be a host and a path, without a scheme or a trailing '/', such as registry.example.com/fn"
ADDRESS = "Invalid value: must be an http or https URL such as http://host:4318/path, or empty"
PATTERN = "must be an image reference, or a prefix of one followed by '*'"
RUNTIME = "must consist of a-z, 0-9 and '-', and start with a letter"
PROFILE = "must not contain ',', '=' or control characters"
QUANTITY = "must be a quantity such as 250m, 1.5 or 64Mi"
NO_SETTING = "Forbidden: there is no such setting"
BANDWIDTH = "kubernetes.io/egress-bandwidth"
APPARMOR = "container.apparmor.security.beta.kubernetes.io/function"
OURS = "serverless.kyma-project.io/configs-version"
IN_PLACE = "Forbidden: Kubernetes reads it instead of the profiles in the security contexts of Functions"
TOLERATIONS = "scheduler.alpha.kubernetes.io/tolerations"
BEGINNINGS = "serverless.kyma-project.io/ or kubernetes.io/config."
SUM = "Too long: the settings of a pod take"
FAMILY_NAMES = ", ".join(f'"{name}"' for name in sorted(FAMILIES))
NONE_LEFT = json.dumps(dict.fromkeys(Config().runtimes))
NO_PROFILES = "{XS: null, S: null, M: null, L: null, XL: null}"
LONG = "x" * 64

SINGLE_VALUES: list[tuple[str, str]] = [
    # registry: the images of all runtimes
    ("registry: ghcr.io/acme/", f"registry: Invalid value: {REGISTRY}"),
    ("registry: https://ghcr.io/acme", f"registry: Invalid value: {REGISTRY}"),
    ("registry: ghcr.io//acme", f"registry: Invalid value: {REGISTRY}"),
    ("registry: ghcr.io/Acme", f"registry: Invalid value: {REGISTRY}"),
    ("registry: 'ghcr.io/acme '", f"registry: Invalid value: {REGISTRY}"),
    ("registry: 5", "registry: must be of type string"),
    # runtimes: each Function of one
    (f"runtimes: {NONE_LEFT}", "runtimes: should have at least 1 properties"),
    ("runtimes: []", "runtimes: must be of type object"),
    ("runtimes: {'python,3': {family: python, image: x}}", f'runtimes.python,3: Invalid value: "python,3": {RUNTIME}'),
    ("runtimes: {Py: {family: python, image: x}}", f'runtimes.Py: Invalid value: "Py": {RUNTIME}'),
    (
        f"runtimes: {{{LONG}: {{family: python, image: x}}}}",
        f"runtimes.{LONG}: Too long: may not be more than 63 bytes",
    ),
    (
        "runtimes: {go: {family: go, image: x}}",
        f'runtimes.go.family: Unsupported value: "go": supported values: {FAMILY_NAMES}',
    ),
    ("runtimes: {py: {family: python, image: ''}}", "runtimes.py.image: Required value"),
    ("runtimes: {nodejs22: {image: null}}", "runtimes.nodejs22.image: Required value"),
    ("runtimes: {py: {family: python, image: 'a b'}}", f'runtimes.py.image: Invalid value: "a b": {IMAGE}'),
    ("runtimes: {nodejs22: {deprecated: 'yes'}}", "runtimes.nodejs22.deprecated: must be of type boolean"),
    # profiles, minimumResources, install: the containers of each Function of a profile, or of those with packages
    ("profiles: {L: {limits: {mem: 1Gi}}}", f'profiles.L.limits.mem: Invalid value: "mem": {RESOURCE}'),
    ("profiles: {L: {requests: {GPU: 1}}}", f'profiles.L.requests.GPU: Invalid value: "GPU": {RESOURCE}'),
    ("profiles: {S: {limits: {cpu: much}}}", f'profiles.S.limits.cpu: Invalid value: "much": {QUANTITY}'),
    ("profiles: {S: {limits: {cpu: ''}}}", f'profiles.S.limits.cpu: Invalid value: "": {QUANTITY}'),
    ("profiles: {S: {limits: {cpu: 0.5}}}", "profiles.S.limits.cpu: must be of type integer,string"),
    ("profiles: {S: {limits: {cpu: true}}}", "profiles.S.limits.cpu: must be of type integer,string"),
    (
        "profiles: {S: {limits: {cpu: -1}}}",
        'profiles.S.limits.cpu: Invalid value: "-1": must be greater than or equal to 0',
    ),
    ("profiles: {S: {requests: null}}", "profiles.S.requests: Required value"),
    ("profiles: {S: {limitz: {}}}", f"profiles.S.limitz: {NO_SETTING}"),
    (
        f"profiles: {{{LONG}: {{requests: {{}}, limits: {{}}}}}}",
        f"profiles.{LONG}: Too long: may not be more than 63 bytes",
    ),
    ("profiles: {'a,b': {requests: {}, limits: {}}}", f'profiles.a,b: Invalid value: "a,b": {PROFILE}'),
    ('profiles: {"a\\nb": {requests: {}, limits: {}}}', f'profiles.a\\nb: Invalid value: "a\\nb": {PROFILE}'),
    ("minimumResources: {cpu=: 1}", f'minimumResources.cpu=: Invalid value: "cpu=": {RESOURCE}'),
    ("minimumResources: {mem: 1Mi}", f'minimumResources.mem: Invalid value: "mem": {RESOURCE}'),
    ("install: {limits: {gpu: 1}}", f'install.limits.gpu: Invalid value: "gpu": {RESOURCE}'),
    (
        "install: {limits: {cpu: -1}}",
        'install.limits.cpu: Invalid value: "-1": must be greater than or equal to 0',
    ),
    # volumes: of each Function
    ("volumeSizes: {tmp: -1Gi}", 'volumeSizes.tmp: Invalid value: "-1Gi": must be greater than or equal to 0'),
    ("volumeSizes: {tmp: 1Mib}", f'volumeSizes.tmp: Invalid value: "1Mib": {QUANTITY}'),
    ("volumeSizes: []", "volumeSizes: must be of type object"),
    # names of Secrets
    ("packageRegistryConfigSecretName: ''", "packageRegistryConfigSecretName: Required value"),
    ("packageRegistryConfigSecretName: A_b", f'packageRegistryConfigSecretName: Invalid value: "A_b": {NAME}'),
    ("imagePullSecrets: ['']", "imagePullSecrets[0]: Required value"),
    ("imagePullSecrets: [a, B]", f'imagePullSecrets[1]: Invalid value: "B": {NAME}'),
    ("imagePullSecrets: a", "imagePullSecrets: must be of type array"),
    # annotations
    ("podAnnotations: {a b: c}", f'podAnnotations.a b: Invalid value: "a b": {names.KEY_SHAPE}'),
    ("podAnnotations: {'': c}", "podAnnotations: Required value"),
    ("podAnnotations: {a: 1}", "podAnnotations.a: must be of type string"),
    # variables of every Function: with an invalid URL the exporter of traces does not start
    ('traceCollectorEndpoint: "http://a\\0b"', f"traceCollectorEndpoint: {ADDRESS}"),
    ("traceCollectorEndpoint: otel:4318", f"traceCollectorEndpoint: {ADDRESS}"),
    ("traceCollectorEndpoint: http://$(NODE_IP):4318", f"traceCollectorEndpoint: {ADDRESS}"),
    ('publisherProxyAddress: "http://a/\\nb"', f"publisherProxyAddress: {ADDRESS}"),
    # the rest
    ("allowedImageOverrides: ['a, b']", f'allowedImageOverrides[0]: Invalid value: "a, b": {PATTERN}'),
    ("allowedImageOverrides: ['a*b']", f'allowedImageOverrides[0]: Invalid value: "a*b": {PATTERN}'),
    ('allowedImageOverrides: ["a\\nb"]', f'allowedImageOverrides[0]: Invalid value: "a\\nb": {PATTERN}'),
    ("allowedImageOverrides: ['https://a/*']", f'allowedImageOverrides[0]: Invalid value: "https://a/*": {PATTERN}'),
    ("allowedImageOverrides: [a, '']", "allowedImageOverrides[1]: Required value"),
    ("targetCPUUtilizationPercentage: 0", "targetCPUUtilizationPercentage: should be greater than or equal to 1"),
    ("targetCPUUtilizationPercentage: '50'", "targetCPUUtilizationPercentage: must be of type integer"),
    ("allowUnrestrictedSecurityContext: 1", "allowUnrestrictedSecurityContext: must be of type boolean"),
    ("related: {pods: 'on'}", "related.pods: must be of type boolean"),
    ("install: {environment: 'on'}", "install.environment: must be of type boolean"),
    ("registy: x", f"registy: {NO_SETTING}"),
    ("default_profile: S", f"default_profile: {NO_SETTING}"),
]
"""A config file with one invalid value, which the chart's schema rejects too, and the message."""

COMBINATIONS: list[tuple[str, str]] = [
    (
        "profiles: {L: {limits: {cpu: 200m}}}",
        'profiles.L.requests.cpu: Invalid value: "400m": must be less than or equal to the limit of 200m',
    ),
    (
        "profiles: {L: {requests: {example.com/gpu: 1}, limits: {example.com/gpu: 2}}}",
        'profiles.L.requests.example.com/gpu: Invalid value: "1": must be equal to the limit of 2',
    ),
    (
        "profiles: {L: {requests: {example.com/gpu: 1}}}",
        "profiles.L.limits.example.com/gpu: Required value: must be set to the request of 1",
    ),
    (
        "profiles: {L: {limits: {example.com/gpu: 500m}}}",
        'profiles.L.limits.example.com/gpu: Invalid value: "500m": must be an integer',
    ),
    (
        "profiles: {L: {limits: {hugepages-2Mi: 3Mi}}}",
        'profiles.L.limits.hugepages-2Mi: Invalid value: "3Mi": must be a multiple of its page size',
    ),
    (
        "profiles: {H: {requests: {}, limits: {hugepages-2Mi: 2Mi}}}",
        "profiles.H: Forbidden: huge pages require cpu or memory",
    ),
    (
        "profiles: {S: {limits: {cpu: 1e30}}}",
        'profiles.S.limits.cpu: Invalid value: "1e30": must be less than or equal to 8Pi',
    ),
    (
        "profiles: {S: {requests: {memory: 512m}}}",
        'profiles.S.requests.memory: Invalid value: "512m": must be a whole number of bytes',
    ),
    (
        "profiles: {S: {requests: {memory: 1}, limits: {memory: 512}}}",
        'profiles.S.limits.memory: Invalid value: "512": must be greater than or equal to 16Mi',
    ),
    (
        "install: {limits: {memory: 1}}",
        'install.limits.memory: Invalid value: "1": must be greater than or equal to 16Mi',
    ),
    (
        "install: {limits: {example.com/gpu: 1}}",
        "install.limits.example.com/gpu: Forbidden: the limit must be that of the Function",
    ),
    (
        "minimumResources: {example.com/gpu: 500m}",
        'minimumResources.example.com/gpu: Invalid value: "500m": must be an integer',
    ),
    (
        "runtimes: {py: {family: python, image: 'localhost:5000/x:1'}}",
        'runtimes.py.image: Invalid value: "localhost:5000/x:1": must be an image below the registry',
    ),
    ("runtimes: {py: {family: python, image: 'A:1'}}", f'runtimes.py.image: Invalid value: "A:1": {IMAGE}'),
    ("registry: a_b.c/d", f"registry: Invalid value: {REGISTRY}"),
    ("defaultProfile: HUGE", 'defaultProfile: Unsupported value: "HUGE": supported values: "L", "M", "S", "XL", "XS"'),
    (f"profiles: {NO_PROFILES}", 'defaultProfile: Unsupported value: "L": supported values: none'),
    ("volumeSizes: {tmp: 0}", 'volumeSizes.tmp: Invalid value: "0": must be greater than or equal to 1Mi'),
    ("volumeSizes: {sources: 1}", 'volumeSizes.sources: Invalid value: "1": must be greater than or equal to 1Mi'),
    ("traceCollectorEndpoint: http://a:99999", f"traceCollectorEndpoint: {ADDRESS}"),
    ("traceCollectorEndpoint: http://1.2.3.256", f"traceCollectorEndpoint: {ADDRESS}"),
    ("allowedImageOverrides: [a/]", f'allowedImageOverrides[0]: Invalid value: "a/": {PATTERN}'),
    ("allowedImageOverrides: ['a@sha256:x*']", f'allowedImageOverrides[0]: Invalid value: "a@sha256:x*": {PATTERN}'),
    ("imagePullSecrets: [-a]", f'imagePullSecrets[0]: Invalid value: "-a": {NAME}'),
    (f"podAnnotations: {{{APPARMOR}: unconfined}}", f"podAnnotations.{APPARMOR}: {IN_PLACE}"),
    (
        f"podAnnotations: {{{TOLERATIONS}: a}}",
        f"podAnnotations.{TOLERATIONS}: Forbidden: '{TOLERATIONS}' must not be set in a pod template",
    ),
    (f"podAnnotations: {{{OURS}: a}}", f"podAnnotations.{OURS}: Forbidden: keys must not start with {BEGINNINGS}"),
    (
        "podAnnotations: {kubernetes.io/config.seen: a}",
        f"podAnnotations.kubernetes.io/config.seen: Forbidden: keys must not start with {BEGINNINGS}",
    ),
    (
        f"podAnnotations: {{{BANDWIDTH}: fast}}",
        f"podAnnotations.{BANDWIDTH}: Forbidden: '{BANDWIDTH}' must be a quantity from 1k to 1P",
    ),
    (
        f"podAnnotations: {{a: {'$' * 7000}}}",
        f"podAnnotations: {SUM} 14671 bytes when encoded, may not be more than 10240 bytes",
    ),
    (
        f"imagePullSecrets: {json.dumps([f'{n}' for n in range(900)])}",
        f"imagePullSecrets: {SUM} 14950 bytes when encoded, may not be more than 10240 bytes",
    ),
    (
        "profiles: {L: {limits: {kubernetes.io/batteries: 1}}}",
        f'profiles.L.limits.kubernetes.io/batteries: Invalid value: "kubernetes.io/batteries": {RESOURCE}',
    ),
    ('podAnnotations: {a: "\\ud800"}', "podAnnotations.a: Invalid value: must be Unicode"),
]
"""A config file with an error that no JSON schema can express, and the message."""

BOTH = SINGLE_VALUES + COMBINATIONS


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


@pytest.mark.parametrize(("text", "message"), BOTH, ids=[message.partition(":")[0] for _, message in BOTH])
def test_mistakes_are_named(tmp_path: Path, text: str, message: str) -> None:
    """An invalid setting is an error with its path, the value and the expected format; there is no other error."""
    with pytest.raises(InvalidConfig) as refused:
        loaded(tmp_path, text)
    assert str(refused.value) == message


@pytest.mark.parametrize(("text", "message"), BOTH, ids=[message.partition(":")[0] for _, message in BOTH])
def test_the_schema_rejects_single_values(text: str, message: str) -> None:
    """Helm rejects invalid single values before it installs anything, and accepts everything else."""
    values = merged(yaml.safe_load(text))
    assert jsonschema.Draft7Validator(SCHEMA).is_valid(values) != ((text, message) in SINGLE_VALUES)


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
    deployment = children(random_configs.function("nodejs22", "L", None, None), config)["Deployment"]
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
            assert list(refusals(children(parent, config))) == [], (seed, parent["spec"])
    assert min(kinds["refused"], kinds["accepted"]) > GENERATED // 5, kinds


def children(parent: Manifest, config: Config) -> dict[str, Manifest]:
    """Return the children of a valid Function by kind; none if it cannot scale because it has no request."""
    found = validate(Function.model_validate(parent), config)
    if found and "scaleConfig" in parent["spec"]:
        return {}
    assert found == []
    answer = sync(HookRequest.parse({"parent": parent, "children": {}}), config, now=NOW)
    return {child["kind"]: json.loads(json.dumps(child)) for child in answer.children}


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
            f"annotation {key}" for _ in (1,) if not names.is_annotation_key(key) or names.annotation_fault(key, value)
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


def test_gunicorn_does_not_start(tmp_path: Path) -> None:
    """If the app reads an invalid config, gunicorn exits with the message before it starts workers."""
    (tmp_path / "c.yaml").write_text("registry: ghcr.io/acme/\n")
    gunicorn = ["-m", "gunicorn", "-c", ROOT / "hooks" / "gunicorn.conf.py", "--bind", "127.0.0.1:0"]
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
