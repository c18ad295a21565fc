"""Manifests: those that `envoy/envoy-gateway` ships, with what a machine without a cluster needs of them changed, and what
stands beside them in a cluster."""

import base64
import copy
import hashlib
import json
import pathlib

import yaml

FILES = pathlib.Path(__file__).resolve().parents[2] / "envoy"
GATEWAY = "gateway.envoyproxy.io"
ROUTES = "gateway.networking.k8s.io"
LOCAL = {"provider": {"type": "Host", "host": {"envoyVersion": "1.40.0"}}}


def shipped(path):
    return list(yaml.safe_load_all((FILES / path).read_text()))


def document(group, kind, name, **spec):
    version = "v1" if group == ROUTES else "v1alpha1"
    meta = {"name": name, "namespace": "default"}
    return {"apiVersion": f"{group}/{version}", "kind": kind, "metadata": meta, "spec": spec}


def gateway(proxy=None):
    """`gateway.yaml`; `proxy` is merged into the specification of its `EnvoyProxy`."""
    found = shipped("envoy-gateway/gateway.yaml")
    for it in found:
        if it["kind"] == "EnvoyProxy":
            merge(it["spec"], {**LOCAL, **(proxy or {})})
        elif it["kind"] != "GatewayClass":
            it["metadata"]["namespace"] = "default"
    return found


def merge(into, more):
    for name, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            merge(into[name], value)
        else:
            into[name] = value


def policy(code, config=None, name="origin-gate", target=None):
    """`policy.yaml`, with a module that is here and perhaps another policy."""
    (found,) = shipped("envoy-gateway/policy.yaml")
    found["metadata"] = {"name": name, "namespace": "default"}
    wasm = found["spec"]["wasm"][0]
    wasm["code"] = code
    if config is not None:
        wasm["config"] = copy.deepcopy(config)
    if target:
        found["spec"]["targetRefs"] = [target]
    return found


def fetched(store):
    """A module by HTTP that nobody has fetched."""
    remote = store.another()["remote"]
    return {"type": "HTTP", "http": {"url": remote["http_uri"]["uri"], "sha256": remote["sha256"]}}


def backend(name, port):
    return document(GATEWAY, "Backend", name, endpoints=[{"ip": {"address": "127.0.0.1", "port": port}}])


def to(name):
    return {"group": GATEWAY, "kind": "Backend", "name": name}


def route(name, path, backend=None, kind="PathPrefix", filters=(), **rule):
    rule = {"matches": [{"path": {"type": kind, "value": path}}], **rule}
    if backend:
        rule["backendRefs"] = [to(backend)]
    if filters:
        rule["filters"] = list(filters)
    return document(ROUTES, "HTTPRoute", name, parentRefs=[{"name": "web"}], rules=[rule])


def direct(name, status, body=None):
    """An answer of Envoy's own, and how a route refers to it."""
    response = {"statusCode": status}
    if body:
        response["body"] = {"type": "Inline", "inline": body}
    reference = {"group": GATEWAY, "kind": "HTTPRouteFilter", "name": name}
    return document(GATEWAY, "HTTPRouteFilter", name, directResponse=response), {"type": "ExtensionRef", "extensionRef": reference}


def on(name):
    return {"group": ROUTES, "kind": "HTTPRoute", "name": name}


def security(route, **spec):
    return document(GATEWAY, "SecurityPolicy", route, targetRefs=[on(route)], **spec)


def traffic(route, **spec):
    return document(GATEWAY, "BackendTrafficPolicy", route, targetRefs=[on(route)], **spec)


def secret(name, **data):
    encoded = {key.replace("_", "."): base64.b64encode(value.encode()).decode() for key, value in data.items()}
    meta = {"name": name, "namespace": "default"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "type": "Opaque", "data": encoded}


def demo(shop, dead):
    """The routes of `envoy.yaml`."""
    healthz, healthy = direct("healthz", 200, "ok\n")
    teapot, tea = direct("teapot", 418, "I'm a teapot\n")
    path = {"type": "ReplaceFullPath", "replaceFullPath": "/api/billing/carts/current/"}
    return [
        *(backend(name, port) for name, port in {"shop": shop, "dead": dead}.items()),
        *(healthz, teapot),
        route("healthz", "/healthz", kind="Exact", filters=[healthy]),
        route("teapot", "/teapot", kind="Exact", filters=[tea]),
        route("old", "/old/", filters=[{"type": "RequestRedirect", "requestRedirect": {"path": path, "statusCode": 301}}]),
        route("dead", "/dead/", "dead"),
        route("slow", "/api/slow/", "shop", timeouts={"request": "500ms"}),
        route("internal", "/internal/", "shop"),
        security("internal", authorization={"defaultAction": "Deny"}),
        route("api", "/api/", "shop"),
        route("ws", "/ws/", "shop"),
    ]


def refusing(backend_name):
    """A route for each filter of Envoy Gateway's own that may refuse: by the filter's name, its path is `/NAME/`, and what follows is the
    backend's."""
    digest = base64.b64encode(hashlib.sha1(b"secret").digest()).decode()
    key = base64.urlsafe_b64encode(b"a key of thirty-two bytes, or so").decode().rstrip("=")
    jwks = json.dumps({"keys": [{"kty": "oct", "alg": "HS256", "kid": "a", "k": key}]})
    root = {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}
    without_prefix = {"type": "URLRewrite", "urlRewrite": {"path": root}}
    names = ["jwt", "basic", "key", "authz", "cors", "fault", "limit", "override", "both"]
    jwt = {"providers": [{"name": "a", "issuer": "a", "localJWKS": {"type": "Inline", "inline": jwks}}]}
    theirs = {"allowOrigins": ["https://theirs.example"], "allowMethods": ["GET", "PUT"]}
    abort = {"abort": {"httpStatus": 503, "percentage": 100}}
    limit = {"type": "Local", "local": {"rules": [{"limit": {"requests": 1, "unit": "Hour"}}]}}
    overridden = {
        "match": {"statusCodes": [{"type": "Value", "value": 404}]},
        "response": {"contentType": "text/plain", "body": {"type": "Inline", "inline": "overridden"}},
    }
    return [
        *(route(it, f"/{it}/", backend_name, filters=[without_prefix]) for it in names),
        secret("users", _htpasswd=f"demo:{{SHA}}{digest}"),
        secret("keys", demo="secret"),
        security("jwt", jwt=jwt),
        security("basic", basicAuth={"users": {"name": "users"}}),
        security("key", apiKeyAuth={"credentialRefs": [{"name": "keys"}], "extractFrom": [{"headers": ["x-api-key"]}]}),
        security("authz", extAuth={"http": {"backendRefs": [to("authz")], "path": "/backend/403?"}}),
        security("cors", cors=theirs),
        security("both", cors=theirs, jwt=jwt),
        traffic("fault", faultInjection=abort),
        traffic("limit", rateLimit=limit),
        traffic("override", responseOverride=[overridden]),
    ]
