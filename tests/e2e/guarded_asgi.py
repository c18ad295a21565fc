"""The shop's application with the guard of Channels in front of its sockets."""

from channels.security.websocket import AllowedHostsOriginValidator

from shop.asgi import application

application.application_mapping["websocket"] = AllowedHostsOriginValidator(application.application_mapping["websocket"])
