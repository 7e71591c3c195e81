"""Laws for every answer to any request, used by test_laws.py and test_mutated_requests.py."""

from functools import cache
from typing import Any

import jsonschema
import yaml
from support.cases import ROOT

from hooks.children import KINDS
from hooks.flux import API_VERSION, RESOURCES
from hooks.naming import MISSING_TAG, REQUESTED_AT

Manifest = dict[str, Any]

INTERNAL = {f"serverless.kyma-project.io/{key}" for key in ("function-name", "managed-by", "uuid")}
RELATED = {"v1": {"pods", "secrets", "configmaps"}, API_VERSION: set(RESOURCES.values())}


def children_belong(request: Manifest, answer: Manifest) -> None:
    """Every child is of a declared kind, each kind once, named like its Function and in its namespace."""
    own = request["parent"]["metadata"]
    kinds = [child["kind"] for child in answer["children"]]
    assert len(set(kinds)) == len(kinds)
    for child in answer["children"]:
        assert child["apiVersion"] == KINDS[child["kind"]].api_version
        assert set(child["metadata"]) - {"annotations"} == {"name", "labels"}
        assert KINDS[child["kind"]].needs_git or "annotations" not in child["metadata"]
        assert set(child["metadata"].get("annotations", ())) <= {MISSING_TAG, REQUESTED_AT}
        assert child["metadata"]["name"] == own["name"]
        assert set(child["metadata"]["labels"]) <= {*(own.get("labels") or ()), *INTERNAL}


def rules_stay_in_the_namespace(request: Manifest, answer: Manifest) -> None:
    """Related objects are Pods, Secrets, ConfigMaps and sources of Flux in the Function's namespace."""
    for rule in answer["relatedResources"]:
        assert rule["resource"] in RELATED[rule["apiVersion"]]
        assert rule["namespace"] == request["parent"]["metadata"]["namespace"]


@cache
def status_schema() -> jsonschema.Draft202012Validator:
    """Return a validator of the CRD's status schema that rejects unknown keys; the API server would drop them."""
    crd = yaml.safe_load((ROOT / "crds" / "functions.yaml").read_text(encoding="utf-8"))
    schema = crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
    return jsonschema.Draft202012Validator(closed(schema))


def closed(schema: Any) -> Any:
    """Return the schema without permission for properties that it does not name."""
    if isinstance(schema, dict):
        inner = {key: closed(value) for key, value in schema.items()}
        return {"additionalProperties": False} | inner if "properties" in schema else inner
    return [closed(item) for item in schema] if isinstance(schema, list) else schema
