import asyncio
import logging
import os
from pathlib import Path

from django.contrib.sessions.backends.base import UpdateError
from django.db import DatabaseError
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.views.decorators.csrf import ensure_csrf_cookie
from rest_framework import serializers
from rest_framework.exceptions import APIException, NotFound
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.views import APIView

log = logging.getLogger("shop")


class SessionUnavailable(APIException):
    status_code = 503
    default_detail = "Your cart could not be opened: no session could be saved. Please try again in a moment."
    default_code = "session_unavailable"


class Item(serializers.Serializer):
    sku = serializers.SlugField()
    quantity = serializers.IntegerField(min_value=1, max_value=99)


class CurrentCart(APIView):
    """The cart of whoever asks, kept in an anonymous session."""

    def get(self, request):
        return Response(self.cart(request))

    def post(self, request):
        item = Item(data=request.data)
        item.is_valid(raise_exception=True)
        return Response(self.cart(request, item.validated_data), status=201)

    @staticmethod
    def cart(request, item=None):
        session = request.session
        try:
            items = session.setdefault("items", [])
            if item:
                items.append(dict(item))
            # Saved here and not by the middleware, which could only answer 500 if it failed.
            session.save()
        except (DatabaseError, UpdateError) as error:
            log.error("Failed to create session for anonymous user: %s", error)
            session.modified = False
            raise SessionUnavailable from error
        return {"items": items, "total": sum(it["quantity"] for it in items)}


class Cart(APIView):
    def get(self, request, number):
        raise NotFound(f"There is no cart {number}.")


class Orders(APIView):
    permission_classes = [IsAuthenticated]

    def get(self, request):
        return Response({"buyer": request.user.username, "orders": []})


def page(request):
    """For a person to try the rest with."""
    text = (Path(__file__).parent / "page.html").read_text()
    # Where `./build.sh run` serves what explains the demo.
    beside = os.environ.get("SHOP_BESIDE", "")
    return HttpResponse(text.replace('data-beside=""', f'data-beside="{beside}"'))


@ensure_csrf_cookie
def question(request):
    """A form of Django's own, with its CSRF check where `CSRF_TRUSTED_ORIGINS` is set. The token is for pages elsewhere,
    which cannot read the cookie.
    """
    if request.method == "POST":
        return JsonResponse({"asked": request.POST.get("question", "")}, status=201)
    return JsonResponse({"token": get_token(request)})


def boom(request):
    raise RuntimeError("this view always fails")


async def slow(request):
    await asyncio.sleep(5)
    return JsonResponse({"slow": True})
