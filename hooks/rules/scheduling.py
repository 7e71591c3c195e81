"""Rules for tolerations: which taints of nodes the pods tolerate."""

from collections.abc import Iterator

from hooks.config import Config
from hooks.function import Function
from hooks.kubernetes_names import KEY_SHAPE, is_key
from hooks.rules import cel
from hooks.rules.rule import Cel, rule
from hooks.rules.violation import Violation, invalid

_ITEM = "spec.tolerations[*]"


@rule(
    enforced_by="cel",
    reads=["tolerations"],
    cel=[Cel(f"self == '' || (self.matches('{cel.KEY}') && self.indexOf('/') <= 253)", at=[f"{_ITEM}.key"])],
)
def toleration_keys(function: Function, config: Config) -> Iterator[Violation]:
    """A toleration's key is one that a taint can have."""
    for index, toleration in enumerate(function.spec.tolerations or ()):
        if (key := toleration.get("key")) and not is_key(key):
            yield invalid(f"spec.tolerations[{index}].key", KEY_SHAPE, key)


@rule(
    enforced_by="cel",
    reads=["tolerations"],
    cel=[
        Cel("(has(self.key) && self.key != '') || (has(self.operator) && self.operator == 'Exists')", at=[_ITEM]),
        Cel("!(has(self.value) && self.value != '') || !has(self.operator) || self.operator != 'Exists'", at=[_ITEM]),
    ],
)
def toleration_operators(function: Function, config: Config) -> Iterator[Violation]:
    """A toleration without a key has the operator Exists, and one with this operator has no value."""
    for index, toleration in enumerate(function.spec.tolerations or ()):
        field, operator = f"spec.tolerations[{index}].operator", toleration.get("operator")
        if not toleration.get("key") and operator != "Exists":
            yield invalid(field, "must be Exists when key is empty", operator)
        if toleration.get("value") and operator == "Exists":
            yield invalid(field, "must be Equal when value is given", operator)


@rule(
    enforced_by="cel",
    reads=["tolerations"],
    cel=[Cel("!has(self.tolerationSeconds) || (has(self.effect) && self.effect == 'NoExecute')", at=[_ITEM])],
)
def toleration_seconds(function: Function, config: Config) -> Iterator[Violation]:
    """Only a taint that evicts pods can be tolerated for a limited time."""
    for index, toleration in enumerate(function.spec.tolerations or ()):
        effect = toleration.get("effect")
        if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
            field = f"spec.tolerations[{index}].effect"
            yield invalid(field, "must be NoExecute when tolerationSeconds is given", effect)
