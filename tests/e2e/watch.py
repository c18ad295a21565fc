"""What an Envoy tells of its policies, and waiting until it does."""

import re
import time

import peers
from stage import Failure, ask


def wait_for(probe, told):
    end = time.monotonic() + peers.PATIENCE
    while not probe():
        if time.monotonic() > end:
            raise Failure(told())
        time.sleep(0.05)


def vms(envoy):
    """The VMs that hold each policy, as Prometheus is told."""
    text = ask(envoy.admin, "GET", "/stats/prometheus").body
    return {digest: int(count) for digest, count in re.findall(r'^origin_gate_policy_vms\{digest="(\w+)"\} (\d+)$', text, re.M)}


def digests(envoy):
    """The policies that were loaded, as the log tells."""
    return re.findall(r"Origin Gate policy loaded .*digest=(\w+)", envoy.log())
