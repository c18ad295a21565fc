"""Paths that a backend takes for others: whatever it takes one for, the entry for that holds."""

import pathlib
import socket
import sys
import urllib.parse

import pytest

import node
import proxy
from harness import ask, surroundings

HERE = pathlib.Path(__file__).parent
SIGNS = ":(!+=,$&*'{|^`["
POLICY = {
    "allowed_origins": ["https://app.example"],
    "policies": [
        {
            "match": {
                "path_prefixes": [
                    "/users/@me",
                    "/admin/",
                    "/staff",
                    "/named/tasks",
                    "/api/users",
                    *(f"/signs/{it}" for it in SIGNS),
                ]
            },
            "allowed_origins": ["https://admin.example"],
            "csrf": {},
        }
    ],
}

# A path, which each of these backends takes for one of the above.
DECODED = ["/users/%40me/email", *(f"/signs/{urllib.parse.quote(it, safe='')}/x" for it in SIGNS)]
SPELLINGS = {
    "django": [
        *DECODED,
        "/admin",
        "/STAFF/keys",
        "/Staff/%6beys",
        "/named/TASKS",
        "/named/ta%C5%BFk%C5%BF",
        "/named/tas%E2%84%AAs",
        "/named/%EF%BD%94asks",
        "/named/tasks%20",
        "/named/tasks.",
        "/api/users.json",
        "/api/users%2ejson",
        "/api/users.json/",
    ],
    "express": [*DECODED, "/admin", "/ADMIN", "/Admin/", "/USERS/%40me/EMAIL", "/users/@me/email/"],
}
# Ordinary paths that look a little like them.
OTHERS = ["/users/bob%40example.com/email", "/administrator/", "/named/a%20b", "/api/users2", "/signs/%40/x", "/static/admin/x.js"]


def django(stage):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        descriptor, port = listener.fileno(), listener.getsockname()[1]
        command = [sys.executable, "-m", "uvicorn", "--no-access-log", "--factory", "--fd", str(descriptor)]
        settings = surroundings(DJANGO_SETTINGS_MODULE="spellings_settings", PYTHONDONTWRITEBYTECODE="1")
        process = stage.start(
            "spellings-django", [*command, "django.core.asgi:get_asgi_application"], cwd=HERE, env=settings, pass_fds=[descriptor]
        )
        stage.wait_for(lambda: ask(port, "GET", "/users/@me/email").body == "ran", "spellings-django", process)
    return port


def express(stage):
    node.need("express")
    process = stage.start("spellings-express", ["node", HERE / "spellings_express.mjs", node.MODULES])
    return stage.wait_for(lambda: int(stage.log("spellings-express")), "spellings-express", process)


@pytest.fixture(scope="module", params=[django, express], ids=lambda it: it.__name__)
def served(request, envoy, stage, module):
    """The backend's name, its port, and that of the same behind the filter."""
    kind = request.param.__name__
    port = request.param(stage)
    manager = proxy.manager([proxy.gate(module, POLICY)], [proxy.route("/")])
    running = envoy(f"spellings-{kind}", [proxy.listener("http", manager)], [proxy.cluster("backend", port)])
    return kind, port, running.ports["http"]


def post(port, path, origin):
    return ask(port, "POST", path, {"Host": "api.example", "Origin": origin}, b"")


def test_another_spelling_runs_the_handler_and_the_entry_for_it_holds(served):
    kind, alone, guarded = served
    for path in SPELLINGS[kind]:
        assert "ran" in post(alone, path, "https://evil.example").body, f"{kind} does not read {path} so"
        refused = post(guarded, path, "https://evil.example")
        assert (refused.status, "cross_site_write" in refused.body) == (403, True), path
        # Who may read elsewhere may not read here.
        read = ask(guarded, "GET", path, {"Host": "api.example", "Origin": "https://app.example"})
        assert (read.status, read.headers.get("access-control-allow-origin")) == (200, None), path


def test_the_entry_lets_its_own_pages_in(served):
    _, _, guarded = served
    for path in ["/users/%40me/email", "/admin/"]:
        assert "ran" in post(guarded, path, "https://admin.example").body


def test_ordinary_paths_are_left_alone(served):
    kind, alone, guarded = served
    for path in OTHERS:
        status = post(alone, path, "https://evil.example").status
        answer = post(guarded, path, "https://evil.example")
        assert answer.status == status and "cross_site_write" not in answer.body, path
