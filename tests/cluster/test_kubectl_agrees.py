"""A real kubectl reads YAML as `buildless render` does: the table of kubectl_yaml.py, and random texts."""

import json
import subprocess
from pathlib import Path
from random import Random
from typing import Any

from support.cluster.stack import Stack
from support.kubectl_yaml import HEAD, STRICTER, TABLE, comparable

from hooks.cli.files import documents

LETTERS = "0123456789_.eExXobB+-yn~:Tfa"


def kubectl_reads(api: Stack, file: Path) -> dict[str, Any] | None:
    """Return the spec that kubectl would send, None if it refuses the file."""
    command = ["create", "--dry-run=client", "--validate=false", "--output=json", f"--filename={file}"]
    program = [str(api.plane.assets / "kubectl"), f"--kubeconfig={api.plane.kubeconfig('admin')}"]
    done = subprocess.run([*program, *command], capture_output=True, text=True, check=False)
    spec: dict[str, Any] | None = json.loads(done.stdout).get("spec") if done.returncode == 0 else None
    return spec


def test_the_table_is_up_to_date(api: Stack, tmp_path: Path) -> None:
    """This kubectl reads every row as the table says."""
    file = tmp_path / "a.yaml"
    for row in TABLE:
        file.write_text(HEAD + row["text"])
        if row["text"] not in STRICTER:
            assert comparable(kubectl_reads(api, file)) == comparable(row.get("spec")), row["text"]


def test_random_texts(api: Stack, tmp_path: Path) -> None:
    """kubectl and render read 2,000 short texts of the characters of numbers, booleans and times as equal values."""
    random, texts = Random(1), set[str]()
    while len(texts) < 2000:
        text = "".join(random.choices(LETTERS, k=random.randint(1, 7)))
        if not (text[0] in "-~:" or text.endswith(":")):  # indicators
            texts.add(text)
    file = tmp_path / "a.yaml"
    file.write_text(HEAD + "spec:\n" + "".join(f"  k{index}: {text}\n" for index, text in enumerate(sorted(texts))))
    (ours,) = documents(str(file))
    theirs = kubectl_reads(api, file) or {}
    for index, text in enumerate(sorted(texts)):
        assert comparable(ours.value["spec"][f"k{index}"]) == comparable(theirs[f"k{index}"]), text
