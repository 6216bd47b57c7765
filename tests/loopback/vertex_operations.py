"""Long-running operations of the loopback Vertex AI: they end after some looks, and only then take effect."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.longrunning import operations_pb2
from google.protobuf import any_pb2, empty_pb2
from google.rpc import status_pb2

from loopback.vertex import Refused, VertexServer
from loopback.vertex_routes import plain

CANCELLED = 1
NEVER = 10**9


@dataclass
class Plan:
    """How the next operation of a method goes.

    Args:
        looks: how many times it is found at work before it has ended; NEVER: it does not end by itself.
        code: gRPC code that it fails with; 0: it succeeds.
        message: of the failure.
        leaves_remains: a failed one has taken effect all the same, as deployments sometimes do.
        deaf: it cannot be cancelled.
    """

    looks: int = 1
    code: int = 0
    message: str = ""
    leaves_remains: bool = False
    deaf: bool = False


@dataclass
class _Pending:
    plan: Plan
    effect: Callable[[], Any]


class Operations:
    """Operations of one server; `plans` are used up in their order, per method, and then `usual` holds."""

    def __init__(self, server: VertexServer) -> None:
        self._server = server
        self._pending: dict[str, _Pending] = {}
        self.plans: dict[str, list[Plan]] = {}
        self.usual = Plan()
        server.on("GetOperation", self._get)
        server.on("ListOperations", self._list)
        server.on("CancelOperation", self._cancel)

    def begin(self, rpc: str, resource: str, effect: Callable[[], Any]) -> operations_pb2.Operation:
        """An operation on a resource; `effect` changes the world and gives the response when it succeeds."""
        planned = self.plans.get(rpc) or [self.usual]
        plan = Plan(**vars(planned.pop(0) if planned[0] is not self.usual else self.usual))
        operation = operations_pb2.Operation(name=f"{resource}/operations/{len(self._server.operations) + 5000}")
        self._server.operations[operation.name] = operation
        self._pending[operation.name] = _Pending(plan, effect)
        return operation

    def hurry(self) -> None:
        """Let all that are at work end at the next look."""
        for pending in self._pending.values():
            pending.plan.looks = 0

    def is_at_work(self, operation: str) -> bool:
        """Whether an operation has not ended."""
        return operation in self._pending

    def at_work(self, resource: str) -> list[str]:
        """Names of operations on a resource that have not ended."""
        return [name for name in self._pending if name.startswith(f"{resource}/operations/")]

    def refuse_if_at_work(self, resource: str) -> None:
        """Of one resource, one operation at a time.

        Raises:
            Refused: there is one.
        """
        if names := self.at_work(resource):
            raise Refused(400, f"There are other operations running on {resource}. Operation(s) are: {names}")

    def _get(self, request: Any) -> operations_pb2.Operation:
        operation = self._found(request.name)
        pending = self._pending.get(request.name)
        if pending is None:
            return operation
        pending.plan.looks -= 1
        if pending.plan.looks <= 0:
            self._end(operation, pending)
        return operation

    def _end(self, operation: operations_pb2.Operation, pending: _Pending) -> None:
        del self._pending[operation.name]
        plan = pending.plan
        result = pending.effect() if plan.leaves_remains or not plan.code else empty_pb2.Empty()
        operation.done = True
        if plan.code:
            operation.error.CopyFrom(status_pb2.Status(code=plan.code, message=plan.message))
            return
        packed = any_pb2.Any()
        packed.Pack(plain(result))
        operation.response.CopyFrom(packed)

    def _list(self, request: Any) -> operations_pb2.ListOperationsResponse:
        prefix = f"{request.name}/operations/"
        found = [operation for name, operation in self._server.operations.items() if name.startswith(prefix)]
        if "done:false" in request.filter.lower():
            found = [operation for operation in found if not operation.done]
        return operations_pb2.ListOperationsResponse(operations=found)

    def _cancel(self, request: Any) -> empty_pb2.Empty:
        operation = self._found(request.name)
        pending = self._pending.get(request.name)
        if pending is not None and not pending.plan.deaf:
            pending.plan.code, pending.plan.message = CANCELLED, "The operation was cancelled."
            self._end(operation, pending)
        return empty_pb2.Empty()

    def _found(self, name: str) -> operations_pb2.Operation:
        if name not in self._server.operations:
            raise Refused(404, f"{name} does not exist")
        return self._server.operations[name]
