"""Waiting until something is so, and which policies an Envoy has loaded."""

import re
import time

import peers
from harness import Failure


def wait_for(probe, told):
    end = time.monotonic() + peers.PATIENCE
    while not probe():
        if time.monotonic() > end:
            raise Failure(told())
        time.sleep(0.05)


def digests(envoy):
    """The policies that were loaded, as the log tells."""
    return re.findall(r"Origin Gate policy loaded .*digest=(\w+)", envoy.log())
