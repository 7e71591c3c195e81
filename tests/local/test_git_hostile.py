"""Repositories, URLs and references of other people: nothing of them is run before the handler, or read outside."""

import os
from pathlib import Path

import pytest
from support.cluster.git_repository import Repository, git
from support.local_git import ONE, URL, flux_object, git_function, instead_of, once, repository, source_ref_function
from support.local_run import Run

pytestmark = pytest.mark.sampled

URLS = [
    "--upload-pack=touch {marker}",
    "ext::sh -c touch% {marker}",
    "fd::17/x",
    "file://{marker}",
    "{marker}",
    "ssh://-oProxyCommand=touch%20{marker}/x",
    "ssh://x@-oProxyCommand=touch${{IFS}}{marker}/x",
    "git@-oProxyCommand=touch${{IFS}}{marker}:x",
    "https://git.example/\nx",
    "https://[::1/x",
    "https://git.example:99999/x",
    "https://" + "a" * 2000,
]
REFERENCES = [
    "--upload-pack=touch {marker}",
    "-q",
    "+refs/heads/main",
    "a:refs/heads/b",
    "main^{{commit}}",
    "../x",
    "@{{-1}}",
]
DIRECTORIES = ["../..", "/../x", "--output={marker}", ":(glob)*", ":/", "-", "fn\n", "*"]


@pytest.fixture
def remote(tmp_path: Path) -> Repository:
    return repository(tmp_path)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "functions.yaml"


def checked(folder: Path, *arguments: str, **env: str) -> Run:
    """Return the ended `buildless run --once`, after the checks that hold for any."""
    run = once(folder, *arguments, **env)
    assert "Traceback" not in run.output
    assert all(line.isprintable() for line in run.output.splitlines())
    assert not list(run.temporary.iterdir())
    return run


def test_nothing_in_a_function_is_an_option_of_git(remote: Repository, file: Path, tmp_path: Path) -> None:
    """Options, programs and transports in a URL, a reference or a directory are refused, by a rule or by git."""
    marker = tmp_path / "marker"
    texts = [git_function(f"url-{number}", url=url.format(marker=marker)) for number, url in enumerate(URLS)]
    texts += [
        git_function(f"ref-{number}", reference=each.format(marker=marker)) for number, each in enumerate(REFERENCES)
    ]
    texts += [
        git_function(f"dir-{number}", baseDir=each.format(marker=marker)) for number, each in enumerate(DIRECTORIES)
    ]
    for number, url in enumerate(URLS):
        texts += [source_ref_function(f"flux-{number}"), flux_object(f"flux-{number}", url=url.format(marker=marker))]
    file.write_text("---\n".join(texts))
    run = checked(tmp_path, str(file), **instead_of({URL: remote.bare}))
    assert run.process.returncode == 1
    assert "ready in" not in run.output
    assert not marker.exists()


LINKS = {"absolute": "/etc/hostname", "climbing": "../../secret", "sibling": "../other/words"}


@pytest.mark.parametrize("place", ["fetched", "working tree"])
def test_a_link_out_of_the_directory_is_refused(remote: Repository, file: Path, tmp_path: Path, place: str) -> None:
    """As in the pod, links stay inside of baseDir; a link inside of it is kept."""
    (tmp_path / "secret").write_text("secret")
    for name, target in LINKS.items():
        remote.push({f"{name}/handler.py": ONE, "other/words": "words"})
        (remote.clone / name / "link").symlink_to(target)
    (remote.clone / "fn/link.py").symlink_to("handler.py")
    remote.push({})
    file.write_text("---\n".join(git_function(name, baseDir=name) for name in (*LINKS, "fn")))
    given = ["--repository", str(remote.clone)] if place == "working tree" else []
    git(remote.clone, "remote", "set-url", "origin", URL)
    run = checked(tmp_path, str(file), *given, **instead_of({URL: remote.bare}))
    for name, target in LINKS.items():
        assert f'{name} | the archive is refused: "link" is a symbolic link to "{target}", outside' in run.output
    assert "fn | GET / answered 200: one" in run.output


def test_a_large_source_is_refused(remote: Repository, file: Path, tmp_path: Path) -> None:
    """The files take at most half of the pod's volume, however well they are compressed."""
    remote.push({"fn/zeros": "0" * 3_000_000})
    config = tmp_path / "config.yaml"
    config.write_text("git: {enabled: true}\nvolumeSizes: {sources: 4Mi}\n")
    file.write_text(git_function())
    run = checked(tmp_path, str(file), "--config", str(config), **instead_of({URL: remote.bare}))
    assert "hello | the archive is refused: its files need more than 2097152 bytes of disk space" in run.output


def test_no_program_of_a_repository_runs(remote: Repository, file: Path, tmp_path: Path) -> None:
    """Hooks of either side and of templates, filters, fsmonitor and submodules run nothing and fetch nothing."""
    marker, hooks = tmp_path / "marker", tmp_path / "templates/hooks"
    hooks.mkdir(parents=True)
    for name in ("post-checkout", "reference-transaction", "post-index-change", "pre-auto-gc"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {marker}-{name}\n")
        (hooks / name).chmod(0o755)
    command = f"ext::sh -c touch% {marker}-submodule\n\tupdate = !touch {marker}-update"
    modules = f'[submodule "s"]\n\tpath = fn/s\n\turl = {command}\n'
    commit = remote.push({".gitmodules": modules, ".gitattributes": "* filter=evil\n"})
    git(remote.clone, "update-index", "--add", "--cacheinfo", f"160000,{commit},fn/s")
    git(remote.clone, "commit", "-q", "-m", "submodule")
    git(remote.clone, "push", "-q", "origin", "main")
    for name, value in {"core.hooksPath": hooks, "core.fsmonitor": f"touch {marker}-fsmonitor; false"}.items():
        git(remote.clone, "config", name, str(value))
    git(remote.clone, "remote", "set-url", "origin", URL)
    file.write_text(git_function())
    env = instead_of({URL: remote.bare}) | {"GIT_TEMPLATE_DIR": str(hooks.parent)}
    for given in ([], ["--repository", str(remote.clone)]):
        assert "hello | GET / answered 200: one" in checked(tmp_path, str(file), *given, **env).output
    assert not list(tmp_path.glob("marker*"))


def test_names_that_escape_are_refused(remote: Repository, file: Path, tmp_path: Path) -> None:
    """A tree whose entry is called .. , which git itself would not make, writes nothing outside."""
    blob = git(remote.clone, "hash-object", "-w", "fn/handler.py")
    inner = raw_tree(remote.clone, "100644", "escaped.py", blob)
    outer = raw_tree(remote.clone, "40000", "..", inner)
    whole = raw_tree(remote.clone, "40000", "fn", outer)
    commit = git(remote.clone, "commit-tree", "-m", "x", whole)
    git(remote.clone, "push", "-q", "--force", "origin", f"{commit}:refs/heads/main")
    file.write_text(git_function())
    run = checked(tmp_path, str(file), **instead_of({URL: remote.bare}))
    assert run.process.returncode == 1
    assert "ready in" not in run.output
    assert not list(tmp_path.rglob("escaped.py"))


def raw_tree(clone: Path, mode: str, name: str, identity: str) -> str:
    """Write a tree with one entry, without git's checks; return its id."""
    file = clone.parent / "raw-tree"
    file.write_bytes(f"{mode} {name}\0".encode() + bytes.fromhex(identity))
    return git(clone, "hash-object", "-t", "tree", "-w", "--literally", str(file))


def test_variables_of_a_git_hook_change_nothing(remote: Repository, file: Path, tmp_path: Path) -> None:
    """`buildless run` in a hook of git reads the Function's repository, not the one of the hook."""
    git(remote.clone, "remote", "set-url", "origin", URL)
    index = tmp_path / "index"
    env = {"GIT_DIR": str(tmp_path / "gone"), "GIT_INDEX_FILE": str(index), "GIT_WORK_TREE": os.devnull}
    file.write_text(git_function())
    run = checked(tmp_path, str(file), "--repository", str(remote.clone), **instead_of({}) | env)
    assert "hello | GET / answered 200: one" in run.output
    assert not index.exists()
