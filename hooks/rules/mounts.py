"""Rules for mounted Secrets and ConfigMaps: where their files may be."""

from collections.abc import Iterator

from hooks.config import Config
from hooks.function import Function
from hooks.rules import cel, policy
from hooks.rules.rule import Cel, rule
from hooks.rules.size import OTHER_BYTES
from hooks.rules.violation import Violation, invalid
from hooks.runtimes import FAMILIES, REGISTRY_CONFIG_DIR

SYSTEM = (
    *("/bin", "/lib", "/lib64", "/usr/bin", "/usr/lib", "/usr/local/bin", "/usr/local/lib"),
    *("/dev", "/dev/termination-log", "/proc", "/sys", "/tmp"),
    *("/etc/hostname", "/etc/hosts", REGISTRY_CONFIG_DIR, "/etc/passwd", "/etc/resolv.conf"),
)
"""What every container needs, and what the kubelet mounts: nothing may be mounted here or above."""
CLOSED = ("/proc/", "/sys/", f"{REGISTRY_CONFIG_DIR}/")
"""Nothing can be mounted below these directories."""
SYSTEM_AND_PARENTS = tuple(
    sorted({"/".join(path.split("/")[:end]) for path in SYSTEM for end in range(2, path.count("/") + 2)})
)
"""The paths of SYSTEM and their parents, as the CRD lists them."""
_READS = ("secret_mounts", "config_map_mounts")
_PATHS = ("spec.secretMounts[*].mountPath", "spec.configMapMounts[*].mountPath")
_CLEAR_OF_SYSTEM = (
    f"!((self.endsWith('/') ? self.substring(0, self.size() - 1) : self) in {list(SYSTEM_AND_PARENTS)}) && "
    + " && ".join(f"!self.startsWith('{path}')" for path in CLOSED)
)
_SHORT = f"{cel.mounts('m.mountPath.size()')}.all(sizes, sizes.sum() <= {OTHER_BYTES})"
_APART = (
    f"{cel.mounts('m.mountPath')} .map(paths, paths.map(p, p.size()).sum() <= {OTHER_BYTES} ? "
    "paths.map(p, p.endsWith('/') ? p : p + '/') : []) "
    ".all(paths, paths.all(outer, paths.filter(inner, inner.startsWith(outer)).size() == 1))"
)
_RUNTIME_NEEDS_IT = "must not cover files that the runtime needs"


@rule(enforced_by="cel", reads=_READS, cel=[Cel("!self.matches('//|/[.][.]?(/|$)')", at=_PATHS)])
def mount_paths(function: Function, config: Config) -> Iterator[Violation]:
    """A mount path is absolute, without `.`, `..` and empty steps."""
    for field, path in _paths(function):
        if not path.startswith("/") or {"", ".", ".."} & set(path.removesuffix("/").split("/")[1:]):
            yield invalid(field, "must be an absolute path without '.', '..' and '//'", path)


@rule(enforced_by="cel", reads=_READS, cel=[Cel(_CLEAR_OF_SYSTEM, at=_PATHS)])
def system_paths(function: Function, config: Config) -> Iterator[Violation]:
    """No mount covers what every container needs, or lies where nothing can be mounted."""
    for field, path in _paths(function):
        if path.removesuffix("/") in SYSTEM_AND_PARENTS or path.startswith(CLOSED):
            yield invalid(field, "must not cover files that every container needs", path)


def _mounts_expression(family: str) -> str:
    """Return the policy's errors for mount paths that cover what the family needs."""
    runtime, slashed = FAMILIES[family], "(path.endsWith('/') ? path : path + '/')"
    paths = policy.joined(
        f"object.spec.?{mounts}.orValue([]).map(each, each.mountPath)" for mounts in ("secretMounts", "configMapMounts")
    )
    needed = policy.text([f"{path}/" for path in runtime.needs])
    covers = f"{policy.text(runtime.work_dir + '/')}.startsWith({slashed})"
    overlaps = f"{needed}.exists(each, each.startsWith({slashed}) || path.startsWith(each))"
    message = policy.invalid("spec.mountPath", policy.quoted("path"), _RUNTIME_NEEDS_IT)
    return policy.for_family(family, f"({paths}).filter(path, {covers} || {overlaps}).map(path, {message})")


@rule(enforced_by="policy", reads=_READS, policy=policy.joined(map(_mounts_expression, FAMILIES)))
def runtime_paths(function: Function, config: Config) -> Iterator[Violation]:
    """No mount covers the directory of the code, or a file that the runtime needs."""
    if runtime := config.runtimes.get(function.spec.runtime):
        family = FAMILIES[runtime.family]
        for field, path in _paths(function):
            if _contains(path, family.work_dir) or any(_overlap(path, needed) for needed in family.needs):
                yield invalid(field, _RUNTIME_NEEDS_IT, path)


@rule(enforced_by="cel", reads=_READS, cel=[Cel(_SHORT, at=["spec"])])
def mount_paths_length(function: Function, config: Config) -> Iterator[Violation]:
    """Mount paths are short enough to be compared with each other."""
    if _is_too_long(function):
        yield invalid("spec", f"mount paths may not be more than {OTHER_BYTES} characters together")


@rule(enforced_by="cel", reads=_READS, cel=[Cel(_APART, at=["spec"])])
def overlapping_mounts(function: Function, config: Config) -> Iterator[Violation]:
    """No mount lies in another, or at the same path."""
    if _is_too_long(function):
        return
    outer = ""
    for path, field, written in sorted((f"{path.removesuffix('/')}/", field, path) for field, path in _paths(function)):
        # In this order a path is followed by all that begin with it.
        if outer and path.startswith(outer):
            yield invalid(field, f"mount paths must not overlap, and this one overlaps {outer[:-1]}", written)
        else:
            outer = path


def _paths(function: Function) -> Iterator[tuple[str, str]]:
    for index, secret in enumerate(function.spec.secret_mounts or ()):
        yield f"spec.secretMounts[{index}].mountPath", secret.mount_path
    for index, config_map in enumerate(function.spec.config_map_mounts or ()):
        yield f"spec.configMapMounts[{index}].mountPath", config_map.mount_path


def _is_too_long(function: Function) -> bool:
    return sum(len(path) for _, path in _paths(function)) > OTHER_BYTES


def _overlap(one: str, other: str) -> bool:
    return _contains(one, other) or _contains(other, one)


def _contains(outer: str, inner: str) -> bool:
    """Return whether path `inner` is `outer` or lies below it."""
    return f"{inner.removesuffix('/')}/".startswith(f"{outer.removesuffix('/')}/")
