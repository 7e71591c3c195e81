"""Rules for requests and limits: resource names, quantities, and how a request and its limit go together."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from hooks import quantity
from hooks.config import Config
from hooks.function import Function
from hooks.kubernetes_names import RESOURCE_SHAPE, amount_fault, is_overcommitted, is_page, is_resource
from hooks.rules import cel, policy
from hooks.rules.resources import CHOICES, RESOURCES, choices
from hooks.rules.rule import Cel, rule
from hooks.rules.violation import Violation, invalid

Amounts = Mapping[str, str | int]

_SIDES = tuple(f"{resources}.{side}" for resources in RESOURCES for side in ("requests", "limits"))
_AMOUNTS = tuple(f"{side}[*]" for side in _SIDES)


@rule(enforced_by="cel", reads=["resource_configuration"], cel=[Cel(cel.RESOURCE_NAMES, at=_SIDES)])
def resource_names(function: Function, config: Config) -> Iterator[Violation]:
    """Requests and limits are of resources that a container can have."""
    for side, amounts in _sides(function):
        for name in sorted(amounts):
            if not is_resource(name):
                yield invalid(side, RESOURCE_SHAPE, name)


@rule(
    enforced_by="cel",
    reads=["resource_configuration"],
    cel=[Cel("isQuantity(string(self)) && string(self).matches('[0-9]')", at=_AMOUNTS)],
)
def quantities(function: Function, config: Config) -> Iterator[Violation]:
    """Requests and limits are quantities."""
    for field, _, amount in _amounts(function):
        if _parsed(amount) is None:
            yield invalid(field, "must be a quantity such as 250m, 1.5 or 64Mi", amount)


@rule(
    enforced_by="cel",
    reads=["resource_configuration"],
    cel=[Cel("!isQuantity(string(self)) || !quantity(string(self)).isLessThan(quantity('0'))", at=_AMOUNTS)],
)
def negative_amounts(function: Function, config: Config) -> Iterator[Violation]:
    """Requests and limits are not negative."""
    for field, _, amount in _amounts(function):
        if (number := _parsed(amount)) is not None and number < 0:
            yield invalid(field, "must be greater than or equal to 0", amount)


@rule(
    enforced_by="cel", reads=["resource_configuration"], cel=[Cel(cel.PAGES, at=_SIDES), Cel(cel.INTEGERS, at=_SIDES)]
)
def whole_amounts(function: Function, config: Config) -> Iterator[Violation]:
    """Amounts of extended resources are integers, those of huge pages multiples of the page size."""
    for field, name, amount in _amounts(function):
        if fault := amount_fault(name, amount):
            yield invalid(field, fault, amount)


@rule(enforced_by="cel", reads=["resource_configuration"], cel=[Cel(cel.WITHIN_LIMITS, at=RESOURCES)])
def requests_within_limits(function: Function, config: Config) -> Iterator[Violation]:
    """No request is above the limit of its resource."""
    for field, requests, limits in _pairs(function):
        for name in sorted(requests.keys() & limits.keys()):
            request, limit = _parsed(requests[name]), _parsed(limits[name])
            if request is not None and limit is not None and request > limit:
                detail = f"must be less than or equal to its limit of {limits[name]}"
                yield invalid(f"{field}.requests.{name}", detail, requests[name])


@rule(enforced_by="cel", reads=["resource_configuration"], cel=[Cel(cel.ARE_LIMITS, at=RESOURCES)])
def requests_equal_limits(function: Function, config: Config) -> Iterator[Violation]:
    """Extended resources and huge pages, which cannot be overcommitted, have equal requests and limits."""
    for field, requests, limits in _pairs(function):
        for name in sorted(requests) if limits else ():
            if not is_overcommitted(name) and _are_different(requests[name], limits.get(name)):
                yield invalid(f"{field}.requests.{name}", "must be equal to its limit", requests[name])


@rule(enforced_by="cel", reads=["resource_configuration"], cel=[Cel(cel.PAGES_NEED_MORE, at=RESOURCES)])
def huge_pages(function: Function, config: Config) -> Iterator[Violation]:
    """Huge pages come with CPU or memory."""
    for field, requests, limits in _pairs(function):
        names = requests.keys() | limits.keys()
        if requests and limits and any(map(is_page, names)) and not names & {"cpu", "memory"}:
            yield invalid(field, "huge pages require cpu or memory")


def _minimum_expression(side: str) -> str:
    """Return the policy's errors for requests or limits that are below the operator's minimum."""
    given = f"variables.{side}[least[0]]"
    amount = f"string({given})"
    is_below = f"isQuantity({amount}) && quantity({amount}).isLessThan(quantity(least[1]))"
    shown = f"(type({given}) == string ? {policy.quoted(amount)} : {amount})"
    name = f"{policy.text(f'{CHOICES[0]}.resources.{side}.')} + least[0]"
    message = f'{name} + ": Invalid value: " + {shown} + ": must be greater than or equal to " + least[1]'
    return f"variables.minimums.filter(least, least[0] in variables.{side} && {is_below}).map(least, {message})"


@rule(
    enforced_by="policy",
    reads=["resource_configuration"],
    policy=policy.joined(map(_minimum_expression, ("requests", "limits"))),
)
def minimum_resources(function: Function, config: Config) -> Iterator[Violation]:
    """Requests and limits are not below the operator's minimum."""
    for field, name, amount in _amounts(function):
        least, number = config.minimum_resources.get(name), _parsed(amount)
        if field.startswith(CHOICES[0]) and least and number is not None and number < quantity.parse(least):
            yield invalid(field, f"must be greater than or equal to {least}", amount)


def _pairs(function: Function) -> Iterator[tuple[str, Amounts, Amounts]]:
    """Yield the path, the requests and the limits of each choice with explicit resources."""
    for field, choice in choices(function):
        if choice.resources:
            yield f"{field}.resources", choice.resources.requests or {}, choice.resources.limits or {}


def _sides(function: Function) -> Iterator[tuple[str, Amounts]]:
    """Yield the path and the amounts of all requests, and of all limits."""
    for field, requests, limits in _pairs(function):
        yield f"{field}.requests", requests
        yield f"{field}.limits", limits


def _amounts(function: Function) -> Iterator[tuple[str, str, str | int]]:
    """Yield the path, the resource and the value of each request and limit."""
    for side, amounts in _sides(function):
        for name, amount in sorted(amounts.items()):
            yield f"{side}.{name}", name, amount


def _are_different(request: str | int, limit: str | int | None) -> bool:
    """Return whether these are two different quantities; what is not a quantity breaks another rule."""
    wanted, given = _parsed(request), None if limit is None else _parsed(limit)
    return wanted is not None and (limit is None or (given is not None and given != wanted))


def _parsed(amount: str | int) -> Decimal | None:
    try:
        return quantity.parse(amount)
    except ValueError:
        return None
