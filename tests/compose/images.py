"""Images for docker-compose.yaml: those that it names, or stand-ins where no registry can be reached."""

import json
import os
import pathlib
import re
import shutil
import subprocess

from harness import SHOP, Failure

HERE = pathlib.Path(__file__).resolve().parent
NAME = "origin-gate-stand-in"
PACKAGES = ["ca-certificates", "postgresql", "prometheus", "python3-pip", "redis-server", "wget"]
TARGETS = ["envoy", "python", "postgres", "redis", "prometheus"]
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"


def docker(*arguments, **options):
    return subprocess.run(["docker", *arguments], text=True, **options)


def must(done, what):
    if done.returncode:
        raise Failure(f"{what} failed:\n{done.stdout or ''}{done.stderr or ''}")
    return done.stdout


def python_image():
    return re.search(r"^ARG PYTHON=(.+)$", (SHOP / "Dockerfile").read_text(), re.MULTILINE)[1]


def can_pull(services):
    """Whether all that the services name is here now, or was."""
    names = {it["image"] for it in services.values() if "image" in it} | {python_image()}
    for name in sorted(names):
        if docker("image", "inspect", name, capture_output=True).returncode:
            print(f"pulling {name}", flush=True)
            pulled = docker("pull", "--quiet", name, capture_output=True)
            if pulled.returncode:
                print(pulled.stderr.strip())
                return False
    return True


def stand_ins(folder, envoy):
    """Makes them; what to change in docker-compose.yaml for them. Their names are their own, and hide nobody's."""
    base = f"{NAME}:base"
    if docker("image", "inspect", base, capture_output=True).returncode:
        make_base(folder / "root", base)
    context = folder / "context"
    context.mkdir()
    shutil.copy(envoy, context / "envoy")
    shutil.copy(CERTIFICATES, context / "certificates.crt")
    shutil.copy(HERE / "postgres.sh", context)
    for target in TARGETS:
        print(f"building {NAME}:{target}", flush=True)
        arguments = ["--build-arg", f"BASE={base}", "--target", target, "--tag", f"{NAME}:{target}"]
        made = docker(
            "build", "--file", HERE / "stand-ins.Dockerfile", *arguments, context, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        must(made, f"docker build of {target}")
    changes = {it: {"image": f"{NAME}:{it}", "pull_policy": "never"} for it in TARGETS if it != "python"}
    return {**changes, "shop": {"build": {"args": {"PYTHON": f"{NAME}:python"}}}}


def make_base(root, name):
    if shutil.which("debootstrap") is None or os.geteuid() != 0:
        raise Failure("stand-ins for the images need debootstrap and root (Debian: apt install debootstrap)")
    print(f"making {name} with debootstrap, which takes minutes", flush=True)
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}", "bookworm", str(root)]
    must(subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True), "debootstrap")
    with subprocess.Popen(["tar", "--directory", root, "--create", "."], stdout=subprocess.PIPE) as tar:
        must(docker("import", "-", name, stdin=tar.stdout, capture_output=True), "docker import")
    if tar.returncode:
        raise Failure("tar failed")


def override(changes):
    return json.dumps({"services": changes})
