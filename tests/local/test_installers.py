"""The install scripts with real installers and indexes on this machine."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.package_index import HOST, Index, basic, make_certificate, serving
from support.runtime_servers import NEEDS

from hooks.runtimes import DEPENDENCIES, FAMILIES, REGISTRY_CONFIG_DIR

Installed = dict[str, str]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def closed(certificate: Path) -> Iterator[Index]:
    """An index for a user with a password, behind a proxy, with the old fruit 1.0 and the only tool."""
    index = Index(authorization=basic("me", "p$w"))
    for name, version in (("fruit", "1.0"), ("tool", "3.0")):
        index.add_wheel(name, version)
    with serving(index, certificate):
        yield index


@pytest.fixture(scope="module")
def opened() -> Iterator[Index]:
    """An index for everyone with fruit 1.0, 2.0 and 3.0rc1."""
    index = Index()
    for version in ("1.0", "2.0", "3.0rc1"):
        index.add_wheel("fruit", version)
    with serving(index):
        yield index


@pytest.fixture(params=["uv", "pip"])
def programs(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A directory with the programs of an image: with uv, or as in Kyma's images without it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "env", "grep", "sed", "tr", "python", "pip", *({"uv"} & {request.param})):
        found = shutil.which(name, path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        (folder / name).write_text(f'#!/bin/sh\necho {name} >> {tmp_path}/ran\nexec {found} "$@"\n')
        (folder / name).chmod(0o755)
    return folder


def install(family: str, folder: Path, dependencies: str, path: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run an install script below `folder`, with `folder`/config for the registry's Secret."""
    (folder / "work").mkdir()
    script = FAMILIES[family].install.replace("=/tmp", f"={folder}").replace(REGISTRY_CONFIG_DIR, f"{folder}/config")
    # npm does not read the settings of this machine.
    env |= {DEPENDENCIES: dependencies, "PATH": path, "NPM_CONFIG_GLOBALCONFIG": f"{folder}/none"}
    command = ["sh", "-c", script]
    return subprocess.run(
        command, cwd=folder / "work", env=env, capture_output=True, text=True, timeout=60, check=False
    )


def installed(folder: Path, done: subprocess.CompletedProcess[str]) -> Installed | None:
    """Return the versions by package, None if the installer failed."""
    if done.returncode:
        return None
    names = [each.name.removesuffix(".dist-info") for each in (folder / "work/.local").glob("*.dist-info")]
    return dict(name.split("-") for name in names)


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("requirements", "versions"),
    [
        ("-i {closed} \n--extra-index-url {opened}\nfruit>=1.5\ntool\n", {"fruit": "2.0", "tool": "3.0"}),
        ("-i {opened}\n--extra-index-url {closed}\nfruit>=1.5\ntool\n", {"fruit": "2.0", "tool": "3.0"}),
        ("-i {opened}\nfruit>=1.5, \\\n  <2.5\n", {"fruit": "2.0"}),
        ("-i {opened}\nfruit \\\n  # why\n", {"fruit": "2.0"}),
        ("-i {opened}\r\nfruit \\\r\n  ==1.0\r\n", {"fruit": "1.0"}),
        ("\ufeff-i {opened}\nfruit==1.0 # --hash=sha256:00\n", {"fruit": "1.0"}),
        ('-i {opened}\nfruit --config-settings="a=b"\n', {"fruit": "2.0"}),
        ("-i {opened}\nfruit --pre\n", {"fruit": "2.0"}),
        ("-i {opened}\n--pre\nfruit\n", {"fruit": "3.0rc1"}),
        ("-i {opened}\nfruit==2.0 --hash=sha256:{hash}\n", {"fruit": "2.0"}),
        ("-i {opened}\nfruit==2.0 \\\n    --hash=sha256:{other} \\\n    --hash=sha256:{hash}\n", {"fruit": "2.0"}),
        ("-i {opened}\nfruit==2.0 --hash=sha256:{other}\n", None),
        ("-i {opened}\nfruit==1.0 \\\n    --hash=sha256:{hash}\n", None),
        ("-i {closed}\n--extra-index-url {opened}\nfruit==2.0 --hash=sha256:{hash}\ntool==3.0\n", None),
        ("-i {opened}\n--require-hashes\nfruit==2.0\n", None),
        ("-i {opened}\nfruit==9\n", None),
    ],
)
def test_uv_and_pip_decide_the_same(
    requirements: str, versions: Installed | None, opened: Index, closed: Index, programs: Path, tmp_path: Path
) -> None:
    """Both images install the same packages for every form of a line, or both fail."""
    user = closed.url.replace("//", "//${IDX_USER}:${IDX_TOKEN}@")
    urls = {
        "other": "0" * 64,
        "closed": f"{user}/simple",
        "opened": f"{opened.url}/simple",
        "hash": Index().add_wheel("fruit", "2.0"),
    }
    for name, text in urls.items():
        requirements = requirements.replace(f"{{{name}}}", text)
    done = install("python", tmp_path, requirements, str(programs), IDX_USER="me", IDX_TOKEN="p$w")
    assert installed(tmp_path, done) == versions, done.stderr


@pytest.mark.sampled
@pytest.mark.parametrize(
    "env",
    [
        {"PIP_INDEX_URL": "{opened}/simple"},
        {"PIP_INDEX_URL": "{opened}/simple", "PIP_CONSTRAINT": "{folder}/constraints"},
        {"PIP_INDEX_URL": "{opened}/simple", "PIP_PRE": "1"},
        {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "{opened}/simple/fruit/"},
    ],
)
def test_variables_of_pip_are_followed(env: dict[str, str], opened: Index, programs: Path, tmp_path: Path) -> None:
    """What a Function's variables set for pip is followed in both images."""
    (tmp_path / "constraints").write_text("fruit<2\n")
    env = {name: value.format(opened=opened.url, folder=tmp_path) for name, value in env.items()}
    done = install("python", tmp_path, "fruit\n", str(programs), **env)
    expected = {"PIP_CONSTRAINT": "1.0", "PIP_PRE": "3.0rc1"}.get([*env][-1], "2.0")
    assert installed(tmp_path, done) == {"fruit": expected}, done.stderr


def test_the_secret_of_the_namespace_names_the_index(opened: Index, programs: Path, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/pip.conf").write_text(f"[global]\nindex-url = {opened.url}/simple\n")
    assert installed(tmp_path, install("python", tmp_path, "fruit\n", str(programs))) == {"fruit": "2.0"}


@pytest.mark.sampled
@pytest.mark.parametrize("variable", ["PIP_CERT", "REQUESTS_CA_BUNDLE"])
def test_python_packages_come_through_a_proxy(
    variable: str, closed: Index, certificate: Path, programs: Path, tmp_path: Path
) -> None:
    """HTTPS_PROXY and a mounted certificate are enough to reach an index, in whichever variable pip knows."""
    closed.requested.clear()
    env = {"HTTPS_PROXY": closed.url, variable: str(certificate.with_name("authority"))}
    done = install("python", tmp_path, f"-i https://me:p%24w@{HOST}/simple\ntool\n", str(programs), **env)
    assert installed(tmp_path, done) == {"tool": "3.0"}, done.stderr
    assert f"CONNECT {HOST}:443" in closed.requested
    assert (tmp_path / "ran").read_text().count("uv") == (tmp_path / "bin/uv").exists()


@pytest.fixture(scope="module")
def registry(certificate: Path) -> Iterator[Index]:
    """A registry of npm for a token, behind a proxy."""
    index = Index(authorization="Bearer t0ken")
    with serving(index, certificate):
        for name in ("husky", "left"):
            index.add_npm_package(name, "1.0.0", index.url)
        yield index


PREPARED = '{"scripts": {"prepare": "husky"}, "dependencies": {"left": "1"}, "devDependencies": {"husky": "1"}}'


@NEEDS["nodejs"]
def test_npm_has_the_variables_and_development_packages(registry: Index, tmp_path: Path) -> None:
    """NPM_CONFIG_REGISTRY names the registry, a variable in .npmrc the token; `prepare` runs a devDependency."""
    (tmp_path / "config").mkdir()
    token = f"{registry.url.partition(':')[2]}/:_authToken=${{NPM_TOKEN}}\n"
    (tmp_path / "config/.npmrc").write_text(token)
    env = {"NPM_CONFIG_REGISTRY": registry.url, "NPM_TOKEN": "t0ken", "NODE_ENV": "production"}
    done = install("nodejs", tmp_path, PREPARED, os.environ["PATH"], **env)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "work/ran-husky").exists()
    assert (tmp_path / "work/node_modules/left/package.json").exists()


@NEEDS["nodejs"]
def test_npm_comes_through_a_proxy(certificate: Path, tmp_path: Path) -> None:
    """HTTPS_PROXY and NODE_EXTRA_CA_CERTS are enough to reach a registry."""
    index = Index()
    index.add_npm_package("left", "1.0.0", f"https://{HOST}")
    with serving(index, certificate):
        env = {
            "NPM_CONFIG_REGISTRY": f"https://{HOST}",
            "HTTPS_PROXY": index.url,
            "NODE_EXTRA_CA_CERTS": str(certificate.with_name("authority")),
        }
        done = install("nodejs", tmp_path, '{"dependencies": {"left": "1"}}', os.environ["PATH"], **env)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "work/node_modules/left/package.json").exists()
    assert f"CONNECT {HOST}:443" in index.requested
