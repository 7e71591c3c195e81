"""
Print the ValidatingAdmissionPolicy for a config, and its binding: what the hook would refuse is refused at apply.

examples:
  buildless policy | kubectl apply -f -
  buildless policy --config config.yaml | kubectl apply -f -
"""

import argparse
import sys

from hooks.admission import policy
from hooks.cli import settings
from hooks.cli.dump import to_yaml
from hooks.config import Config

HEAD = "# Made by `buildless policy` from the operator's config; hooks/admission.py says how.\n"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--config", metavar="FILE", help="settings laid over the defaults")


def run(args: argparse.Namespace) -> int:
    """Print both objects as YAML documents."""
    sys.stdout.write(text(settings.read(args.config)))
    return 0


def text(config: Config) -> str:
    """Return what the command prints."""
    return HEAD + "---\n".join(to_yaml(manifest) for manifest in policy(config))
