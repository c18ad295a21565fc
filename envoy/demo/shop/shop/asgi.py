import os

from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator
from channels.sessions import SessionMiddlewareStack
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
django = get_asgi_application()

from .chat import Chat  # noqa: E402 (the settings come first)

chat = SessionMiddlewareStack(
    URLRouter(
        [
            path("ws/chat/", Chat.as_asgi()),
            path("ws/chat/<slug:room>/", Chat.as_asgi()),
        ]
    )
)
# Whether a page may open a socket is decided in front; here too only where the environment lists origins.
if settings.CORS_ALLOWED_ORIGINS:
    hosts = [host for host in settings.ALLOWED_HOSTS if host != "*"]
    chat = OriginValidator(chat, [*settings.CORS_ALLOWED_ORIGINS, *hosts])

application = ProtocolTypeRouter({"http": django, "websocket": chat})
