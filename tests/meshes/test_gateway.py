"""The manifests of `envoy/envoy-gateway` on a real Envoy Gateway, which drives a real Envoy."""

import pytest

import scene
from checks import CORS_HEADERS, FOREIGN, Checks
from driven import answers, read
from watch import wait_for

PREFLIGHT = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization"}


@pytest.fixture(scope="module")
def gateway(plane, store, shop, dead, backend):
    """With everything that a cluster may have beside the filter."""
    others = [scene.backend("authz", backend.port), scene.backend("plain", backend.port)]
    policy = scene.policy(scene.fetched(store))
    plane.put(*scene.gateway(), policy, *scene.demo(shop, dead), *others, *scene.refusing("plain"))
    envoy = plane.envoy()
    wait_for(lambda: answers(envoy, 404), plane.log)
    return envoy


def is_readable(answer):
    found = {it: answer.headers.get(it) for it in ("access-control-allow-origin", "access-control-allow-credentials")}
    return found == {it: CORS_HEADERS[it] for it in found}


def test_the_demo_is_what_it_is_elsewhere(gateway):
    assert Checks(gateway).run()


@pytest.mark.parametrize(
    "who, status",
    [("jwt", 401), ("basic", 401), ("key", 401), ("authz", 403), ("fault", 503), ("limit", 429), ("both", 401)],
)
def test_what_refuses_is_readable_and_refuses_no_preflight(gateway, who, status):
    if who == "limit":
        read(gateway, "/limit/backend/200")
    answer = read(gateway, f"/{who}/")
    assert (answer.status, is_readable(answer)) == (status, True), answer.headers
    foreign = read(gateway, f"/{who}/", FOREIGN)
    assert (foreign.status, "access-control-allow-origin" in foreign.headers) == (status, False)
    preflight = read(gateway, f"/{who}/", method="OPTIONS", **PREFLIGHT)
    assert (preflight.status, is_readable(preflight)) == (204, True), preflight.headers


def test_cors_of_theirs_answers_nothing(gateway):
    theirs = "https://theirs.example"
    assert read(gateway, "/cors/", theirs, "OPTIONS", **PREFLIGHT).status == 403
    assert "access-control-allow-origin" not in read(gateway, "/cors/backend/200", theirs).headers


def test_what_is_put_over_an_answer_passes_no_filter(gateway):
    answer = read(gateway, "/override/backend/404")
    assert (answer.status, answer.body) == (404, "overridden")
    assert not is_readable(answer)
