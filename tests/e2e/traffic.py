"""Requests of every kind, and what is right to answer to each under one of a few policies."""

import proxy

APP, OLD, NEW, EVIL = (f"https://{it}.example" for it in ("app", "old", "new", "evil"))
LISTED = {"access-control-allow-credentials": "true", "vary": "Origin"}
VARY = {"vary": "Origin"}
ASKED = "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"


def policy(guest):
    """That of the application and one other site."""
    return {
        "allowed_origins": [APP, guest],
        "allowed_hosts": ["api.example"],
        "cors": {"allow_credentials": True, "allow_methods": ["GET", "PUT"], "allow_headers": ["x-test"], "max_age": 60},
        "csrf": {},
    }


POLICIES = {"old": policy(OLD), "new": policy(NEW)}
# The texts in which another release of the module differs; the policy is then the old one.
RELEASE = {b"Misdirected Request": b"Misdirected request"}
ROUTES = [proxy.route("/items", "shop"), proxy.route("/socket/", "sockets", timeout="0s")]


def clusters(envoy, name, backend):
    """A fast shop, which would let everybody in, and the backend for WebSockets."""
    route = {
        "match": {"prefix": "/"},
        "direct_response": {"status": 200, "body": {"inline_string": "from the backend"}},
        "response_headers_to_add": [{"header": {"key": "access-control-allow-origin", "value": "*"}}],
    }
    shop = envoy(name, [proxy.listener("web", proxy.manager([], [route], None))], [], concurrency=1)
    return [proxy.cluster("shop", shop.ports["web"]), proxy.cluster("sockets", backend.port)]


class Right:
    """What is right to answer, and the finding that is then counted."""

    def __init__(self, finding, status, cors=None, title=None):
        self.finding, self.told = finding, (status, frozenset((cors or {}).items()), title)


def readable(origin, status=200):
    return Right("cors:allowed:listed", status, {"access-control-allow-origin": origin, **LISTED})


def unreadable(status=200):
    return Right("cors:rejected:origin_not_allowed", status, VARY)


def granted(origin):
    lists = {"access-control-allow-methods": "GET, PUT", "access-control-allow-headers": "x-test", "access-control-max-age": "60"}
    cors = {"access-control-allow-origin": origin, **LISTED, **lists, "vary": ASKED}
    return Right("cors:allowed:listed", 204, cors)


def misdirected(title):
    return Right("hosts:rejected:host_not_allowed", 421, {**LISTED, "access-control-allow-origin": APP}, title)


NOT_GRANTED = Right("cors:rejected:origin_not_allowed", 403, {"vary": ASKED}, "Forbidden")


class Kind:
    """A request, and what is right for it under each policy."""

    def __init__(self, start, origin, old, new=None, release=None, host="api.example", headers=(), body=b"", weight=1):
        lines = [f"{start} HTTP/1.1", f"Host: {host}", *([f"Origin: {origin}"] if origin else []), *headers]
        if not start.startswith("GET"):
            lines.append(f"Content-Length: {len(body)}")
        self.wire = "\r\n".join([*lines, "", ""]).encode() + body
        self.right, self.weight = {"old": old, "new": new or old, "release": release or old}, weight


PREFLIGHT = ["Access-Control-Request-Method: PUT", "Access-Control-Request-Headers: x-test"]
KINDS = {
    "no origin": Kind("GET /items", None, Right("cors:allowed:origin_missing", 200, VARY), weight=4),
    "allowed": Kind("GET /items", APP, readable(APP), weight=4),
    "foreign": Kind("GET /items", EVIL, unreadable(), weight=2),
    "malformed": Kind("GET /items", f"{APP}/", Right("cors:rejected:origin_malformed", 200, VARY)),
    "null": Kind("GET /items", "null", Right("cors:rejected:origin_null", 200, VARY)),
    "preflight": Kind("OPTIONS /items", APP, granted(APP), headers=PREFLIGHT, weight=2),
    "foreign preflight": Kind("OPTIONS /items", EVIL, NOT_GRANTED, headers=PREFLIGHT),
    "bad host": Kind(
        "GET /items", APP, misdirected("Misdirected Request"), release=misdirected("Misdirected request"), host="evil.example"
    ),
    "write": Kind("POST /items", APP, readable(APP), body=b'{"quantity": 1}'),
    "foreign write": Kind("POST /items", EVIL, Right("csrf:rejected:cross_site_write", 403, VARY, "Forbidden")),
    "not found": Kind("GET /nothing", APP, readable(APP, 404)),
    "old guest": Kind("GET /items", OLD, readable(OLD), unreadable()),
    "new guest": Kind("GET /items", NEW, unreadable(), readable(NEW)),
    "old guest's preflight": Kind("OPTIONS /items", OLD, granted(OLD), NOT_GRANTED, headers=PREFLIGHT),
    "new guest's preflight": Kind("OPTIONS /items", NEW, NOT_GRANTED, granted(NEW), headers=PREFLIGHT),
}
