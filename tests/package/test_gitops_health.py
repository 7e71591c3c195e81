"""kstatus, Argo CD and Flux agree with the Function itself, at every recorded step of its lives."""

import pytest
import yaml
from support.cases import Case, all_cases
from support.lifecycles import (
    AGREED,
    HEAD,
    ROOT,
    Manifest,
    argo,
    check_argo,
    check_kstatus_and_flux,
    kstatus_and_flux,
    said,
    stories,
)

LIVES = stories()


def answers() -> list[Manifest]:
    """Return the Function of every case, with the status that it is given there."""
    return [HEAD | {"metadata": metadata(case), "status": status(case)} for case in all_cases()]


def metadata(case: Case) -> Manifest:
    found = {"name": case.name, "generation": case.request["parent"]["metadata"]["generation"]}
    return found | ({"deletionTimestamp": "2026-01-01T00:00:00Z"} if case.request["finalizing"] else {})


def status(case: Case) -> Manifest:
    return case.answer()["status"] | {"observedGeneration": case.request["parent"]["metadata"]["generation"]}


@pytest.mark.parametrize("life", LIVES)
def test_argo_agrees(life: str) -> None:
    """Argo CD's health is the Function's own word at every step."""
    check_argo(LIVES[life])


@pytest.mark.parametrize("life", LIVES)
def test_kstatus_and_flux_agree(life: str) -> None:
    """So are kstatus and Flux' readiness."""
    check_kstatus_and_flux(LIVES[life])


def test_argo_agrees_on_every_case() -> None:
    """And on the status of every case, whatever its Deployment is like."""
    check_argo(answers())


def test_kstatus_and_flux_agree_on_every_case() -> None:
    """So do the others."""
    check_kstatus_and_flux(answers())


def test_lives_have_everything() -> None:
    """The lives hold each word that the judges have, and each lasts from a Function without conditions to its end."""
    assert {said(step) for life in LIVES.values() for step in life} == set(AGREED)
    for name, life in LIVES.items():
        assert life[0]["status"] == {"observedGeneration": -1}, name
        assert said(life[-1]) == "terminating", name


@pytest.mark.parametrize("life", LIVES)
def test_no_step_contradicts_itself(life: str) -> None:
    """Ready is never beside Reconciling or Stalled, and the conditions are of this generation until its deletion."""
    for step in LIVES[life]:
        conditions = {each["type"]: each for each in step["status"].get("conditions", ())}
        if conditions and said(step) != "terminating":
            assert {each["observedGeneration"] for each in conditions.values()} == {
                step["status"]["observedGeneration"]
            }
            abnormal = {"Reconciling", "Stalled"} & set(conditions)
            assert len(abnormal) == (0 if conditions["Ready"]["status"] == "True" else 1)


def test_why_the_status_has_a_default() -> None:
    """Without any status kstatus takes a new Function for healthy; the CRD's default says that nobody has looked."""
    bare = HEAD | {"metadata": {"name": "hello", "generation": 1}}
    said_of = [kstatus for kstatus, _ in kstatus_and_flux([bare | {"status": {}}, bare | {"status": default()}])]
    assert said_of == ["Current", "InProgress"]


def default() -> Manifest:
    crd = yaml.safe_load((ROOT / "crds" / "functions.yaml").read_text(encoding="utf-8"))
    (version,) = crd["spec"]["versions"]
    return dict(version["schema"]["openAPIV3Schema"]["properties"]["status"]["default"])


def test_argo_waits_for_a_status() -> None:
    """A Function from before its CRD had a default for the status is in progress to Argo CD, too."""
    assert argo(HEAD | {"metadata": {"name": "hello", "generation": 1}}) == "Progressing"
