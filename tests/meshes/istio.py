"""Istio's discovery server without a cluster, and an Envoy that it drives as an ingress gateway."""

import re
import signal

import yaml

import demo
import proxy
from harness import Envoy
from scene import FILES, shipped

NAMESPACE = "istio-ingress"
# Any address that no endpoint has.
ADDRESS = "192.0.2.7"
LABELS = {"istio": "ingressgateway"}
WEB = 8080
# Filters that only Istio's own build of Envoy has.
PLAIN = {"PILOT_ENABLE_METADATA_EXCHANGE": "false", "PILOT_ENABLE_ALPN_FILTER": "false"}


class Istio:
    """The server, with the manifests that `put` names, and the access log of `values.yaml` and `telemetry.yaml`."""

    def __init__(self, stage, program, envoy, artefact, documents, providers=(), namespace=NAMESPACE, labels=LABELS):
        self.stage, self.binary, self.namespace, self.labels = stage, envoy, namespace, labels
        self.name = f"istio-{len(stage.processes)}"
        self.home = stage.folder / self.name
        self.home.mkdir()
        values = demo.shown_by(artefact, (FILES / "istio/values.yaml").read_text())
        settings = yaml.safe_load(values)["meshConfig"]
        settings["extensionProviders"] += providers
        (self.home / "mesh.yaml").write_text(yaml.safe_dump(settings))
        self.file = self.home / "manifests.yaml"
        self.file.write_text(yaml.safe_dump_all(documents))
        files = {"ORIGIN_GATE_MANIFESTS": str(self.file), "ORIGIN_GATE_MESH": str(self.home / "mesh.yaml")}
        command = [program, "-test.run", "^TestServe$", "-test.timeout", "0", "-test.v"]
        self.process = stage.start(self.name, command, env={**PLAIN, **files, "HOME": str(self.home)})

    def port(self):
        found = re.search(r"discovery on 127\.0\.0\.1:(\d+)", self.stage.log(self.name))
        return found and int(found[1])

    def put(self, *documents):
        """These instead of those before of the same names."""
        self.file.write_text(yaml.safe_dump_all(documents))
        self.process.send_signal(signal.SIGHUP)

    def envoy(self):
        """A gateway, with the bootstrap that `bootstrap.yaml` adds to."""
        port = self.stage.wait_for(self.port, self.name, self.process)
        (added,) = shipped("istio/bootstrap.yaml")
        envoy = self.stage.envoy(
            self.binary,
            self.bootstrap(port),
            name=f"{self.name}-envoy",
            arguments=["--config-yaml", added["data"]["custom_bootstrap.json"]],
        )
        return Driven(envoy)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)

    def bootstrap(self, port):
        node = f"router~{ADDRESS}~gateway.{self.namespace}~{self.namespace}.svc.cluster.local"
        metadata = {
            "NAMESPACE": self.namespace,
            "LABELS": self.labels,
            "CLUSTER_ID": "Kubernetes",
            "ISTIO_VERSION": "1.30.0",
        }
        ads = {"api_type": "GRPC", "transport_api_version": "V3", "grpc_services": [{"envoy_grpc": {"cluster_name": "istiod"}}]}
        source = {"ads": {}, "resource_api_version": "V3", "initial_fetch_timeout": "0s"}
        return {
            "node": {"id": node, "cluster": "gateway", "metadata": metadata},
            "admin": {"address": proxy.address(0)},
            "dynamic_resources": {"ads_config": ads, "lds_config": source, "cds_config": source},
            "static_resources": {"clusters": [proxy.cluster("istiod", port, http2=True)]},
            "layered_runtime": {"layers": [{"name": "static", "static_layer": {"re2.max_program_size.error_level": 32768}}]},
        }


class Driven(Envoy):
    """The gateway, as the demo's checks want one."""

    def __init__(self, envoy):
        super().__init__(envoy.stage, envoy.name, envoy.process, envoy.admin)
        self.ports = {"web": WEB, "stats": envoy.admin}

    def stop(self):
        self.process.terminate()
        self.process.wait(20)
