"""The pages in `docs/migrate/`: what a page shows as "before" runs, its policy runs on a real Envoy, and each row of its
table is asked of both. What its command prints is held to it by `tests/docs.rs`."""

import json
import pathlib
import re
import shutil

import pytest
import yaml

import peers
import proxy
import readme
from harness import CART, Stage, ask, free_port
from traefik import Traefik

PAGES = {it.stem: it.read_text() for it in sorted((readme.ROOT / "docs" / "migrate").glob("*.md"))}
HERE = str(pathlib.Path(__file__).parent)
FOREIGN = "https://evil.example"
BACKEND = {
    "a 200": "/backend/200",
    "the backend's 404": "/backend/404",
    "the backend's 500": "/backend/500",
    "its files": "/files/200",
    "an answer with a `*` of the backend's": "/backend/200?header=Access-Control-Allow-Origin:%20*",
}
SHOP = {"a 200": CART, "the backend's 404": "/api/billing/carts/99999/", "the backend's 500": "/api/boom/"}
DEAD = 1  # Nothing listens there.


def rows(name):
    return readme.table("| what is asked | before | after | why |", PAGES[name])


def policy(name):
    return json.loads(readme.blocks(PAGES[name], "json")[0])


class Site:
    """What answers, whose page it is for, and where what is asked for is."""

    def __init__(self, ask, ask_dead, host, app, paths):
        self.ask, self.ask_dead, self.host, self.app, self.paths = ask, ask_dead, host, app, paths

    def cell(self, what):
        """What comes of a row's first cell, as the other cells say it."""
        for pattern, find in WAYS.items():
            if found := re.fullmatch(pattern, what):
                return find(self, *found.groups())
        raise LookupError(f"the tests do not know how to ask: {what}")

    def read(self, origin, what):
        return told(self.ask(path=self.paths[what], headers=[("Origin", origin)], host=self.host), origin)

    def read_dead(self):
        return told(self.ask_dead(path=self.paths["a 200"], headers=[("Origin", self.app)], host=self.host), self.app)

    def read_nothing(self):
        return told(self.ask(path="/nothing/", headers=[("Origin", self.app)], host=self.host), self.app)

    def preflight(self, origin):
        asked = [("Access-Control-Request-Method", "PUT"), ("Access-Control-Request-Headers", "content-type")]
        answer = self.ask(method="OPTIONS", path=self.paths["a 200"], headers=[("Origin", origin), *asked], host=self.host)
        methods, headers = (items(answer, f"access-control-allow-{it}") for it in ("methods", "headers"))
        goes_on = 200 <= answer.status < 300 and readable(answer, origin) and "put" in methods and "content-type" in headers
        return f"{answer.status}, {'granted' if goes_on else 'refused'}"

    def open(self, origin):
        status = self.ask(path="/ws/chat/", headers=[("Origin", origin)], host=self.host, websocket=True).status
        return "opens" if status == 101 else str(status)

    def write(self, *headers):
        return str(self.ask(method="POST", path=self.paths["a 200"], headers=headers, host=self.host, body=b"").status)

    def of_another_host(self):
        return str(self.ask(path=self.paths["a 200"], host="evil.example").status)

    def cached(self):
        answer = self.ask(path=self.paths["a 200"], host=self.host)
        return "by origin" if "origin" in items(answer, "vary") else "for all"


# How each is asked.
WAYS = {
    r"the app's page reads (.+)": lambda site, what: site.read(site.app, what) if what in site.paths else EDGES[what](site),
    r"the app's page asks for a `PUT`": lambda site: site.preflight(site.app),
    r"a foreign page asks for a `PUT`": lambda site: site.preflight(FOREIGN),
    r"a foreign page reads a 200": lambda site: site.read(FOREIGN, "a 200"),
    r"a page of `(.+)` reads a 200": lambda site, origin: site.read(origin, "a 200"),
    r"the app's page opens a WebSocket": lambda site: site.open(site.app),
    r"a foreign page opens a WebSocket": lambda site: site.open(FOREIGN),
    r"a page of `(.+)` opens a WebSocket": lambda site, origin: site.open(origin),
    r"the app's page writes": lambda site: site.write(("Origin", site.app), ("Sec-Fetch-Site", "cross-site")),
    r"a foreign page submits a form": lambda site: site.write(("Origin", FOREIGN), ("Sec-Fetch-Site", "cross-site")),
    r"a page of `(.+)` writes": lambda site, origin: site.write(("Origin", origin), ("Sec-Fetch-Site", "cross-site")),
    r"a program without `Origin` writes": lambda site: site.write(),
    r"another `Host`": Site.of_another_host,
    r"how caches keep a 200": Site.cached,
}
EDGES = {"the proxy's error for a dead backend": Site.read_dead, "the proxy's 404": Site.read_nothing}


def items(answer, name):
    return [it.strip().lower() for it in (answer.value(name) or "").split(",")]


def readable(answer, origin):
    """For a page that sends its visitor's cookies."""
    wanted = (origin, "true")
    return (answer.value("access-control-allow-origin"), answer.value("access-control-allow-credentials")) == wanted


def told(answer, origin):
    return f"{answer.status}, {'readable' if readable(answer, origin) else 'unreadable'}"


def asking(port):
    def ask(**request):
        if not request.get("websocket"):
            return peers.ask(peers.Http1, port, **request)
        with peers.Http1(port) as exchange:
            return exchange.start("GET", **request).head()

    return ask


# What each page has before, and the backend that it has.


def envoy_filters(started, backend):
    block = yaml.safe_load(readme.blocks(PAGES["envoy-filters"], "yaml")[0])
    (host,) = block["route_config"]["virtual_hosts"]
    rules = host["typed_per_filter_config"]
    return started.envoy("before", block["http_filters"], backend.port, rules), backend.port


def nginx(started, backend):
    if NGINX is None:
        pytest.skip("nginx is not installed (Debian: apt install nginx-light)")
    return started.nginx(readme.blocks(PAGES["nginx"], "nginx")[0], backend.port), backend.port


def ingress_nginx(started, backend):
    if NGINX is None or not HEADERS_MORE.exists():
        pytest.skip("nginx has no headers-more module (Debian: apt install libnginx-mod-http-headers-more-filter)")
    return started.nginx(GENERATED, backend.port, f"load_module {HEADERS_MORE};"), backend.port


def traefik(started, backend):
    block = yaml.safe_load(readme.blocks(PAGES["traefik"], "yaml")[0])
    model = Traefik(block["http"]["middlewares"]["backend-headers"]["headers"], backend.port)
    through = asking(backend.port)
    # Nothing in Traefik looks at a handshake's origin.
    return [lambda **request: (through if request.get("websocket") else model.ask)(**request), None], backend.port


def django(started, backend):
    settings = dict(line.split("=", 1) for line in readme.blocks(PAGES["django"], "sh")[0].splitlines())
    guard = {"DJANGO_SETTINGS_MODULE": "guarded_settings", "PYTHONPATH": f"{HERE}:."}
    shop = started.stage.shop(application="guarded_asgi:application", **guard, **settings)
    # The same shop behind the filter: as long as it still has its middleware, that does no harm.
    return started.envoy("before", [], shop), shop


APP, API = "https://app.example", "api.example"
BEFORE = {
    "django": (django, "api.slykertech.co.zw", "https://slykertech.co.zw", SHOP),
    "envoy-filters": (envoy_filters, API, APP, BACKEND),
    "ingress-nginx": (ingress_nginx, API, APP, BACKEND),
    "nginx": (nginx, API, APP, BACKEND),
    "traefik": (traefik, "multivendor-backend.indexo.ir", "https://indexo.ir", BACKEND),
}
NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
HEADERS_MORE = pathlib.Path("/usr/lib/nginx/modules/ngx_http_headers_more_filter_module.so")
# What ingress-nginx 1.15 makes of the page's annotations, as far as it counts here.
GRANT = """
        more_set_headers 'Access-Control-Allow-Origin: $http_origin';
        more_set_headers 'Access-Control-Allow-Credentials: true';
        more_set_headers 'Access-Control-Allow-Methods: GET, POST, PUT, DELETE';
        more_set_headers 'Access-Control-Allow-Headers: User-Agent,X-Requested-With,Content-Type,Range,Authorization';
        more_set_headers 'Access-Control-Max-Age: 600';
"""
GENERATED = rf"""
map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
server {{ listen 80 default_server; return 404; }}
server {{
    listen 80;
    server_name api.example;
    location / {{
        set $cors '';
        if ($http_origin ~* ((https://app\.example)|(https://[A-Za-z0-9\-]+\.app\.example))$ ) {{ set $cors 'true'; }}
        if ($request_method = 'OPTIONS') {{ set $cors ${{cors}}options; }}
        if ($cors = "true") {{ {GRANT} }}
        if ($cors = "trueoptions") {{ {GRANT} return 204; }}
        proxy_pass http://127.0.0.1:8000;
        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
    }}
}}
"""


class Started:
    """What a page needs to run, on a stage of its own. Each answers twice: before a backend, and before a dead one."""

    def __init__(self, stage, binary, name):
        self.stage, self.binary, self.name = stage, binary, name

    def envoy(self, what, filters, port, rules=None):
        log = self.stage.folder / f"{what}.access"
        routes = [proxy.route(it, filters=rules) for it in ("/backend/", "/files/", "/api/", "/ws/")]
        listeners = []
        for cluster in ("backend", "dead"):
            to = [{**it, "route": {"cluster": cluster}} for it in routes]
            listeners.append(proxy.listener(cluster, proxy.manager(filters, to, log)))
        config = proxy.config(listeners, [proxy.cluster("backend", port), proxy.cluster("dead", DEAD)])
        ports = self.stage.envoy(self.binary, config, name=f"{self.name}-{what}").ports
        return [asking(ports[it]) for it in ("backend", "dead")]

    def nginx(self, block, port, modules=""):
        """The block, but for its ports, twice."""
        found = []
        for name, behind in {"backend": port, "dead": DEAD}.items():
            own, folder = free_port(), self.stage.folder / f"nginx-{name}"
            folder.mkdir()
            servers = block.replace("listen 80", f"listen 127.0.0.1:{own}").replace("127.0.0.1:8000", f"127.0.0.1:{behind}")
            temporary = "".join(f"{it}_temp_path {it};" for it in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
            (folder / "nginx.conf").write_text(
                f"{modules} daemon off; pid nginx.pid; error_log stderr warn; events {{}}\n"
                f"http {{ access_log off; {temporary}\n{servers} }}"
            )
            process = self.stage.start(f"nginx-{name}", [NGINX, "-p", f"{folder}/", "-c", "nginx.conf", "-e", "stderr"])
            self.stage.wait_for(lambda port=own: ask(port, "GET", "/backend/200", {"Host": API}), f"nginx-{name}", process)
            found.append(asking(own))
        return found


@pytest.fixture(params=PAGES)
def page(request):
    return request.param


@pytest.fixture
def both(page, binary, backend, module):
    """The site before and after."""
    start, *site = BEFORE[page]
    with Stage() as stage:
        started = Started(stage, binary, page)
        before, behind = start(started, backend)
        after = started.envoy("after", [proxy.gate(module, policy(page))], behind)
        yield Site(*before, *site), Site(*after, *site)


def test_each_row_is_so(both, page):
    found = [[what, *(site.cell(what) for site in both), why] for what, _, _, why in rows(page)]
    assert found == rows(page), "\n".join(f"| {' | '.join(it)} |" for it in found)


def test_what_differs_says_why(page):
    for what, before, after, why in rows(page):
        assert (before == after) == (why == ""), what


def test_every_page_is_tested():
    assert list(PAGES) == list(BEFORE)


def test_settings_that_django_prints_run_too(stage, binary, module, backend):
    """The second policy of Django's page."""
    second = json.loads(readme.blocks(PAGES["django"], "json")[1])
    after = Started(stage, binary, "migrate-settings").envoy("after", [proxy.gate(module, second)], backend.port)
    site = Site(*after, "multivendor-backend.indexo.ir", "https://indexo.ir", BACKEND)
    assert site.cell("the app's page opens a WebSocket") == "opens"
    assert site.cell("a page of `https://pr1.preview.indexo.ir` reads a 200") == "200, readable"
    assert site.cell("a foreign page opens a WebSocket") == "403"
