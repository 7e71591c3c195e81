"""What the Functions of one `buildless run` have in common."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hooks.cli.run.output import Output
from hooks.cli.run.repositories import Repositories
from hooks.cli.run.setups import Setups

if TYPE_CHECKING:
    from hooks.cli.run.instance import Instance


@dataclass(frozen=True, kw_only=True)
class Session:
    """`instances` are those with a directory on this machine, the stopping ones included."""

    output: Output
    setups: Setups
    repositories: Repositories = field(default_factory=Repositories)
    instances: "set[Instance]" = field(default_factory=set)
