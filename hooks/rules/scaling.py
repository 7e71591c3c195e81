"""Rules for the autoscaler: its bounds, and the requests that it measures against."""

from collections.abc import Iterator

from hooks.config import Config
from hooks.function import Function
from hooks.rules import cel
from hooks.rules.rule import Cel, rule
from hooks.rules.violation import Violation, invalid, required


@rule(
    enforced_by="cel",
    reads=["scale_config"],
    cel=[Cel("self.minReplicas <= self.maxReplicas", at=["spec.scaleConfig"])],
)
def replica_bounds(function: Function, config: Config) -> Iterator[Violation]:
    """The autoscaler's maximum is not below its minimum."""
    scale = function.spec.scale_config
    if scale and scale.max_replicas < scale.min_replicas:
        detail = f"must be greater than or equal to minReplicas of {scale.min_replicas}"
        yield invalid("spec.scaleConfig.maxReplicas", detail, scale.max_replicas)


@rule(
    enforced_by="cel",
    reads=["scale_config"],
    cel=[
        Cel(f"!has(self.scaleConfig) || {cel.measurable('cpu')}", at=["spec"]),
        Cel(
            "!has(self.scaleConfig) || !has(self.scaleConfig.targetMemoryUtilizationPercentage) || "
            + cel.measurable("memory"),
            at=["spec"],
        ),
    ],
)
def measured_requests(function: Function, config: Config) -> Iterator[Violation]:
    """An autoscaler's target is a percentage of a request, so that resource is requested or limited."""
    scale, choice = function.spec.scale_config, function.spec.resource_configuration
    resources = choice and choice.function and choice.function.resources
    if not scale or not resources or not (resources.requests and resources.limits):
        return  # what is left out comes from the default profile
    for name in ("cpu", "memory") if scale.target_memory else ("cpu",):
        if name not in resources.requests and name not in resources.limits:
            field = "spec.resourceConfiguration.function.resources.requests"
            yield required(field, f"scaleConfig needs {name}, whose target is a percentage of the request")
