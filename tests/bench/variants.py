"""The Envoys that are held against each other: each a process of its own, which differs in one filter only."""

import json
import pathlib
import socket
import sys

import yaml

import proxy
from load import Wrong, probe
from workloads import BASELINE, HANDSHAKE, OTHERS, PATTERNS, REFUSED, Kind, request

HERE = pathlib.Path(__file__).resolve().parent
METHODS = "DELETE, GET, OPTIONS, PATCH, POST, PUT"
HEADERS = "accept, authorization, content-type, user-agent, x-csrftoken, x-requested-with"
TITLES = {
    "none": "no filter",
    "native": "Envoy's CORS filter",
    "lua": "Lua script, CORS only",
    "empty": "empty SDK module",
    "floor": "the same host calls alone",
    "gate": "Origin Gate",
    "twin": "Origin Gate, native",
    "patterns": "Origin Gate, patterns too",
}
LUA = """\
local allowed = {%s}

function envoy_on_request(handle)
  local headers = handle:headers()
  local origin = headers:get("origin")
  if origin == nil or not allowed[origin] then
    return
  end
  if headers:get(":method") == "OPTIONS" and headers:get("access-control-request-method") ~= nil then
    handle:respond({
      [":status"] = "204",
      ["access-control-allow-origin"] = origin,
      ["access-control-allow-credentials"] = "true",
      ["access-control-allow-methods"] = "%s",
      ["access-control-allow-headers"] = "%s",
      ["access-control-max-age"] = "7200",
    }, "")
    return
  end
  handle:streamInfo():dynamicMetadata():set("cors", "origin", origin)
end

function envoy_on_response(handle)
  local found = handle:streamInfo():dynamicMetadata():get("cors")
  if found == nil then
    return
  end
  local headers = handle:headers()
  headers:replace("access-control-allow-origin", found["origin"])
  headers:replace("access-control-allow-credentials", "true")
end
"""


def shipped():
    """The policy in `envoy/envoy.yaml`."""
    config = yaml.safe_load((HERE.parent.parent / "envoy" / "envoy.yaml").read_text())
    manager = config["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    gate = next(it for it in manager["http_filters"] if it["name"] == "origin_gate")
    return json.loads(gate["typed_config"]["config"]["configuration"]["value"])


def filters(modules, policy):
    """By variant, the filter and what its routes say of it. `modules`: files of `empty`, `gate`, `twin`, and of other builds."""
    origins = policy["allowed_origins"]
    lua = LUA % (", ".join(f'["{it}"] = true' for it in origins), METHODS, HEADERS)
    native = proxy.http_filter("envoy.filters.http.cors", "cors.v3.Cors")
    rules = proxy.typed(
        "envoy.extensions.filters.http.cors.v3.CorsPolicy",
        allow_origin_string_match=[{"exact": it} for it in origins],
        allow_credentials=True,
        allow_methods=METHODS,
        allow_headers=HEADERS,
        max_age="7200",
    )
    return {
        "none": ([], None),
        "native": ([native], {native["name"]: rules}),
        "lua": ([proxy.http_filter("lua", "lua.v3.Lua", default_source_code={"inline_string": lua})], None),
        **{name: ([made(name, module, policy)], None) for name, module in modules.items() if name != "floor"},
        "patterns": ([made("gate", modules["gate"], {**policy, "allowed_origins": origins + PATTERNS})], None),
    }


def made(name, module, policy, **more):
    return proxy.wasm("empty", module, **more) if name == "empty" else proxy.gate(module, policy, **more)


def floor(module):
    """A listener for each thing that the module does, by the length of its configuration: see `floor/floor.wat`."""
    names = ("web", "grants", "replies")
    sizes = (proxy.typed("google.protobuf.StringValue", value="x" * size) for size in range(len(names)))
    chains = (proxy.wasm(f"floor_{name}", module, configuration=size) for name, size in zip(names, sizes, strict=True))
    return [web([chain], name=name) for name, chain in zip(names, chains, strict=True)]


def web(chain, rules=None, name="web"):
    local = {"status": 200, "body": {"inline_string": "here"}}
    routes = [
        {"match": {"prefix": "/local/"}, "direct_response": local},
        *(proxy.route(prefix, filters=rules) for prefix in ("/api/", "/echo/", "/ws/")),
    ]
    return proxy.listener(name, proxy.manager(chain, routes))


def backend(stage):
    """Starts the backend; its port."""
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
        command = [sys.executable, HERE / "cheap_backend.py", str(listener.fileno())]
        stage.start("backend", command, pass_fds=[listener.fileno()])
        return listener.getsockname()[1]


def start(stage, binary, modules, port):
    """The Envoys by variant, in front of that backend."""
    listeners = {name: [web(chain, rules)] for name, (chain, rules) in filters(modules, shipped()).items()}
    if "floor" in modules:
        listeners["floor"] = floor(modules["floor"])
    found = {}
    for name in sorted(listeners, key=lambda it: list(TITLES).index(it) if it in TITLES else len(TITLES)):
        config = proxy.config(listeners[name], [proxy.cluster("backend", port)])
        found[name] = stage.envoy(binary, config, name=name, concurrency=1)
    return found


def check(variants, kinds):
    """Raises `Wrong` unless each does what it should: none may win by not working."""
    for name, envoy in variants.items():
        for kind in kinds:
            if kind.is_for(name):
                check_answer(name, kind, *probe(envoy.ports[kind.listener(name)], kind))
        if name not in ("none", *OTHERS):
            check_module(name, envoy)


def check_answer(name, kind, status, headers):
    expected = kind.expected(name)
    allowed, varies = "access-control-allow-origin" in headers, "Origin" in headers.get("vary", "")
    if (status, allowed) != expected:
        raise Wrong(f"{name}, {kind.title}: {status} and {headers}, and not {expected}")
    is_merged = status != 101 and name not in (*BASELINE, *OTHERS)
    if varies != is_merged:
        raise Wrong(f"{name}, {kind.title}: {headers}, where `Vary: Origin` is {'' if varies else 'not '}there")


def check_module(name, envoy):
    """That the module is entered, and Origin Gate with all its checks on."""
    if not envoy.stats("wasm.envoy.wasm.runtime.v8.active") and not envoy.stats("dynamicmodulescustom."):
        raise Wrong(f"{name}: neither a VM runs nor a library")
    foreign = ("Host", "evil.example")
    asked = {
        "another host": (request("GET", "/api/", foreign), 421),
        "a foreign page's handshake": (request("GET", "/ws/", *HANDSHAKE, origin=REFUSED), 403),
    }
    for title, (sent, refusal) in asked.items():
        status, _ = probe(envoy.ports["web"], Kind(title, title, sent, 1))
        expected = {421: 200, 403: 101}[refusal] if name in ("empty", "floor") else refusal
        if status != expected:
            raise Wrong(f"{name}, {title}: {status}, and not {expected}")
