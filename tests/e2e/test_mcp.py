"""A server of the Model Context Protocol that looks at neither Host nor Origin, behind the filter.

The official conformance suite is asked where `MCP_CONFORMANCE` is its command: `npm install @modelcontextprotocol/conformance
node@22` in a folder, then `node_modules/node/bin/node node_modules/.bin/conformance`.
"""

import os
import shlex
import subprocess

import pytest

import peers
import proxy

LOCAL = {
    "allowed_hosts": ["localhost", "127.0.0.1", "[::1]"],
    "allowed_origins": ["https://inspector.example"],
    "cors": {"presets": ["mcp"]},
    "csrf": {},
}


@pytest.fixture(scope="module")
def gate(envoy, backend, module, access_log):
    web = proxy.manager([proxy.gate(module, LOCAL)], [proxy.route("/backend/")], access_log.path)
    return envoy("mcp", [proxy.listener("mcp", web)], [proxy.cluster("backend", backend.port)])


def test_the_official_suite_sees_no_dns_rebinding(gate, tmp_path):
    if "MCP_CONFORMANCE" not in os.environ:
        pytest.skip("needs MCP_CONFORMANCE, the command of the official conformance suite")
    url = f"http://localhost:{gate.ports['mcp']}/backend/200"
    call = [*shlex.split(os.environ["MCP_CONFORMANCE"]), "server", "--url", url, "--scenario", "dns-rebinding-protection"]
    told = subprocess.run(call, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert told.returncode == 0 and "2/2" in told.stdout + told.stderr, told.stdout + told.stderr


@pytest.mark.parametrize("kind", peers.BOTH, ids=lambda it: it.VERSION)
def test_a_tools_own_headers_are_granted_by_name(gate, kind):
    asked = "mcp-method,mcp-name,mcp-param-city,mcp-param-x-y"
    headers = [
        ("Origin", "https://inspector.example"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", asked),
    ]
    answer = peers.ask(kind, gate.ports["mcp"], "OPTIONS", "/backend/200", headers, host="localhost")
    granted = answer.value("access-control-allow-headers").split(", ")
    assert answer.status == 204 and set(asked.split(",")) <= set(granted), granted
