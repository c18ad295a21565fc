from channels.generic.websocket import AsyncJsonWebsocketConsumer


class Chat(AsyncJsonWebsocketConsumer):
    """Tells what the handshake looked like from here, then echoes."""

    async def connect(self):
        await self.accept()
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self.scope["headers"]}
        seen = {name: headers.get(name) for name in ("origin", "host", "x-forwarded-proto")}
        room = self.scope["url_route"]["kwargs"].get("room", "lobby")
        await self.send_json({"type": "connection_established", "room": room, "handshake": seen})

    async def receive_json(self, content):
        await self.send_json(content)
