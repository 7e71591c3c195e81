"""
Print Functions as single objects, with the code of the files beside them.

The output is for kubectl, or for a kustomization that generates its resources. What is printed has been validated as
by `buildless validate`, but for the syntax of the handler.

examples:
  buildless manifest hello | kubectl apply -f -
  buildless manifest functions/ > functions.yaml
"""

from hooks.cli import options, settings
from hooks.cli.dump import to_yaml
from hooks.cli.files import objects
from hooks.cli.problem import Unusable
from hooks.cli.render import validated


@options.command(__doc__)
@options.files_argument()
@options.config_option
def command(files: tuple[str, ...], config: str | None) -> int:
    """Print one document for each Function, or every problem and nothing else."""
    chosen, found = settings.of_author(config), objects(files)
    for document in found.functions:
        try:
            validated(document, chosen)
        except Unusable as error:
            found.problems += error.problems
    if found.problems:
        options.echo_problems(found.problems)
        return 1
    options.write("---\n".join(to_yaml(document.as_written().value) for document in found.functions))
    return 0
