"""The manifests of `envoy/istio` on Istio's own discovery server, which drives a real Envoy."""

import pytest

import mesh
from checks import Checks
from conftest import ENVOY, MODULE, TOOLS, TWIN
from driven import PREFLIGHT, answers, assert_cors_of_theirs_answers_nothing, assert_refusal_is_readable, is_readable, read
from istio import Istio
from watch import wait_for


@pytest.fixture(scope="module", params=["trafficextension", "wasmplugin", "native"])
def gateway(request, stage, shop, dead, backend):
    """With everything that a mesh may have beside the filter."""
    rules, beside = mesh.refusing("plain")
    limit = mesh.route("/limit/", name="limit", rewrite={"uri": "/"}, route=mesh.to("plain"))
    is_native = request.param == "native"
    documents = [
        *mesh.gateway(),
        mesh.native(TWIN) if is_native else mesh.policy(request.param, MODULE),
        *(mesh.backend(name, port) for name, port in {"shop": shop, "dead": dead, "plain": backend.port}.items()),
        mesh.routes(*mesh.demo(), *rules, limit),
        mesh.denied("/internal/"),
        mesh.limited(),
        *beside,
    ]
    authz = {"service": "plain.local", "port": 80, "pathPrefix": "/backend/403?"}
    artefact, providers = TWIN if is_native else MODULE, [{"name": "refusing", "envoyExtAuthzHttp": authz}]
    plane = Istio(stage, TOOLS / "bin" / "istio-discovery", ENVOY, artefact, documents, providers)
    envoy = plane.envoy()
    wait_for(lambda: answers(envoy, 404), lambda: envoy.log() + stage.log(plane.name))
    envoy.is_first = is_native
    yield envoy
    envoy.stop()
    plane.stop()


def test_the_demo_is_what_it_is_elsewhere(gateway):
    assert Checks(gateway).run()


@pytest.mark.parametrize("who, status", [("jwt", 401), ("rbac", 403), ("fault", 503), ("limit", 429)])
def test_what_refuses_is_readable_and_refuses_no_preflight(gateway, who, status):
    sent = {"Authorization": "Bearer no.such.token"} if who == "jwt" else {}
    if who == "limit":
        read(gateway, "/limit/backend/200")
    assert_refusal_is_readable(gateway, f"/{who}/", status, **sent)


def test_what_istio_puts_in_front_cannot_be_read(gateway):
    """An AuthorizationPolicy of CUSTOM: its filter stands before all extensions, but not before what is inserted first."""
    answer = read(gateway, "/custom/")
    assert (answer.status, is_readable(answer)) == (403, gateway.is_first), answer.headers
    preflight = read(gateway, "/custom/", method="OPTIONS", **PREFLIGHT)
    assert (preflight.status, is_readable(preflight)) == ((204, True) if gateway.is_first else (403, False))


def test_cors_of_theirs_answers_nothing(gateway):
    assert_cors_of_theirs_answers_nothing(gateway)


def test_what_has_no_route_is_readable(gateway):
    answer = read(gateway, "/nothing")
    assert (answer.status, is_readable(answer)) == (404, True)
