"""What an Envoy answers that a control plane drives."""

from checks import API, APP
from harness import ask


def read(envoy, path, origin=APP, method="GET", host=API, **more):
    return ask(envoy.ports["web"], method, path, {"Host": host, "Origin": origin, **more})


def answers(envoy, status, path="/nothing", **more):
    """Whether it does, and so."""
    try:
        return read(envoy, path, **more).status == status
    except OSError:
        return False
