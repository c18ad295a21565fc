"""The cart that loses its session: a cookie that browsers drop in another site's page is told and counted."""

import pathlib

import pytest

import metrics
import peers
import proxy
from harness import CART

APP = "https://app.example"
POLICY = {"allowed_origins": [APP], "allowed_hosts": ["api.example"], "cors": {"allow_credentials": True}}
COUNTER = f"{metrics.PREFIX}origin_gate_answers_with_dropped_cookies"
LINE = 'Cookie dropped by browsers name="sessionid" origin="https://app.example" fix="set it with SameSite=None; Secure'


@pytest.fixture(scope="module")
def gate(envoy, stage, module, access_log):
    here = str(pathlib.Path(__file__).parent)
    shops = {"marked": stage.shop(), "lax": stage.shop(DJANGO_SETTINGS_MODULE="lax_settings", PYTHONPATH=here)}
    listeners = [
        proxy.listener(name, proxy.manager([proxy.gate(module, POLICY)], [proxy.route("/", name)], access_log.path))
        for name in shops
    ]
    # One worker, so that the log has each cookie's name once.
    return envoy("cookies", listeners, [proxy.cluster(*shop) for shop in shops.items()], concurrency=1)


def test_it_is_counted_each_time_and_told_once(gate):
    def visit(shop, *headers):
        answer = peers.ask(peers.Http2, gate.ports[shop], path=CART, headers=[("Origin", APP), *headers])
        assert answer.status == 200 and answer.value("set-cookie").startswith("sessionid=")
        return gate.counted(COUNTER)[COUNTER], gate.log().count(LINE)

    assert visit("marked", ("Sec-Fetch-Site", "cross-site")) == (0, 0)
    assert visit("lax", ("Sec-Fetch-Site", "same-site")) == (0, 0)
    assert visit("lax", ("Sec-Fetch-Site", "cross-site")) == (1, 1)
    assert visit("lax", ("Sec-Fetch-Site", "cross-site")) == (2, 1)
    assert visit("lax") == (3, 1), "a browser that does not say"
    assert gate.log().count("Cookie dropped") == 1
