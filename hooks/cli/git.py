"""
How the program git is called, and what it reports when it fails.

URLs, references and repositories are other people's: git runs no hook and no program that a repository names, uses no
transport but those of PROTOCOLS, and never asks for a password. Credentials are those of the author's own settings.
"""

import os
import re

from hooks.cli.problem import printable

PROTOCOLS = "file:http:https:ssh"
OPTIONS = (
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "submodule.recurse=false"),
    # A larger file is streamed, not read into memory.
    *("-c", "core.bigFileThreshold=32m"),
    *("-c", "gc.auto=0", "-c", "maintenance.auto=false"),
    # For `git add` with an index of its own.
    *("-c", "core.splitIndex=false", "-c", "core.safecrlf=false", "-c", "advice.addEmbeddedRepo=false"),
)
"""The arguments before each command of git."""
MAX_MESSAGE_CHARACTERS = 400
_REPOSITORY = frozenset(
    {
        *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR", "GIT_DIR", "GIT_INDEX_FILE", "GIT_NAMESPACE"),
        *("GIT_OBJECT_DIRECTORY", "GIT_PREFIX", "GIT_SHALLOW_FILE", "GIT_WORK_TREE", "GIT_CURL_VERBOSE"),
    }
)
"""Variables that choose another repository, as in a hook of git, or print what is sent."""
_SETTINGS = {
    "LC_ALL": "C",
    "GIT_ALLOW_PROTOCOL": PROTOCOLS,
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GCM_INTERACTIVE": "never",
    "SSH_ASKPASS_REQUIRE": "never",
}
_USER = re.compile(r"//[^/\s'\"]*@")
_NO_REASON = re.compile(r"hint:|warning:|Please make sure you have the correct|and the repository exists\.")


class GitFailed(Exception):
    """git failed; the message is one line in its own words, without users and passwords of URLs."""


def environment() -> dict[str, str]:
    """Return the variables for git: those of this shell but for its present repository, and no prompts."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if name not in _REPOSITORY and not name.startswith("GIT_TRACE")
    }
    return inherited | _SETTINGS


def own_words(output: str, code: int) -> str:
    """Return the reasons that git printed, in one line; `code` is its exit code."""
    lines = [" ".join(line.split()) for line in output.splitlines()]
    reasons = dict.fromkeys(line for line in lines if line and not _NO_REASON.match(line))
    text = "; ".join(list(reasons)[-3:]) or f"git failed with exit code {code}"
    return printable(without_user(text))[:MAX_MESSAGE_CHARACTERS]


def without_user(text: str) -> str:
    """Return a text without the user and password of each URL in it."""
    return _USER.sub("//***@", text)
