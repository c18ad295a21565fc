"""Real Chromium, and sites for it to visit."""

import base64
import contextlib
import hashlib
import json
import pathlib
import shutil
import tempfile
import time

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import sync_playwright

import proxy

PATIENCE = 20  # seconds, after which what should have come will not come
PAGE = (pathlib.Path(__file__).parent / "caller.html").read_text()
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
ARGUMENTS += ["--disable-background-networking", "--disable-component-update"]


def find():
    """Where Chromium is; `None` if it is not installed."""
    return next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)


@contextlib.contextmanager
def chromium(ports, certificate):
    """One that finds each of these names on a port of this machine, at no other port than 443 as far as it and its
    pages know; and that takes this certificate alone for its own, in place of an authority that it could know."""
    with sync_playwright() as playwright, contextlib.closing(Chromium(playwright, finding(ports, certificate))) as found:
        yield found


def finding(ports, certificate):
    """The arguments for that. A name may have a port at its end, and then is found there at that port alone."""
    rules = ", ".join(f"MAP {name} 127.0.0.1:{port}" for name, port in ports.items())
    return [f"--host-resolver-rules={rules}", f"--ignore-certificate-errors-spki-list={pin(certificate)}"]


class Chromium:
    def __init__(self, playwright, arguments):
        self.playwright = playwright
        self.options = {"executable_path": find(), "args": ARGUMENTS + arguments}
        self.browser = playwright.chromium.launch(**self.options)

    def close(self):
        self.browser.close()

    @contextlib.contextmanager
    def profile(self, **options):
        """As of a private window, which shares neither connections nor cookies with another. A page in it has no
        cookies of other sites, however they are marked."""
        with contextlib.closing(self.browser.new_context(**options)) as context:
            context.set_default_timeout(PATIENCE * 1000)
            yield context

    @contextlib.contextmanager
    def usual_profile(self, **options):
        """One as most people have it, where pages have other sites' cookies if those are marked so. (Debian's own
        default is another one.)"""
        with tempfile.TemporaryDirectory(prefix="origin-gate-", ignore_cleanup_errors=True) as folder:
            preferences = pathlib.Path(folder) / "Default" / "Preferences"
            preferences.parent.mkdir()
            preferences.write_text(json.dumps({"profile": {"cookie_controls_mode": 0}}))
            launched = self.playwright.chromium.launch_persistent_context(folder, **self.options, **options)
            with contextlib.closing(launched) as context:
                context.set_default_timeout(PATIENCE * 1000)
                yield context


def pin(certificate):
    """The hash of the certificate's public key, as RFC 7469 has it."""
    found = x509.load_pem_x509_certificate(certificate["certificate_chain"]["inline_string"].encode())
    key = found.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


@contextlib.contextmanager
def visit(chromium, url):
    """A page in a profile of its own."""
    with chromium.profile() as profile:
        page = profile.new_page()
        page.goto(url)
        yield page


class Console:
    """What the browser prints for the page's author."""

    def __init__(self, page):
        self.page, self.messages = page, []
        page.on("console", lambda it: self.messages.append(it.text))

    def wait_for(self, text):
        """It may come after the script knows; whether it came before the patience ended."""
        end = time.monotonic() + PATIENCE
        while not (found := any(text in it for it in self.messages)) and time.monotonic() < end:
            self.page.wait_for_timeout(10)
        return found


def page():
    """`caller.html`, at every path that has no route before this one."""
    kind = {"key": "content-type", "value": "text/html; charset=utf-8"}
    return {
        "match": {"prefix": "/"},
        "direct_response": {"status": 200, "body": {"inline_string": PAGE}},
        "response_headers_to_add": [{"header": kind, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}],
    }


def site(access_log):
    """A server of `caller.html`, at every path and under every name."""
    return proxy.manager([], [page()], access_log)
