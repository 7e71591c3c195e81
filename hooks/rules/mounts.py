"""Rules for mounted Secrets and ConfigMaps: where their files may be."""

from collections.abc import Iterator

from hooks.config import Config
from hooks.function import Function
from hooks.rules import cel
from hooks.rules.size import OTHER_BYTES
from hooks.rules.violation import Cel, Rule, Violation, invalid, rule
from hooks.runtimes import FAMILIES, REGISTRY_CONFIG_DIR

SYSTEM = (
    *("/bin", "/lib", "/lib64", "/usr/bin", "/usr/lib", "/usr/local/bin", "/usr/local/lib"),
    *("/dev", "/dev/termination-log", "/proc", "/sys", "/tmp"),
    *("/etc/hostname", "/etc/hosts", REGISTRY_CONFIG_DIR, "/etc/passwd", "/etc/resolv.conf"),
)
"""What every container needs, or is given by the kubelet: nothing may be mounted there, or above."""
CLOSED = ("/proc/", "/sys/", f"{REGISTRY_CONFIG_DIR}/")
"""In these nothing can be mounted either."""
_PATHS = ("spec.secretMounts[*].mountPath", "spec.configMapMounts[*].mountPath")
COVERING = tuple(sorted({"/".join(path.split("/")[:end]) for path in SYSTEM for end in range(2, path.count("/") + 2)}))
"""These paths and all above them, as the CRD lists them."""
_BESIDE = f"!((self.endsWith('/') ? self.substring(0, self.size() - 1) : self) in {list(COVERING)}) && " + " && ".join(
    f"!self.startsWith('{path}')" for path in CLOSED
)
_SHORT = f"{cel.mounts('m.mountPath.size()')}.all(sizes, sizes.sum() <= {OTHER_BYTES})"
_APART = (
    f"{cel.mounts('m.mountPath')} .map(paths, paths.map(p, p.size()).sum() <= {OTHER_BYTES} ? "
    "paths.map(p, p.endsWith('/') ? p : p + '/') : []) "
    ".all(paths, paths.all(outer, paths.filter(inner, inner.startsWith(outer)).size() == 1))"
)


@rule("cel", "secret_mounts", "config_map_mounts", cel=[Cel("!self.matches('//|/[.][.]?(/|$)')", _PATHS)])
def absolute(function: Function, config: Config) -> Iterator[Violation]:
    """A mount path is absolute and written without detours."""
    for field, path in _paths(function):
        if not path.startswith("/") or {"", ".", ".."} & set(path.removesuffix("/").split("/")[1:]):
            yield invalid(field, "is not an absolute path without '.', '..' and '//'", path)


@rule("cel", "secret_mounts", "config_map_mounts", cel=[Cel(_BESIDE, _PATHS)])
def beside_system(function: Function, config: Config) -> Iterator[Violation]:
    """No mount covers what every container needs, or lies where nothing can be mounted."""
    for field, path in _paths(function):
        if path.removesuffix("/") in COVERING or path.startswith(CLOSED):
            yield invalid(field, "would cover what every container needs", path)


@rule("policy", "secret_mounts", "config_map_mounts")
def beside_runtime(function: Function, config: Config) -> Iterator[Violation]:
    """No mount covers the directory of the code, or what the runtime keeps in it and beside it."""
    if runtime := config.runtimes.get(function.spec.runtime):
        family = FAMILIES[runtime.family]
        for field, path in _paths(function):
            if _contains(path, family.work_dir) or any(_overlap(path, needed) for needed in family.needs):
                yield invalid(field, "would cover what the runtime needs", path)


@rule("cel", "secret_mounts", "config_map_mounts", cel=[Cel(_SHORT, ["spec"])])
def paths_size(function: Function, config: Config) -> Iterator[Violation]:
    """Mount paths are short enough to be compared with each other."""
    if _too_long(function):
        yield invalid("spec", f"mount paths may take {OTHER_BYTES} characters together")


@rule("cel", "secret_mounts", "config_map_mounts", cel=[Cel(_APART, ["spec"])])
def apart(function: Function, config: Config) -> Iterator[Violation]:
    """No mount lies in another, or at the same place."""
    if _too_long(function):
        return
    outer = ""
    for path, field, written in sorted((f"{path.removesuffix('/')}/", field, path) for field, path in _paths(function)):
        # In this order a path is followed by all that begins with it.
        if outer and path.startswith(outer):
            yield invalid(field, f"mounts have to lie apart, and this one overlaps {outer.removesuffix('/')}", written)
        else:
            outer = path


def _paths(function: Function) -> Iterator[tuple[str, str]]:
    for index, secret in enumerate(function.spec.secret_mounts or ()):
        yield f"spec.secretMounts[{index}].mountPath", secret.mount_path
    for index, config_map in enumerate(function.spec.config_map_mounts or ()):
        yield f"spec.configMapMounts[{index}].mountPath", config_map.mount_path


def _too_long(function: Function) -> bool:
    return sum(len(path) for _, path in _paths(function)) > OTHER_BYTES


def _overlap(one: str, other: str) -> bool:
    return _contains(one, other) or _contains(other, one)


def _contains(outer: str, inner: str) -> bool:
    """Tell whether path `inner` is `outer` or lies below it."""
    return f"{inner.removesuffix('/')}/".startswith(f"{outer.removesuffix('/')}/")


RULES: tuple[Rule, ...] = (absolute, beside_system, beside_runtime, paths_size, apart)
