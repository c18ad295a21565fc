"""One `.env` drives the shop's Django and Origin Gate in front of it, as docker-compose.django.yaml hands it to both."""

import json
import re
import subprocess

import pytest
import yaml

import demo
from harness import CART, Failure, ask
from peers import Http1

QUESTIONS = "/api/questions/"
FORM = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": f"csrftoken={'x' * 32}", "X-CSRFToken": "x" * 32}


def example():
    lines = (demo.FILES / ".env.example").read_text().splitlines()
    settings = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    settings.pop("COMPOSE_FILE")
    return settings


def follower():
    """`envoy.yaml` as it follows Django's settings."""
    command = ["sed", "-f", demo.FILES / "django_env.sed", demo.FILES / "envoy.yaml"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


class Pair:
    """The shop and Envoy in front of it, both with the same settings."""

    def __init__(self, stage, binary, module, name, settings):
        self.shop = stage.shop(**settings)
        config = demo.envoy_config(self.shop, module, False, follower())
        self.envoy = stage.envoy(binary, config, name=name, **settings)
        self.web = self.envoy.ports["web"]


def gate_of(text):
    manager = yaml.safe_load(text)["static_resources"]["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    config = manager["http_filters"][0]["typed_config"]["config"]
    return config, json.loads(config["configuration"]["value"])


def test_only_the_lists_and_the_environment_are_changed():
    text = (demo.FILES / "envoy.yaml").read_text()
    (_, policy), (config, following) = gate_of(text), gate_of(follower())
    assert config["vm_config"].pop("environment_variables").keys() == {"host_env_keys"}
    lists = {key: policy.pop(key) for key in ("allowed_origins", "allowed_hosts")}
    assert following == {"django_env": True, **policy}
    rest = [re.sub(r"(?s)value: \|.*?vm_id", "", it).replace("\n", "") for it in (text, follower())]
    assert re.sub(r" +environment_variables:.*?DEBUG\]", "", rest[1]) == rest[0]
    settings = {"allowed_origins": "CORS_ALLOWED_ORIGINS", "allowed_hosts": "ALLOWED_HOSTS"}
    assert {key: set(example()[name].split(",")) for key, name in settings.items()} == {key: set(it) for key, it in lists.items()}


@pytest.fixture(scope="module")
def shipped(stage, binary, module):
    return Pair(stage, binary, module, "dotenv", {**example(), "CORS_ALLOW_CREDENTIALS": "False"})


def test_what_the_demo_promises_holds_with_the_example(shipped, capsys):
    assert demo.Checks(shipped.envoy).run(), capsys.readouterr().out


def test_the_first_line_tells_what_came_from_where(shipped):
    line = next(it for it in shipped.envoy.log().splitlines() if "from_environment=" in it)
    told = dict(it.split("=", 1) for it in line.split() if "=" in it)
    assert (
        told["from_policy"] == "django_env,cors.allow_credentials,websocket.allowed_hosts,hosts.exempt_paths,hosts.forwarded_host"
    )
    assert set(told["from_environment"].split(",")) == {"CORS_ALLOWED_ORIGINS", "CSRF_TRUSTED_ORIGINS", "ALLOWED_HOSTS"}
    # The policy says itself that there are credentials.
    assert told["overridden"] == "CORS_ALLOW_CREDENTIALS"


def handshake(port, origin, host):
    with Http1(port) as exchange:
        return exchange.start("GET", "/ws/chat/", [("Origin", origin)], host=host, websocket=True).head().status


def seen(pair, origin, host):
    """What a page of an origin gets at a host: from the shop itself, and from Envoy in front of it."""
    form = {"Host": host, "Origin": origin, **FORM}
    at_shop, in_front = (ask(port, "GET", CART, {"Host": host, "Origin": origin}) for port in (pair.shop, pair.web))
    return {
        "the shop's host": at_shop.status,
        "the shop's form": ask(pair.shop, "POST", QUESTIONS, form, b"question=tea").status,
        "the shop's chat": handshake(pair.shop, origin, host),
        "the filter's host": in_front.status,
        "the filter's grant": in_front.headers.get("access-control-allow-origin"),
        "the filter's chat": handshake(pair.web, origin, host),
    }


ALL_PASS = [200, 201, 101, 200, 101]


def statuses(found):
    return [it for name, it in found.items() if name != "the filter's grant"]


def test_both_follow_a_change(stage, binary, module, shipped):
    old, new = ("https://slykertech.co.zw", "api.slykertech.co.zw"), ("https://app.example", "api.example")
    changed = {name: value.replace("slykertech.co.zw", "example") for name, value in example().items()}
    for name in ("CORS_ALLOWED_ORIGINS", "CSRF_TRUSTED_ORIGINS"):
        changed[name] = changed[name].replace("//www.", "//app.")
    other = Pair(stage, binary, module, "changed", changed)
    for pair, theirs, others in ((shipped, old, new), (other, new, old)):
        found = seen(pair, *theirs)
        assert (statuses(found), found["the filter's grant"]) == (ALL_PASS, theirs[0])
        assert statuses(seen(pair, theirs[0], others[1])) == [400, 400, 101, 421, 421]
        found = seen(pair, others[0], theirs[1])
        assert (statuses(found), found["the filter's grant"]) == ([200, 403, 403, 200, 403], None)


def test_a_list_may_have_spaces(stage):
    port = stage.shop(ALLOWED_HOSTS="localhost, api.example", CORS_ALLOWED_ORIGINS="https://a.example https://b.example")
    assert ask(port, "GET", CART, {"Host": "api.example"}).status == 200
    origins = ("https://a.example", "https://b.example", "https://c.example")
    assert [handshake(port, it, "api.example") for it in origins] == [101, 101, 403]


def test_with_nothing_set_the_shop_checks_neither_origin_nor_host(stage):
    port = stage.shop()
    headers = {"Host": "anything.example", "Origin": "https://evil.example"}
    assert ask(port, "GET", CART, headers).status == 200
    assert ask(port, "POST", QUESTIONS, {**headers, **FORM}, b"question=tea").status == 201
    assert handshake(port, "https://evil.example", "anything.example") == 101


def test_debug_is_django_s(stage):
    body = ask(stage.shop(DEBUG="True", ALLOWED_HOSTS="localhost"), "GET", "/api/boom/").body
    assert "DEBUG = True" in body and "DEBUG = True" not in ask(stage.shop(), "GET", "/api/boom/").body


def test_settings_that_say_nothing_start_no_envoy(stage, binary, module):
    config = demo.envoy_config(1, module, False, follower())
    with pytest.raises(Failure, match="django_env"):
        stage.envoy(binary, config, name="unset")
