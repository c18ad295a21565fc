"""Answers with the host that Django holds a request to be for: what it would put into a link."""

import django
from django.core.handlers.wsgi import WSGIRequest

django.setup()


def application(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [WSGIRequest(environ).get_host().encode()]
