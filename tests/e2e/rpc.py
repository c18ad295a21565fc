"""The shop's cart as a remote procedure call: a gRPC server, and a Connect server for uvicorn."""

import contextlib
import struct
from concurrent import futures

import grpc
from connectrpc.code import Code
from connectrpc.errors import ConnectError
from connectrpc.method import IdempotencyLevel, MethodInfo
from connectrpc.server import ConnectASGIApplication, Endpoint
from google.protobuf.wrappers_pb2 import StringValue

SERVICE = "shop.Cart"
EVENTS = [f"event {number}" for number in range(3)]
DATA, TRAILERS = 0, 0x80  # flags of a gRPC-Web frame; Connect's last frame has flag 2
END_STREAM = 2


def message(text):
    return StringValue(value=text).SerializeToString()


def text_of(data):
    return StringValue.FromString(data).value


def frame(data, flags=DATA):
    return struct.pack(">BI", flags, len(data)) + data


class Frames:
    """The frames of a streamed answer, as they come."""

    def __init__(self, exchange):
        self.exchange, self.rest = exchange, b""

    def next(self):
        """Flags and payload; `None` at the end."""
        while len(self.rest) < 5 or len(self.rest) < 5 + struct.unpack(">xI", self.rest[:5])[0]:
            data = self.exchange.data()
            if data is None:
                assert self.rest == b"", "a frame was cut"
                return None
            self.rest += data
        flags, length = struct.unpack(">BI", self.rest[:5])
        payload, self.rest = self.rest[5 : 5 + length], self.rest[5 + length :]
        return flags, payload


@contextlib.contextmanager
def grpc_server(steps):
    """Its port. `Watch` waits for a step of the test after each event."""

    def get(request, context):
        context.set_trailing_metadata([("x-checked", "yes")])
        if text_of(request) == "missing":
            context.abort(grpc.StatusCode.NOT_FOUND, "there is no such cart")
        return message(f"cart of {text_of(request)}")

    def watch(request, context):
        for event in EVENTS:
            yield message(event)
            steps.next()

    handlers = {"Get": grpc.unary_unary_rpc_method_handler(get), "Watch": grpc.unary_stream_rpc_method_handler(watch)}
    server = grpc.server(futures.ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield port
    finally:
        server.stop(None)


class ConnectCart(ConnectASGIApplication):
    path = f"/{SERVICE}"

    def __init__(self, steps):
        self.steps = steps
        super().__init__(service=self, endpoints=self.endpoints, compressions=[])

    def endpoints(self, _):
        def method(name, level):
            return MethodInfo(name=name, service_name=SERVICE, input=StringValue, output=StringValue, idempotency_level=level)

        get = method("Get", IdempotencyLevel.NO_SIDE_EFFECTS)
        watch = method("Watch", IdempotencyLevel.UNKNOWN)
        return {
            f"/{SERVICE}/Get": Endpoint.unary(method=get, function=self.get),
            f"/{SERVICE}/Watch": Endpoint.server_stream(method=watch, function=self.watch),
        }

    async def get(self, request, _):
        if request.value == "missing":
            raise ConnectError(Code.NOT_FOUND, "there is no such cart")
        return StringValue(value=f"cart of {request.value}")

    async def watch(self, _, __):
        for event in EVENTS:
            yield StringValue(value=event)
            await self.steps.wait()
