"""Varnish in front, with its built-in rules: it keeps no answer of the filter's own."""

import shutil

import pytest

import peers
import proxy
from harness import free_port

VARNISH = shutil.which("varnishd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
# Of the statuses that a host may be refused with, this is the one that caches keep by themselves.
POLICY = {
    "allowed_hosts": ["api.example"],
    "allowed_origins": ["https://app.example"],
    "hosts": {"reject_status": 404},
}


@pytest.fixture(scope="module")
def ports(envoy, stage, backend, module):
    if VARNISH is None:
        pytest.skip("Varnish is not installed (Debian: apt install varnish)")
    gate = proxy.gate(module, POLICY)
    taken_out = {"name": "envoy.filters.http.header_mutation"}
    taken_out["typed_config"] = proxy.typed(
        "envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
        mutations={"response_mutations": [{"remove": "cache-control"}]},
    )
    routes = [proxy.route("/backend/")]
    listeners = [
        proxy.listener("kept-out", proxy.manager([gate], routes)),
        proxy.listener("without-the-header", proxy.manager([taken_out, gate], routes)),
    ]
    running = envoy("caches", listeners, [proxy.cluster("backend", backend.port)])
    return {name: varnish(stage, running.ports[name], f"varnish-{number}") for number, name in enumerate(running.ports)}


def varnish(stage, port, name):
    own, folder = free_port(), stage.folder / name
    stage.folder.chmod(0o711)
    command = [VARNISH, "-F", "-j", "none", "-n", folder, "-a", f"127.0.0.1:{own}", "-b", f"127.0.0.1:{port}", "-t", "60"]
    process = stage.start(name, command)
    stage.wait_for(lambda: peers.ask(peers.Http1, own, path="/backend/200").status == 200, name, process)
    return own


def is_kept(port, path, host=peers.HOST):
    """The status, and whether the second answer is the first one: Varnish then names both requests."""
    answers = [peers.ask(peers.Http1, port, path=path, host=host) for _ in range(2)]
    assert answers[0].status == answers[1].status
    return answers[0].status, len(answers[1].value("x-varnish").split()) == 2


def test_a_refusal_is_not_kept(ports):
    refused = ["/backend/200?refused", "evil.example"]
    assert is_kept(ports["without-the-header"], *refused) == (404, True), "nothing is kept at all"
    assert is_kept(ports["kept-out"], *refused) == (404, False)


def test_what_goes_through_is_kept_as_ever(ports):
    assert is_kept(ports["kept-out"], "/backend/200?kept") == (200, True)
