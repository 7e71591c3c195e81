"""
`buildless validate` and `kubectl create --dry-run=server` reject the same files, for the same fields.

Generated Functions (tests/support/random_functions.py), some with mistyped fields, are written as YAML files of both
versions. A real kubectl sends all of them; the CRD and the admission policy are installed. Rules that only the hook
enforces are left out, since the API server cannot know them. tests/cluster/test_admission.py compares all fields and
messages.
"""

import os
import re
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError
from support import random_functions
from support.cluster.admission import as_function, found_by_hook, install_policies, with_config
from support.cluster.control_plane import ControlPlane
from support.cluster.stack import own_stack
from support.cluster.versions import Converter

from hooks.cli.dump import to_yaml
from hooks.cli.files import objects
from hooks.cli.problem import Unusable
from hooks.cli.render import completed, own_schema, validated
from hooks.cli.unknown import unknown_fields
from hooks.config import Config
from hooks.convert import convert
from hooks.moved_fields import VERSIONS
from hooks.validation_errors import field_errors

Manifest = dict[str, Any]

COUNT = 2000 if os.environ.get("BUILDLESS_ALL") else 300
SEED = 20_261_126
ERROR = re.compile(r'^Error from server \((\w+)\): error when creating "([^"]+)": ', re.MULTILINE)


def maps_in(value: Any) -> list[Manifest]:
    """Return all maps of an object that are not empty and whose keys are fields, as far as their place tells."""
    if isinstance(value, list):
        return [found for item in value for found in maps_in(item)]
    if not isinstance(value, dict) or not value:
        return []
    free = ("labels", "annotations", "nodeSelector", "requests", "limits", "matchLabels")
    return [value, *(found for key, item in value.items() if key not in free for found in maps_in(item))]


def mistype(random: Random, parent: Manifest) -> None:
    """Give one of the maps in the spec a field that no object has."""
    chosen = random.choice(maps_in(parent["spec"]))
    key = random.choice(list(chosen))
    chosen[key + random.choice(["s", "X", "_"])] = chosen[key]


def written(directory: Path, count: int, version: str) -> dict[str, Path]:
    """Write the files in a version; return their paths by name."""
    random, files = Random(SEED), {}
    for number in range(count):
        _, parent = random_functions.function(random)
        stored = as_function({"metadata": {"name": parent["metadata"]["name"]}, "spec": parent["spec"]})
        function = convert(stored, version)
        function["metadata"].pop("annotations", None)  # what the version lacks: not checked by the API server
        if random.random() < 0.2:
            mistype(random, function)
        file = directory / f"{number:05}.yaml"
        file.write_text(to_yaml(function), encoding="utf-8")
        files[file.name] = file
    return files


def refused_by_kubectl(plane: ControlPlane, directory: Path) -> dict[str, str]:
    """Return the message for each file that kubectl or the API server refuses."""
    command = ["create", "--dry-run=server", f"--filename={directory}"]
    program = [str(plane.assets / "kubectl"), f"--kubeconfig={plane.kubeconfig('admin')}"]
    done = subprocess.run([*program, *command], capture_output=True, text=True, check=False)
    starts = [*ERROR.finditer(done.stderr)]
    ends = [each.start() for each in starts[1:]] + [len(done.stderr)]
    refused = {Path(each[2]).name: done.stderr[each.start() : end] for each, end in zip(starts, ends, strict=True)}
    assert len(refused) + done.stdout.count(" created (server dry run)") == len(list(directory.iterdir())), done.stderr
    return refused


def found_here(file: Path) -> tuple[list[str], list[str], list[str]]:
    """Return the paths of unknown fields, those of violations the API server sees, and all that validate reports."""
    (document,) = objects([str(file)]).functions
    own = document.as_written()
    unknown = [path for path, _ in unknown_fields(own.value, own_schema(document))]
    faults = found_by_hook(document.value, Config())
    violations = [document.problem(fault.field, fault.message).path for fault in faults if fault.layer != "hook"]
    try:
        own_schema(document).model_validate(completed(own.value))
    except ValidationError as error:
        violations += [path for path, _ in field_errors(error)]
    try:
        validated(document, Config())
        reported = []
    except Unusable as error:
        reported = [problem.path for problem in error.problems]
    return unknown, violations, reported


def is_in(path: str, message: str) -> bool:
    """Return whether a message names the field or one above it; the API server puts keys of maps in brackets."""
    places = re.findall(r"\b(?:spec|metadata)[^\s:,]*", message)
    return plain(path).startswith(tuple(map(plain, places)))


def plain(path: str) -> str:
    return path.replace("[", ".").replace("]", "")


@pytest.fixture(scope="module")
def converting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane of its own with the policies, which serves both versions."""
    with own_stack(tmp_path_factory.mktemp("both-versions")) as stack:
        stack.install()
        install_policies(stack.plane)
        with_config(stack.plane, Config())
        converter = Converter(stack)
        converter.start()
        converter.turn_on()
        yield stack.plane


@pytest.mark.parametrize(("name", "version"), [("guarded", VERSIONS[0]), ("converting", VERSIONS[1])], ids=VERSIONS)
def test_validate_and_kubectl_agree(request: pytest.FixtureRequest, tmp_path: Path, name: str, version: str) -> None:
    """Both reject the same files; both name the same unknown fields, and a field of each other violation."""
    server: ControlPlane = request.getfixturevalue(name)
    with_config(server, Config())
    files = written(tmp_path, COUNT, version)
    refused, kinds, wrong = refused_by_kubectl(server, tmp_path), Counter[str](), []
    for file_name, file in files.items():
        unknown, violated, reported = found_here(file)
        message = refused.get(file_name, "")
        assert set(unknown) | set(violated) <= set(reported), file_name
        named = re.findall(r'unknown field "([^"]*)"', message)
        is_named = "ValidatingAdmissionPolicy" in message or any(is_in(path, message) for path in violated)
        agrees = sorted(named) == sorted(unknown) if unknown or named else bool(message) == bool(violated)
        agrees = agrees and (bool(named) or not violated or is_named)
        kinds["unknown" if unknown else "violation" if violated else "accepted"] += 1
        if not agrees:
            wrong.append((file_name, unknown, violated, message))
    print(f"\n{COUNT - len(wrong)} of {COUNT} equal: {dict(kinds)}")
    for each in wrong[:10]:
        print(*(str(part)[:500] for part in each), sep="\n    ")
    assert not wrong
    assert min(kinds.values()) > COUNT // 20
