"""The page on a server of files that sets no headers of its own, and real browsers that visit it."""

import base64
import contextlib
import functools
import http.server
import json
import os
import pathlib
import threading
import zlib

import pytest
from playwright.sync_api import sync_playwright

import browser

ROOT = pathlib.Path(__file__).resolve().parents[2]
PATIENCE = 20_000  # milliseconds


class Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture(scope="session")
def address():
    folder = os.environ.get("ORIGIN_GATE_PAGE") or pytest.fail("ORIGIN_GATE_PAGE: the folder that ./build.sh page makes")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="session")
def chromium():
    if not browser.find():
        pytest.skip("needs Chromium, which is not installed (on Debian: chromium)")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=browser.find(), args=browser.ARGUMENTS)
        with contextlib.closing(launched):
            yield launched


@pytest.fixture
def visit(address, chromium):
    """Opens the page in a state, in a window of a size; what it asks of networks is in `page.asked`."""
    with contextlib.ExitStack() as stack:

        def opened(state=None, width=1280, height=900, scheme="light"):
            options = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
            profile = stack.enter_context(contextlib.closing(chromium.new_context(**options)))
            profile.set_default_timeout(PATIENCE)
            page = profile.new_page()
            page.asked, page.problems = [], []
            page.on("request", lambda it: it.url.startswith("data:") or page.asked.append(it.url))
            page.on("pageerror", lambda it: page.problems.append(str(it)))
            page.on("console", lambda it: page.problems.append(it.text) if it.type == "error" else None)
            page.goto(address + (fragment(state) if state else ""))
            page.wait_for_selector("html[data-ready]")
            return page

        yield opened


def fragment(state):
    """The state as links hold it."""
    packed = zlib.compressobj(wbits=-15)
    data = packed.compress(json.dumps(state).encode()) + packed.flush()
    return "#1." + base64.urlsafe_b64encode(data).decode().rstrip("=")


def unpacked(link):
    text = link.partition("#1.")[2]
    return json.loads(zlib.decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), wbits=-15))


def pytest_addoption(parser):
    parser.addoption("--pictures", help="a folder for pictures of the page")
