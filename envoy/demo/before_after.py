"""Before and after, in a real browser: what pages bring about and get to see behind Envoy's own CORS filter, and behind
Origin Gate. `./build.sh demo --browser` prints the table.
"""

import argparse
import contextlib
import json
import pathlib
import sys

import trustme

import browser
import proxy
from harness import CART, perform

API, SHOP, FOREIGN = "api.shop.example", "https://www.shop.example", "https://evil.example"
SITES = ("www.shop.example", "evil.example")
FILTERS = {"native": "Envoy's CORS filter", "gate": "Origin Gate"}
POLICY = {
    "allowed_origins": [SHOP],
    "allowed_hosts": [API],
    "cors": {"allow_credentials": True},
    "csrf": {},
    "debug": True,
}
# The same said to Envoy's own filter. It has no word for WebSockets, and Envoy's CSRF filter is another one.
NATIVE = {
    "allow_origin_string_match": [{"exact": SHOP}],
    "allow_credentials": True,
    "allow_methods": "DELETE, GET, OPTIONS, PATCH, POST, PUT",
    "allow_headers": "accept, authorization, content-type, user-agent, x-csrftoken, x-requested-with",
}
VIEWPORTS = {"phone": {"width": 390, "height": 844}, "desktop": {"width": 1280, "height": 900}}
ADDRESS = f"https://{API}{CART}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--envoy", required=True, type=pathlib.Path)
    parser.add_argument("--module", required=True, type=pathlib.Path)
    parser.add_argument("--pictures", required=True, type=pathlib.Path, help="where screenshots go")
    options = parser.parse_args()
    if not browser.find():
        print("needs Chromium, which is not installed (on Debian: chromium)", file=sys.stderr)
        return 1
    return perform(lambda stage: show(stage, options))


def show(stage, options):
    print("starting the shop, and Envoy with each of the two filters")
    certificate = proxy.certificate(trustme.CA().issue_cert(API, *SITES))
    envoy = start(stage, options.envoy, [proxy.gate(options.module.resolve(), POLICY)], certificate)
    print("asking Chromium\n")
    rows = compare(envoy, certificate)
    print(markdown(rows))
    wrong = [
        f"✗ {title}, {name}: {got}, and not: {want}"
        for (title, *found), (_, *wanted) in zip(rows, promised(), strict=True)
        for name, got, want in zip(FILTERS.values(), found, wanted, strict=True)
        if got != want
    ]
    print("\n" + "\n".join(wrong or ["✓ all of it as promised"]))
    for path in pictures(envoy, certificate, options.pictures):
        print(f"the shop's page, after some calls: {path}")
    return 1 if wrong else 0


def start(stage, envoy, gate, certificate, name="before-after"):
    """One shop, behind Envoy's filter and behind the filters `gate`; and the pages."""
    routes = [
        {"match": {"path": "/"}, "route": {"cluster": "shop"}},
        {"match": {"path": "/old/"}, "redirect": {"path_redirect": CART}},
        proxy.route("/api/slow/", "shop", timeout="0.5s"),
        proxy.route("/dead/", "dead"),
        proxy.route("/api/", "shop"),
        proxy.route("/ws/", "shop", timeout="0s"),
    ]
    native = proxy.http_filter("envoy.filters.http.cors", "cors.v3.Cors")
    rules = {native["name"]: proxy.typed("envoy.extensions.filters.http.cors.v3.CorsPolicy", **NATIVE)}
    log = stage.folder / f"{name}.access.json"
    servers = {
        "native": proxy.manager([native], [{**it, "typed_per_filter_config": rules} for it in routes], log),
        "gate": proxy.manager(gate, routes, log),
        "pages": browser.site(log),
        "shop": proxy.manager([], [proxy.route("/", "shop")], log),
    }
    listeners = [proxy.listener(name, it, certificate) for name, it in servers.items()]
    # Nothing listens on port 1.
    clusters = [proxy.cluster("shop", stage.shop()), proxy.cluster("dead", 1)]
    return stage.envoy(envoy, proxy.config(listeners, clusters), name=name)


class Visitor:
    """Somebody with a cart of two at the shop, who has pages of the shop and of others open."""

    def __init__(self, profile):
        self.profile = profile
        self.submit(SHOP, 2)

    @contextlib.contextmanager
    def page(self, origin):
        with contextlib.closing(self.profile.new_page()) as page:
            page.console = browser.Console(page)
            page.goto(f"{origin}/")
            yield page

    def submit(self, origin, quantity):
        """A form on a page; the status of what then takes the page's place."""
        with self.page(origin) as page, page.expect_navigation() as waiting:
            page.evaluate("([url, fields]) => submit(url, fields)", [ADDRESS, {"sku": "tea", "quantity": quantity}])
            return waiting.value.status

    def cart(self):
        """As the visitor sees it who goes there: no page asks, so no filter has a say."""
        with contextlib.closing(self.profile.new_page()) as page:
            page.goto(ADDRESS)
            return json.loads(page.inner_text("body"))["total"]


def read(page, path, options=None):
    return page.evaluate("([url, options]) => read(url, options)", [f"https://{API}{path}", options or {}])


def reads(origin, path):
    """What a script of that page learns of an answer."""

    def attempt(visitor):
        with visitor.page(origin) as page:
            found = read(page, path, {"credentials": "include"})
        return f"{found['status']}, readable" if "status" in found else "unreadable"

    return attempt


def chats(origin, within_http2=False):
    def attempt(visitor):
        with visitor.page(origin) as page:
            if within_http2:
                # Chromium opens a WebSocket inside an HTTP/2 connection if it has one to that host already.
                read(page, CART, {"credentials": "include"})
            events = page.evaluate("(url) => talk(url, '{}')", f"wss://{API}/ws/chat/")
            if events[0] == "open":
                seen = json.loads(events[1])["cart"]
                return f"opens, and {'shows' if seen == visitor.cart() else 'does not show'} the visitor's cart"
            mark = "Unexpected response code: "
            page.console.wait_for("WebSocket connection to")
            found = [it.partition(mark)[2] for it in page.console.messages if mark in it]
            return found[0] if found else "fails"

    return attempt


def submits(origin):
    """A form that puts one more into the cart."""

    def attempt(visitor):
        before = visitor.cart()
        status = visitor.submit(origin, 1)
        return f"{status}, and the cart {'has one more' if visitor.cart() == before + 1 else 'is as it was'}"

    return attempt


# What is tried, and what is promised to come of it behind each filter. In this order: a WebSocket of a page that has no
# HTTP/2 connection yet is one of HTTP/1.1.
ROWS = [
    (
        "a foreign page opens the chat's WebSocket",
        chats(FOREIGN),
        ("opens, and shows the visitor's cart", "403"),
    ),
    (
        "a foreign page sends a form that fills the cart",
        submits(FOREIGN),
        ("201, and the cart has one more", "403, and the cart is as it was"),
    ),
    (
        "a foreign page reads the cart",
        reads(FOREIGN, CART),
        ("unreadable", "unreadable"),
    ),
    (
        "the shop's page reads Envoy's 404, where no route is",
        reads(SHOP, "/nothing/here/"),
        ("unreadable", "404, readable"),
    ),
    (
        "the shop's page reads Envoy's 503, of a dead backend",
        reads(SHOP, "/dead/"),
        ("503, readable", "503, readable"),
    ),
    (
        "the shop's page reads the backend's 404",
        reads(SHOP, "/api/billing/carts/99999/"),
        ("404, readable", "404, readable"),
    ),
    (
        "the shop's page opens the chat over HTTP/2",
        chats(SHOP, within_http2=True),
        ("400", "opens, and shows the visitor's cart"),
    ),
]
HEADER = ["what a page tries", *FILTERS.values()]


def attempts(envoy, certificate, which):
    """What came of each row, behind one of the two filters."""
    ports = {API: envoy.ports[which], **dict.fromkeys(SITES, envoy.ports["pages"])}
    with browser.chromium(ports, certificate) as chromium, chromium.usual_profile() as profile:
        visitor = Visitor(profile)
        return [attempt(visitor) for _, attempt, _ in ROWS]


def compare(envoy, certificate):
    """The table's rows, as they came out."""
    columns = [attempts(envoy, certificate, which) for which in FILTERS]
    return [[title, *cells] for (title, *_), *cells in zip(ROWS, *columns, strict=True)]


def promised():
    return [[title, *cells] for title, _, cells in ROWS]


def markdown(rows):
    lines = [" | ".join(row) for row in [HEADER, *rows]]
    return "\n".join([f"| {lines[0]} |", "|---" * len(HEADER) + "|", *(f"| {line} |" for line in lines[1:])])


# What is pressed on the shop's page, and the verdict that it then shows.
READABLE = "{}, and this page may read it".format
PRESSED = {
    "Put tea into it": READABLE(201),
    "404 of Envoy": READABLE(404),
    "503, a dead backend": READABLE(503),
    "a header that is not listed": "kept from this page",
    "Open the chat": "received",
}


@contextlib.contextmanager
def shop_page(chromium, **options):
    """The page that the shop itself has at `/`, set to call the API."""
    with chromium.profile(**options) as profile:
        page = profile.new_page()
        page.goto(f"{SHOP}/?api={API}")
        yield page


def press(page, title, verdict):
    """Waits until the page shows a new result, and this verdict on top: the results before it may look the same."""
    results = page.locator("#results .good, #results .bad")
    before = results.count()
    page.get_by_role("button", name=title, exact=True).click()
    results.nth(before).wait_for()
    page.locator("#results li:first-child b", has_text=verdict).wait_for()


def pictures(envoy, certificate, folder):
    """Of the shop's page, once its buttons were pressed."""
    folder.mkdir(parents=True, exist_ok=True)
    ports = {API: envoy.ports["gate"], **dict.fromkeys(SITES, envoy.ports["shop"])}
    with browser.chromium(ports, certificate) as chromium:
        for name, size in VIEWPORTS.items():
            with shop_page(chromium, viewport=size) as page:
                for title, verdict in PRESSED.items():
                    press(page, title, verdict)
                path = folder / f"shop-on-a-{name}.png"
                page.screenshot(path=path)
                yield path


if __name__ == "__main__":
    sys.exit(main())
