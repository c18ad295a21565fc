"""What `./build.sh run` serves beside the shop, below `/demo/` on the same address: the page that explains, the policy in force and
the filter's log, so that the shop's page can say what must happen and why it did.
"""

import functools
import http.server
import json
import pathlib
import threading

PREFIX = "/demo/"
PAGE = pathlib.Path(__file__).resolve().parents[2] / "dist/page"
LINES = 200  # the last of the filter's lines


class Beside(http.server.ThreadingHTTPServer):
    """A server of files, and of what it is told of an Envoy."""

    daemon_threads = True

    def __init__(self, policy, log):
        self.policy, self.log = policy, log
        super().__init__(("127.0.0.1", 0), functools.partial(Handler, directory=str(PAGE)))
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def decisions(self):
        lines = self.log().splitlines()
        return [it for it in lines if " reason=" in it and " rejected " in it][-LINES:]


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        self.path = "/" + self.path.removeprefix(PREFIX)
        if self.path == "/policy":
            return self.answer(self.server.policy, "application/json")
        if self.path == "/log":
            return self.answer(json.dumps(self.server.decisions()), "application/json")
        return super().do_GET()

    def answer(self, text, kind):
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def end_headers(self):
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, *_):
        pass


def put_beside(config, port):
    """A route to it before all others, in the configuration of an Envoy."""
    resources = config["static_resources"]
    web = next(it for it in resources["listeners"] if it["name"] == "web")
    manager = web["filter_chains"][0]["filters"][0]["typed_config"]
    routes = manager["route_config"]["virtual_hosts"][0]["routes"]
    routes.insert(0, {"match": {"prefix": PREFIX}, "route": {"cluster": "beside"}})
    place = {"address": {"socket_address": {"address": "127.0.0.1", "port_value": port}}}
    load = {"cluster_name": "beside", "endpoints": [{"lb_endpoints": [{"endpoint": place}]}]}
    resources["clusters"].append({"name": "beside", "type": "STATIC", "connect_timeout": "1s", "load_assignment": load})


def policy_of(config):
    """The policy in a configuration, of the module or of the twin."""
    web = next(it for it in config["static_resources"]["listeners"] if it["name"] == "web")
    manager = web["filter_chains"][0]["filters"][0]["typed_config"]
    gate = next(it for it in manager["http_filters"] if it["name"] == "origin_gate")["typed_config"]
    return (gate.get("filter_config") or gate["config"]["configuration"])["value"]
