"""Rules for mounted Secrets and ConfigMaps: where their files may be."""

from collections.abc import Iterator

from hooks.config import Config
from hooks.function import Function
from hooks.runtimes import FAMILIES
from hooks.validate.violation import Rule, Violation, quoted, rule


@rule("cel")
def absolute(function: Function, config: Config) -> Iterator[Violation]:
    """A mount path is absolute and written without detours."""
    for field, path in _paths(function):
        if not path.startswith("/") or {"", ".", ".."} & set(path.removesuffix("/").split("/")[1:]):
            yield Violation(field, f"{quoted(path)} is not an absolute path without '.', '..' and '//'")


@rule("cel")
def beside_tmp(function: Function, config: Config) -> Iterator[Violation]:
    """No mount covers /tmp."""
    yield from _covering(function, "/tmp")


@rule("policy")
def beside_work_dir(function: Function, config: Config) -> Iterator[Violation]:
    """No mount covers the directory where the runtime keeps the code."""
    if runtime := config.runtimes.get(function.spec.runtime):
        yield from _covering(function, FAMILIES[runtime.family].work_dir)


@rule("cel")
def apart(function: Function, config: Config) -> Iterator[Violation]:
    """No mount lies in another, or at the same place."""
    paths = list(_paths(function))
    for first, second in sorted(_overlapping([path for _, path in paths])):
        field, path = paths[second]
        yield Violation(field, f"{quoted(path)} overlaps {quoted(paths[first][1])}: mounts have to lie apart")


def _overlapping(paths: list[str]) -> Iterator[tuple[int, int]]:
    """Yield each path that lies in another with the outermost of those: in order, it stands behind that one."""
    outer, number = "", -1
    for path, index in sorted((f"{path.removesuffix('/')}/", index) for index, path in enumerate(paths)):
        if outer and path.startswith(outer):
            yield min(number, index), max(number, index)
        else:
            outer, number = path, index


def _paths(function: Function) -> Iterator[tuple[str, str]]:
    for index, secret in enumerate(function.spec.secret_mounts or ()):
        yield f"spec.secretMounts[{index}].mountPath", secret.mount_path
    for index, config_map in enumerate(function.spec.config_map_mounts or ()):
        yield f"spec.configMapMounts[{index}].mountPath", config_map.mount_path


def _covering(function: Function, needed: str) -> Iterator[Violation]:
    for field, path in _paths(function):
        if _contains(path, needed):
            yield Violation(field, f"{quoted(path)} would cover {needed}, which the Function needs")


def _contains(outer: str, inner: str) -> bool:
    """Tell whether path `inner` is `outer` or lies below it."""
    return f"{inner.removesuffix('/')}/".startswith(f"{outer.removesuffix('/')}/")


RULES: tuple[Rule, ...] = (absolute, beside_tmp, beside_work_dir, apart)
