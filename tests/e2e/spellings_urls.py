"""A small Django, with Django REST framework, that reads paths as applications do. Each handler answers `ran`."""

import unicodedata

from django.http import HttpResponse, HttpResponseNotFound
from django.urls import path, re_path
from rest_framework.decorators import api_view
from rest_framework.response import Response
from rest_framework.urlpatterns import format_suffix_patterns


def ran(request, **_):
    return HttpResponse("ran")


def by_name(request, name):
    """Looks a thing up as applications with normalized names do."""
    key = unicodedata.normalize("NFKC", name).casefold().strip(" .")
    return HttpResponse("ran") if key == "tasks" else HttpResponseNotFound()


@api_view(["GET", "POST"])
def users(request, format=None):
    return Response("ran")


urlpatterns = [
    path("users/@me/email", ran),
    *(path(f"signs/{it}/x", ran) for it in ":(!+=,$&*'{|^`["),
    re_path("^admin/?$", ran),
    re_path("(?i)^staff/keys$", ran),
    path("named/<path:name>", by_name),
    *format_suffix_patterns([path("api/users", users)]),
]
