"""
Call a Function once, on this machine or at a URL, and print the body of its response.

The Function of FILE is started for the call; what is printed about that goes to standard error. With --type the call is
a CloudEvent. Data that starts with @ is the name of a file, @- is standard input. The source of a Function from Git is
found as by `buildless run`.

Exit codes: 0 for a status below 400, 1 for any other or none, 2 for an invalid command line or config.

examples:
  buildless invoke hello/
  buildless invoke hello/ --data '{"name": "you"}' --header 'X-Trace: 1' --path '/greet?lang=en'
  buildless invoke orders/ --type com.example.order.created --source shop --data @order.json
  buildless invoke --url http://127.0.0.1:8080 --method DELETE --include
"""

import asyncio
import http.client
import json
import sys
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import click

from hooks.cli import checkouts, options, settings, variables
from hooks.cli.run.lifecycle import supervised
from hooks.cli.run.origins import Origins
from hooks.cli.run.output import Output
from hooks.cli.run.session import Session
from hooks.cli.run.setups import Setups
from hooks.cli.run.sources import Sources
from hooks.cli.run.supervisor import Supervisor

TIMEOUT_SECONDS = 300
FIRST_PORT = 18080


@dataclass(frozen=True, kw_only=True)
class Request:
    """`path` is path and query; `is_verbose` prints status and headers of the response, too."""

    method: str
    path: str
    body: bytes | None
    headers: Mapping[str, str]
    is_verbose: bool


@options.command(__doc__)
@click.argument("files", nargs=-1, metavar="[FILE...]", type=click.Path())
@click.option("--url", help="Call this URL instead of starting a Function.")
@click.option("--name", help="Which Function, if the files have several.")
@click.option("-d", "--data", help="The body; @FILE or @- for that of a file or of standard input.")
@click.option("-H", "--header", multiple=True, metavar="NAME: VALUE", help="A header of the request.")
@click.option("-X", "--method", help="Default: GET, or POST with a body.")
@click.option("--path", default="/", show_default=True, help="Path and query.")
@click.option("--type", "event_type", help="Send a CloudEvent of this type.")
@click.option("--source", default="buildless", show_default=True, help="The source of the CloudEvent.")
@click.option("-i", "--include", is_flag=True, help="Print the status and the headers, too.")
@options.repository_options
@options.variables_options
@options.config_option
def command(  # noqa: PLR0913, PLR0917 - one parameter for each option
    files: tuple[str, ...],
    url: str | None,
    name: str | None,
    data: str | None,
    header: tuple[str, ...],
    method: str | None,
    path: str,
    event_type: str | None,
    source: str,
    env: tuple[str, ...],
    env_file: tuple[str, ...],
    config: str | None,
    repository: tuple[str, ...],
    *,
    fetch: bool,
    include: bool,
) -> int:
    """Return 0 for a status below 400, else 1."""
    if bool(files) == bool(url):
        raise click.UsageError("expected either FILE or --url")
    body = _body(data)
    headers = _content_type(body) | (_event(event_type, source) if event_type else {}) | dict(map(_header, header))
    method = method or ("GET" if body is None and not event_type else "POST")
    request = Request(method=method, path=path, body=body, headers=headers, is_verbose=include)
    if url:
        return call(url, request)
    origins = Origins(list(map(checkouts.given, repository)), fetch=fetch)
    chosen, output = settings.of_author(config), Output(as_json=False, to_stderr=True)
    sources = Sources(files, chosen, variables.from_options(env, env_file), origins)
    supervisor = Supervisor(sources, chosen, Session(output=output, setups=Setups(output)), FIRST_PORT)
    return asyncio.run(supervised(supervisor, _start_and_call(supervisor, name, request)))


async def _start_and_call(supervisor: Supervisor, name: str | None, request: Request) -> int:
    await supervisor.load()
    names = list(supervisor.running)
    if not names:
        return 1
    if name not in names if name else len(names) > 1:
        raise click.UsageError(f"expected --name with one of {', '.join(names)}")
    await supervisor.settle()
    local = supervisor.running[name or names[0]]
    return await asyncio.to_thread(call, local.url, request) if local.state == "ready" else 1


def call(url: str, request: Request) -> int:
    """Send a request, print the response, and return 0 for a status below 400, else 1."""
    parts = urlsplit(url)
    connect: type[http.client.HTTPConnection] = http.client.HTTPConnection
    if parts.scheme == "https":
        connect = http.client.HTTPSConnection
    try:
        connection = connect(parts.netloc, timeout=TIMEOUT_SECONDS)
        path = parts.path.rstrip("/") + request.path if request.path != "/" else parts.path or "/"
        connection.request(request.method, path, request.body, dict(request.headers))
        response = connection.getresponse()
        body = response.read()
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise click.ClickException(f"{url}: {error}") from None
    head = f"HTTP/1.1 {response.status} {response.reason}\n{response.headers}" if request.is_verbose else ""
    click.echo(head.encode() + body, nl=False)
    return 0 if response.status < 400 else 1


def _body(data: str | None) -> bytes | None:
    if data is None or not data.startswith("@"):
        return None if data is None else data.encode()
    try:
        return sys.stdin.buffer.read() if data == "@-" else Path(data[1:]).read_bytes()
    except OSError as error:
        raise click.ClickException(f"{data[1:]}: {error.strerror}") from None


def _content_type(body: bytes | None) -> dict[str, str]:
    """Return the header for a body: JSON if it is JSON."""
    if body is None:
        return {}
    try:
        json.loads(body)
    except ValueError:
        return {"content-type": "text/plain; charset=utf-8"}
    return {"content-type": "application/json"}


def _event(event_type: str, source: str) -> dict[str, str]:
    """Return the headers of a CloudEvent in binary mode."""
    return {"ce-specversion": "1.0", "ce-type": event_type, "ce-source": source, "ce-id": str(uuid.uuid4())}


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not (colon and name.strip()):
        raise click.BadParameter(f"expected NAME: VALUE, found {text!r}", param_hint="'--header'")
    return name.strip().lower(), value.strip()
