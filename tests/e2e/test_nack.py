"""Envoy's own way to judge a policy whose module it has to fetch (`nack_on_code_cache_miss`): it refuses what it has no code
for, fetches it, and takes or refuses the policy when the control plane sends it again."""

import itertools

import pytest

import proxy
from dynamic import DISCOVERY, LDS, Dynamic
from test_keep import APP, FOREIGN, gate, granted, store
from watch import wait_for

__all__ = ["store"]  # the fixture


class Asked(Dynamic):
    """Its filter comes with the listener (LDS) or by itself (ECDS)."""

    def __init__(self, by, module, store, stage, backend, name):
        self.by, self.module, self.numbers = by, module, itertools.count()
        self.first, self.sent = (store.another(), APP), None
        self.sent = self.filter(*self.first)
        clusters = [proxy.cluster("backend", backend.port), proxy.cluster("store", store.port)]
        super().__init__(stage, self.sent, [proxy.route("/", "backend")], clusters, name=name)

    def filter(self, code, origin):
        """By ECDS no two are the same: the same that was refused is not read again."""
        number = next(self.numbers) if self.by == "ECDS" else 0
        filter = gate(self.module, code, origin, allowed_hosts=["api.example", f"{number}.example"])
        filter["typed_config"]["config"]["vm_config"]["nack_on_code_cache_miss"] = True
        return filter

    def put_listener(self, gate):
        super().put_listener(self.sent if self.by == "LDS" else gate)

    def send(self, code, origin):
        """Whether Envoy took it."""
        self.sent, (taken, refused) = self.filter(code, origin), self.outcome()
        (self.put_listener if self.by == "LDS" else self.put_gate)(self.sent)
        wait_for(lambda: self.outcome() != (taken, refused), lambda: self.envoy.log()[-2000:])
        return self.outcome()[1] == refused

    def outcome(self):
        """How often it took one, and how often it refused one."""
        prefix = LDS if self.by == "LDS" else DISCOVERY
        return self.stat(f"{prefix}.update_success"), self.stat(f"{prefix}.update_rejected")

    def send_until_it_is_taken(self, code, origin):
        """Envoy has the code a while after it has asked for it."""
        wait_for(lambda: self.send(code, origin), lambda: self.envoy.log()[-2000:])
        self.port = self.envoy.listening()["web"]
        wait_for(lambda: granted(self.port, origin) == (200, origin), lambda: self.envoy.log()[-2000:])

    def answers_nobody(self):
        """Without a listener nobody connects; without its filter every answer is 500."""
        return not self.envoy.listening() if self.by == "LDS" else granted(self.port, APP) == (500, None)


@pytest.fixture(params=["LDS", "ECDS"])
def asked(request, module, store, stage, backend):
    if proxy.is_native(module):
        pytest.skip("Envoy has no twin to fetch")
    return Asked(request.param, module, store, stage, backend, request.node.name)


def test_a_first_start_answers_nobody_until_it_is_sent_again(asked):
    assert asked.answers_nobody()
    asked.send_until_it_is_taken(*asked.first)


def test_what_is_in_force_stays_until_the_module_is_there_and_the_policy_right(asked, store):
    asked.send_until_it_is_taken(*asked.first)
    wrong, right = (store.another(), FOREIGN + "/"), (store.another(), FOREIGN)
    assert not asked.send(*wrong), "it is not fetched yet"
    wait_for(lambda: refused_for_itself(asked, wrong), lambda: asked.envoy.log()[-2000:])
    for _ in range(20):
        assert granted(asked.port, APP) == (200, APP)
        assert granted(asked.port, FOREIGN) == (200, None)
    assert not asked.send(*right), "it is not fetched yet"
    asked.send_until_it_is_taken(*right)


def refused_for_itself(asked, wrong):
    """Not for want of its module."""
    assert not asked.send(*wrong)
    return "Origin Gate policy refused" in asked.envoy.log()


@pytest.mark.parametrize("asked", ["ECDS"], indirect=True)
def test_by_extension_discovery_the_same_is_called_a_success_and_is_not_in_force(asked):
    taken, refused = asked.outcome()
    wait_for(lambda: asked.put_gate(asked.sent) or asked.outcome()[0] >= taken + 5, lambda: asked.envoy.log()[-2000:])
    assert asked.outcome()[1] == refused
    assert asked.answers_nobody()
    asked.send_until_it_is_taken(*asked.first)
