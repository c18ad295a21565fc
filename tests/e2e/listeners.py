"""The shop as browsers find it: the pages of seven origins, and the API behind Origin Gate that all of them call."""

import contextlib
import pathlib

import browser
import proxy
import refusals
from harness import CART, TOKEN

API = "api.slykertech.co.zw"
# Other names of the API: one for a redirect to lead to, and some with rules or a shop of their own.
IMAGES, FRESH, PUBLIC, LAX = (f"{it}.slykertech.co.zw" for it in ("images", "fresh", "public", "lax"))
POLICY = {
    "allowed_origins": [
        "https://slykertech.co.zw",
        "https://www.slykertech.co.zw",
        "https://*.preview.slykertech.co.zw",
        "https://indexo.ir",
    ],
    "allowed_hosts": [API, IMAGES, FRESH, PUBLIC, LAX],
    "cors": {"allow_credentials": True, "expose_headers": ["x-total"], "presets": ["rate_limit"]},
    "csrf": {},
    "policies": [
        {"match": {"hosts": [FRESH]}, "cors": {"allow_credentials": True, "max_age": 0}},
        {"match": {"hosts": [PUBLIC]}, "allowed_origins": ["*"], "cors": {"allow_credentials": False}},
    ],
}
ALLOWED, FOREIGN, ABROAD = "https://slykertech.co.zw", "https://evil.example", "https://indexo.ir"


class Site:
    """Whose page it is, what the filter finds of it, and whether that lets it in. `frame`: a sandboxed one in it."""

    def __init__(self, url, finding, frame=False):
        self.url, self.finding, self.frame = url, finding, frame
        self.origin = "null" if frame else url
        self.is_allowed = finding.startswith("allowed")

    @contextlib.contextmanager
    def visit(self, profile):
        """A page or frame of it, and the console."""
        with profile as context:
            page = context.new_page()
            console = browser.Console(page)
            page.goto(f"{self.url}/")
            if self.frame:
                page.evaluate("openFrame('allow-scripts allow-forms', '/')")
            yield page.frames[-1], console


SITES = {
    "app": Site(ALLOWED, "allowed:listed"),
    "www": Site("https://www.slykertech.co.zw", "allowed:listed"),
    "preview": Site("https://pr-7.preview.slykertech.co.zw", "allowed:pattern"),
    "abroad": Site(ABROAD, "allowed:listed"),
    "sibling": Site("https://blog.slykertech.co.zw", "rejected:origin_not_allowed"),
    "foreign": Site(FOREIGN, "rejected:origin_not_allowed"),
    "sandbox": Site(ALLOWED, "rejected:origin_null", frame=True),
}
NAMES = [API, IMAGES, FRESH, PUBLIC, LAX, "shop.example", *{it.url.removeprefix("https://") for it in SITES.values()}]

JSON = {"Content-Type": "application/json"}
BAD = {"method": "POST", "headers": JSON, "body": '{"quantity": 0}'}
ORDERS = "/api/auth/buyer/orders/"


def token(text):
    return {"headers": {"Authorization": f"Token {text}"}}


# What each call is answered: by the shop, by another filter or by Envoy itself.
ANSWERS = {
    "the cart": (200, '{"items":[]', CART, {}),
    "400": (400, '{"sku":["This field is required."]', CART, BAD),
    "401": (401, '{"detail":"Authentication credentials', ORDERS, {}),
    "401 of a wrong token": (401, '{"detail":"Invalid token', ORDERS, token("no")),
    "a right one": (200, '{"buyer":"buyer"', ORDERS, token(TOKEN)),
    "403 of another filter": (403, "RBAC: access denied", "/internal/", {}),
    "404": (404, '{"detail":"There is no cart 99999', "/api/billing/carts/99999/", {}),
    "404 of Envoy": (404, "", "/nothing/here/", {}),
    "405": (405, '{"detail":"Method', CART, {"method": "DELETE"}),
    "429": (429, "local_rate_limited", "/limited/", {}),
    "500": (500, "\n<!doctype html>", "/api/boom/", {}),
    "503": (503, "upstream connect error", "/dead/", {}),
    "504": (504, "upstream request timeout", "/api/slow/", {}),
    "a redirect": (200, '{"items":[]', "/old/", {}),
}


def start(envoy, stage, backend, filters, certificate, access_log):
    """Envoy, and its ports by name."""
    lax = stage.shop(DJANGO_SETTINGS_MODULE="lax_settings", PYTHONPATH=str(pathlib.Path(__file__).parent))
    away = {"host_redirect": IMAGES, "path_redirect": f"{CART}?away"}
    routes = [
        {"match": {"path": "/old/"}, "redirect": {"path_redirect": CART}},
        {"match": {"path": "/away/"}, "redirect": away},
        proxy.route("/api/slow/", "shop", timeout="0.3s"),
        proxy.route("/limited/", "dead", filters=proxy.enabled("limit")),
        proxy.route("/dead/", "dead"),
        *(proxy.route(prefix, "shop") for prefix in ("/api/", "/internal/", "/ws/")),
        *map(proxy.route, ["/backend/", "/events/"]),
    ]
    others = [refusals.forbid("rbac", "/internal/"), refusals.limit("limit")]
    servers = {
        "api": proxy.manager([*filters, *others], routes, access_log.path),
        "lax": proxy.manager(filters, [proxy.route("/", "lax")], access_log.path),
        "sites": browser.site(access_log.path),
    }
    clusters = [
        proxy.cluster("shop", stage.shop()),
        proxy.cluster("lax", lax),
        proxy.cluster("backend", backend.port),
        # Nothing listens there, and no other test is given it.
        proxy.cluster("dead", 1),
    ]
    found = envoy("front", [proxy.listener(name, it, certificate) for name, it in servers.items()], clusters)
    servers = {**dict.fromkeys([API, IMAGES, FRESH, PUBLIC], "api"), LAX: "lax"}
    found.names = {name: found.ports[servers.get(name, "sites")] for name in NAMES}
    return found
