"""PostgreSQL and Redis, as Debian packages them."""

import os
import pathlib
import shutil
import subprocess

import pytest

from harness import Failure, free_port

POSTGRES = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), default=None, key=lambda it: float(it.parent.name))
REDIS = shutil.which("redis-server")
needs_postgres = pytest.mark.skipif(POSTGRES is None, reason="PostgreSQL is not installed (Debian: apt install postgresql)")
needs_redis = pytest.mark.skipif(REDIS is None, reason="Redis is not installed (Debian: apt install redis-server)")


def postgres(stage):
    """An empty PostgreSQL; how to reach it."""
    port, folder = free_port(), stage.folder / "postgres"
    folder.mkdir()
    # It runs as anybody but root.
    owner = {}
    if os.geteuid() == 0:
        owner = {"user": "postgres", "group": "postgres"}
        stage.folder.chmod(0o711)
        shutil.chown(folder, **owner)
    make = [POSTGRES / "initdb", "--pgdata", folder, "--username", "shop", "--auth", "trust", "--no-sync"]
    done = subprocess.run(make, capture_output=True, text=True, cwd="/", **owner)
    if done.returncode:
        raise Failure(f"initdb failed:\n{done.stdout}{done.stderr}")
    serve = [POSTGRES / "postgres", "-D", folder, "-p", str(port), "-k", folder, "-c", "listen_addresses=127.0.0.1"]
    process = stage.start("postgres", serve, cwd="/", **owner)
    ready = [POSTGRES / "pg_isready", "--host", "127.0.0.1", "--port", str(port), "--quiet"]
    stage.wait_for(lambda: subprocess.run(ready).returncode == 0, "PostgreSQL", process)
    return f"postgresql://shop@127.0.0.1:{port}/postgres"


def redis(stage):
    """An empty Redis; how to reach it."""
    port = free_port()
    command = [REDIS, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(stage.folder)]
    process = stage.start("redis", command)
    stage.wait_for(lambda: "Ready to accept connections" in stage.log("redis"), "Redis", process)
    return f"redis://127.0.0.1:{port}/0"
