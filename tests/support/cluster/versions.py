"""v2alpha1 on a real API server: the hook over TLS, and the CRD with both versions as the chart has it."""

import base64
import ssl
import sys

import yaml
from support.certificate import certificate
from support.cluster.control_plane import Manifest, wait_until
from support.cluster.functions import function as complete
from support.cluster.stack import ROOT, Stack
from support.ports import free_port
from support.v2alpha1_schema import FILE

from hooks.convert import convert
from hooks.moved_fields import VERSIONS

V2_GROUP = "/apis/serverless.kyma-project.io/v2alpha1"
CRD = "functions.serverless.kyma-project.io"
CRD_PATH = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{CRD}"


class Converter:
    """The hook as conversion webhook; it can be stopped and started, and its certificate replaced."""

    def __init__(self, stack: Stack) -> None:
        self.stack, self.port = stack, free_port()
        self.certificate, self.key = (stack.plane.directory / f"convert.{name}" for name in ("crt", "key"))
        self.make_certificate()

    def make_certificate(self) -> None:
        """Write a self-signed certificate in place of the one before."""
        made, key = certificate(self.stack.plane.directory, "convert-new")
        key.rename(self.key)
        made.rename(self.certificate)

    def start(self) -> None:
        command = [sys.executable, "-m", "hooks.cli", "serve", "--bind", f"127.0.0.1:{self.port}"]
        tls = ["--tls-certificate", str(self.certificate), "--tls-key", str(self.key)]
        environment = {"PYTHONPATH": str(ROOT), "BUILDLESS_REVISION": "of the chart"}
        self.stack.processes.start("converter", [*command, *tls], **environment)
        wait_until(lambda: ssl.get_server_certificate(("127.0.0.1", self.port)), "the webhook to listen", 60)

    def stop(self) -> None:
        self.stack.processes.stop("converter")

    def turn_on(self) -> None:
        """Serve v2alpha1, and return once the API server converts through the webhook."""
        self._apply(on=True)
        wait_until(self.converts, "v2alpha1 to be served", 60)
        self._refresh_kubectl()

    def turn_off(self) -> None:
        """Serve one version, as the chart does without conversion, and return once v2alpha1 is gone."""
        self._apply(on=False)
        wait_until(lambda: self.served() == ["v1alpha2"], "v2alpha1 to be gone")
        self._refresh_kubectl()

    def served(self) -> list[str]:
        """Return the versions that clients discover."""
        found = self.stack.plane.call("GET", V2_GROUP.rpartition("/")[0])[1]["versions"]
        return sorted(each["version"] for each in found)

    def converts(self) -> bool:
        """Return whether a Function of v2alpha1 can be created; none is."""
        function = convert(complete("converted"), VERSIONS[1])
        path = f"{V2_GROUP}/namespaces/default/functions?dryRun=All"
        return self.stack.plane.call("POST", path, function)[0] == 201

    def _refresh_kubectl(self) -> None:
        """Have kubectl read the versions again, which it remembers for hours (docs/v2alpha1.md)."""
        self.stack.plane.kubectl("api-resources")

    def _apply(self, *, on: bool) -> None:
        crd = yaml.safe_load((ROOT / "crds" / "functions.yaml").read_text(encoding="utf-8"))
        if on:
            crd["spec"]["versions"].append(yaml.safe_load(FILE.read_text(encoding="utf-8")))
            crd["spec"]["conversion"] = self._conversion()
        arguments = ("apply", "--server-side", "--force-conflicts", "-f", "-")
        self.stack.plane.kubectl(*arguments, stdin=crd)

    def _conversion(self) -> Manifest:
        authority = base64.b64encode(self.certificate.read_bytes()).decode()
        client = {"url": f"https://127.0.0.1:{self.port}/v1/convert", "caBundle": authority}
        return {"strategy": "Webhook", "webhook": {"conversionReviewVersions": ["v1"], "clientConfig": client}}
