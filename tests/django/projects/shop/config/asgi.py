import os

from channels.auth import AuthMiddlewareStack
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.urls import path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


class CorsOriginValidator(OriginValidator):
    def valid_origin(self, parsed_origin):
        return super().valid_origin(parsed_origin) or parsed_origin.hostname in settings.ALLOWED_HOSTS


application = ProtocolTypeRouter(
    {
        "http": get_asgi_application(),
        "websocket": CorsOriginValidator(
            AuthMiddlewareStack(URLRouter([path("ws/chat/", AsyncWebsocketConsumer.as_asgi())])),
            settings.CORS_ALLOWED_ORIGINS,
        ),
    }
)
print("an import that talks")
