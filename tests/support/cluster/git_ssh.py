"""A remote of Git over SSH on loopback: OpenSSH's server, which lets one key read repositories."""

import getpass
import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest
from support.cluster.control_plane import wait_until
from support.cluster.processes import Processes
from support.left_out import MISSING
from support.ports import free_port

CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/host
AuthorizedKeysFile {folder}/client.pub
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
ForceCommand git shell -c "$SSH_ORIGINAL_COMMAND"
"""


class SshRemote:
    """
    The repositories of a folder at `url`/NAME.git, until close(); the test is skipped without sshd.

    They are read as the user who runs the tests; root can give that user another name.
    """

    def __init__(self, folder: Path, user: str = "") -> None:
        program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
        if program is None:
            pytest.skip(f"{MISSING}sshd is not installed (Debian's openssh-server)")
        self.folder, self.port = folder, free_port()
        self.url = f"ssh://{user or getpass.getuser()}@127.0.0.1:{self.port}{folder}"
        for key in ("host", "client", "other"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", str(folder / key)]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        (folder / "sshd_config").write_text(CONFIG.format(port=self.port, folder=folder))
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # where sshd confines itself as root
        self.processes = Processes(folder)
        command = [program, "-D", "-e", "-f", str(folder / "sshd_config")]
        self.processes.start("sshd", [*(_renamed(user, folder) if user else ()), *command])
        wait_until(self._accepts, "sshd to listen", 20)

    def close(self) -> None:
        self.processes.stop_all()

    def secret(self, key: str = "client", host: str = "host") -> dict[str, str]:
        """Return the data of the Secret for this remote, as text, with one of the keys client, host and other."""
        known = f"[127.0.0.1]:{self.port} {(self.folder / f'{host}.pub').read_text()}"
        return {"identity": (self.folder / key).read_text(), "known_hosts": known}

    def _accepts(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), 2):
            return True


def _renamed(user: str, folder: Path) -> list[str]:
    """Return the start of a command that runs a program in which the own user has one more name; only root can."""
    line = f"{user}:x:{os.geteuid()}:{os.getegid()}::{folder}:/bin/sh\n"
    (folder / "passwd").write_text(Path("/etc/passwd").read_text() + line)
    script = f'mount --bind {folder}/passwd /etc/passwd && exec "$@"'
    return ["unshare", "--mount", "sh", "-c", script, "sh"]
