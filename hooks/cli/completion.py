"""
Print the script with which a shell completes commands, options and files.

examples:
  eval "$(buildless completion bash)"
  buildless completion zsh > ~/.zsh/completions/_buildless
  buildless completion fish > ~/.config/fish/completions/buildless.fish
"""

import click
from click.shell_completion import get_completion_class

from hooks import cli
from hooks.cli import options

SHELLS = ("bash", "zsh", "fish")
_ONLY_AT_FIRST = "$zsh_eval_context[-1] == loadautofunc"
_WHENEVER_CALLED = "$funcstack[1] == _buildless"
"""A file in zsh's fpath is a function that zsh calls for every Tab; click's script completes at the first only."""


@options.command(__doc__)
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print the script."""
    completion = get_completion_class(shell)
    assert completion is not None  # noqa: S101 - click has a class for each of SHELLS
    script = completion(cli.commands, {}, "buildless", "_BUILDLESS_COMPLETE").source()
    options.write(script.replace(_ONLY_AT_FIRST, _WHENEVER_CALLED) + "\n")
