"""A policy that stays in force where a later one has an error (`on_refused_update`), where Envoy fetches the module."""

import hashlib
import http.server
import threading

import pytest

import metrics
import peers
import proxy
from dynamic import Dynamic
from watch import wait_for

APP = "https://app.example"
FOREIGN = "https://foreign.example"
KEPT = f"{metrics.PREFIX}origin_gate_policy_kept"


class Store:
    """Modules by HTTP, each under its digest: the same code with a section of its own, so that Envoy has to fetch it."""

    def __init__(self, module):
        self.module, self.files = module.read_bytes(), {}
        files = self.files

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(200)
                self.send_header("content-length", str(len(files[self.path])))
                self.end_headers()
                self.wfile.write(files[self.path])

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def another(self):
        """The code of a module that nobody has fetched."""
        name = f"copy{len(self.files)}".encode()
        section = bytes([len(name)]) + name
        data = self.module + bytes([0, len(section)]) + section
        digest = hashlib.sha256(data).hexdigest()
        self.files[f"/{digest}"] = data
        uri = {"uri": f"http://127.0.0.1:{self.port}/{digest}", "cluster": "store", "timeout": "10s"}
        return {"remote": {"http_uri": uri, "sha256": digest}}


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
