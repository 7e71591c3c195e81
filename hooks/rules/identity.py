"""Rules for the name, the account, the runtime and its image."""

import re
from collections.abc import Iterator
from itertools import chain

from hooks.config import Config
from hooks.function import Function
from hooks.kubernetes_names import IMAGE_SHAPE, is_image
from hooks.rules import cel, policy
from hooks.rules.rule import Cel, rule
from hooks.rules.violation import Violation, forbidden, invalid, unsupported
from hooks.runtimes import FAMILIES

_DNS_1035_LABEL = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?")
_NAME = (
    "oldSelf.hasValue() || (self.metadata.name.size() <= 63 && "
    "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$'))"
)
_ACCOUNT = (
    "self.?spec.serviceAccountName.orValue('') != self.metadata.name || "
    "oldSelf.?spec.serviceAccountName.orValue('') == self.metadata.name"
)
_RUNTIMES = f"({policy.joined(f'variables.{family}' for family in FAMILIES)})"
_BEGINS = "variables.image.startsWith(each.substring(0, each.size() - 1))"
_ALLOWED = f'variables.images.exists(each, each.endsWith("*") ? {_BEGINS} : variables.image == each)'


@rule(enforced_by="cel", cel=[Cel(_NAME, at=["."])])
def function_name(function: Function, config: Config) -> Iterator[Violation]:
    """The Function's name is a DNS-1035 label, since its Service has the same name."""
    name = function.metadata.name
    if not _DNS_1035_LABEL.fullmatch(name):
        detail = (
            "must be at most 63 of a-z, 0-9 and '-', first a letter, last a letter or digit: the Service has this name"
        )
        yield invalid("metadata.name", detail, name)


@rule(enforced_by="cel", reads=["service_account_name"], cel=[Cel(_ACCOUNT, at=["."])])
def own_account(function: Function, config: Config) -> Iterator[Violation]:
    """A Function does not name the ServiceAccount of the same name: it is a child that the hook would delete."""
    if function.spec.service_account_name == function.metadata.name:
        yield forbidden("spec.serviceAccountName", "the ServiceAccount of this name is a child of the Function")


@rule(
    enforced_by="policy",
    policy=policy.unless(
        f"object.spec.runtime in {_RUNTIMES}", policy.unsupported("spec.runtime", "object.spec.runtime", _RUNTIMES)
    ),
)
def known_runtime(function: Function, config: Config) -> Iterator[Violation]:
    """The runtime is one of the operator's."""
    runtime = function.spec.runtime
    if runtime not in config.runtimes:
        yield unsupported("spec.runtime", runtime, chain.from_iterable(map(config.runtime_names, FAMILIES)))


@rule(enforced_by="cel", reads=["runtime_image_override"], cel=[Cel(cel.IMAGE, at=["spec.runtimeImageOverride"])])
def image_reference(function: Function, config: Config) -> Iterator[Violation]:
    """An image override is a reference that a kubelet can pull."""
    image = (function.spec.runtime_image_override or "").strip()
    if image and not is_image(image):
        yield invalid("spec.runtimeImageOverride", IMAGE_SHAPE)  # without the value: a URL may hold a password


@rule(
    enforced_by="policy",
    reads=["runtime_image_override"],
    policy=policy.unless(
        f'variables.image == "" || {_ALLOWED}',
        policy.unsupported("spec.runtimeImageOverride", "variables.image", "variables.images"),
    ),
)
def allowed_image(function: Function, config: Config) -> Iterator[Violation]:
    """An image override is one that the operator allows."""
    image = (function.spec.runtime_image_override or "").strip()
    if image and not any(_matches(image, pattern) for pattern in config.allowed_image_overrides):
        yield unsupported("spec.runtimeImageOverride", image, config.allowed_image_overrides)


def _matches(image: str, pattern: str) -> bool:
    return image.startswith(pattern[:-1]) if pattern.endswith("*") else image == pattern
