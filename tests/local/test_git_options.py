"""What of Functions from Git needs no process of a Function: URLs, options, lists of packages, the config."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.cluster.git_repository import git as git_in_test
from support.local_git import URL, flux_object, git_function, repository, source_ref_function

from hooks.cli import checkouts, git, main
from hooks.cli.run import origins, package_lists
from hooks.cli.run.origins import Origin, Origins
from hooks.cli.run.sources import Sources
from hooks.config import Config, Git
from hooks.runtimes import FAMILIES

SAME = [
    "https://git.example/team/code.git",
    "https://git.example:443/team/code",
    "https://me:secret@GIT.example/team/code/",
    "git@git.example:team/code.git",
    "git@git.example:/team/code",
    "ssh://git@git.example:22/team/code.git",
]
OTHERS = [
    "https://git.example/team/Code",
    "https://git.example:8443/team/code",
    "https://git.example.com/team/code",
    "https://[::1/team/code",
    "https://git.example:x/team/code",
    "",
]


def test_urls_of_one_repository_are_equal() -> None:
    """Scheme, user, default port, case of the host and suffix make no difference; the path does."""
    assert {checkouts.key(url) for url in SAME} == {("git.example", "team/code")}
    assert ("git.example", "team/code") not in map(checkouts.key, OTHERS)


@pytest.mark.parametrize("command", ["run", "invoke"])
@pytest.mark.parametrize("place", ["nowhere", "hello=nowhere", "hello=", "file:///x", ".", "a\0b"])
def test_a_directory_without_a_repository_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str, place: str
) -> None:
    """The exit code is 2, and the message says what is accepted."""
    monkeypatch.chdir(tmp_path)
    assert main([command, "a.yaml", "--repository", place]) == 2
    error = capsys.readouterr().err
    assert "is no repository: expected a directory in a Git repository, or NAME= and a file:// URL" in error
    assert "Traceback" not in error


def test_a_name_without_a_function_is_reported(tmp_path: Path) -> None:
    """A repository for a Function that is not there, or not from Git, is a problem, once."""
    made = repository(tmp_path)
    file = tmp_path / "a.yaml"
    file.write_text(git_function())
    found = Sources([str(file)], Config(git=Git(enabled=True)), {}, Origins([checkouts.given(f"hallo={made.clone}")]))
    assert [problem.message for problem in found.load().problems] == ["no Function from Git is called hallo"]
    assert not found.load().problems


PACKAGES = {
    "nodejs": (
        "package.json",
        '{"dependencies": {"a": "1"}}',
        "package-lock.json",
        '{"dependencies": {"a": "file:a"}}',
    ),
    "python": ("requirements.txt", "a==1\n", "other.txt", "-r other.txt\n"),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_packages_are_installed_again_only_if_they_may_differ(tmp_path: Path, family: str) -> None:
    """Another file of the source changes the packages only if the list refers to it, or a lock is among them."""
    name, plain, other, refers = PACKAGES[family]
    assert not package_lists.state(tmp_path, family, "1")
    (tmp_path / name).write_text(plain)
    first = package_lists.state(tmp_path, family, "1")
    assert first == package_lists.state(tmp_path, family, "2")
    (tmp_path / other).write_text("{}")
    assert (package_lists.state(tmp_path, family, "1") == first) is (family == "python")
    (tmp_path / name).write_text(refers)
    assert package_lists.state(tmp_path, family, "1") != package_lists.state(tmp_path, family, "2")


REFERRING = {
    "nodejs": ['"file:../a"', '{"a": "./a"}', '"workspaces": []', '"postinstall": "tsc"', '"prepare": "x"', '"link:a"'],
    "python": ["-e .", "./a", "  ../a.whl", "a @ file:///a", "--constraint c.txt", "--requirement=b.txt", "-rb.txt"],
}
PLAIN = {
    "nodejs": ['{"a": "^1"}', '"start": "node ."', '"a": "git+https://x/y"'],
    "python": ["a==1 --hash=sha256:1", "--index-url https://x", "a[b] ; python_version > '3'", "a @ https://x/y.whl"],
}


@pytest.mark.parametrize("family", FAMILIES)
def test_references_to_the_source_are_found(family: str) -> None:
    """Local packages, other lists and scripts at installation are; names, versions and addresses are not."""
    pattern = package_lists.LISTS[family].needs_source
    assert all(pattern.search(f"a\n{line}\n") for line in REFERRING[family])
    assert not any(pattern.search(f"a\n{line}\n") for line in PLAIN[family])


CONFIGS = {"": 0, "git: {enabled: true}\n": 0, "registry: example.com\n": 1, "git: {enabled: false}\n": 1}


@pytest.mark.parametrize("command", ["render", "validate", "manifest"])
@pytest.mark.parametrize("text", [git_function(), source_ref_function()], ids=["gitRepository", "sourceRef"])
def test_a_config_decides_whether_git_is_enabled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, text: str
) -> None:
    """Without a config a Function from Git is valid; with one, what the hook would report is reported."""
    file, config = tmp_path / "a.yaml", tmp_path / "config.yaml"
    file.write_text(text)
    for settings, code in CONFIGS.items():
        config.write_text(settings)
        assert main([command, str(file), *(["--config", str(config)] if settings else [])]) == code
        assert ("Forbidden: disabled" in capsys.readouterr().err) is bool(code)


def test_a_link_out_of_the_working_tree_is_not_followed(tmp_path: Path) -> None:
    """A directory that is a link to another place is not watched: that may be the whole disk."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/out").symlink_to("/")
    assert origins.saved(Origin(place=str(tmp_path / "tree"), path="out")) == 0
    assert origins.saved(Origin(place=str(tmp_path / "tree"), path=".")) != 0


WORDS = {
    "fatal: 'https://me:p@ss@git.example/x/' not found\n": "fatal: 'https://***@git.example/x/' not found",
    "remote: no\x1b[31m access\nfatal: denied\nhint: try\n": "remote: no\\x1b[31m access; fatal: denied",
    "": "git failed with exit code 7",
    "git@x: Permission denied\nfatal: Could not read\n\nPlease make sure you have the correct access rights\n": (
        "git@x: Permission denied; fatal: Could not read"
    ),
}


@pytest.mark.parametrize(("output", "line"), WORDS.items(), ids=range(len(WORDS)))
def test_the_words_of_git_are_one_line(output: str, line: str) -> None:
    """Without users of URLs, hints and control characters, and not longer than a few lines."""
    assert git.own_words(output, 7) == line
    assert len(git.own_words(output + "x" * 100_000, 7)) <= git.MAX_MESSAGE_CHARACTERS


def test_the_repository_of_the_file_is_used(tmp_path: Path) -> None:
    """A Function in a clone whose remote is its url has the clone as origin, unless --fetch is given."""
    made = repository(tmp_path)
    git_in_test(made.clone, "remote", "set-url", "origin", "ssh://git@git.example/team/functions")
    file = made.clone / "a.yaml"
    file.write_text(git_function() + "---\n" + git_function("other", url="https://git.example/other"))
    places = {}
    for fetch in (False, True):
        loaded = Sources([str(file)], Config(git=Git(enabled=True)), {}, Origins(fetch=fetch)).load()
        places[fetch] = {name: origin.place for name, origin in loaded.origins.items()}
    assert places[False] == {"hello": str(made.clone.resolve()), "other": "https://git.example/other"}
    assert places[True] == {"hello": URL, "other": "https://git.example/other"}


ANY = st.one_of(
    st.text(max_size=40),
    st.none(),
    st.integers(),
    st.lists(st.text(max_size=5), max_size=2),
    st.sampled_from(
        ["https://x/y", "git@x:y", "ext::x", "-x", "a:b", "refs/heads/a", "refs/", "v1", "0" * 40, "a..b", "é"]
    ),
)
FIELDS = st.fixed_dictionaries({}, optional=dict.fromkeys(("commit", "name", "semver", "tag", "branch"), ANY))
FULL_NAME = re.compile(r"refs/[^-:?*\[\\^~\s/][^:?*\[\\^~\s]*|[0-9a-f]{40}")


@given(
    git_source=st.fixed_dictionaries({"url": ANY, "baseDir": ANY, "reference": ANY}),
    url=ANY,
    ref=st.one_of(ANY, FIELDS),
)
def test_what_reaches_git_is_an_address_and_full_names(
    tmp_path_factory: pytest.TempPathFactory, git_source: dict[str, Any], url: object, ref: object
) -> None:
    """Whatever the fields have: either a problem of this file, or a URL, full names and a directory below the root."""
    file = tmp_path_factory.mktemp("any") / "a.yaml"
    documents = [git_function("one", **git_source), source_ref_function("two"), flux_object("two", url=url, ref=ref)]
    file.write_text("---\n".join(documents), encoding="utf-8", errors="surrogatepass")
    loaded = Sources([str(file)], Config(git=Git(enabled=True))).load()
    assert all(str(problem).startswith(f"{file}") and str(problem).isprintable() for problem in loaded.problems)
    assert set(loaded.origins) | loaded.invalid == {"one", "two"} or not loaded.functions
    for origin in loaded.origins.values():
        assert re.match("(https?|ssh)://[^/]", origin.place)
        assert all(FULL_NAME.fullmatch(name) for name in origin.references)
        assert ".." not in origin.path.split("/")
        assert not origin.path.startswith("/")
