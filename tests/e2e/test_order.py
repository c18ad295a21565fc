"""Why the filter stands first, and in every `upgrade_configs[].filters`: what is lost where it does not."""

import pytest

import peers
import proxy
import refusals

APP, FOREIGN = "https://app.example", "https://evil.example"
POLICY = {"allowed_origins": [APP], "allowed_hosts": ["api.example"], "cors": {"allow_credentials": True}}
READABLE = {"access-control-allow-origin": APP, "access-control-allow-credentials": "true", "vary": "Origin"}
KINDS = pytest.mark.parametrize("kind", peers.BOTH, ids=lambda it: it.VERSION)

REFUSING = {
    "jwt": refusals.need_token("jwt", "/"),
    "rbac": proxy.http_filter("rbac", "rbac.v3.RBAC", rules={"action": "ALLOW", "policies": {}}),
}
STATUS = {"jwt": 401, "rbac": 403}


@pytest.fixture(scope="module")
def gate(envoy, backend, module, access_log):
    gate = proxy.gate(module, POLICY)
    routes = [proxy.route("/")]

    def listener(name, filters, **more):
        return proxy.listener(name, proxy.manager(filters, routes, access_log.path, **more))

    def upgrades(*filters):
        return {"upgrade_configs": [{"upgrade_type": "websocket", "filters": [*filters, proxy.ROUTER]}]}

    listeners = [
        *(listener(f"before {name}", [gate, refusing]) for name, refusing in REFUSING.items()),
        *(listener(f"after {name}", [refusing, gate]) for name, refusing in REFUSING.items()),
        listener("upgrades with it", [gate], **upgrades(gate)),
        listener("upgrades without it", [gate], **upgrades()),
    ]
    return envoy("order", listeners, [proxy.cluster("backend", backend.port)])


def preflight(kind, port):
    headers = [("Origin", APP), ("Access-Control-Request-Method", "PUT")]
    return peers.ask(kind, port, "OPTIONS", "/backend/200", headers)


@KINDS
@pytest.mark.parametrize("name", REFUSING)
def test_first_preflights_pass_and_refusals_are_readable(gate, kind, name):
    port = gate.ports[f"before {name}"]
    assert preflight(kind, port).status == 204
    answer = peers.ask(kind, port, path="/backend/200", headers=[("Origin", APP)])
    assert (answer.status, answer.cors()) == (STATUS[name], READABLE)


@KINDS
@pytest.mark.parametrize("name", REFUSING)
def test_later_preflights_are_refused_and_nothing_is_readable(gate, kind, name):
    """Which is why the README says: put it first."""
    port = gate.ports[f"after {name}"]
    # Browsers send no token with a preflight.
    answer = preflight(kind, port)
    assert (answer.status, answer.cors()) == (STATUS[name], {})
    answer = peers.ask(kind, port, path="/backend/200", headers=[("Origin", APP)])
    assert (answer.status, answer.cors()) == (STATUS[name], {})


def handshake(kind, port, case):
    with kind(port) as exchange:
        headers = [("Origin", FOREIGN), ("x-case", case)]
        return exchange.start("GET", "/socket/", headers, websocket=True).head().status


@KINDS
def test_upgrade_configs_with_filters_of_their_own(gate, access_log, kind):
    case = f"upgrade with it {kind.VERSION}"
    assert handshake(kind, gate.ports["upgrades with it"], case) == 403
    assert access_log.line(case)["finding"] == "websocket:rejected:origin_not_allowed"


@KINDS
def test_upgrade_configs_that_leave_it_out_let_every_site_in(gate, access_log, kind):
    """That list replaces the chain. Over HTTP/2 the key that the filter would have given is missing too."""
    case = f"upgrade without it {kind.VERSION}"
    assert handshake(kind, gate.ports["upgrades without it"], case) == (101 if kind is peers.Http1 else 400)
    assert access_log.line(case)["finding"] is None
