"""`docs/behind.md`: each proxy that it shows stands in front of a real Envoy and ends TLS, and each row of its tables holds."""

import contextlib
import json
import os
import re
import shutil
import ssl
import sys

import pytest

import peers
import proxy
import readme
from harness import free_port

PAGE = (readme.ROOT / "docs" / "behind.md").read_text()
HOST = "api.example"
OWN, APP, PLAIN, FOREIGN = f"https://{HOST}", "https://app.example", "http://old.example", "https://evil.example"
POLICY = {
    "allowed_origins": [APP, PLAIN],
    "allowed_hosts": [HOST],
    "cors": {"allow_credentials": False},
    "csrf": {},
}
# The rows of the page's first table.
ROWS = {
    "edge": {"use_remote_address": True},
    "behind": {"use_remote_address": True, "xff_num_trusted_hops": 1},
    "inside": {"use_remote_address": False},
}
PATH = f"/usr/sbin:/usr/local/sbin:/usr/bin:{os.path.dirname(sys.executable)}"


@pytest.fixture(scope="module")
def ports(envoy, backend, module):
    """Of an Envoy with a listener for each row."""
    routes = [proxy.route(it) for it in ("/backend/", "/seen/", "/ws/")]
    gate = proxy.gate(module, POLICY)
    servers = {name: proxy.manager([gate], routes, **row) for name, row in ROWS.items()}
    listeners = [proxy.listener(name, it) for name, it in servers.items()]
    return envoy("behind", listeners, [proxy.cluster("backend", backend.port)]).ports


class Client:
    """Reaches a port, with TLS or without, and adds what a proxy would."""

    def __init__(self, port, tls=None, headers=(), socket_headers=None):
        self.port, self.tls, self.headers = port, tls, list(headers)
        self.socket_headers = self.headers if socket_headers is None else list(socket_headers)

    def write(self, *headers):
        return peers.ask(
            peers.Http1, self.port, tls=self.tls, method="POST", path="/backend/200", headers=[*headers, *self.headers], body=b""
        )

    def read(self, path, *headers):
        return peers.ask(peers.Http1, self.port, tls=self.tls, path=path, headers=[*headers, *self.headers])

    @contextlib.contextmanager
    def socket(self, origin):
        """The handshake's answer, and the exchange."""
        with peers.Http1(self.port, self.tls) as exchange:
            headers = [("Origin", origin), *self.socket_headers]
            yield exchange.start("GET", "/ws/chat/", headers=headers, websocket=True).head(), exchange

    def opens(self, origin):
        with self.socket(origin) as (answer, _):
            return answer.status


# The proxies that the page shows, each in front of a port.


def started(stage, name, command, port, tls):
    process = stage.start(name, command, env={**os.environ, "HOME": str(stage.folder)})
    client = Client(port, tls)
    stage.wait_for(lambda: client.read("/backend/200"), name, process)
    return client


def nginx(stage, folder, own, port, tls):
    block = readme.blocks(PAGE, "nginx")[0].replace("listen 443", f"listen 127.0.0.1:{own}")
    temporary = "".join(f"{it}_temp_path {it};" for it in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    (folder / "nginx.conf").write_text(
        f"daemon off; pid nginx.pid; error_log stderr warn; events {{}}\nhttp {{ access_log off; {temporary}\n"
        f"{block.replace('127.0.0.1:10000', f'127.0.0.1:{port}')} }}"
    )
    command = [program("nginx", "nginx-light"), "-p", f"{folder}/", "-c", "nginx.conf", "-e", "stderr"]
    return started(stage, f"behind-nginx-{port}", command, own, tls)


def haproxy(stage, folder, own, port, tls):
    block = readme.blocks(PAGE, "haproxy")[0].replace("bind :443", f"bind 127.0.0.1:{own}")
    block = block.replace("site.pem", str(folder / "site.pem")).replace("127.0.0.1:10000", f"127.0.0.1:{port}")
    limits = "defaults\n    timeout connect 5s\n    timeout client 60s\n    timeout server 60s\n"
    (folder / "haproxy.cfg").write_text(f"{limits}{block}\n")
    command = [program("haproxy", "haproxy"), "-db", "-f", folder / "haproxy.cfg"]
    return started(stage, f"behind-haproxy-{port}", command, own, tls)


def caddy(stage, folder, own, port, tls):
    block = readme.blocks(PAGE, "caddyfile")[0].replace(OWN, f"{OWN}:{own}")
    block = block.replace("127.0.0.1:10000", f"127.0.0.1:{port}")
    for name in ("cert.pem", "key.pem"):
        block = block.replace(name, str(folder / name))
    options = "{\n\tadmin off\n\tauto_https disable_redirects\n\tdefault_bind 127.0.0.1\n}\n"
    (folder / "Caddyfile").write_text(options + block + "\n")
    command = [program("caddy", "caddy"), "run", "--config", folder / "Caddyfile", "--adapter", "caddyfile"]
    return started(stage, f"behind-caddy-{port}", command, own, tls)


def program(name, package):
    found = shutil.which(name, path=PATH)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: apt install {package})")
    return found


FRONTS = {"nginx": nginx, "haproxy": haproxy, "caddy": caddy}


@pytest.fixture(scope="module", params=FRONTS)
def fronts(request, stage, ports, authority, trust, tmp_path_factory):
    """A client behind each row, through the same proxy."""
    folder = tmp_path_factory.mktemp(request.param)
    issued = authority.issue_cert(HOST)
    chain = b"".join(it.bytes() for it in issued.cert_chain_pems)
    key = issued.private_key_pem.bytes()
    for name, content in {"cert.pem": chain, "key.pem": key, "site.pem": chain + key}.items():
        (folder / name).write_bytes(content)
    found = {}
    for row, port in ports.items():
        place = folder / row
        place.mkdir()
        for name in ("cert.pem", "key.pem", "site.pem"):
            shutil.copy(folder / name, place)
        found[row] = FRONTS[request.param](stage, place, free_port(), port, trust)
    return found


def test_the_second_row_is_right_behind_each(fronts):
    """With WebSockets as the notes of two platforms have them: another host's page, over `wss`, on the default port."""
    front = fronts["behind"]
    assert front.write(("Origin", OWN)).status == 200
    assert front.write(("Origin", FOREIGN)).status == 403
    assert front.read("/backend/404", ("Origin", APP)).cors()["access-control-allow-origin"] == APP
    for origin in (APP, f"{APP}:443", OWN):
        with front.socket(origin) as (answer, exchange):
            assert answer.status == 101, origin
            frames = peers.Frames(exchange)
            assert "https" in dict(json.loads(frames.hear()))["x-forwarded-proto"]
            frames.say("hello")
            assert frames.hear() == "hello"
    assert [front.opens(it) for it in (FOREIGN, PLAIN, f"{APP}:8443")] == [403, 403, 403]


def test_a_client_behind_it_does_not_choose_the_scheme(fronts):
    """Whatever it sends, the proxy in front writes over it."""
    front = fronts["behind"]
    lie = ("X-Forwarded-Proto", "http")
    assert front.write(("Origin", OWN), lie).status == 200
    assert front.write(("Origin", f"http://{HOST}"), lie).status == 403


def test_the_first_row_is_wrong_in_both_directions(fronts):
    """The page's second table."""
    rows = readme.table("| behind a proxy that ends TLS | first row | second row |", PAGE)
    ask = {
        "a page of the site itself writes, from a browser without `Sec-Fetch-Site`": lambda it: it.write(("Origin", OWN)).status,
        "a page of a listed `http` origin opens a WebSocket": lambda it: it.opens(PLAIN),
    }
    assert len(rows) == len(ask)
    for what, *cells in rows:
        assert [str(ask[what](fronts[it])) for it in ("edge", "behind")] == cells, what


SCHEMES = {
    "that of the connection": {None: "http", "https": "http"},
    "that of the connection to Envoy": {None: "http", "https": "http"},
    "`X-Forwarded-Proto`, or that of the connection": {None: "http", "https": "https"},
}


def test_each_row_of_the_settings_is_so(ports):
    rows = readme.table("| `use_remote_address` | `xff_num_trusted_hops` | the scheme of a request | for an Envoy |", PAGE)
    shown = [{"use_remote_address": row[0] == "`true`", **({"xff_num_trusted_hops": 1} if row[1] == "1" else {})} for row in rows]
    assert shown == list(ROWS.values())
    for (name, port), (_, _, scheme, _) in zip(ports.items(), rows, strict=True):
        for sent, expected in SCHEMES[scheme].items():
            client = Client(port, headers=[("X-Forwarded-Proto", sent)] if sent else [])
            # A site's own page writes by its own scheme, and by no other.
            found = [it for it in ("http", "https") if client.write(("Origin", f"{it}://{HOST}")).status == 200]
            assert found == [expected], (name, sent)


def test_the_log_says_which_row_is_wrong(envoy, stage, backend, module):
    """Once, with the line that the page shows."""
    manager = proxy.manager(
        [proxy.gate(module, POLICY | {"csrf": {"mode": "off"}})], [proxy.route("/backend/")], use_remote_address=True
    )
    port = envoy("misread", [proxy.listener("web", manager)], [proxy.cluster("backend", backend.port)], concurrency=1).ports["web"]
    for _ in range(3):
        assert Client(port).write(("Origin", OWN)).status == 200
    (line,) = readme.blocks(PAGE, "log")
    assert [it for it in stage.log("misread").splitlines() if "misread" in it][0].endswith(line)
    assert stage.log("misread").count("misread") == 1


# What those that cannot be run send, by their documentation: of a request, and of a handshake.
FORWARDED = {"X-Forwarded-For": "203.0.113.7"}
MODELS = {
    "Traefik": {
        "X-Forwarded-Host": HOST,
        "X-Forwarded-Port": "443",
        "X-Forwarded-Server": "edge",
        "X-Real-Ip": "203.0.113.7",
    },
    "AWS ALB": {"X-Forwarded-Port": "443"},
    "Cloudflare": {"CF-Connecting-IP": "203.0.113.7", "CF-Ray": "230b030023ae2822-SJC", "CF-Visitor": '{"scheme":"https"}'},
}


@pytest.mark.parametrize("name", MODELS)
def test_a_model_of_each_that_was_not_run(ports, name):
    rows = {it[0]: it[1:] for it in readme.table("| | `X-Forwarded-Proto` | and |", PAGE)}
    assert list(rows) == list(MODELS)
    schemes = re.findall(r"`(\w+)`", rows[name][0])
    assert re.findall(r"`([\w-]+)`", rows[name][1]) == list(MODELS[name])
    sent = [{**FORWARDED, **MODELS[name], "X-Forwarded-Proto": it}.items() for it in (schemes[0], schemes[-1])]
    client = Client(ports["behind"], None, *sent)
    assert client.write(("Origin", OWN)).status == 200
    assert client.write(("Origin", f"http://{HOST}")).status == 403
    assert [client.opens(it) for it in (APP, OWN, PLAIN, FOREIGN)] == [101, 101, 403, 403]


def test_what_answers_in_front_itself_is_not_readable(stage, trust, authority, tmp_path):
    """A dead Envoy: nginx's own 502."""
    issued = authority.issue_cert(HOST)
    (tmp_path / "cert.pem").write_bytes(b"".join(it.bytes() for it in issued.cert_chain_pems))
    (tmp_path / "key.pem").write_bytes(issued.private_key_pem.bytes())
    answer = nginx(stage, tmp_path, free_port(), 1, trust).read("/backend/200", ("Origin", APP))
    assert answer.status == 502 and not any(it.startswith("access-control-") for it in answer.cors())


def test_the_context_trusts_nobody_else(fronts):
    """TLS is really ended there."""
    with pytest.raises(ssl.SSLError):
        Client(fronts["behind"].port, ssl.create_default_context()).read("/backend/200")
