"""What an operator may choose, and what is said of a mistake."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from hooks.config import Config, load


def loaded(tmp_path: Path, text: str) -> Config:
    file = tmp_path / "config.yaml"
    file.write_text(text, encoding="utf-8")
    return load(str(file))


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}"])
def test_an_empty_file_changes_nothing(tmp_path: Path, text: str) -> None:
    """A file is laid over the defaults."""
    assert loaded(tmp_path, text) == Config()


def test_maps_are_merged_and_null_takes_away(tmp_path: Path) -> None:
    """One profile is changed, one taken away, the others stay; quantities become canonical."""
    config = loaded(tmp_path, "profiles: {XL: null, S: {limits: {cpu: 1000m}}}")
    assert set(config.profiles) == {"XS", "S", "M", "L"}
    assert config.profiles["S"].limits == {"cpu": "1", "memory": "256Mi"}
    assert config.profiles["M"] == Config().profiles["M"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("registy: x", "registy"),
        ("profiles: {S: {limits: {cpu: much}}}", "is not a quantity"),
        ("defaultProfile: HUGE", "'HUGE' is not one of L, M, S, XL, XS"),
        ("runtimes: {go: {family: go, image: x}}", "family"),
        ("targetCPUUtilizationPercentage: 0", "greater than or equal to 1"),
        ("runtimes: {'python,3': {family: python, image: x}}", "should match pattern"),
        ("minimumResources: {cpu=: 1}", "should match pattern"),
        ("allowedImageOverrides: ['a, b']", "should match pattern"),
        ("allowedImageOverrides: ['a*b']", "should match pattern"),
        ('allowedImageOverrides: ["a\\n"]', "should match pattern"),
        ("allowedImageOverrides: ['']", "should match pattern"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, message: str) -> None:
    """A key that nobody knows, and a value that cannot be, are refused by name."""
    with pytest.raises(ValidationError, match=message):
        loaded(tmp_path, text)


def test_a_list_is_no_config(tmp_path: Path) -> None:
    """The file has to hold a map."""
    with pytest.raises(ValueError, match="expected a map of settings, found list"):
        loaded(tmp_path, "[]")


def test_the_environment_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an argument BUILDLESS_CONFIG counts, and without that the defaults."""
    monkeypatch.delenv("BUILDLESS_CONFIG", raising=False)
    assert load() == Config()
    (tmp_path / "c.yaml").write_text("registry: ''\n")
    monkeypatch.setenv("BUILDLESS_CONFIG", str(tmp_path / "c.yaml"))
    assert load().image(load().runtimes["nodejs22"]).startswith("runtime-nodejs22:")


def test_default_quantities_are_canonical() -> None:
    """Reading the defaults again changes nothing: defaults are not checked by themselves."""
    assert Config.model_validate(Config().model_dump(by_alias=True)) == Config()
