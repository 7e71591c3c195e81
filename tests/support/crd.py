"""The CRD of Functions, crds/functions.yaml, as tests read it."""

from collections.abc import Iterator

from support.cases import ROOT, Manifest
from support.yaml_files import read_yaml

CRD = read_yaml(ROOT / "crds" / "functions.yaml")
VERSION = CRD["spec"]["versions"][0]
SCHEMA = VERSION["schema"]["openAPIV3Schema"]


def schema_leaves(schema: Manifest, path: str = "spec") -> Iterator[tuple[str, Manifest]]:
    """Yield every property below a schema, with its path: spec.env[].name."""
    for name, inner in schema.get("properties", {}).items():
        yield f"{path}.{name}", inner
        yield from schema_leaves(inner, f"{path}.{name}")
    if "items" in schema:
        yield from schema_leaves(schema["items"], f"{path}[]")


SPEC_PROPERTIES = dict(schema_leaves(SCHEMA["properties"]["spec"]))
"""The schema of every property of a spec, by its path."""
