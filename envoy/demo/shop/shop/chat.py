from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer


class Chat(AsyncJsonWebsocketConsumer):
    """Tells what the handshake looked like from here and how much is in its visitor's cart, then says whatever is said in
    its room, to whoever is in it.
    """

    async def connect(self):
        room = self.scope["url_route"]["kwargs"].get("room", "lobby")
        self.group = f"chat.{room}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in self.scope["headers"]}
        seen = {name: headers.get(name) for name in ("origin", "host", "x-forwarded-proto")}
        items = await database_sync_to_async(self.scope["session"].get)("items", [])
        cart = sum(it["quantity"] for it in items)
        await self.send_json({"type": "connection_established", "room": room, "cart": cart, "handshake": seen})

    async def disconnect(self, code):
        await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive_json(self, content):
        await self.channel_layer.group_send(self.group, {"type": "chat.said", "content": content})

    async def chat_said(self, event):
        await self.send_json(event["content"])
