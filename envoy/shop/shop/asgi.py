import os

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.sessions import SessionMiddlewareStack
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
django = get_asgi_application()

from .chat import Chat  # noqa: E402 (the settings come first)

# No OriginValidator: whether a page may open a socket is decided in front.
application = ProtocolTypeRouter(
    {
        "http": django,
        "websocket": SessionMiddlewareStack(
            URLRouter(
                [
                    path("ws/chat/", Chat.as_asgi()),
                    path("ws/chat/<slug:room>/", Chat.as_asgi()),
                ]
            )
        ),
    }
)
