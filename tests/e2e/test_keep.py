"""A policy that stays in force where a later one has an error (`on_refused_update`), where Envoy fetches the module."""

import pytest

import metrics
import peers
import proxy
from dynamic import Dynamic
from store import Store
from watch import wait_for

APP = "https://app.example"
FOREIGN = "https://foreign.example"
KEPT = f"{metrics.PREFIX}origin_gate_policy_kept"


@pytest.fixture
def store(module):
    store = Store(module)
    yield store
    store.server.shutdown()


def gate(module, code, origin, **more):
    filter = proxy.gate(module, {"allowed_origins": [origin], **more})
    filter["typed_config"]["config"]["vm_config"]["code"] = code
    return filter


def granted(port, origin):
    answer = peers.ask(peers.Http1, port, path="/backend/200", headers=[("Origin", origin)])
    return answer.status, dict(answer.headers).get("access-control-allow-origin")


@pytest.fixture
def dynamic(request, stage, backend, module, store):
    if proxy.is_native(module):
        pytest.skip("Envoy asks the twin before it takes a policy")
    clusters = [proxy.cluster("backend", backend.port), proxy.cluster("store", store.port)]
    first = gate(module, store.another(), APP, on_refused_update="keep")
    return Dynamic(stage, first, [proxy.route("/", "backend")], clusters, name=request.node.name)


def test_a_wrong_policy_with_a_module_to_fetch_leaves_the_one_in_force(dynamic, module, store):
    wait_for(
        lambda: granted(dynamic.port, APP) == (200, APP), lambda: f"{granted(dynamic.port, APP)}\n{dynamic.envoy.log()[-2000:]}"
    )
    dynamic.put_listener(gate(module, store.another(), FOREIGN + "/", on_refused_update="keep"))
    wait_for(lambda: "Origin Gate policy refused" in dynamic.envoy.log(), dynamic.envoy.log)
    dynamic.wait_for_stat(KEPT, 1)
    for _ in range(20):
        assert granted(dynamic.port, APP) == (200, APP)
        assert granted(dynamic.port, FOREIGN) == (200, None)
    assert "Origin Gate policy kept digest=" in dynamic.envoy.log()
    dynamic.put_listener(gate(module, store.another(), FOREIGN, on_refused_update="keep"))
    wait_for(lambda: granted(dynamic.port, FOREIGN) == (200, FOREIGN), lambda: dynamic.envoy.log()[-3000:])
    assert dynamic.stat(KEPT) == 0


def test_without_keep_everything_is_refused_then(stage, backend, module, store, dynamic):
    wait_for(lambda: granted(dynamic.port, APP) == (200, APP), lambda: dynamic.envoy.log()[-2000:])
    dynamic.put_listener(gate(module, store.another(), APP))
    wait_for(lambda: dynamic.envoy.log().count("Origin Gate policy loaded") == 2, lambda: dynamic.envoy.log()[-3000:])
    wait_for(lambda: granted(dynamic.port, APP) == (200, APP), lambda: dynamic.envoy.log()[-2000:])
    dynamic.put_listener(gate(module, store.another(), FOREIGN + "/"))
    wait_for(lambda: granted(dynamic.port, APP)[0] == 503, lambda: f"{granted(dynamic.port, APP)}\n{dynamic.envoy.log()[-3000:]}")
