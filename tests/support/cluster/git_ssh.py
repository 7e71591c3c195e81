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
    """The repositories of a folder at `url`/NAME.git, until close(); the test is skipped without sshd."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
        if program is None:
            pytest.skip(f"{MISSING}sshd is not installed (Debian's openssh-server)")
        self.folder, self.port = folder, free_port()
        self.url = f"ssh://{getpass.getuser()}@127.0.0.1:{self.port}{folder}"
        for key in ("host", "client", "other"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", str(folder / key)]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        (folder / "sshd_config").write_text(CONFIG.format(port=self.port, folder=folder))
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # where sshd confines itself as root
        self.processes = Processes(folder)
        self.processes.start("sshd", [program, "-D", "-e", "-f", folder / "sshd_config"])
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
