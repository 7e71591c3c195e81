"""Functions of a cluster with Kyma; those in REFUSED cannot move as they are."""

from typing import Any

from support.cluster.control_plane import Manifest

PYTHON = {"inline": {"source": "def main(event, context):\n    return '$(HOME) $$'\n"}}
NODE = {"inline": {"source": "module.exports = {main: () => 'hi'}\n"}}
SECRET = {"secretName": "key", "mountPath": "/etc/key"}
LIMITS = {"limits": {"cpu": "200m", "memory": "128Mi"}, "requests": {"cpu": "50m", "memory": "64Mi"}}
VARIABLE = {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "key", "key": "token"}}}
FROM_GIT, ROOTED = REFUSED = (("default", "from-git"), ("shop", "rooted"))
FUNCTIONS: dict[tuple[str, str], Manifest] = {
    ("default", "plain"): {"runtime": "python312", "source": PYTHON, "env": [{"name": "A", "value": "1"}, VARIABLE]},
    ("default", "packages"): {
        "runtime": "nodejs22",
        "source": {"inline": NODE["inline"] | {"dependencies": '{"dependencies": {"lodash": "^4"}}'}},
        "secretMounts": [SECRET],
        "resourceConfiguration": {"function": {"resources": LIMITS}},
    },
    ("shop", "scaled"): {"runtime": "nodejs24", "source": NODE, "replicas": 2},
    ("shop", "labelled"): {
        "runtime": "python312",
        "source": {"inline": PYTHON["inline"] | {"dependencies": "requests>=2.32,<3\n"}},
        "labels": {"team": "shop", "app.kubernetes.io/name": "mine"},
        "annotations": {"example.com/note": "kept"},
        "resourceConfiguration": {"function": {"profile": "XS"}},
    },
    FROM_GIT: {},
    ROOTED: {"runtime": "nodejs22", "source": NODE, "podSecurityContext": {"runAsUser": 0}},
}
"""The specs by namespace and name; with_remote() has that of FROM_GIT."""
VALID = [each for each in FUNCTIONS if each not in REFUSED]


def with_remote(url: str) -> dict[tuple[str, str], Manifest]:
    """Return FUNCTIONS with the URL of a repository."""
    return FUNCTIONS | {FROM_GIT: from_git(url)}


def from_git(url: str, **fields: Any) -> Manifest:
    """Return the spec of a Node.js Function whose handler is in /hello of a repository."""
    return {
        "runtime": "nodejs22",
        "source": {"gitRepository": {"url": url, "baseDir": "hello", "reference": "main"} | fields},
    }
