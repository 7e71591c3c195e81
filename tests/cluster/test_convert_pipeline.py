"""`kustomize build | buildless convert - | kubectl diff -f -` shows what differs from the cluster, and nothing else."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml
from support.cluster.functions import EXAMPLES
from support.cluster.stack import ROOT, Stack, own_stack
from support.cluster.versions import Converter

from hooks.moved_fields import VERSIONS

MORE = f"""\
apiVersion: {VERSIONS[0]}
kind: Function
metadata: {{name: lossy}}
spec:
  runtime: python312
  source: {{inline: {{source: "def main(event, context): pass"}}}}
  resourceConfiguration:
    function: {{resources: {{limits: {{cpu: 100m}}, requests: {{cpu: 10m}}}}}}
    build: {{profile: S}}
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A control plane that serves both versions, with all examples of v1alpha2 in the namespace `default`."""
    with own_stack(tmp_path_factory.mktemp("pipeline")) as made:
        made.install()
        converter = Converter(made)
        converter.start()
        converter.turn_on()
        yield made


class Diff(NamedTuple):
    """The exit code and the lines of `kubectl diff`, but for those that name files."""

    code: int
    lines: list[str]


def difference(stack: Stack, directory: Path, version: str) -> Diff:
    kubectl = f"{stack.plane.assets / 'kubectl'} --kubeconfig={stack.plane.kubeconfig('admin')}"
    convert = f"{sys.executable} -m hooks.cli convert - --to {version}"
    line = f"set -o pipefail; {kubectl} kustomize {directory} | {convert} | {kubectl} diff -f -"
    done = subprocess.run(["bash", "-c", line], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert done.returncode == 1 or not done.stderr, done.stderr
    changed = [each for each in done.stdout.splitlines() if each[:1] in ("+", "-") and each[:3] not in ("+++", "---")]
    return Diff(done.returncode, changed)


def test_only_an_edit_differs(stack: Stack, tmp_path: Path) -> None:
    """Converted files of what was applied do not differ from it in either version; an edited field does."""
    for path in EXAMPLES:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "more.yaml").write_text(MORE)
    names = sorted(each.name for each in tmp_path.iterdir())
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump({"namespace": "default", "resources": names}))
    stack.plane.kubectl("apply", "-k", str(tmp_path))
    for version in ("v1alpha2", "v2alpha1"):
        assert difference(stack, tmp_path, version) == (0, [])
    (tmp_path / "more.yaml").write_text(MORE.replace("cpu: 100m", "cpu: 200m"))
    code, lines = difference(stack, tmp_path, "v2alpha1")
    assert code == 1
    assert [each for each in lines if "generation:" not in each] == ["-      cpu: 100m", "+      cpu: 200m"]
