"""gRPC clients, by the method's name. A stream that is not read is a client that stopped reading."""

from __future__ import annotations

from types import TracebackType
from typing import Any

import grpc
from blinkd.v1 import acquisitions_pb2, localizations_pb2, models_pb2, preview_pb2, scans_pb2
from google.protobuf.message import Message

SERVICES = {
    "Acquisitions": acquisitions_pb2,
    "Localizations": localizations_pb2,
    "Models": models_pb2,
    "Preview": preview_pb2,
    "Scans": scans_pb2,
}


class Client:
    """A connection; small windows, so that what is not read is soon felt by the daemon."""

    def __init__(self, address: str, *, window_bytes: int = 65_536) -> None:
        options = [("grpc.http2.lookahead_bytes", window_bytes), ("grpc.http2.bdp_probe", 0)]
        self.channel = grpc.insecure_channel(address, options=options)

    def call(self, service: str, method: str, request: Message, *, timeout_s: float = 20.0) -> Any:
        """One answer."""
        return self._method("unary_unary", service, method)(request, timeout=timeout_s)

    def stream(self, service: str, method: str, request: Message) -> Any:
        """A stream; nothing is read before the first `next`."""
        return self._method("unary_stream", service, method)(request)

    def _method(self, kind: str, service: str, method: str) -> Any:
        described = SERVICES[service].DESCRIPTOR.services_by_name[service].methods_by_name[method]
        answer = described.output_type._concrete_class
        return getattr(self.channel, kind)(
            f"/blinkd.v1.{service}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=answer.FromString,
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.channel.close()
