"""What a policy takes when it is loaded: memory a VM, and time."""

import pathlib
import re

import proxy
from harness import Stage
from variants import made, web

MORE = 20
MANY = 100_000


def memory(binary, name, module, policy):
    """KiB a VM: of an Envoy with many, less one with few, by the number of VMs between them."""
    few, many = (resident(binary, name, module, policy, count) for count in (1, 1 + MORE))
    return (many[0] - few[0]) / (many[1] - few[1])


def resident(binary, name, module, policy, count):
    """The KiB that are its own, and how many VMs there are: for each id one a worker, one more, and one to copy from."""
    names = [f"{name}-{number}" for number in range(count)]
    listeners = [web([made(name, module, policy, vm_id=it)], name=it) for it in names]
    config = proxy.config(listeners, [proxy.cluster("backend")])
    with Stage() as stage:
        envoy = stage.envoy(binary, config, concurrency=1)
        status = pathlib.Path(f"/proc/{envoy.process.pid}/status").read_text()
        vms = envoy.stats("wasm.envoy.wasm.runtime.v8.active")
    return int(re.search(r"RssAnon:\s+(\d+) kB", status)[1]), sum(vms.values())


def more(binary, chain, other):
    """KiB that an Envoy with these filters has resident, more than one with others."""

    def resident(chain):
        config = proxy.config([web(chain)], [proxy.cluster("backend")])
        with Stage() as stage:
            envoy = stage.envoy(binary, config, concurrency=1)
            status = pathlib.Path(f"/proc/{envoy.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])

    return resident(chain) - resident(other)


def load_time(binary, module, policy):
    """Milliseconds of `on_configure` with many origins, as the module's own line in the log tells."""
    origins = [f"https://shop-{number}.example-{number % 977}.example" for number in range(MANY)]
    chain = [proxy.gate(module, {**policy, "allowed_origins": origins})]
    config = proxy.config([web(chain)], [proxy.cluster("backend")])
    with Stage() as stage:
        log = stage.envoy(binary, config, concurrency=1).log()
    return int(re.search(r"load_ms=(\d+)", log)[1])
