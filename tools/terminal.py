"""
Record docs/terminal.svg, the picture of README.md: run SESSION in a shell and draw what a terminal would show.

usage: make picture

hello.yaml is examples/hello-python.yaml. Port 8080 has to be free.
"""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import textwrap
from collections.abc import Iterator
from html import escape
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "hello-python.yaml"
PICTURE = ROOT / "docs" / "terminal.svg"
COLUMNS = 96
WIDTH, HEIGHT, MARGIN = 8, 20, 20
"""Of a character, of a line and around the text, in pixels."""
STEP_SECONDS = 60
END = "--- end of output ---"
URL = "http://127.0.0.1:8080"


class Step(NamedTuple):
    """A command, and the text in its own or a background process's output after which the next one is typed."""

    command: str
    until: str = END


SESSION = (
    Step("cat hello.yaml"),
    Step("buildless run hello.yaml &", "Try: curl"),
    Step(f"curl {URL}"),
    Step("sed -i 's/Hello/Hello again/' hello.yaml", f"{URL}  ready in"),
    Step(f"curl {URL}"),
    Step("sed -i 's/python312/python321/' hello.yaml", "spec.runtime"),
    Step(f"curl {URL}"),
)


def record(session: tuple[Step, ...], directory: Path) -> Iterator[str]:
    """Yield what a terminal shows, line by line; raises queue.Empty if a step takes longer than STEP_SECONDS."""
    (directory / ".curlrc").write_text("silent\nshow-error\n")
    environment = {"PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}", "CURL_HOME": str(directory)}
    shell = subprocess.Popen(
        ["bash"],
        cwd=directory,
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    lines: Queue[str] = Queue()
    Thread(target=_read, args=(shell, lines), daemon=True).start()
    try:
        for step in session:
            yield f"$ {step.command}"
            mark = f"printf '\\n%s\\n' '{END}'" if step.until == END else ""
            print(step.command, mark, sep="\n", file=shell.stdin, flush=True)
            while step.until not in (line := lines.get(timeout=STEP_SECONDS)):
                if line.strip():
                    yield line
            if line != END:
                yield line
    finally:
        os.killpg(shell.pid, signal.SIGTERM)
        shell.wait()


def _read(shell: subprocess.Popen[str], lines: Queue[str]) -> None:
    for line in shell.stdout or ():
        # A response without a line break at its end is followed by the line of its request.
        for part in re.split(r"(?=hello-python \| )", line.rstrip("\n")):
            lines.put(part)


def draw(lines: list[str]) -> str:
    """Return an SVG of a terminal that is readable on a light and on a dark page, with any monospace font."""
    rows = [row for line in lines for row in textwrap.wrap(line, COLUMNS, subsequent_indent="    ")]
    width, height = COLUMNS * WIDTH + 2 * MARGIN, len(rows) * HEIGHT + 2 * MARGIN
    texts = "\n".join(_text(row, MARGIN + HEIGHT * (number + 0.75)) for number, row in enumerate(rows))
    return f"""\
<svg xmlns="http://www.w3.org/2000/svg" xml:space="preserve" viewBox="0 0 {width} {height}">
<title>A Function, run with buildless, called, edited and called again</title>
<style>
.output {{ fill: #c9d1d9; }} .command {{ fill: #ffffff; font-weight: bold; }} .name {{ fill: #79c0ff; }}
</style>
<rect width="{width}" height="{height}" rx="8" fill="#161b22" stroke="#8b949e"/>
<g font-size="13" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, DejaVu Sans Mono, monospace">
{texts}
</g>
</svg>
"""


def _text(row: str, y: float) -> str:
    """Return one row; textLength gives it the same width in any font."""
    kind = "command" if row.startswith("$ ") else "output"
    marked = re.sub(r"^([a-z0-9-]+)( \|)", r'<tspan class="name">\1</tspan>\2', escape(row, quote=False))
    return f'<text class="{kind}" x="{MARGIN}" y="{y:g}" textLength="{len(row) * WIDTH}">{marked}</text>'


def main() -> None:
    """Record the session and write the picture."""
    with tempfile.TemporaryDirectory() as directory:
        shutil.copy(EXAMPLE, Path(directory) / "hello.yaml")
        lines = list(record(SESSION, Path(directory)))
    print(*lines, sep="\n")
    PICTURE.write_text(draw(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
