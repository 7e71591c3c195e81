"""Rules for the choice between a profile and explicit requests and limits, which have rules in amounts.py."""

from collections.abc import Iterator

from hooks.config import Config
from hooks.function import Function, ResourceChoice
from hooks.rules import policy
from hooks.rules.rule import Cel, rule
from hooks.rules.violation import Violation, forbidden, invalid, unsupported

CHOICES = ("spec.resourceConfiguration.function", "spec.resourceConfiguration.build")
RESOURCES = tuple(f"{choice}.resources" for choice in CHOICES)


def choices(function: Function) -> Iterator[tuple[str, ResourceChoice]]:
    """Yield the path and the value of each choice; the CRD checks `build` too, although nothing is built."""
    if both := function.spec.resource_configuration:
        if both.function:
            yield CHOICES[0], both.function
        if both.build:
            yield CHOICES[1], both.build


@rule(
    enforced_by="cel",
    reads=["resource_configuration"],
    cel=[Cel("has(self.profile) != has(self.resources)", at=CHOICES)],
)
def profile_or_resources(function: Function, config: Config) -> Iterator[Violation]:
    """Resources come from a profile or from explicit requests and limits."""
    for field, choice in choices(function):
        if (choice.profile is None) == (choice.resources is None):
            yield invalid(field, "must have exactly one of profile and resources")


@rule(
    enforced_by="policy",
    reads=["resource_configuration"],
    policy=policy.unless(
        "!variables.profile.hasValue() || variables.profile.value() in variables.profiles",
        policy.unsupported(f"{CHOICES[0]}.profile", "variables.profile.value()", "variables.profiles"),
    ),
)
def known_profile(function: Function, config: Config) -> Iterator[Violation]:
    """The profile is one of the operator's."""
    choice = function.spec.resource_configuration and function.spec.resource_configuration.function
    if choice and choice.profile is not None and choice.profile not in config.profiles:
        yield unsupported(f"{CHOICES[0]}.profile", choice.profile, sorted(config.profiles))


@rule(
    enforced_by="cel",
    reads=["resource_configuration"],
    cel=[Cel("self.size() == 0", at=[f"{resources}.claims" for resources in RESOURCES])],
)
def no_claims(function: Function, config: Config) -> Iterator[Violation]:
    """Resource claims are not supported."""
    for field, choice in choices(function):
        if choice.resources and choice.resources.claims:
            yield forbidden(f"{field}.resources.claims", "resource claims are not supported, use requests and limits")
