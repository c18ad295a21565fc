"""The manifests of `envoy/istio` on Istio's own discovery server, which drives a real Envoy."""

import pytest

import mesh
from checks import CORS_HEADERS, FOREIGN, Checks
from conftest import ENVOY, MODULE, TOOLS, TWIN
from driven import answers, read
from istio import Istio
from watch import wait_for

PREFLIGHT = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization"}


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


def is_readable(answer):
    found = {it: answer.headers.get(it) for it in ("access-control-allow-origin", "access-control-allow-credentials")}
    return found == {it: CORS_HEADERS[it] for it in found}


def test_the_demo_is_what_it_is_elsewhere(gateway):
    assert Checks(gateway).run()


@pytest.mark.parametrize("who, status", [("jwt", 401), ("rbac", 403), ("fault", 503), ("limit", 429)])
def test_what_refuses_is_readable_and_refuses_no_preflight(gateway, who, status):
    sent = {"Authorization": "Bearer no.such.token"} if who == "jwt" else {}
    if who == "limit":
        read(gateway, "/limit/backend/200")
    answer = read(gateway, f"/{who}/", **sent)
    assert (answer.status, is_readable(answer)) == (status, True), answer.headers
    foreign = read(gateway, f"/{who}/", FOREIGN, **sent)
    assert (foreign.status, "access-control-allow-origin" in foreign.headers) == (status, False)
    preflight = read(gateway, f"/{who}/", method="OPTIONS", **PREFLIGHT)
    assert (preflight.status, is_readable(preflight)) == (204, True), preflight.headers


def test_what_istio_puts_in_front_cannot_be_read(gateway):
    """An AuthorizationPolicy of CUSTOM: its filter stands before all extensions, but not before what is inserted first."""
    answer = read(gateway, "/custom/")
    assert (answer.status, is_readable(answer)) == (403, gateway.is_first), answer.headers
    preflight = read(gateway, "/custom/", method="OPTIONS", **PREFLIGHT)
    assert (preflight.status, is_readable(preflight)) == ((204, True) if gateway.is_first else (403, False))


def test_cors_of_theirs_answers_nothing(gateway):
    theirs = "https://theirs.example"
    assert read(gateway, "/cors/", theirs, "OPTIONS", **PREFLIGHT).status == 403
    assert "access-control-allow-origin" not in read(gateway, "/cors/backend/200", theirs).headers


def test_what_has_no_route_is_readable(gateway):
    answer = read(gateway, "/nothing")
    assert (answer.status, is_readable(answer)) == (404, True)
