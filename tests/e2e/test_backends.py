"""Backends and filters that decide on CORS themselves: what the policy says is what the page gets."""

import pathlib

import pytest

import metrics
import peers
import proxy
from harness import CART, ask

APP, FOREIGN = "https://app.example", "https://evil.example"
POLICY = {
    "allowed_origins": [APP],
    "allowed_hosts": ["api.example"],
    "cors": {"allow_credentials": True, "expose_headers": ["x-total"]},
}
KEEP = {**POLICY, "cors": {**POLICY["cors"], "upstream_headers": "keep"}}
ACAO, ACAC = "access-control-allow-origin", "access-control-allow-credentials"
GRANTED = {ACAO: APP, ACAC: "true", "access-control-expose-headers": "x-total"}

# What a backend sends, and the `Vary` that goes out.
BACKENDS = {
    "nothing": ([], "Origin"),
    "*": ([("Access-Control-Allow-Origin", "*")], "Origin"),
    "* with credentials": ([(ACAO, "*"), (ACAC, "true")], "Origin"),
    "two origins": ([(ACAO, APP), (ACAO, FOREIGN)], "Origin"),
    "two origins in one line": ([(ACAO, f"{APP}, {FOREIGN}")], "Origin"),
    "another origin, with credentials": ([(ACAO, FOREIGN), (ACAC, "true"), ("Vary", "Origin")], "Origin"),
    "all that a preflight has": (
        [
            (ACAO, "*"),
            ("Access-Control-Allow-Methods", "*"),
            ("ACCESS-CONTROL-ALLOW-HEADERS", "*"),
            ("Access-Control-Max-Age", "600"),
            ("Access-Control-Expose-Headers", "*"),
            ("Access-Control-Allow-Private-Network", "true"),
        ],
        "Origin",
    ),
    "vary in lower case": ([("vary", "origin")], "origin"),
    "vary twice": ([("vary", "accept-encoding"), ("Vary", "cookie")], "accept-encoding, cookie, Origin"),
    "vary twice, one by origin": ([("Vary", "Accept-Encoding"), ("vary", "ORIGIN")], "Accept-Encoding, ORIGIN"),
    "vary by everything": ([("Vary", "*")], "*"),
    "vary by a longer name": ([("Vary", "X-Origin")], "X-Origin, Origin"),
}
# The ones that say who may read the answer, as `keep` sends them on.
KEPT = {name: sent for name, (sent, _) in BACKENDS.items() if any(it.lower() == ACAO for it, _ in sent)}


@pytest.fixture(scope="module")
def gate(envoy, stage, backend, module, access_log):
    here = str(pathlib.Path(__file__).parent)
    shop = stage.shop(DJANGO_SETTINGS_MODULE="permissive_settings", PYTHONPATH=here)
    everybody = {
        "cors": proxy.typed(
            proxy.FILTERS + "cors.v3.CorsPolicy",
            allow_origin_string_match=[{"safe_regex": {"regex": ".*"}}],
            allow_credentials=True,
            allow_methods="*",
            expose_headers="*",
        )
    }
    routes = [proxy.route("/backend/"), proxy.route("/api/", "shop")]
    native = [proxy.route("/backend/", filters=everybody)]
    after = proxy.http_filter("cors", "cors.v3.Cors")
    gate = proxy.gate(module, POLICY)
    listeners = [
        proxy.listener("replace", proxy.manager([gate], routes, access_log.path)),
        proxy.listener("keep", proxy.manager([proxy.gate(module, KEEP)], routes, access_log.path)),
        proxy.listener("native", proxy.manager([gate, after], native, access_log.path, stat_prefix="native")),
        proxy.listener("only-native", proxy.manager([after], native, access_log.path)),
    ]
    running = envoy("backends", listeners, [proxy.cluster("backend", backend.port), proxy.cluster("shop", shop)])
    running.shop = shop
    return running


def fetch(gate, listener, kind, status, sent, origin):
    query = "&".join(f"header={name}: {value}".replace(" ", "%20").replace(",", "%2C") for name, value in sent)
    path = f"/backend/{status}?{query}"
    answer = peers.ask(kind, gate.ports[listener], path=path, headers=[("Origin", origin)] if origin else [])
    assert answer.status == status
    return answer.cors()


@pytest.mark.parametrize("kind", peers.BOTH, ids=lambda it: it.VERSION)
@pytest.mark.parametrize("status", [200, 204, 304, 404, 500])
@pytest.mark.parametrize("name", BACKENDS)
def test_replaced(gate, kind, status, name):
    sent, vary = BACKENDS[name]
    for origin, granted in ((APP, GRANTED), (FOREIGN, {}), (None, {})):
        assert fetch(gate, "replace", kind, status, sent, origin) == {**granted, "vary": vary}, origin


def test_what_is_taken_away_is_told_with_the_line_that_keeps_it(gate):
    counter = f"{metrics.PREFIX}origin_gate_removed_backend_grants"
    before = gate.counted(counter)[counter]
    sent = [("Access-Control-Expose-Headers", "X-Taken, x-total")]
    for listener in ("keep", "replace"):
        fetch(gate, listener, peers.Http2, 200, [(ACAO, APP), *sent], APP)
    line = 'Backend\'s grant removed header=access-control-expose-headers value="X-Taken" fix="if pages may read it, list it by'
    assert gate.log().count(line) == 1, "by the listener that replaces, and not by the one that keeps"
    assert gate.counted(counter)[counter] == before + 1


@pytest.mark.parametrize("kind", peers.BOTH, ids=lambda it: it.VERSION)
@pytest.mark.parametrize("name", KEPT)
def test_kept(gate, kind, name):
    sent, vary = BACKENDS[name]
    lines = {}
    for it, value in sent:
        if it.lower() != "vary":
            lines[it.lower()] = f"{lines[it.lower()]}, {value}" if it.lower() in lines else value
    for origin in (APP, FOREIGN, None):
        assert fetch(gate, "keep", kind, 404, sent, origin) == {**lines, "vary": vary}, origin
    assert fetch(gate, "keep", kind, 404, [(ACAC, "true")], FOREIGN) == {"vary": "Origin"}
    assert fetch(gate, "keep", kind, 404, [], APP) == {**GRANTED, "vary": "Origin"}


@pytest.mark.parametrize("kind", peers.BOTH, ids=lambda it: it.VERSION)
def test_envoys_own_cors_filter_behind_decides_nothing(gate, kind):
    # It would let everybody in, as the second listener shows.
    assert fetch(gate, "only-native", kind, 200, [], FOREIGN)[ACAO] == FOREIGN
    for origin, granted in ((APP, GRANTED), (FOREIGN, {})):
        assert fetch(gate, "native", kind, 200, [], origin) == {**granted, "vary": "Origin"}
    seen = gate.stats("http.native.cors.")["http.native.cors.origin_valid"]
    for origin, status in ((APP, 204), (FOREIGN, 403)):
        headers = [("Origin", origin), ("Access-Control-Request-Method", "PUT")]
        answer = peers.ask(kind, gate.ports["native"], "OPTIONS", "/backend/200", headers)
        assert (answer.status, answer.value(ACAO)) == (status, APP if status == 204 else None)
    assert seen >= 2, "it did not run at all"
    assert gate.stats("http.native.cors.")["http.native.cors.origin_valid"] == seen, "preflights do not reach it"


@pytest.mark.parametrize("kind", peers.BOTH, ids=lambda it: it.VERSION)
def test_django_cors_headers_behind_decides_nothing(gate, kind):
    # It would let everybody in, as Django itself shows.
    alone = ask(gate.shop, "GET", CART, {"Host": "api.example", "Origin": FOREIGN})
    assert (alone.headers[ACAO], alone.headers[ACAC]) == (FOREIGN, "true")
    for path, status in ((CART, 200), ("/api/billing/carts/99999/", 404), ("/api/boom/", 500)):
        for origin, granted in ((APP, GRANTED), (FOREIGN, {})):
            answer = peers.ask(kind, gate.ports["replace"], path=path, headers=[("Origin", origin)])
            assert answer.status == status
            cors = answer.cors()
            names = [it.strip().lower() for it in cors.pop("vary").split(",")]
            assert (cors, names.count("origin")) == (granted, 1), (path, origin)
    headers = [("Origin", FOREIGN), ("Access-Control-Request-Method", "PUT")]
    assert ask(gate.shop, "OPTIONS", CART, {"Host": "api.example", **dict(headers)}).status == 200
    answer = peers.ask(kind, gate.ports["replace"], "OPTIONS", CART, headers)
    assert (answer.status, [it for it in answer.cors() if it != "vary"]) == (403, [])
