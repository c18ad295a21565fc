"""`docs/control-planes.md`: what its blocks say, on the control planes themselves."""

import shutil
import subprocess

import pytest
import yaml

import mesh
import readme
import scene
from conftest import ENVOY, MODULE, TOOLS
from driven import PREFLIGHT, answers, is_readable, read
from gateway import EnvoyGateway
from istio import Istio
from scene import FILES
from watch import wait_for

PAGE = (readme.ROOT / "docs" / "control-planes.md").read_text()
NET, PATCH, OVERLAY, GATEWAY = readme.blocks(PAGE, "yaml")
NAMED = {"gateway.networking.k8s.io/gateway-name": "web"}


@pytest.fixture(params=sorted(TOOLS.glob("gateway-*")), ids=lambda it: it.name)
def start(request, stage):
    planes = []

    def start(*documents):
        plane = EnvoyGateway(stage, request.param / "envoy-gateway", ENVOY)
        planes.append(plane)
        plane.put(*documents)
        return plane.envoy()

    yield start
    for plane in planes:
        plane.stop()


def test_the_page_shows_these():
    kinds = [yaml.safe_load(it).get("kind", "") for it in (NET, PATCH, OVERLAY, GATEWAY)]
    assert kinds == ["", "EnvoyPatchPolicy", "Kustomization", "Gateway"]


def test_what_is_put_over_an_answer_can_be_read(start, store, backend):
    """The net of the page, by the patch of the page."""
    patch = yaml.safe_load(PATCH)
    patch["metadata"]["namespace"] = "default"
    patch["spec"]["jsonPatches"][0]["operation"]["value"] = yaml.safe_load(NET)["local_reply_config"]
    beside = [scene.backend("authz", backend.port), scene.backend("plain", backend.port), *scene.refusing("plain")]
    envoy = start(*scene.gateway(), scene.policy(scene.fetched(store)), patch, *beside)
    wait_for(lambda: answers(envoy, 404, "/override/backend/404"), envoy.log)
    wait_for(lambda: is_readable(read(envoy, "/override/backend/404")), envoy.log)
    answer = read(envoy, "/override/backend/404")
    assert (answer.status, answer.body, answer.headers["vary"]) == (404, "overridden", "Origin")
    foreign = read(envoy, "/override/backend/404", "https://evil.example")
    assert (foreign.body, "access-control-allow-origin" in foreign.headers) == ("overridden", False)
    # What passes the filter is as it was.
    assert (
        is_readable(read(envoy, "/jwt/"))
        and "access-control-allow-origin" not in read(envoy, "/jwt/", "https://evil.example").headers
    )
    assert read(envoy, "/jwt/", method="OPTIONS", **PREFLIGHT).status == 204


def test_a_gateway_that_is_there_names_the_proxy(start, store, backend):
    """Its class has no parameters: other Gateways of it stay as they are."""
    documents = scene.gateway()
    shown = yaml.safe_load(GATEWAY)
    for it in documents:
        if it["kind"] == "GatewayClass":
            del it["spec"]["parametersRef"]
        else:
            it["metadata"]["namespace"] = "default"
        if it["kind"] == "Gateway":
            it["spec"].update(shown["spec"])
    beside = [scene.backend("authz", backend.port), scene.backend("plain", backend.port), *scene.refusing("plain")]
    envoy = start(*documents, scene.policy(scene.fetched(store)), *beside)
    wait_for(lambda: answers(envoy, 401, "/jwt/"), envoy.log)
    assert is_readable(read(envoy, "/jwt/"))
    assert read(envoy, "/jwt/", method="OPTIONS", **PREFLIGHT).status == 204
    assert 'origin_gate_decisions{check="cors"' in envoy.metrics()


def test_the_overlay_reaches_a_gateway_of_the_gateway_api(stage, backend, tmp_path):
    """Of another namespace, and without the labels of Istio's own."""
    shutil.copytree(FILES / "istio", tmp_path / "istio")
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "kustomization.yaml").write_text(OVERLAY)
    done = subprocess.run([TOOLS / "bin" / "kustomize", "build", tmp_path / "shop"], check=True, capture_output=True, text=True)
    (policy,) = yaml.safe_load_all(done.stdout)
    assert "selector" not in policy["spec"]
    rules = [mesh.route("/backend/", route=mesh.to("plain"))]
    documents = [*mesh.gateway(NAMED), mesh.backend("plain", backend.port), mesh.routes(*rules), mesh.here(policy, MODULE)]
    program = TOOLS / "bin" / "istio-discovery"
    for labels, is_reached in ((NAMED, True), ({**NAMED, next(iter(NAMED)): "other"}, False)):
        plane = Istio(stage, program, ENVOY, MODULE, [*mesh.gateway(labels), *documents[2:]], namespace="shop", labels=labels)
        envoy = plane.envoy()
        wait_for(lambda envoy=envoy: answers(envoy, 200, "/backend/200"), lambda envoy=envoy: envoy.log())
        assert is_readable(read(envoy, "/backend/200")) == is_reached
        envoy.stop()
        plane.stop()
