"""
Print the admission policies, their bindings and parameters, which refuse at apply what the hook would.

Policies and bindings are the same for every config; only the parameters, a ConfigMap, differ from config to config.

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
    parser.add_argument("--config", metavar="FILE", help="settings laid over the defaults")
    about = f"where the parameters are, the hook's own: {NAMESPACE} by default"
    parser.add_argument("--namespace", metavar="NAME", default=NAMESPACE, help=about)


def run(args: argparse.Namespace) -> int:
    """Print all objects as YAML documents."""
    config = settings.read(args.config)
    sys.stdout.write(text([*policies(args.namespace), parameters(config, args.namespace)]))
    return 0


def text(manifests: Iterable[Manifest]) -> str:
    """Return manifests as the command prints them."""
    return HEAD + "---\n".join(map(to_yaml, manifests))
