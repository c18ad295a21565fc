"""Prints the settings of Django that Origin Gate reads, as one line of JSON. It changes nothing and serves nothing."""

import importlib
import importlib.util
import json
import os
import re
import sys

NAMES = [
    "ALLOWED_HOSTS",
    "ASGI_APPLICATION",
    "DEBUG",
    "SECURE_PROXY_SSL_HEADER",
    "SECURE_SSL_REDIRECT",
    "USE_X_FORWARDED_HOST",
]
PREFIXES = ("CORS_", "CSRF_", "SESSION_COOKIE_")
# Each name beside the one that django-cors-headers had for it before 3.5.
CORS = {
    "CORS_ALLOWED_ORIGINS": "CORS_ORIGIN_WHITELIST",
    "CORS_ALLOWED_ORIGIN_REGEXES": "CORS_ORIGIN_REGEX_WHITELIST",
    "CORS_ALLOW_ALL_ORIGINS": "CORS_ORIGIN_ALLOW_ALL",
    "CORS_ALLOW_CREDENTIALS": None,
    "CORS_ALLOW_HEADERS": None,
    "CORS_ALLOW_METHODS": None,
    "CORS_ALLOW_PRIVATE_NETWORK": None,
    "CORS_EXPOSE_HEADERS": None,
    "CORS_URLS_REGEX": None,
}
APPS = ("channels", "corsheaders", "daphne", "django.contrib.admin", "django.contrib.sessions", "rest_framework")

problems = []


def attempt(what, task):
    """The result of a task, or None and a line about what went wrong."""
    try:
        return task()
    except (Exception, SystemExit) as error:
        problems.append(f"{what}: {type(error).__name__}: {str(error)[:200]}")
        return None


def plain(value):
    """A value as JSON has it. What is no flag, number, string or list of these is shown as the name of its type."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if type(value).__name__ == "__proxy__":  # gettext_lazy and the like
        value = str(value)
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, type(re.compile(""))) and isinstance(value.pattern, str):
        flags = [it.name for it in re.RegexFlag if value.flags & it and it is not re.UNICODE]
        return {"pattern": value.pattern, "flags": flags}
    if isinstance(value, (list, tuple)):
        return [plain(it) for it in value]
    if isinstance(value, (set, frozenset)):
        return sorted((plain(it) for it in value), key=json.dumps)
    return {"type": type(value).__name__}


def name_of(it):
    return f"{getattr(it, '__module__', '')}.{getattr(it, '__qualname__', type(it).__qualname__)}"


def setting_values(settings):
    names = [it for it in dir(settings) if it in NAMES or it.startswith(PREFIXES)]
    values = {it: attempt(it, lambda name=it: plain(getattr(settings, name))) for it in names}
    # A cookie's name may be a secret of its own, and says nothing here.
    return {name: value for name, value in values.items() if not name.endswith("_NAME")}


def cors_values():
    """What django-cors-headers takes the settings for, defaults and old names too."""
    if importlib.util.find_spec("corsheaders") is None:
        return None
    conf = importlib.import_module("corsheaders.conf").conf
    return {new: plain(getattr(conf, new, getattr(conf, old or new, None))) for new, old in CORS.items()}


def receivers():
    """How many functions decide beside django-cors-headers."""
    if importlib.util.find_spec("corsheaders") is None:
        return 0
    return len(importlib.import_module("corsheaders.signals").check_request_enabled.receivers)


def middleware(settings):
    from django.utils.module_loading import import_string

    kinds = {"cors": "corsheaders.middleware.CorsMiddleware", "csrf": "django.middleware.csrf.CsrfViewMiddleware"}
    found = []
    for path in settings.MIDDLEWARE:
        entry = {"name": path, "kind": None}
        for kind, base in kinds.items():
            if path == base:
                entry["kind"] = kind
            elif importlib.util.find_spec(base.split(".")[0]) is not None:
                it = attempt("MIDDLEWARE", lambda path=path: import_string(path))
                if isinstance(it, type) and issubclass(it, import_string(base)):
                    entry["kind"] = kind
        found.append(entry)
    return found


def asgi_path(settings):
    """ASGI_APPLICATION, or the module that `startproject` puts beside wsgi.py."""
    path = getattr(settings, "ASGI_APPLICATION", None)
    wsgi = getattr(settings, "WSGI_APPLICATION", None) or ""
    if path or not wsgi.endswith(".wsgi.application"):
        return path
    module = wsgi[: -len(".wsgi.application")] + ".asgi"
    return module + ".application" if importlib.util.find_spec(module) else None


def sockets(settings):
    """What stands before the consumers of WebSockets: Channels' validators, found by walking the application's objects."""
    from django.utils.module_loading import import_string

    path = asgi_path(settings)
    if not path or importlib.util.find_spec("channels") is None:
        return None
    application = attempt(path, lambda: import_string(path))
    if application is None:
        return {"application": path, "is_known": False}
    base = importlib.import_module("channels.security.websocket").OriginValidator
    walked = Walk(base, settings)
    walked.visit(application)
    return {
        "application": path,
        # A function of the project's own may call whatever it likes.
        "is_known": walked.routes and not walked.opaque,
        "validators": walked.validators,
        "unguarded": walked.unguarded,
    }


class Walk:
    CHECKS = ("__call__", "valid_origin", "validate_origin", "match_allowed_origin")

    def __init__(self, base, settings):
        self.base, self.settings = base, settings
        self.seen, self.validators = set(), []
        self.routes = self.opaque = self.unguarded = False

    def visit(self, it):
        if id(it) in self.seen or len(self.seen) > 10000:
            return
        self.seen.add(id(it))
        if isinstance(it, self.base):
            self.routes = True
            self.validators.append(self.describe(it))
        elif hasattr(it, "application_mapping"):
            self.routes = True
            if "websocket" in it.application_mapping:
                self.visit(it.application_mapping["websocket"])
        elif hasattr(it, "consumer_class"):
            self.unguarded = True
        elif isinstance(it, (list, tuple)):
            for one in it:
                self.visit(one)
        elif hasattr(it, "callback") and hasattr(it, "pattern"):
            self.visit(it.callback)
        elif not isinstance(it, type) and callable(it):
            inner = [one for one in getattr(it, "__dict__", {}).values() if callable(one) or isinstance(one, (list, tuple))]
            if type(it).__name__ == "function" and not inner:
                self.opaque = True
            if not name_of(type(it)).startswith("django.core."):
                self.visit(inner)

    def describe(self, validator):
        hosts = list(self.settings.ALLOWED_HOSTS)
        if self.settings.DEBUG and not hosts:
            hosts = ["localhost", "127.0.0.1", "[::1]"]
        origins = list(validator.allowed_origins)
        is_own = any(getattr(type(validator), it) is not getattr(self.base, it) for it in self.CHECKS)
        return {
            "class": name_of(type(validator)),
            "is_own_code": is_own,
            "is_allowed_hosts": origins == hosts,
            "origins": plain(origins),
        }


def version(name):
    module = attempt(name, lambda: importlib.import_module(name)) if importlib.util.find_spec(name) else None
    return plain(getattr(module, "__version__", None)) if module else None


def effective():
    import django
    from django.conf import settings

    if os.environ.get("DJANGO_CONFIGURATION") and not settings.configured:
        attempt("configurations", lambda: importlib.import_module("configurations").setup())
    from django.apps import apps

    if not apps.ready:
        attempt("django.setup", django.setup)
    return {
        "origin_gate_django": 1,
        "settings": setting_values(settings),
        "cors": attempt("corsheaders", cors_values),
        "receivers": attempt("corsheaders.signals", receivers),
        "middleware": attempt("MIDDLEWARE", lambda: middleware(settings)),
        "apps": [it for it in settings.INSTALLED_APPS if it.startswith(APPS)],
        "asgi": attempt("ASGI", lambda: sockets(settings)),
        "versions": {it: version(it) for it in ("django", "channels")},
        "problems": problems,
    }


# On a line of its own, whatever was printed before. ASCII, whatever the terminal's encoding is.
sys.stdout.write("\n" + json.dumps(effective()) + "\n")
sys.stdout.flush()
