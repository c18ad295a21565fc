import json
from unittest import mock

from asgiref.testing import ApplicationCommunicator
from django.core.management import call_command
from django.db import DatabaseError
from django.test import TestCase, TransactionTestCase

from .asgi import application

CART = "/api/billing/carts/current/"


class CartTests(TestCase):
    def test_an_anonymous_cart_is_kept_over_requests(self):
        answer = self.client.get(CART, secure=True)
        self.assertEqual((answer.status_code, answer.json()), (200, {"items": [], "total": 0}))
        cookie = answer.cookies["sessionid"]
        self.assertEqual((cookie["samesite"], cookie["secure"]), ("None", True))
        answer = self.client.post(CART, {"sku": "tea", "quantity": 2}, "application/json", secure=True)
        self.assertEqual((answer.status_code, answer.json()["total"]), (201, 2))
        self.assertEqual(self.client.get(CART, secure=True).json()["items"], [{"sku": "tea", "quantity": 2}])

    def test_a_session_that_cannot_be_saved_is_a_clear_error(self):
        save = "django.contrib.sessions.backends.db.SessionStore.save"
        with mock.patch(save, side_effect=DatabaseError("disk full")):
            answer = self.client.get(CART, secure=True)
        self.assertEqual(answer.status_code, 503)
        self.assertIn("no session could be saved", answer.json()["detail"])
        self.assertNotIn("sessionid", answer.cookies)

    def test_errors(self):
        self.assertEqual(self.client.post(CART, {"sku": "tea", "quantity": 0}).status_code, 400)
        self.assertEqual(self.client.get("/api/billing/carts/99999/").status_code, 404)
        self.client.raise_request_exception = False
        self.assertEqual(self.client.get("/api/boom/").status_code, 500)

    def test_orders_are_for_buyers(self):
        call_command("demo_buyer", "secret")
        orders = "/api/auth/buyer/orders/"
        self.assertEqual(self.client.get(orders).status_code, 401)
        self.assertEqual(self.client.get(orders, headers={"authorization": "Token wrong"}).status_code, 401)
        answer = self.client.get(orders, headers={"authorization": "Token secret"})
        self.assertEqual((answer.status_code, answer.json()["buyer"]), (200, "buyer"))

    def test_the_page(self):
        answer = self.client.get("/")
        self.assertEqual((answer.status_code, answer.headers["content-type"]), (200, "text/html; charset=utf-8"))
        self.assertContains(answer, "Origin Gate")

    def test_a_question(self):
        answer = self.client.get("/api/questions/", secure=True)
        cookie = answer.cookies["csrftoken"]
        self.assertEqual((cookie["samesite"], cookie["secure"]), ("None", True))
        self.assertTrue(answer.json()["token"])
        answer = self.client.post("/api/questions/", {"question": "Is it green?"})
        self.assertEqual((answer.status_code, answer.json()), (201, {"asked": "Is it green?"}))

    def test_it_answers_no_cors_of_its_own(self):
        answer = self.client.options(CART, headers={"origin": "https://a.example", "access-control-request-method": "GET"})
        self.assertFalse([name for name in answer.headers if name.lower().startswith("access-control-")])


async def enter(path, *headers):
    """A visitor of the chat, and how it was greeted."""
    chat = ApplicationCommunicator(application, {"type": "websocket", "path": path, "headers": list(headers)})
    await chat.send_input({"type": "websocket.connect"})
    accepted = await chat.receive_output()
    assert accepted["type"] == "websocket.accept", accepted
    return chat, await heard(chat)


async def heard(chat):
    return json.loads((await chat.receive_output())["text"])


async def say(chat, content):
    await chat.send_input({"type": "websocket.receive", "text": json.dumps(content)})


async def leave(chat):
    await chat.send_input({"type": "websocket.disconnect", "code": 1000})
    await chat.wait()


class ChatTests(TransactionTestCase):
    async def test_it_greets_and_echoes(self):
        for path, room in (("/ws/chat/", "lobby"), ("/ws/chat/sales/", "sales")):
            chat, greeting = await enter(path, (b"origin", b"https://anybody.example"))
            self.assertEqual((greeting["type"], greeting["room"]), ("connection_established", room))
            self.assertEqual((greeting["cart"], greeting["handshake"]["origin"]), (0, "https://anybody.example"))
            await say(chat, {"message": "hello"})
            self.assertEqual(await heard(chat), {"message": "hello"})
            await leave(chat)

    async def test_a_room_hears_what_is_said_in_it_and_no_other(self):
        chats = [(await enter(f"/ws/chat/{room}/"))[0] for room in ("sales", "sales", "support")]
        for chat, word in ((chats[0], "sale"), (chats[2], "support")):
            await say(chat, word)
        self.assertEqual([await heard(chat) for chat in chats], ["sale", "sale", "support"])
        for chat in chats:
            self.assertTrue(await chat.receive_nothing())
            await leave(chat)

    async def test_it_is_in_its_visitors_session(self):
        answer = await self.async_client.post(CART, {"sku": "tea", "quantity": 2}, "application/json")
        cookie = f"sessionid={answer.cookies['sessionid'].value}".encode()
        chat, greeting = await enter("/ws/chat/", (b"cookie", cookie))
        self.assertEqual(greeting["cart"], 2)
        await leave(chat)
