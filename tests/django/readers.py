"""What bash, python-dotenv, django-environ, python-decouple and Compose read in `.env` files: the other side of
`tests/dotenv.rs`. They are the programs themselves; Compose, which is written in Go, is a model of compose-go v2's parser.

Reads one JSON string a line, a file's text; writes one JSON object a line: for each reader its variables, or null where it
says that it cannot read the file.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import dotenv
from decouple import RepositoryEnv
from environ import Env

NAMES = json.loads(sys.argv[1])
# Set to something else before, so that what a reader takes away is seen too.
MARK = "not read"

BASH = shutil.which("bash")
READ = r"""
set -a
. "$1" > /dev/null 2> /dev/null
for name in "${@:2}"; do printf '%s=%s\0' "$name" "${!name-not read}"; done
"""


def of_bash(path):
    # A shell that cannot read a file says so, and has nothing of what follows.
    if subprocess.run([BASH, "-n", path], capture_output=True).returncode:
        return None
    command = [BASH, "-c", READ, "bash", path, *NAMES]
    environment = {"PATH": "/nonexistent", "HOME": "/home"}
    # In the folder of the file: a line may write other files.
    folder = os.path.dirname(path)
    done = subprocess.run(command, capture_output=True, env=environment, stdin=subprocess.DEVNULL, cwd=folder, check=False)
    pairs = done.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]
    return {name: value for name, value in (it.split("=", 1) for it in pairs) if value != MARK}


def of_dotenv(path):
    found = dotenv.dotenv_values(path)
    return {name: found[name] for name in NAMES if found.get(name) is not None}


def of_environ(path, comments):
    Env.ENVIRON = {}
    Env.read_env(path, parse_comments=comments)
    env = Env()
    return {name: env.str(name) for name in NAMES if name in Env.ENVIRON}


def of_decouple(path):
    found = RepositoryEnv(path).data
    return {name: found[name] for name in NAMES if name in found}


BLANKS = "\t\v\f\r \x85\xa0"


def of_compose(path):
    with open(path, encoding="utf-8", newline="") as file:
        found = compose(file.read().removeprefix("\ufeff"))
    return found and {name: found[name] for name in NAMES if name in found}


def compose(text):
    """`dotenv/parser.go`; None where it refuses the file. A value with variables is not filled in."""
    found = {}
    while True:
        text = re.sub(r"^(\s|#[^\n]*(\n|$))+", "", text)
        if not text:
            return found
        text = re.sub(r"^export(?=[\t\n\f\r ])", "", text).lstrip(BLANKS)
        key = re.match(rf"(?:\w|[{BLANKS}.\-\[\]])*", text).group()
        end, text = text[len(key) : len(key) + 1], text[len(key) + 1 :].lstrip(BLANKS)
        key = key.rstrip()
        if end == "":
            # The last line, without its end: an accident of the parser's loop, which none of ours comes to.
            return {**found, "": key + text}
        if end not in ("=", ":", "\n") or " " in key:
            return None
        if end == "\n":
            continue
        if text[:1] in ("'", '"'):
            quoted = re.match(r"(['\"])((?:\\.|(?!\1)[^\\])*)\1", text, re.DOTALL)
            if not quoted:
                return None
            quote, value = quoted[1], quoted[2].replace("\\" + quoted[1], quoted[1])
            text = text[quoted.end() :]
            found[key] = "filled in" if quote == '"' and re.search(r"[\\$]", value) else value
            continue
        value, _, text = text.partition("\n")
        value = value.split(" #")[0].rstrip()
        found[key] = "filled in" if "$" in value else value


def attempt(reader, *arguments):
    try:
        return reader(*arguments)
    except Exception as error:
        return {"": type(error).__name__}


def main():
    os.environ.clear()
    os.environ["PATH"] = "/usr/local/bin:/usr/bin:/bin"
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "file.env")
        for line in sys.stdin:
            with open(path, "w", encoding="utf-8", newline="") as file:
                file.write(json.loads(line))
            answers = {
                "bash": attempt(of_bash, path),
                "python-dotenv": attempt(of_dotenv, path),
                "django-environ": attempt(of_environ, path, False),
                "django-environ with comments": attempt(of_environ, path, True),
                "python-decouple": attempt(of_decouple, path),
                "Compose": attempt(of_compose, path),
            }
            print(json.dumps(answers))


main()
