"""Answers with the host that Hypercorn holds a request to be for, once it is told to believe `Forwarded`."""

from hypercorn.middleware import ProxyFixMiddleware


async def answer(scope, receive, send):
    if scope["type"] != "http":
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": dict(scope["headers"])[b"host"]})


application = ProxyFixMiddleware(answer, mode="modern")
