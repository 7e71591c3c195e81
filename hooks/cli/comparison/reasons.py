"""
Why pods restart, in words: one row of REASONS for each part of the pod template.

A pattern is a path in the template. `*` is any key, which the words can repeat, and a pattern also covers what is below
it, unless it ends with `$`. The first row that covers a change gives its words.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from hooks.cli.comparison.changes import ABSENT, Change, Path
from hooks.naming import (
    CONFIGS_VERSION,
    FETCH_CONTAINER,
    INSTALL_CONTAINER,
    MAIN_CONTAINER,
    REGISTRY_CONFIG_VOLUME,
    SOURCES_VOLUME,
    TMP_VOLUME,
)
from hooks.runtimes import DEPENDENCIES, FAMILIES, SOURCE, SOURCE_2, SOURCE_MAX_BYTES

TEMPLATE: Path = ("spec", "template")
_MAIN, _INSTALL = f"spec containers [{MAIN_CONTAINER}]", f"spec initContainers [{INSTALL_CONTAINER}]"
_FETCH = f"spec initContainers [{FETCH_CONTAINER}]"
_FAMILY_VARIABLES = sorted({name for family in FAMILIES.values() for name in family.env})
_WORK_DIRS = sorted({family.work_dir for family in FAMILIES.values()})


@dataclass(frozen=True, kw_only=True)
class Reason:
    """The words for a part of the pod template; where one with `implies` applies, those `implied` are left out."""

    pattern: str
    words: str
    implies: bool = False
    implied: bool = False

    def covers(self, path: Path) -> bool:
        """Return whether the pattern covers a path in the template."""
        steps = self.pattern.split()
        is_exact = steps[-1] == "$"
        steps = steps[:-1] if is_exact else steps
        if len(path) < len(steps) or (is_exact and len(path) > len(steps)):
            return False
        return all(step in ("*", key) for step, key in zip(steps, path, strict=False))

    def text(self, path: Path) -> str:
        """Return the words, with the last key of the path that the pattern leaves open."""
        pairs = zip_longest(self.pattern.split(), path)
        return self.words.format(next((key.strip("[]") for step, key in reversed([*pairs]) if step == "*" and key), ""))


def _row(pattern: str, words: str, *, implies: bool = False, implied: bool = False) -> Reason:
    return Reason(pattern=pattern, words=words, implies=implies, implied=implied)


REASONS = (
    _row("spec * * env [FUNC_RUNTIME]", "runtime", implies=True),
    _row("spec * * image", "image", implied=True),
    _row(f"{_FETCH} $", "source", implies=True),
    _row(f"{_FETCH} env [{SOURCE_MAX_BYTES}]", "size of volumes"),
    _row(f"{_FETCH} env", "source"),
    _row(f"{_MAIN} env [{SOURCE}]", "source"),
    _row(f"{_MAIN} env [{SOURCE_2}]", "source"),
    _row(f"{_INSTALL} $", "dependencies"),
    _row(f"{_INSTALL} env [{DEPENDENCIES}]", "dependencies"),
    _row(f"spec volumes [{REGISTRY_CONFIG_VOLUME}] $", "dependencies"),
    *(_row(f"spec * * env [{name}]", f"environment variable {name}", implied=True) for name in _FAMILY_VARIABLES),
    _row("spec * * env *", "environment variable {}"),
    _row("spec * * envFrom", "envFrom"),
    _row(f"{_MAIN} resources", "resources"),
    _row("spec initContainers * resources", "resources of the install step"),
    _row("spec * * command", "scripts of the runtime", implied=True),
    _row("spec * * workingDir", "working directory", implied=True),
    *(_row(f"spec * * volumeMounts [{path}]", f"mount at {path}", implied=True) for path in _WORK_DIRS),
    _row("spec * * volumeMounts *", "mount at {}"),
    _row("spec * * securityContext", "containerSecurityContext"),
    _row(f"{_MAIN} livenessProbe initialDelaySeconds", "startupTimeoutSeconds"),
    _row(f"{_MAIN} livenessProbe", "liveness probe"),
    _row(f"{_MAIN} readinessProbe", "readiness probe"),
    _row("spec containers * $", "container {}"),
    _row("spec initContainers * $", "init container {}"),
    _row("spec containers * *", "{} of the containers"),
    _row("spec initContainers * *", "{} of the init containers"),
    _row(f"spec volumes [{SOURCES_VOLUME}]", "size of volumes"),
    _row(f"spec volumes [{TMP_VOLUME}]", "size of volumes"),
    _row(f"spec volumes [{REGISTRY_CONFIG_VOLUME}]", "Secret of package registries"),
    _row("spec volumes *", "mounted Secrets and ConfigMaps"),
    _row("spec securityContext", "podSecurityContext"),
    _row("spec serviceAccountName", "ServiceAccount"),
    _row("spec serviceAccount", "ServiceAccount"),
    _row("spec automountServiceAccountToken", "token of the ServiceAccount"),
    *(_row(f"spec {name}", name) for name in ("imagePullSecrets", "nodeSelector", "tolerations", "priorityClassName")),
    _row("metadata labels *", "label {}"),
    _row(f"metadata annotations {CONFIGS_VERSION}", "data of Secrets and ConfigMaps"),
    _row("metadata annotations *", "annotation {}"),
)


_OTHER = Reason(pattern="*", words="{}")


def reasons(changes: Iterable[Change]) -> list[str]:
    """Return why the changes of a Deployment restart its pods, in the order of REASONS; none if they do not."""
    found: dict[str, Reason] = {}
    implying = False
    for change in changes:
        if change.path[: len(TEMPLATE)] == TEMPLATE:
            for text, row in _explained(change):
                implying = implying or row.implies
                found.setdefault(text, row)
    shown = [text for text, row in found.items() if not (row.implied and implying)]
    return sorted(shown, key=lambda text: (_ORDER.get(found[text], len(_ORDER)), text))


_ORDER = {row: index for index, row in enumerate(REASONS)}


def _explained(change: Change) -> Iterator[tuple[str, Reason]]:
    path = change.path[len(TEMPLATE) :]
    if change.is_order:
        return iter([(f"order of {path[-1]}", _OTHER)])
    return _of_value(path, change.old if change.new is ABSENT else change.new)


def _of_value(path: Path, value: Any) -> Iterator[tuple[str, Reason]]:
    """Yield words with their row; a map that no row covers is explained key by key."""
    if row := next((row for row in REASONS if row.covers(path)), None):
        yield row.text(path), row
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _of_value((*path, key), item)
    else:
        yield ".".join(path), _OTHER
