"""A gRPC server that answers as a test says, by the method's name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any

import grpc
from google.protobuf.message import Message

from blinkd.v1 import acquisitions_pb2, localizations_pb2, models_pb2, preview_pb2, scans_pb2

SERVICES = {
    "Acquisitions": acquisitions_pb2,
    "Localizations": localizations_pb2,
    "Models": models_pb2,
    "Preview": preview_pb2,
    "Scans": scans_pb2,
}
Answer = Callable[[Any, grpc.ServicerContext], Message | Iterator[Message]]


class FakeDaemon(grpc.GenericRpcHandler):
    """Answers what it was given answers for; notes requests and what came with them. `tls`: key and certificate."""

    def __init__(self, port: int = 0, *, tls: tuple[bytes, bytes] | None = None, **answers: Answer) -> None:
        self.answers, self.requests = answers, []  # type: tuple[dict[str, Answer], list[Message]]
        self.metadata: dict[str, str | bytes] = {}
        self._server = grpc.server(
            futures.ThreadPoolExecutor(8), options=[("grpc.so_reuseport", 0), ("grpc.max_send_message_length", -1)]
        )
        self._server.add_generic_rpc_handlers((self,))
        if tls is None:
            self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        else:
            self.port = self._server.add_secure_port(f"127.0.0.1:{port}", grpc.ssl_server_credentials([tls]))
        self._server.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._server.stop(None).wait()

    def __enter__(self) -> FakeDaemon:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        _, service, method = details.method.split("/")
        name = service.removeprefix("blinkd.v1.")
        answer = self.answers.get(method)
        if answer is None:
            return None
        self.metadata = dict(details.invocation_metadata)
        described: Any = SERVICES[name].DESCRIPTOR.services_by_name[name].methods_by_name[method]
        reads = described.input_type._concrete_class.FromString

        def noted(request: Message, context: grpc.ServicerContext) -> Any:
            self.requests.append(request)
            return answer(request, context)

        kind = (
            grpc.unary_stream_rpc_method_handler if described.server_streaming else grpc.unary_unary_rpc_method_handler
        )
        return kind(noted, request_deserializer=reads, response_serializer=lambda message: message.SerializeToString())
