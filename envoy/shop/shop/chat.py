from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer


class Chat(AsyncJsonWebsocketConsumer):
    """Tells what the handshake looked like from here and how much is in its visitor's cart, then echoes."""

    async def connect(self):
        await self.accept()
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self.scope["headers"]}
        seen = {name: headers.get(name) for name in ("origin", "host", "x-forwarded-proto")}
        room = self.scope["url_route"]["kwargs"].get("room", "lobby")
        items = await database_sync_to_async(self.scope["session"].get)("items", [])
        cart = sum(it["quantity"] for it in items)
        await self.send_json({"type": "connection_established", "room": room, "cart": cart, "handshake": seen})

    async def receive_json(self, content):
        await self.send_json(content)
