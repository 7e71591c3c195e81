"""
Print the admission policies with bindings and parameters: the API server then rejects what the hook would.

Policies and bindings are the same for every config. Only the parameters, a ConfigMap, depend on it.

examples:
  buildless policy | kubectl apply -f -
  buildless policy --config config.yaml | kubectl apply -f -
  buildless policy --config config.yaml --namespace functions | kubectl apply -f -
"""

import argparse
import sys
from collections.abc import Iterable

from hooks.admission import NAMESPACE, parameters, policies
from hooks.cli import settings
from hooks.cli.dump import to_yaml
from hooks.manifest import Manifest

HEAD = "# Made by `buildless policy`; hooks/admission.py says how. The operator's config is in the parameters only.\n"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--config", metavar="FILE", help="settings that override the defaults")
    about = f"namespace of the hook, for the parameters (default: {NAMESPACE})"
    parser.add_argument("--namespace", metavar="NAME", default=NAMESPACE, help=about)


def run(args: argparse.Namespace) -> int:
    """Print the objects as YAML documents."""
    config = settings.read(args.config)
    sys.stdout.write(text([*policies(args.namespace), parameters(config, args.namespace)]))
    return 0


def text(manifests: Iterable[Manifest]) -> str:
    """Return the output of the command for these manifests."""
    return HEAD + "---\n".join(map(to_yaml, manifests))
