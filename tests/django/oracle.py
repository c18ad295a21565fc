"""What Django, django-cors-headers and Channels make of requests: the other side of `tests/django.rs`.

Reads one JSON object a line, {"kind", "settings", "host", "origin", "secure", "path"}; writes for each "allowed", "refused" or
the name of the exception that ended it. Strings are Latin-1: one character is one byte.
"""

import asyncio
import json
import re
import sys

import django
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.test import override_settings

settings.configure(SECRET_KEY="oracle", INSTALLED_APPS=["corsheaders"], SECURE_PROXY_SSL_HEADER=None)
django.setup()

from channels.security.websocket import OriginValidator  # noqa: E402
from corsheaders.middleware import CorsMiddleware  # noqa: E402
from django.middleware.csrf import CsrfViewMiddleware  # noqa: E402


def request(case):
    it = HttpRequest()
    it.method = "POST" if case["kind"] == "csrf" else "GET"
    it.path = it.path_info = case.get("path", "/")
    it.META = {"HTTP_HOST": case["host"], "SERVER_NAME": "server", "SERVER_PORT": "80", "wsgi.url_scheme": "http"}
    it._get_scheme = lambda: "https" if case["secure"] else "http"
    if case["origin"] is not None:
        it.META["HTTP_ORIGIN"] = case["origin"]
    return it


def host(case):
    try:
        request(case).get_host()
    except DisallowedHost:
        return False
    return True


def cors(case):
    response = CorsMiddleware(lambda _: HttpResponse())(request(case))
    return response.headers.get("access-control-allow-origin") in (case["origin"], "*")


def credentials(case):
    response = CorsMiddleware(lambda _: HttpResponse())(request(case))
    return cors(case) and response.headers.get("access-control-allow-credentials") == "true"


def csrf(case):
    return CsrfViewMiddleware(lambda _: HttpResponse())._origin_verified(request(case))


def channels(case):
    reached = []

    async def application(scope, receive, send):
        reached.append(scope)

    messages = [{"type": "websocket.disconnect", "code": 1006}, {"type": "websocket.connect"}]

    async def receive():
        return messages.pop()

    async def send(message):
        pass

    headers = [(b"host", case["host"].encode("latin-1"))]
    if case["origin"] is not None:
        headers.append((b"origin", case["origin"].encode("latin-1")))
    # What AllowedHostsOriginValidator makes of the settings.
    hosts = settings.ALLOWED_HOSTS
    if settings.DEBUG and not hosts:
        hosts = ["localhost", "127.0.0.1", "[::1]"]
    validator = OriginValidator(application, hosts)
    scope = {"type": "websocket", "path": "/", "headers": headers}
    asyncio.run(validator(scope, receive, send))
    return bool(reached)


KINDS = {"hosts": host, "cors": cors, "credentials": credentials, "csrf": csrf, "channels": channels}


def compiled(settings):
    """Expressions as projects may have them, which JSON has no form for."""
    expressions = settings.get("CORS_ALLOWED_ORIGIN_REGEXES")
    if expressions is not None:
        flags = [
            re.compile(it["pattern"], sum(getattr(re, flag) for flag in set(it["flags"]))) if isinstance(it, dict) else it
            for it in expressions
        ]
        settings = {**settings, "CORS_ALLOWED_ORIGIN_REGEXES": flags}
    return settings


def verdict(case):
    try:
        with override_settings(**compiled(case["settings"])):
            return "allowed" if KINDS[case["kind"]](case) else "refused"
    except Exception as error:  # an application would answer 500
        return type(error).__name__


def main():
    for line in sys.stdin:
        print(verdict(json.loads(line)), flush=False)


main()
