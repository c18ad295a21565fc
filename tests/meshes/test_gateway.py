"""The manifests of `envoy/envoy-gateway` on a real Envoy Gateway, which drives a real Envoy."""

import pytest

import scene
from checks import Checks
from driven import answers, assert_cors_of_theirs_answers_nothing, assert_refusal_is_readable, is_readable, read
from watch import wait_for


@pytest.fixture(scope="module")
def gateway(plane, store, shop, dead, backend):
    """With everything that a cluster may have beside the filter."""
    others = [scene.backend("authz", backend.port), scene.backend("plain", backend.port)]
    policy = scene.policy(scene.fetched(store))
    plane.put(*scene.gateway(), policy, *scene.demo(shop, dead), *others, *scene.refusing("plain"))
    envoy = plane.envoy()
    wait_for(lambda: answers(envoy, 404), plane.log)
    return envoy


def test_the_demo_is_what_it_is_elsewhere(gateway):
    assert Checks(gateway).run()


@pytest.mark.parametrize(
    "who, status",
    [("jwt", 401), ("basic", 401), ("key", 401), ("authz", 403), ("fault", 503), ("limit", 429), ("both", 401)],
)
def test_what_refuses_is_readable_and_refuses_no_preflight(gateway, who, status):
    if who == "limit":
        read(gateway, "/limit/backend/200")
    assert_refusal_is_readable(gateway, f"/{who}/", status)


def test_cors_of_theirs_answers_nothing(gateway):
    assert_cors_of_theirs_answers_nothing(gateway)


def test_what_is_put_over_an_answer_passes_no_filter(gateway):
    answer = read(gateway, "/override/backend/404")
    assert (answer.status, answer.body) == (404, "overridden")
    assert not is_readable(answer)
