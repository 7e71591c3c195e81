"""Kyma's operator on PATH as a controller of Functions, with the CRD and settings of its checkout."""

import json
import shutil
import sys
import urllib.request
from pathlib import Path
from typing import Any

import yaml
from support.cluster.control_plane import wait_until
from support.cluster.kyma_programs import NAME
from support.ports import free_port

from bench.cluster_systems import System

CRD = "config/buildless-serverless/templates/crds.yaml"


class Kyma(System):
    """Kyma's operator with the settings of its chart, but without a CPU limit."""

    name = user = "kyma"
    controllers = ("kyma",)
    restarts = ("kyma", *System.restarts)

    def __init__(self, directory: Path, checkout: Path) -> None:
        super().__init__(directory)
        self.checkout = checkout

    def install(self) -> None:
        text = (self.checkout / CRD).read_text().replace("{{ .Chart.AppVersion }}", "1")
        self.plane.kubectl("apply", "--server-side", "-f", "-", stdin=yaml.safe_load(text))
        self.stack.wait_until_established("functions.serverless.kyma-project.io")
        port = free_port()
        config = kyma_config(self.checkout) | {"healthz": {"healthzPort": f"127.0.0.1:{port}"}}
        (self.plane.directory / "kyma-config.yaml").write_text(json.dumps(config))
        log = {"logLevel": "info", "logFormat": "json"}
        (self.plane.directory / "kyma-log.yaml").write_text(json.dumps(log))
        self.stack.processes.start("kyma", [program()], **self.environment())
        wait_until(lambda: urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz").status == 200, "kyma", 60)

    def environment(self) -> dict[str, str]:
        directory = self.plane.directory
        return {
            "KUBECONFIG": str(self.plane.kubeconfig("kyma")),
            "APP_FUNCTION_CONFIG_PATH": str(directory / "kyma-config.yaml"),
            "APP_LOG_CONFIG_PATH": str(directory / "kyma-log.yaml"),
        }


def kyma_config(checkout: Path) -> dict[str, Any]:
    """Return the configuration of a development start, which has the chart's values, with ports of loopback."""
    text = (checkout / "components/buildless-serverless/hack/function-config.yaml").read_text()
    ports = {key: f"127.0.0.1:{free_port()}" for key in ("metricsPort", "internalEndpointPort")}
    config: dict[str, Any] = yaml.safe_load(text)
    return config | ports | {"leaderElectionEnabled": False, "secretMutatingWebhookPort": free_port()}


def program() -> str:
    """Return the path of the operator; exits if it is not on PATH."""
    found = shutil.which(NAME)
    return found or sys.exit(f"{NAME} is not on PATH: build components/buildless-serverless/cmd of the checkout as it")
