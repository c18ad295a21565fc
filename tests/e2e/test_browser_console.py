"""The troubleshooting page quotes the browser's console: what it quotes is what a real browser prints."""

import json
import re

import pytest

import browser
import proxy
from test_troubleshooting import HEAD, SECTIONS, blocks, questions

if not browser.find():
    pytest.skip("needs Chromium, which is not installed (on Debian: chromium)", allow_module_level=True)

SITES = ("slykertech.co.zw", "shop.example")
QUOTED = {section.splitlines()[0]: section for section in SECTIONS if blocks(section, "text")}


@pytest.fixture(scope="module")
def chromium(envoy, backend, module, certificate, access_log):
    policy = json.loads(blocks(HEAD, "json")[0])
    servers = {
        "api": proxy.manager([proxy.gate(module, policy)], [proxy.route("/ws/")], access_log.path),
        "sites": browser.site(access_log.path),
    }
    listeners = [proxy.listener(name, it, certificate) for name, it in servers.items()]
    ports = envoy("console", listeners, [proxy.cluster("backend", backend.port)]).ports
    names = {"api.slykertech.co.zw": ports["api"], **dict.fromkeys(SITES, ports["sites"])}
    with browser.chromium(names, certificate) as found:
        yield found


@pytest.mark.parametrize("title", QUOTED)
def test_the_console_prints_it(chromium, title):
    (request, finding), *_ = questions(QUOTED[title])
    headers = dict(request["headers"])
    (message,) = blocks(QUOTED[title], "text")
    url = re.search(r"(?:https|wss)://[^']+", message)[0]
    with browser.visit(chromium, f"{headers['Origin']}/") as page:
        console = browser.Console(page)
        if request.get("websocket"):
            assert page.evaluate("(url) => talk(url, '')", url) == ["error"]
        else:
            asked = headers.get("Access-Control-Request-Headers")
            options = {"headers": {asked: "1"}} if asked else {}
            assert page.evaluate("([url, options]) => read(url, options)", [url, options]) == {"error": "TypeError"}
        assert console.wait_for(message), console.messages
        assert message in console.messages


def test_three_are_quoted():
    assert len(QUOTED) == 3
