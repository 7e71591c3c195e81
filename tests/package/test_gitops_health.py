"""kstatus, Argo CD and Flux agree with a Function's conditions, at every step of the recorded lives."""

import pytest
from support.cases import Case, all_cases
from support.crd import SCHEMA
from support.lifecycles import (
    HEAD,
    VERDICTS,
    Manifest,
    argo,
    check_argo,
    check_kstatus_and_flux,
    kstatus_and_flux,
    recorded_lives,
    state_of,
)

LIVES = recorded_lives()


def functions_of_cases() -> list[Manifest]:
    """Return the Function of every case, with the status of the response."""
    return [HEAD | {"metadata": metadata(case), "status": status(case)} for case in all_cases()]


def metadata(case: Case) -> Manifest:
    found = {"name": case.name, "generation": case.request["parent"]["metadata"]["generation"]}
    return found | ({"deletionTimestamp": "2026-01-01T00:00:00Z"} if case.request["finalizing"] else {})


def status(case: Case) -> Manifest:
    observed = {"observedGeneration": case.request["parent"]["metadata"]["generation"]}
    return dict(case.answer()["status"] | observed)


@pytest.mark.parametrize("life", LIVES)
def test_argo_agrees(life: str) -> None:
    """Argo CD's health agrees with the conditions at every step."""
    check_argo(LIVES[life])


@pytest.mark.parametrize("life", LIVES)
def test_kstatus_and_flux_agree(life: str) -> None:
    """The verdicts of kstatus and Flux agree with the conditions at every step."""
    check_kstatus_and_flux(LIVES[life])


def test_argo_agrees_on_every_case() -> None:
    """Argo CD's health agrees with the conditions of every golden case."""
    check_argo(functions_of_cases())


def test_kstatus_and_flux_agree_on_every_case() -> None:
    """The verdicts of kstatus and Flux agree with the conditions of every golden case."""
    check_kstatus_and_flux(functions_of_cases())


def test_lives_cover_every_state() -> None:
    """Every state occurs; each life begins without conditions and ends with the deletion."""
    assert {state_of(step) for life in LIVES.values() for step in life} == set(VERDICTS)
    for name, life in LIVES.items():
        assert life[0]["status"] == {"observedGeneration": -1}, name
        assert state_of(life[-1]) == "terminating", name


@pytest.mark.parametrize("life", LIVES)
def test_conditions_are_consistent(life: str) -> None:
    """Ready=True excludes Reconciling and Stalled, and all conditions have the observed generation."""
    for step in LIVES[life]:
        conditions = {each["type"]: each for each in step["status"].get("conditions", ())}
        if conditions and state_of(step) != "terminating":
            assert {each["observedGeneration"] for each in conditions.values()} == {
                step["status"]["observedGeneration"]
            }
            abnormal = {"Reconciling", "Stalled"} & set(conditions)
            assert len(abnormal) == (0 if conditions["Ready"]["status"] == "True" else 1)


def test_why_the_status_has_a_default() -> None:
    """kstatus takes a Function without status for healthy; with the default of the CRD it is in progress."""
    function = HEAD | {"metadata": {"name": "hello", "generation": 1}}
    statuses: list[Manifest] = [{}, SCHEMA["properties"]["status"]["default"]]
    verdicts = [kstatus for kstatus, _ in kstatus_and_flux([function | {"status": each} for each in statuses])]
    assert verdicts == ["Current", "InProgress"]


def test_argo_waits_for_a_status() -> None:
    """A Function without status is in progress for Argo CD."""
    assert argo(HEAD | {"metadata": {"name": "hello", "generation": 1}}) == "Progressing"
