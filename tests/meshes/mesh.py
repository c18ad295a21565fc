"""Manifests: those that `envoy/istio` ships, with what a machine without a cluster needs of them changed, and what stands beside
them in a mesh."""

import base64
import copy
import json

from istio import NAMESPACE, WEB
from scene import shipped

SELECTOR = {"matchLabels": {"istio": "ingressgateway"}}
NETWORKING, SECURITY = "networking.istio.io/v1", "security.istio.io/v1"


def document(version, kind, name, **spec):
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}


def policy(kind, module, config=None):
    """`trafficextension.yaml` or `wasmplugin.yaml`, with a module that is here and perhaps another policy."""
    (found,) = shipped(f"istio/{kind}.yaml")
    if config is not None:
        wasm_of(found)["pluginConfig"] = copy.deepcopy(config)
    return here(found, module)


def wasm_of(resource):
    return resource["spec"].get("wasm", resource["spec"])


def here(resource, module):
    """With a module of this machine."""
    wasm = wasm_of(resource)
    wasm["url"] = f"file://{module}"
    for key in ("sha256", "imagePullPolicy"):
        del wasm[key]
    return resource


def native(library):
    """`native/istio.yaml`, with a library that is here."""
    (found,) = shipped("native/istio.yaml")
    extension = found["spec"]["configPatches"][0]["patch"]["value"]["typed_config"]
    extension["dynamic_module_config"]["module"]["local"]["filename"] = str(library)
    return found


def gateway(labels=SELECTOR["matchLabels"]):
    server = {"port": {"number": WEB, "name": "http", "protocol": "HTTP"}, "hosts": ["*"]}
    telemetry = shipped("istio/telemetry.yaml")
    return [document(NETWORKING, "Gateway", "web", selector=labels, servers=[server]), *telemetry]


def backend(name, port):
    return document(
        NETWORKING,
        "ServiceEntry",
        name,
        hosts=[f"{name}.local"],
        location="MESH_EXTERNAL",
        resolution="STATIC",
        ports=[{"number": 80, "name": "http", "protocol": "HTTP", "targetPort": port}],
        endpoints=[{"address": "127.0.0.1"}],
    )


def to(name):
    return [{"destination": {"host": f"{name}.local", "port": {"number": 80}}}]


def route(path, kind="prefix", **rule):
    return {"match": [{"uri": {kind: path}}], **rule}


def routes(*rules):
    return document(NETWORKING, "VirtualService", "web", hosts=["*"], gateways=["web"], http=list(rules))


def demo():
    """The routes of `envoy.yaml`."""
    return [
        route("/healthz", "exact", directResponse={"status": 200, "body": {"string": "ok\n"}}),
        route("/teapot", "exact", directResponse={"status": 418, "body": {"string": "I'm a teapot\n"}}),
        route("/old/", redirect={"uri": "/api/billing/carts/current/", "redirectCode": 301}),
        route("/dead/", route=to("dead"), retries={"attempts": 0}),
        route("/api/slow/", route=to("shop"), timeout="0.5s", retries={"attempts": 0}),
        route("/internal/", route=to("shop")),
        route("/api/", route=to("shop")),
        route("/ws/", route=to("shop")),
    ]


def denied(path, name="internal"):
    rule = {"to": [{"operation": {"paths": [f"{path}*"]}}]}
    return document(SECURITY, "AuthorizationPolicy", name, selector=SELECTOR, action="DENY", rules=[rule])


def refusing(backend_name):
    """A route for each way of Istio's own to refuse; what follows is the backend's."""
    key = base64.urlsafe_b64encode(b"a key of thirty-two bytes, or so").decode().rstrip("=")
    jwks = json.dumps({"keys": [{"kty": "oct", "alg": "HS256", "kid": "a", "k": key}]})
    theirs = {"allowOrigins": [{"exact": "https://theirs.example"}], "allowMethods": ["GET", "PUT"]}
    abort = {"abort": {"httpStatus": 503, "percentage": {"value": 100}}}
    rewritten = {"rewrite": {"uri": "/"}, "route": to(backend_name)}
    custom = {"to": [{"operation": {"paths": ["/custom/*"]}}]}
    return [
        route("/jwt/", **rewritten),
        route("/rbac/", **rewritten),
        route("/custom/", **rewritten),
        route("/fault/", fault=abort, **rewritten),
        route("/cors/", corsPolicy=theirs, **rewritten),
    ], [
        document(SECURITY, "RequestAuthentication", "jwt", selector=SELECTOR, jwtRules=[{"issuer": "a", "jwks": jwks}]),
        denied("/rbac/", "rbac"),
        document(
            SECURITY,
            "AuthorizationPolicy",
            "custom",
            selector=SELECTOR,
            action="CUSTOM",
            provider={"name": "refusing"},
            rules=[custom],
        ),
    ]


def limited():
    """A rate limit for all that comes to `/limit/`: Istio has no resource for one."""
    bucket = {"max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "3600s"}
    always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
    base = "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
    value = {
        "name": "envoy.filters.http.local_ratelimit",
        "typed_config": {"@type": base, "stat_prefix": "limit"},
    }
    per_route = {
        "typed_per_filter_config": {
            value["name"]: {
                "@type": base,
                "stat_prefix": "limit",
                "token_bucket": bucket,
                "filter_enabled": always,
                "filter_enforced": always,
            }
        }
    }
    # Before the router: `INSERT_FIRST`, and `INSERT_BEFORE` without this, would put it before the filter, which then cannot help.
    router = {"name": "envoy.filters.network.http_connection_manager", "subFilter": {"name": "envoy.filters.http.router"}}
    manager = {"context": "GATEWAY", "listener": {"filterChain": {"filter": router}}}
    named = {"context": "GATEWAY", "routeConfiguration": {"vhost": {"route": {"name": "limit"}}}}
    return document(
        "networking.istio.io/v1alpha3",
        "EnvoyFilter",
        "limit",
        workloadSelector={"labels": SELECTOR["matchLabels"]},
        configPatches=[
            {"applyTo": "HTTP_FILTER", "match": manager, "patch": {"operation": "INSERT_BEFORE", "value": value}},
            {"applyTo": "HTTP_ROUTE", "match": named, "patch": {"operation": "MERGE", "value": per_route}},
        ],
    )
