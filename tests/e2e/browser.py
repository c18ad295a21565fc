"""Real Chromium, and sites for it to visit."""

import base64
import contextlib
import hashlib
import pathlib
import shutil

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import sync_playwright

import proxy
from peers import PATIENCE

PAGE = (pathlib.Path(__file__).parent / "page.html").read_text()
ARGUMENTS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
ARGUMENTS += ["--disable-background-networking", "--disable-component-update"]


def find():
    """Where Chromium is; `None` if it is not installed."""
    return next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)


@contextlib.contextmanager
def chromium(ports, certificate):
    """One that finds each of these names on a port of this machine, at no other port than 443 as far as it and its
    pages know; and that takes this certificate alone for its own, in place of an authority that it could know."""
    rules = ", ".join(f"MAP {name} 127.0.0.1:{port}" for name, port in ports.items())
    arguments = [f"--host-resolver-rules={rules}", f"--ignore-certificate-errors-spki-list={pin(certificate)}"]
    with sync_playwright() as playwright:
        with contextlib.closing(playwright.chromium.launch(executable_path=find(), args=ARGUMENTS + arguments)) as found:
            yield found


def pin(certificate):
    """The hash of the certificate's public key, as RFC 7469 has it."""
    found = x509.load_pem_x509_certificate(certificate["certificate_chain"]["inline_string"].encode())
    key = found.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


@contextlib.contextmanager
def visit(browser, url):
    """A page in a profile of its own, which shares neither connections nor cookies with another."""
    with contextlib.closing(browser.new_context()) as context:
        context.set_default_timeout(PATIENCE * 1000)
        page = context.new_page()
        page.goto(url)
        yield page


def site(access_log):
    """A server of `page.html`, at every path and under every name."""
    kind = {"key": "content-type", "value": "text/html; charset=utf-8"}
    route = {
        "match": {"prefix": "/"},
        "direct_response": {"status": 200, "body": {"inline_string": PAGE}},
        "response_headers_to_add": [{"header": kind, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}],
    }
    return proxy.manager([], [route], access_log)
