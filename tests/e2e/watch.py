"""Waiting until something is so, and which policies an Envoy has loaded."""

import time

import peers
import proxy
from harness import Failure


def wait_for(probe, told):
    end = time.monotonic() + peers.PATIENCE
    while not probe():
        if time.monotonic() > end:
            raise Failure(told())
        time.sleep(0.05)


def show(envoy, module, listener="web"):
    """Sends a request, before which Envoy 1.38 shows nothing of a policy of the twin's."""
    if proxy.is_native(module):
        peers.ask(peers.Http1, envoy.ports[listener], path="/")
