"""The chart in `envoy/chart`: what it renders is what `envoy/` ships, and runs with other values."""

import json
import subprocess

import pytest
import yaml

import hot_reload
import mesh
import scene
from conftest import ENVOY, MODULE, TOOLS
from driven import PREFLIGHT, answers, is_readable, read
from gateway import EnvoyGateway
from harness import ask
from istio import Istio
from scene import FILES, shipped
from watch import wait_for

CHART = FILES / "chart"
NAMESPACE = "shop"
TARGETS = ["hot-reload", "istio", "envoy-gateway"]
# Another policy, and what else differs.
OTHER = {
    "policy": {"allowed_origins": ["https://slykertech.co.zw"], "allowed_hosts": ["api.slykertech.co.zw"]},
}
OTHER["policy"]["cors"] = {"allow_credentials": True, "max_age": 86400}


def helm(verb, *arguments, values=(CHART / "ci" / "values.yaml",)):
    command = [TOOLS / "bin" / "helm", *verb, CHART, *(f"--values={it}" for it in values), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def rendered(target, *more, **options):
    """By kind and name."""
    arguments = ["--kube-version=1.35.0", f"--namespace={NAMESPACE}", f"--set=target={target}", *more]
    done = helm(["template", "release"], *arguments, **options)
    assert done.returncode == 0, done.stderr
    return {(it["kind"], it["metadata"]["name"]): it for it in yaml.safe_load_all(done.stdout) if it}


def with_values(tmp_path, **values):
    path = tmp_path / "values.json"
    path.write_text(json.dumps(values))
    return [path]


@pytest.mark.parametrize("target", TARGETS)
def test_helm_finds_nothing(target):
    done = helm(["lint", "--strict"], f"--set=target={target}")
    assert done.returncode == 0, done.stdout


def in_namespace(document):
    return {**document, "metadata": {**document["metadata"], "namespace": NAMESPACE}}


def test_hot_reload_is_what_is_shipped():
    found = rendered("hot-reload")
    deployment, service = shipped("hot-reload/deployment.yaml")
    assert found["Deployment", "origin-gate"]["spec"]["template"]["metadata"]["annotations"].pop("checksum/envoy")
    assert found["Deployment", "origin-gate"] == deployment
    assert found["Service", "origin-gate"] == service
    envoy = yaml.safe_load(found["ConfigMap", "origin-gate-envoy"]["data"]["envoy.yaml"])
    assert [envoy] == shipped("hot-reload/envoy.yaml")
    gate = yaml.safe_load(found["ConfigMap", "origin-gate-policy"]["data"]["origin_gate.yaml"])
    (expected,) = shipped("hot-reload/origin_gate.yaml")
    for it in (gate, expected):
        configuration = it["resources"][0]["typed_config"]["config"]["configuration"]
        configuration["value"] = json.loads(configuration["value"])
    assert gate == expected
    assert len(found) == 4


@pytest.mark.parametrize("kind", ["TrafficExtension", "WasmPlugin"])
def test_istio_is_what_is_shipped(kind):
    found = rendered("istio", f"--set=istio.kind={kind}", "--set=istio.accessLog=true")
    files = [kind.lower(), "bootstrap", "telemetry"]
    assert list(found.values()) == [in_namespace(it) for it in sorted_by_helm(files)]


def sorted_by_helm(files):
    """Kinds that it knows are first."""
    documents = [document for name in files for document in shipped(f"istio/{name}.yaml")]
    return sorted(documents, key=lambda it: (it["kind"] != "ConfigMap", it["kind"]))


def test_envoy_gateway_is_what_is_shipped():
    found = rendered("envoy-gateway")
    wanted = ["EnvoyProxy", "HTTPRoute", "HTTPRouteFilter"]
    expected = shipped("envoy-gateway/policy.yaml")
    expected += [it for it in shipped("envoy-gateway/gateway.yaml") if it["kind"] in wanted]
    assert found == {(it["kind"], it["metadata"]["name"]): in_namespace(it) for it in expected}
    assert len(rendered("envoy-gateway", "--set=envoyGateway.everythingElse=false")) == 2


def test_a_policy_is_nothing_but_what_is_written(tmp_path):
    """Helm mixes values with those of the chart: no key of a policy may come from there."""
    values = with_values(tmp_path, **OTHER)
    config = rendered("istio", values=values)["TrafficExtension", "origin-gate"]["spec"]["wasm"]["pluginConfig"]
    assert config == OTHER["policy"]
    config = rendered("envoy-gateway", values=values)["EnvoyExtensionPolicy", "origin-gate"]["spec"]["wasm"][0]["config"]
    assert config == {**OTHER["policy"], "on_refused_update": "keep"}
    values = with_values(tmp_path, policy={**OTHER["policy"], "on_refused_update": "reject"})
    config = rendered("envoy-gateway", values=values)["EnvoyExtensionPolicy", "origin-gate"]["spec"]["wasm"][0]["config"]
    assert config["on_refused_update"] == "reject"
    labels = rendered("istio", "--set=istio.selector.app=edge")["TrafficExtension", "origin-gate"]["spec"]["selector"]
    assert labels == {"matchLabels": {"app": "edge"}}


@pytest.mark.parametrize(
    "values, told",
    [
        ({}, "/policy"),
        ({"policy": {"allowed_orgins": []}}, "allowed_orgins"),
        ({"policy": {"cors": {"allow_credentials": "yes"}}}, "/policy/cors/allow_credentials"),
        ({**OTHER, "target": "nginx"}, "/target"),
        ({**OTHER, "image": {"digest": "sha256:12"}}, "/image/digest"),
        ({**OTHER, "hotReload": {"backend": {"port": 0}}}, "/hotReload/backend/port"),
        ({**OTHER, "hotreload": {}}, "hotreload"),
    ],
)
def test_wrong_values_are_refused(tmp_path, values, told):
    done = helm(["template", "release"], "--kube-version=1.35.0", values=with_values(tmp_path, **values))
    assert done.returncode != 0 and told in done.stderr, done.stderr


# What it renders runs.


class Rendered(hot_reload.HotReload):
    def __init__(self, folder, *arguments):
        self.files = folder
        super().__init__(*arguments)


def test_hot_reload_runs(stage, backend, tmp_path):
    values = with_values(tmp_path, **OTHER)
    found = rendered("hot-reload", "--set=hotReload.trustedHops=1", values=values)
    for name in ("envoy", "policy"):
        for file, text in found["ConfigMap", f"origin-gate-{name}"]["data"].items():
            (tmp_path / file).write_text(text)
    deployment = found["Deployment", "origin-gate"]["spec"]["template"]["metadata"]["annotations"]
    assert (
        deployment["checksum/envoy"]
        != rendered("hot-reload")["Deployment", "origin-gate"]["spec"]["template"]["metadata"]["annotations"]["checksum/envoy"]
    )
    hot = Rendered(tmp_path, stage, ENVOY, backend.port, MODULE, "chart", OTHER["policy"])
    answer = read(hot.envoy, "/backend/404")
    assert (answer.status, is_readable(answer)) == (404, True)
    assert ask(hot.web, "GET", "/backend/200", {"Host": "slykertech.co.zw"}).status == 421


def test_istio_runs(stage, backend, tmp_path):
    found = rendered("istio", "--set=istio.selector.app=edge", values=with_values(tmp_path, **OTHER))
    policy = mesh.here(found["TrafficExtension", "origin-gate"], MODULE)
    rules = [mesh.route("/backend/", route=mesh.to("plain"))]
    labels = {"app": "edge"}
    documents = [*mesh.gateway(labels), mesh.backend("plain", backend.port), mesh.routes(*rules), policy]
    program = TOOLS / "bin" / "istio-discovery"
    plane = Istio(stage, program, ENVOY, MODULE, documents, namespace=NAMESPACE, labels=labels)
    envoy = plane.envoy()
    wait_for(lambda: answers(envoy, 404, "/backend/404"), envoy.log)
    wait_for(lambda: is_readable(read(envoy, "/backend/404")), envoy.log)
    assert ask(envoy.ports["web"], "GET", "/backend/200", {"Host": "slykertech.co.zw"}).status == 421
    envoy.stop()
    plane.stop()


@pytest.mark.parametrize("version", sorted(TOOLS.glob("gateway-*")), ids=lambda it: it.name)
def test_envoy_gateway_runs(stage, store, backend, tmp_path, version):
    found = rendered("envoy-gateway", values=with_values(tmp_path, **OTHER))
    found["EnvoyExtensionPolicy", "origin-gate"]["spec"]["wasm"][0]["code"] = scene.fetched(store)
    scene.merge(found["EnvoyProxy", "origin-gate"]["spec"], scene.LOCAL)
    there = [it for it in scene.gateway() if it["kind"] in ("GatewayClass", "Gateway")]
    for it in there:
        it["spec"].pop("parametersRef", None)
        if it["kind"] == "Gateway":
            proxy = {"group": scene.GATEWAY, "kind": "EnvoyProxy", "name": "origin-gate"}
            it["spec"]["infrastructure"] = {"parametersRef": proxy}
    beside = [scene.backend("authz", backend.port), scene.backend("plain", backend.port), *scene.refusing("plain")]
    for it in found.values():
        it["metadata"]["namespace"] = "default"
    plane = EnvoyGateway(stage, version / "envoy-gateway", ENVOY)
    plane.put(*there, *found.values(), *beside)
    envoy = plane.envoy()
    wait_for(lambda: answers(envoy, 401, "/jwt/"), envoy.log)
    assert is_readable(read(envoy, "/jwt/")) and read(envoy, "/jwt/", method="OPTIONS", **PREFLIGHT).status == 204
    answer = read(envoy, "/nothing")
    assert (answer.status, is_readable(answer)) == (404, True)
    assert ask(envoy.ports["web"], "GET", "/nothing", {"Host": "slykertech.co.zw"}).status == 421
    plane.stop()
