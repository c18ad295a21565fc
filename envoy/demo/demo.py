"""Starts the demo shop and a real Envoy with Origin Gate in front of it, as `../envoy.yaml` says.

`./build.sh demo` then asks what the two platforms' guides ask, and what they fear; `./build.sh run` leaves both up.
"""

import argparse
import json
import pathlib
import sys
import time

import yaml

import beside
import proxy
from checks import API, APP, FOREIGN, Checks
from harness import CART, free_port, perform

# What people copy: `envoy/`.
FILES = pathlib.Path(__file__).resolve().parents[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("verb", choices=["demo", "run"])
    parser.add_argument("--envoy", required=True, type=pathlib.Path)
    parser.add_argument("--module", required=True, type=pathlib.Path)
    options = parser.parse_args()
    return perform(lambda stage: play(stage, options))


def play(stage, options):
    envoy = start(stage, options)
    if options.verb == "run":
        return stay(envoy)
    return 0 if Checks(envoy).run() else 1


def start(stage, options):
    """The shop, and Envoy in front of it."""
    print("starting the shop: Django, REST framework and Channels on uvicorn")
    if options.verb == "run":
        return run(stage, options.envoy, options.module.resolve())
    shop_port = stage.shop()
    print("starting Envoy with Origin Gate")
    return stage.envoy(options.envoy, envoy_config(shop_port, options.module.resolve(), False))


def run(stage, binary, module, ports=None):
    """The demo for a person: on fixed ports unless others are given, with what explains it beside the shop."""
    shop_port = stage.shop(SHOP_BESIDE=beside.PREFIX)
    config = envoy_config(shop_port, module, True)
    if ports is not None:
        bind(config["static_resources"]["listeners"][0]["address"], ports)
        bind(config["admin"]["address"], ports)
    server = beside.Beside(beside.policy_of(config), lambda: stage.log("run"))
    beside.put_beside(config, server.server_port)
    print("starting Envoy with Origin Gate")
    return stage.envoy(binary, config, name="run")


def envoy_config(shop_port, module, fixed, text=None):
    """`envoy.yaml`, but for the addresses, which are this machine's, and the path of the module; or with the twin."""
    config = yaml.safe_load(shown_by(module, text or (FILES / "envoy.yaml").read_text()))
    listeners, clusters = ({it["name"]: it for it in config["static_resources"][kind]} for kind in ("listeners", "clusters"))
    for listener in listeners.values():
        bind(listener["address"], None if fixed else 0)
    # The listener `stats` must know it beforehand.
    admin_port = None if fixed else free_port()
    bind(config["admin"]["address"], admin_port)
    bind(endpoint(clusters["admin"]), admin_port)
    bind(endpoint(clusters["shop"]), shop_port)
    manager = listeners["web"]["filter_chains"][0]["filters"][0]["typed_config"]
    gate = next(it for it in manager["http_filters"] if it["name"] == "origin_gate")
    configuration = gate["typed_config"]["config"]["configuration"]
    gate["typed_config"]["config"]["vm_config"]["code"]["local"]["filename"] = str(module)
    if proxy.is_native(module):
        gate.update(proxy.twin(module, configuration))
    if fixed:
        let_visitors_in(configuration)
    return config


def shown_by(artefact, text):
    """A configuration whose access log has what the module shows it, or what the twin does."""
    return text.replace("FILTER_STATE(wasm.", "FILTER_STATE(") if proxy.is_native(artefact) else text


def let_visitors_in(configuration):
    """Takes the two names of this machine for hosts, lists the page at one of them, and has it told each decision. On
    them that list alone says who may open a WebSocket or post a form, so that the page at the other is a foreign one."""
    policy = json.loads(configuration["value"])
    policy["allowed_origins"].append("http://localhost:*")
    policy["allowed_hosts"].append("localhost")
    policy["allowed_hosts"].append("127.0.0.1")
    policy["websocket"]["allowed_hosts"] = False
    policy["csrf"] = {}
    policy["debug"] = True
    configuration["value"] = json.dumps(policy, indent=2)


def endpoint(cluster):
    return cluster["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]["address"]


def bind(address, port):
    address["socket_address"]["address"] = "127.0.0.1"
    if port is not None:
        address["socket_address"]["port_value"] = port


def stay(envoy):
    base = f"http://localhost:{envoy.ports['web']}"
    print(
        f"""
Envoy is on {base}, its admin page on http://localhost:{envoy.admin}. Open the shop's page in a browser:

  {base}   an origin that is allowed, for this run alone
  {base.replace("localhost", "127.0.0.1")}   the same page, as one of an origin that is not: it reads nothing of
    the first address, opens no WebSocket and posts no form there; where something is refused, it shows the filter's line
  {base}/demo/   the page that explains (docs/page.md)

Or try:

  # the page of an allowed origin may read an error
  curl -i {base}/api/billing/carts/99999/ -H 'Host: {API}' -H 'Origin: {APP}'

  # its preflight is answered by the filter
  curl -i -X OPTIONS {base}{CART} -H 'Host: {API}' -H 'Origin: {APP}' -H 'Access-Control-Request-Method: PUT'

  # a foreign page opens no WebSocket
  curl -i {base}/ws/chat/ -H 'Host: {API}' -H 'Origin: {FOREIGN}' -H 'Connection: Upgrade' -H 'Upgrade: websocket'

  # Envoy's own answers are readable too
  curl -i {base}/dead/ -H 'Host: {API}' -H 'Origin: {APP}'

  # why: the decisions so far
  curl -s http://localhost:{envoy.admin}/stats/prometheus | grep 'origin_gate_decisions.* [1-9]'

Ctrl-C stops both. Envoy's log follows.
"""
    )
    shown = len(envoy.log())
    while True:
        text = envoy.log()
        print(text[shown:], end="", flush=True)
        shown = len(text)
        time.sleep(0.5)


if __name__ == "__main__":
    sys.exit(main())
