"""Envoy Gateway without a cluster: its own program, which reads manifests from a folder and drives an Envoy that it starts.

Its ports are fixed, its module server has a name of the cluster, and that server's certificates are looked for in /certs:
`apart.sh` makes room for all of that.
"""

import base64
import json
import pathlib
import shutil
import subprocess

import yaml

from harness import Envoy, ask, metrics, wait_for_a_tick

NAMESPACE = "envoy-gateway-system"
CERTS = pathlib.Path("/certs")
MODULES = f"envoy-gateway.{NAMESPACE}.svc.cluster.local"
VERSION = "1.40.0"  # of Envoy, which the host infrastructure looks for by
WEB = 80


class EnvoyGateway:
    """The controller, with the manifests that `put` names."""

    def __init__(self, stage, program, envoy):
        self.stage, self.program = stage, program
        self.name = f"{program.parent.name}-{len(stage.processes)}"
        self.home = stage.folder / self.name
        self.config, self.files = self.home / "config", self.home / "files"
        self.files.mkdir(parents=True)
        self.link_envoy(envoy)
        self.make_certificates()
        self.documents = [self.secret()]
        self.write()
        (self.home / "server.yaml").write_text(json.dumps(self.settings()))
        self.process = stage.start(self.name, [program, "server", "--config-path", self.home / "server.yaml"])

    def link_envoy(self, envoy):
        folder = self.home / "data" / "envoy-versions" / VERSION / "bin"
        folder.mkdir(parents=True)
        (folder / "envoy").symlink_to(envoy)

    def make_certificates(self):
        command = [self.program, "certgen", "--local", "--config-home", self.config]
        subprocess.run(command, check=True, capture_output=True)
        CERTS.unlink(missing_ok=True)
        CERTS.symlink_to(self.config / "certs" / "envoy")
        hosts = pathlib.Path("/etc/hosts")
        if MODULES not in hosts.read_text():
            hosts.write_text(f"{hosts.read_text()}\n127.0.0.1 {MODULES}\n")

    def secret(self):
        """Without it Envoy is handed another certificate than the module server takes."""
        names = ["tls.crt", "tls.key", "ca.crt"]
        data = {it: base64.b64encode((CERTS / it).read_bytes()).decode() for it in names}
        meta = {"name": "envoy", "namespace": NAMESPACE}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "kubernetes.io/tls", "data": data}

    def settings(self):
        host = {"configHome": self.config, "dataHome": self.home / "data", "stateHome": self.home / "state"}
        host = {name: str(value) for name, value in {**host, "runtimeDir": self.home / "run"}.items()}
        custom = {
            "resource": {"type": "File", "file": {"paths": [str(self.files)]}},
            "infrastructure": {"type": "Host", "host": host},
        }
        return {
            "apiVersion": "gateway.envoyproxy.io/v1alpha1",
            "kind": "EnvoyGateway",
            "gateway": {"controllerName": "gateway.envoyproxy.io/gatewayclass-controller"},
            "provider": {"type": "Custom", "custom": custom},
            "logging": {"level": {"default": "info"}},
            # Its own would take the ports that its Envoy has in a cluster.
            "admin": {"address": {"host": "127.0.0.1", "port": 19010}},
            "telemetry": {"metrics": {"prometheus": {"disable": True}}},
            "extensionApis": {"enableBackend": True, "enableEnvoyPatchPolicy": True},
        }

    def put(self, *documents):
        """These instead of those before."""
        self.documents = [self.secret(), *(self.known(it) for it in documents)]
        self.write()

    def known(self, document):
        """As `gateway.yaml` says of those before 1.9: they refuse the rule of a filter that they do not have."""
        rules = document.get("spec", {}).get("filterOrder", [])
        if "-1.8." in self.name:
            rules[:] = [it for it in rules if not it["before"].endswith(".csrf")]
        return document

    def write(self):
        """A file that is seen half written would delete everything, so that it is written beside and renamed."""
        new = self.home / "new.yaml"
        new.write_text(yaml.safe_dump_all(self.documents))
        new.rename(self.files / "all.yaml")

    def envoy(self):
        """The one that it has started, once that answers."""
        return Driven(self, self.stage.wait_for(self.admin, self.name, self.process))

    def admin(self):
        """The port of its Envoy's admin page."""
        for file in self.home.rglob("admin-address*"):
            port = int(file.read_text().rpartition(":")[2])
            if ask(port, "GET", "/ready").body == "LIVE\n":
                return port

    def log(self):
        """Its own, and that of its Envoy with the access log."""
        files = sorted(self.home.rglob("std*.log"))
        return "\n".join([self.stage.log(self.name), *(it.read_text(errors="replace") for it in files)])

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
        shutil.rmtree(self.home / "data", ignore_errors=True)


class Driven(Envoy):
    """The Envoy of a control plane, as the demo's checks want one."""

    def __init__(self, plane, admin):
        super().__init__(plane.stage, plane.name, plane.process, admin)
        self.plane = plane
        self.ports = {"web": WEB, "stats": admin}

    def log(self):
        return self.plane.log()

    def metrics(self):
        wait_for_a_tick()
        return metrics(self.admin).body
