"""A compiled policy in force, changed and refused, written here as `docs/compiled.md` says and not by the command."""

import base64
import json

import pytest

from manifests import APP, FOREIGN, POLICY, Hot, granted

NEW = "https://new.example"
OTHERS = ["https://a.example", "https://b.example:8443", "http://localhost:8080"]


def fnv(data):
    found = 0xCBF29CE484222325
    for byte in data:
        found = (found ^ byte) * 0x100000001B3 % 2**64
    return f"{found:016x}".encode()


def line(origin):
    scheme, host, *port = origin.replace("://", ":").split(":")
    return " ".join([host, "" if scheme == "https" else scheme, *port]).rstrip(" ").encode()


def compiled(*origins):
    policy = json.dumps({**POLICY, "allowed_origins": ["@0"]}).encode()
    body = b"\n".join([b"0" * 16, policy, *sorted(map(line, [*OTHERS, *origins])), b"", b""])
    return b"\n".join([b"origin-gate compiled 1", fnv(body), body])


def bytes_value(policy):
    return policy


def inline(policy):
    return {"compiled": base64.b64encode(policy).decode()}


@pytest.mark.parametrize("form", [bytes_value, inline])
def test_it_is_in_force_and_changed(stage, binary, backend, module, form):
    hot = Hot(stage, binary, backend.port, module, f"compiled-{form.__name__}", form(compiled(APP)))
    hot.wait_for_policy(1)
    assert granted(hot.web, APP) and not granted(hot.web, NEW)
    assert "compiled_from=0000000000000000" in hot.envoy.log()
    hot.put(form(compiled(APP, NEW)))
    hot.wait_for_policy(2)
    for origin in [APP, NEW, *OTHERS]:
        assert granted(hot.web, origin), origin
    assert not granted(hot.web, FOREIGN)


@pytest.mark.parametrize("form", [bytes_value, inline])
def test_one_that_is_broken_is_refused(stage, binary, backend, module, form):
    hot = Hot(stage, binary, backend.port, module, f"broken-{form.__name__}", form(compiled(APP)))
    hot.wait_for_policy(1)
    hot.put(form(compiled(APP, NEW)[:-3]))
    hot.wait_for_stat("config_fail", 1)
    assert "Origin Gate policy refused, errors=1" in hot.envoy.log()
    assert granted(hot.web, APP) and not granted(hot.web, NEW), "the one before stays"
