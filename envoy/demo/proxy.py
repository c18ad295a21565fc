"""Envoy configurations, made of parts."""

LOCALHOST = "127.0.0.1"
FILTERS = "envoy.extensions.filters.http."


def typed(kind, **fields):
    return {"@type": f"type.googleapis.com/{kind}", **fields}


def http_filter(name, kind, disabled=False, **fields):
    found = {"name": name, "typed_config": typed(FILTERS + kind, **fields)}
    return {**found, "disabled": True} if disabled else found


def enabled(*names):
    """For a route: the filters that are disabled elsewhere."""
    return {name: typed("envoy.config.route.v3.FilterConfig", config={}) for name in names}


ROUTER = http_filter("envoy.filters.http.router", "router.v3.Router")


def is_native(artefact):
    """Whether it is the native twin, and no module."""
    return str(artefact).endswith(".so")


def gate(module, policy, failure_policy="FAIL_CLOSED", **more):
    """Origin Gate, with a policy as plain data or as text: the module, or its native twin."""
    kind = "StringValue" if isinstance(policy, str) else "Struct"
    configuration = typed(f"google.protobuf.{kind}", value=policy)
    if is_native(module):
        return twin(module, configuration)
    return wasm("origin_gate", module, failure_policy=failure_policy, configuration=configuration, **more)


def wasm(name, module, vm_id=None, failure_policy="FAIL_CLOSED", **config):
    """A module, in VMs of its own."""
    return http_filter(
        name,
        "wasm.v3.Wasm",
        config={
            "name": name,
            "root_id": name,
            "failure_policy": failure_policy,
            "vm_config": {
                "vm_id": vm_id or name,
                "runtime": "envoy.wasm.runtime.v8",
                "code": {"local": {"filename": str(module)}},
            },
            **config,
        },
    )


def twin(library, configuration):
    return http_filter(
        "origin_gate",
        "dynamic_modules.v3.DynamicModuleFilter",
        dynamic_module_config={"module": {"local": {"filename": str(library)}}},
        filter_name="origin_gate",
        filter_config=configuration,
    )


def address(port, protocol="TCP"):
    return {"socket_address": {"address": LOCALHOST, "port_value": port, "protocol": protocol}}


def route(prefix, cluster="backend", filters=None, **action):
    found = {"match": {"prefix": prefix}, "route": {"cluster": cluster, **action}}
    return {**found, "typed_per_filter_config": filters} if filters else found


def manager(http_filters, routes, access_log=None, domains=("*",), **more):
    """An HTTP connection manager whose access log, if there is one, has a line of JSON a request."""
    return {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": typed(
            "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
            **{
                "stat_prefix": "web",
                "upgrade_configs": [{"upgrade_type": "websocket"}],
                "http2_protocol_options": {"allow_connect": True},
                "http_filters": [*http_filters, ROUTER],
                "route_config": {
                    "validate_clusters": False,
                    "virtual_hosts": [{"name": "all", "domains": list(domains), "routes": routes}],
                },
                "access_log": [access_logger(access_log)] if access_log else [],
                **more,
            },
        ),
    }


def access_logger(path):
    log_format = {
        "case": "%REQ(X-CASE?:PATH)%",
        "method": "%REQ(:METHOD)%",
        # What the module shows, or what the twin does.
        "finding": "%FILTER_STATE(wasm.origin_gate:PLAIN)%",
        "native": "%FILTER_STATE(origin_gate:PLAIN)%",
        "details": "%RESPONSE_CODE_DETAILS%",
        "protocol": "%PROTOCOL%",
        "status": "%RESPONSE_CODE%",
        "cookie": "%REQ(COOKIE)%",
    }
    kind = "envoy.extensions.access_loggers.file.v3.FileAccessLog"
    return {
        "name": "envoy.access_loggers.file",
        "typed_config": typed(kind, path=str(path), log_format={"json_format": log_format}),
    }


def listener(name, network_filter, tls=None):
    chain = {"filters": [network_filter]}
    if tls:
        chain["transport_socket"] = {
            "name": "envoy.transport_sockets.tls",
            "typed_config": typed(
                "envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                common_tls_context={"alpn_protocols": ["h2", "http/1.1"], "tls_certificates": [tls]},
            ),
        }
    return {"name": name, "address": address(0), "filter_chains": [chain]}


def quic_listener(name, network_filter, tls):
    """For HTTP/3 alone."""
    kind = "envoy.extensions.transport_sockets.quic.v3.QuicDownstreamTransport"
    options = typed(kind, downstream_tls_context={"common_tls_context": {"tls_certificates": [tls]}})
    quic = {"name": "envoy.transport_sockets.quic", "typed_config": options}
    return {
        "name": name,
        "address": address(0, "UDP"),
        "udp_listener_config": {"quic_options": {}},
        "filter_chains": [{"filters": [network_filter], "transport_socket": quic}],
    }


def cluster(name, port=None, http2=False):
    """One server; none at all without a port."""
    endpoints = [] if port is None else [{"endpoint": {"address": address(port)}}]
    found = {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]},
    }
    if http2:
        kind = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
        options = typed(kind, explicit_http_config={"http2_protocol_options": {"allow_connect": True}})
        found["typed_extension_protocol_options"] = {kind: options}
    return found


def certificate(issued):
    """One of trustme's, as a listener takes it."""
    chain = b"".join(it.bytes() for it in issued.cert_chain_pems).decode()
    key = issued.private_key_pem.bytes().decode()
    return {"certificate_chain": {"inline_string": chain}, "private_key": {"inline_string": key}}


def config(listeners, clusters, **more):
    return {
        **more,
        "admin": {"address": address(0)},
        "static_resources": {"listeners": listeners, "clusters": clusters},
    }
