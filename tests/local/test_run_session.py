"""Several Functions in one `buildless run`: none waits for another, none restarts without a reason, all end soon."""

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from support.local_run import HELLO, SECONDS, Run, function, processes_of, running, wait_until

pytestmark = pytest.mark.sampled

SLOW = "import time\ntime.sleep(8)\n" + HELLO
DEAD = "http://127.0.0.1:9"
UNREACHABLE = {
    "PIP_INDEX_URL": f"{DEAD}/simple",
    "UV_INDEX_URL": f"{DEAD}/simple",
    "UV_DEFAULT_INDEX": f"{DEAD}/simple",
    "HTTPS_PROXY": DEAD,
    "NO_PROXY": "",
}
MOMENTS = 20 if os.environ.get("BUILDLESS_ALL") else 2


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    fast, slow = tmp_path / "fast.yaml", tmp_path / "slow.yaml"
    fast.write_text(function("fast"))
    slow.write_text(function("slow"))
    return fast, slow


def test_an_edit_during_the_first_start_is_taken_over(files: tuple[Path, Path], tmp_path: Path) -> None:
    """A file that is saved while another Function starts for the first time is loaded at once."""
    fast, slow = files
    slow.write_text(function("slow", SLOW))
    with running(tmp_path, str(fast), str(slow)) as run:
        run.wait_for("fast | http://")
        fast.write_text(function("fast", HELLO.replace("one", "two")))
        wait_until(lambda: run.get("fast") == (200, "two"))
        assert "slow | http://" not in run.output


def test_a_slow_function_delays_no_other(files: tuple[Path, Path], tmp_path: Path) -> None:
    """A save of one Function is taken over while another one loads; a newer save cancels an older start."""
    fast, slow = files
    with running(tmp_path, str(fast), str(slow)) as run:
        run.wait_for("Try: curl")
        slow.write_text(function("slow", SLOW))
        time.sleep(1)
        fast.write_text(function("fast", HELLO.replace("one", "two")))
        wait_until(lambda: run.get("fast") == (200, "two"))
        assert run.output.count("slow | http://") == 1
        slow.write_text(function("slow", HELLO.replace("one", "three")))
        wait_until(lambda: run.get("slow") == (200, "three"))
        assert run.output.count("slow | http://") == 2


def test_only_what_has_changed_restarts(files: tuple[Path, Path], tmp_path: Path) -> None:
    """Removing, adding and switching off a Function restarts no other one; a name keeps its port."""
    fast, slow = files
    with running(tmp_path, str(fast), str(slow)) as run:
        run.wait_for("Try: curl")
        port = run.url("fast")
        fast.write_text(function("fast", replicas=0))
        run.wait_for("fast | off (replicas: 0)")
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", int(port))) as connection:
            wait_until(lambda: not answers(connection))
        fast.write_text(function("fast"))
        run.wait_for("fast | http://", times=2)
        fast.write_text(function("other"))
        run.wait_for("fast | stopped: it is no longer in the files")
        run.wait_for("other | http://")
        fast.write_text(function("fast"))
        run.wait_for("fast | http://", times=3)
        assert run.url("fast") == port
        assert run.output.count("slow | http://") == 1


def test_a_broken_function_is_not_started_again(files: tuple[Path, Path], tmp_path: Path) -> None:
    """A save of one file does not repeat the errors of another."""
    fast, slow = files
    slow.write_text(function("slow", "def main(:"))
    with running(tmp_path, str(fast), str(slow)) as run:
        run.wait_for("slow | The handler could not be loaded. SyntaxError")
        run.wait_for("\n  slow  failed  The handler could not be loaded. SyntaxError: ")  # the table
        fast.write_text(function("fast", HELLO.replace("one", "two")))
        wait_until(lambda: run.get("fast") == (200, "two"))
    assert run.output.count("slow | The handler could not be loaded.") == 1


def answers(connection: http.client.HTTPConnection) -> bool:
    connection.close()
    with contextlib.suppress(OSError):
        connection.connect()
        return True
    return False


def test_a_taken_port_is_reported(files: tuple[Path, Path], tmp_path: Path) -> None:
    """The next port is used instead, and the output names both."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with running(tmp_path, str(files[0]), "--port", str(port)) as run:
            run.wait_for(f"fast | port {port} is taken, using {port + 1}")


def test_without_a_valid_function_the_command_ends(files: tuple[Path, Path], tmp_path: Path) -> None:
    """Nothing to run is an error with exit code 1."""
    files[0].write_text(function("fast", runtime="cobol"))
    with running(tmp_path, str(files[0]), str(tmp_path / "gone.yaml")) as run:
        assert run.process.wait(SECONDS) == 1
    assert "gone.yaml: No such file or directory" in run.output
    assert "spec.runtime: Unsupported value" in run.output


def test_json_has_one_object_a_line(files: tuple[Path, Path], tmp_path: Path) -> None:
    """With --log-format json every line is an event; a request has method, path, status and duration."""
    with running(tmp_path, *map(str, files), "--once", "--log-format", "json") as run:
        assert run.process.wait(SECONDS) == 0
    events = [json.loads(line) for line in run.output.splitlines()]
    assert all({"time", "event", "message"} <= set(event) for event in events)
    (request,) = [event for event in events if event["event"] == "request" and event["function"] == "fast"]
    assert (request["method"], request["path"], request["status"]) == ("GET", "/", 200)
    assert request["milliseconds"] > 0


def test_requests_are_logged(files: tuple[Path, Path], tmp_path: Path) -> None:
    """Each request is a line with method, path, status and milliseconds, on a kept connection, too."""
    with running(tmp_path, str(files[0])) as run:
        connection = http.client.HTTPConnection("127.0.0.1", int(run.url("fast")), timeout=SECONDS)
        with contextlib.closing(connection):
            for path in ("/a?b=c", "/d"):
                connection.request("POST", path, body=b"x" * 100_000, headers={"Connection": "keep-alive"})
                response = connection.getresponse()
                assert (response.status, response.read()) == (200, b"one")
        run.wait_for("fast | POST /a?b=c 200 ")
        run.wait_for("fast | POST /d 200 ")


def test_a_long_line_is_cut(files: tuple[Path, Path], tmp_path: Path) -> None:
    """A line of two megabytes is shown in part; what follows is shown, and the Function goes on."""
    source = "print('x' * 2_000_000)\nprint('after', 1 + 1)\n" + HELLO
    files[0].write_text(function("fast", source))
    with running(tmp_path, str(files[0])) as run:
        run.wait_for("after 2")
        assert run.get("fast") == (200, "one")
    assert max(map(len, run.output.splitlines())) < 70_000
    assert "... (1934464 more bytes)" in run.output


def test_secrets_of_the_shell_reach_no_handler(files: tuple[Path, Path], tmp_path: Path) -> None:
    """A handler has the pod's variables and those that name certificates, nothing else of this shell."""
    names = "', '".join((*UNREACHABLE, "GITHUB_TOKEN", "NPM_CONFIG__AUTHTOKEN", "SSL_CERT_FILE"))
    source = f"import os\ndef main(event, context):\n    return [n for n in ('{names}') if n in os.environ]\n"
    files[0].write_text(function("fast", source))
    env = UNREACHABLE | {"GITHUB_TOKEN": "x", "NPM_CONFIG__AUTHTOKEN": "x", "SSL_CERT_FILE": "/etc/ssl/x"}
    with running(tmp_path, str(files[0]), **env) as run:
        assert json.loads(run.get("fast")[1]) == ["SSL_CERT_FILE"]


def test_an_installer_that_fails_is_quoted(files: tuple[Path, Path], tmp_path: Path) -> None:
    """The registry of this shell reaches the installer, whose own words are printed; other Functions start."""
    files[0].write_text(function("fast", packages="bottle==0.13.4"))
    with running(tmp_path, *map(str, files), "--once", **UNREACHABLE) as run:
        assert run.process.wait(SECONDS) == 1
    assert "fast | the dependencies could not be installed (exit code " in run.output
    assert "bottle" in run.output
    assert "slow | GET / answered 200: one" in run.output


def test_a_failed_set_up_is_reported_once(files: tuple[Path, Path], tmp_path: Path) -> None:
    """The installer's words and a hint are printed once, however many Functions wait for the set-up."""
    with running(tmp_path, *map(str, files), "--once", XDG_CACHE_HOME=str(tmp_path / "cache"), **UNREACHABLE) as run:
        assert run.process.wait(SECONDS) == 1
    assert run.output.count("is the package registry reachable? set in this shell: HTTPS_PROXY") == 1
    assert "once for this machine ..." in run.output
    assert (
        len(
            re.findall(
                r"^  (?:fast|slow)  failed  not started: Python [0-9.]+ could not be set up$", run.output, re.MULTILINE
            )
        )
        == 2
    )
    assert len(run.output.splitlines()) < 20, run.output


WAITING = "import time\ndef main(event, context):\n    time.sleep(60)\n"
CACHES = {"warm": {}, "cold": {}, "dead": UNREACHABLE}


@pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="LEFT OUT: there is no /proc to find processes")
@pytest.mark.parametrize("cache", CACHES)
@pytest.mark.parametrize("moment", range(MOMENTS))
def test_ctrl_c_ends_at_any_moment(files: tuple[Path, Path], tmp_path: Path, moment: int, cache: str) -> None:
    """Ctrl-C during set-up, installation, start, reload or a request ends everything soon, and leaves no file."""
    fast, slow = files
    slow.write_text(function("slow", SLOW, packages="bottle==0.13.4") + f"---\n{function('waiting', WAITING)}")
    env = CACHES[cache] | ({"XDG_CACHE_HOME": str(tmp_path / "cache")} if cache != "warm" else {})
    with running(tmp_path, str(fast), str(slow), **env) as run:
        wait_until(lambda: bool(list(run.temporary.iterdir())) or run.process.poll() is not None)
        random = Random(moment)
        time.sleep(random.uniform(0, 3))
        fast.write_text(function("fast", HELLO.replace("one", "two")))
        with send_to(run, "waiting"):
            time.sleep(random.uniform(0, 2))
            run.process.send_signal(signal.SIGINT)
            assert run.process.wait(10) == 0
    assert not list(run.temporary.iterdir())
    assert not processes_of(run.temporary)
    assert "Traceback" not in run.output


@contextlib.contextmanager
def send_to(run: Run, name: str) -> Iterator[None]:
    """Send a request to a Function, if it answers already, and do not wait for the response."""
    ports = re.findall(rf"^{name} \| http://127.0.0.1:(\d+)", run.output, re.MULTILINE)
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", int((ports or [0])[0]), timeout=SECONDS)) as sender:
        if ports:
            sender.request("GET", "/")
        yield
