"""Rules for tolerations: which taints of nodes the pods tolerate."""

from collections.abc import Iterator

from hooks.config import Config
from hooks.function import Function
from hooks.kubernetes_names import KEY_SHAPE, is_key
from hooks.rules import cel
from hooks.rules.violation import Cel, Rule, Violation, invalid, rule


@rule(
    "cel",
    "tolerations",
    cel=[Cel(f"self == '' || (self.matches('{cel.KEY}') && self.indexOf('/') <= 253)", ["spec.tolerations[*].key"])],
)
def toleration_keys(function: Function, config: Config) -> Iterator[Violation]:
    """A toleration's key is one that a taint can have."""
    for index, toleration in enumerate(function.spec.tolerations or ()):
        if (key := toleration.get("key")) and not is_key(key):
            yield invalid(f"spec.tolerations[{index}].key", KEY_SHAPE, key)


@rule(
    "cel",
    "tolerations",
    cel=[
        Cel(
            "(has(self.key) && self.key != '') || (has(self.operator) && self.operator == 'Exists')",
            ["spec.tolerations[*]"],
        ),
        Cel(
            "!(has(self.value) && self.value != '') || !has(self.operator) || self.operator != 'Exists'",
            ["spec.tolerations[*]"],
        ),
    ],
)
def toleration_operators(function: Function, config: Config) -> Iterator[Violation]:
    """A toleration compares a value of its key, or asks only whether there is a taint."""
    for index, toleration in enumerate(function.spec.tolerations or ()):
        field, operator = f"spec.tolerations[{index}].operator", toleration.get("operator")
        if not toleration.get("key") and operator != "Exists":
            yield invalid(field, "must be Exists when key is empty", operator)
        if toleration.get("value") and operator == "Exists":
            yield invalid(field, "must be Equal when value is given", operator)


@rule(
    "cel",
    "tolerations",
    cel=[
        Cel("!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')", ["spec.tolerations[*]"])
    ],
)
def toleration_seconds(function: Function, config: Config) -> Iterator[Violation]:
    """Only a taint that evicts can be tolerated for some time."""
    for index, toleration in enumerate(function.spec.tolerations or ()):
        effect = toleration.get("effect")
        if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
            field = f"spec.tolerations[{index}].effect"
            yield invalid(field, "must be NoExecute when tolerationSeconds is given", effect)


RULES: tuple[Rule, ...] = (toleration_keys, toleration_operators, toleration_seconds)
