"""What an Envoy answers that a control plane drives."""

from checks import API, APP, CORS_HEADERS, FOREIGN
from harness import ask
from traffic import APP as LISTED
from traffic import NEW, OLD

PREFLIGHT = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization"}
# Of the policies in `traffic`.
HOST = "api.example"


def read(envoy, path, origin=APP, method="GET", host=API, **more):
    return ask(envoy.ports["web"], method, path, {"Host": host, "Origin": origin, **more})


def answers(envoy, status, path="/nothing", **more):
    """Whether it does, and so."""
    try:
        return read(envoy, path, **more).status == status
    except OSError:
        return False


def is_readable(answer):
    found = {it: answer.headers.get(it) for it in ("access-control-allow-origin", "access-control-allow-credentials")}
    return found == {it: CORS_HEADERS[it] for it in found}


def assert_refusal_is_readable(envoy, path, status, **sent):
    """For a page of a listed origin, for no other; and what refuses there refuses no preflight."""
    answer = read(envoy, path, **sent)
    assert (answer.status, is_readable(answer)) == (status, True), answer.headers
    foreign = read(envoy, path, FOREIGN, **sent)
    assert (foreign.status, "access-control-allow-origin" in foreign.headers) == (status, False)
    preflight = read(envoy, path, method="OPTIONS", **PREFLIGHT)
    assert (preflight.status, is_readable(preflight)) == (204, True), preflight.headers


def assert_cors_of_theirs_answers_nothing(envoy):
    theirs = "https://theirs.example"
    assert read(envoy, "/cors/", theirs, "OPTIONS", **PREFLIGHT).status == 403
    assert "access-control-allow-origin" not in read(envoy, "/cors/backend/200", theirs).headers


def may_read(envoy):
    """Over connections of their own, under a policy in `traffic`."""
    origins = [LISTED, OLD, NEW]
    found = [read(envoy, "/items", it, host=HOST).headers.get("access-control-allow-origin") for it in origins]
    return set(found) - {None}


def is_in_force(envoy, *origins):
    try:
        return may_read(envoy) == set(origins)
    except OSError:
        return False
