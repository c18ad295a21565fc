"""Two processes of the shop share its carts over PostgreSQL and its chat's rooms over Redis, and nothing without."""

import asyncio
import json

import websockets

import servers
from harness import CART, ask


def totals(stage, **settings):
    """How much is in a cart that one shop filled, as it and as another with the same settings see it."""
    shops = [stage.shop(**settings) for _ in range(2)]
    send = {"Host": "localhost", "Content-Type": "application/json"}
    filled = ask(shops[0], "POST", CART, send, b'{"sku": "tea", "quantity": 2}')
    cookie = filled.headers["set-cookie"].partition(";")[0]
    return [json.loads(ask(port, "GET", CART, {**send, "Cookie": cookie}).body)["total"] for port in shops]


@servers.needs_postgres
def test_carts_are_in_postgresql(stage):
    assert totals(stage, DATABASE_URL=servers.postgres(stage)) == [2, 2]


def test_in_sqlite_each_shop_has_its_own(stage):
    assert totals(stage) == [2, 0]


def heard(stage, **settings):
    """What one who is in a room through one shop hears of what is said through another, then through its own."""

    async def listen(ports):
        rooms = [websockets.connect(f"ws://127.0.0.1:{port}/ws/chat/tea/", proxy=None) for port in ports]
        async with rooms[0] as speaker, rooms[1] as listener:
            await speaker.recv(), await listener.recv()
            await speaker.send('"from afar"')
            assert json.loads(await asyncio.wait_for(speaker.recv(), 10)) == "from afar"
            await listener.send('"from here"')
            words = [json.loads(await asyncio.wait_for(listener.recv(), 10))]
            if words != ["from here"]:
                words.append(json.loads(await asyncio.wait_for(listener.recv(), 10)))
            return words

    return asyncio.run(listen([stage.shop(**settings) for _ in range(2)]))


@servers.needs_redis
def test_rooms_are_in_redis(stage):
    assert heard(stage, REDIS_URL=servers.redis(stage)) == ["from afar", "from here"]


def test_in_memory_each_shop_has_its_own(stage):
    assert heard(stage) == ["from here"]
