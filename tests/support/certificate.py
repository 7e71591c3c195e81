"""Certificates of loopback."""

import subprocess
from pathlib import Path


def certificate(directory: Path, name: str) -> tuple[Path, Path]:
    """Create a self-signed certificate for 127.0.0.1; return its file and that of its key."""
    found, key = directory / f"{name}.crt", directory / f"{name}.key"
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    files = ["-keyout", str(key), "-out", str(found), "-subj", f"/CN={name}"]
    subprocess.run([*new, *files, "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    return found, key
