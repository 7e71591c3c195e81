"""
Models of v2alpha1, to name errors as the API server does: the fields, types and bounds of chart/files/v2alpha1.yaml.

Import it only for a file of this version: the models take time to build.
"""

from typing import Any

from pydantic import Field, create_model

from hooks import function
from hooks.core_v1 import Quantity
from hooks.function import Model
from hooks.moved_fields import MOVED


class Source(Model):
    inline: str | None = Field(default=None, min_length=1, max_length=262144)
    dependencies: str | None = Field(default=None, max_length=131072)
    git_repository: function.GitRepository | None = None
    source_ref: function.SourceReference | None = None


class Amounts(Model):
    requests: dict[str, Quantity] | None = Field(default=None, max_length=16)
    limits: dict[str, Quantity] | None = Field(default=None, max_length=16)


class ResourceConfiguration(Amounts):
    profile: str | None = Field(default=None, min_length=1, max_length=63)
    install: Amounts | None = None


_GONE = {name for group in MOVED.values() for name in group.only}
_FIELDS: dict[str, Any] = {
    name: (field.annotation, field) for name, field in function.FunctionSpec.model_fields.items() if name not in _GONE
}
_FIELDS["source"] = (Source, ...)
_FIELDS["resource_configuration"] = (ResourceConfiguration | None, None)
FunctionSpec: type[Model] = create_model("FunctionSpec", __base__=Model, **_FIELDS)


class Function(Model):
    metadata: function.Metadata
    spec: FunctionSpec  # type: ignore[valid-type] # made above
