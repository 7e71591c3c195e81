"""Makes the app of one Function."""

from collections.abc import Sequence
from pathlib import Path

import click

from hooks.children import build_children
from hooks.cli.document import Document
from hooks.cli.eject.app import App, write
from hooks.cli.eject.directory import replaced
from hooks.cli.eject.dockerfile import base_images
from hooks.cli.eject.plain import complete_children, plain
from hooks.cli.git import GitFailed
from hooks.cli.problem import Unusable
from hooks.cli.render import NO_ARTIFACT, validated
from hooks.cli.run.origins import Origin, Origins
from hooks.config import Config
from hooks.function import Function
from hooks.resolve import resolve
from hooks.resolved import ResolvedFunction
from hooks.same_content import commit_in, revision_in


def make(document: Document, others: Sequence[Document], config: Config, directory: Path, origins: Origins) -> None:
    """
    Make the app in `directory`: with the live children among `others`, of the commit that they run.

    Raises Unusable for an invalid Function, and ClickException if the code cannot be had or the directory not be used.
    """
    function, live = validated(document, config), complete_children(document, others)
    resolved = resolve(function, config, artifact=NO_ARTIFACT)
    children = live or {child["kind"]: child for child in build_children(resolved)}
    origin = origins.of(document, function, others)
    _check_place(directory, origin)
    override = (function.spec.runtime_image_override or "").strip()
    app = App(
        function=function,
        resolved=resolved,
        manifests=plain(document, children),
        origin=origin,
        commit=commit_in(revision_in(live.get("Deployment"))),
        image=override or _base_image(document, function, resolved),
        is_custom=bool(override),
    )
    try:
        with replaced(directory) as staging:
            write(app, staging)
    except (GitFailed, TimeoutError) as error:
        raise click.ClickException(f"{app.name}: the source could not be fetched: {error}") from None


def _base_image(document: Document, function: Function, resolved: ResolvedFunction) -> str:
    family = resolved.source.runtime
    images, version = base_images(family.name), family.interpreter.version_of(function.spec.runtime)
    if version not in images:
        known = ", ".join(images)
        message = f"Unsupported value: there is a server for {family.interpreter.title} {known}"
        raise Unusable([document.problem("spec.runtime", message)])
    return images[version]


def _check_place(directory: Path, origin: Origin | None) -> None:
    """Raise ClickException if the app would become part of its own source."""
    source = origin.directory if origin else None
    if source and directory.resolve().is_relative_to(source.resolve()):
        raise click.ClickException(f"{directory} is inside of the source {source}")
