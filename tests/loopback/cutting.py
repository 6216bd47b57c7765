"""Connections that break at a chosen request, before or after the server performed it: lost answers, dead clients."""

from collections.abc import Callable

from loopback.gcs import CloudStorageServer
from loopback.server import HttpRequest, HttpResponse, LoopbackServer


class Cutting(LoopbackServer):
    """Mixed into a server: breaks one connection, or every connection from one on, without an answer."""

    def __init__(self, *arguments: object, **options: object) -> None:
        super().__init__(*arguments, **options)
        self.counted = 0
        self._at = 0
        self._performed = False
        self._lasting = False
        self._dying: Callable[[], None] | None = None

    def cut(self, at: int, *, performed: bool, lasting: bool, dying: Callable[[], None] | None = None) -> None:
        """Break a connection.

        Args:
            at: number of the request, counted from 1 from now on.
            performed: whether the server does what that request asks; only its answer is lost then.
            lasting: whether every later one breaks too, as for a client that died.
            dying: called then, such as to kill the client.
        """
        with self.lock:
            self._dying = dying
            self.counted, self._at, self._performed, self._lasting = 0, at, performed, lasting

    def mend(self) -> int:
        """Break no more connections; gives how many requests were counted."""
        with self.lock:
            self._at, self._lasting = 0, False
            return self.counted

    def counts(self, request: HttpRequest) -> bool:
        """Whether a request is one of those that are counted."""
        return True

    def answer(self, request: HttpRequest) -> HttpResponse:
        """Answer, or break the connection."""
        if not self.counts(request):
            return super().answer(request)
        with self.lock:
            self.counted += 1
            number, at = self.counted, self._at
        if at and number == at:
            if self._performed:
                super().answer(request)
            if self._dying is not None:
                self._dying()
            raise ConnectionAbortedError
        if at and number > at and self._lasting:
            raise ConnectionAbortedError
        return super().answer(request)


class CuttingCloudStorage(Cutting, CloudStorageServer):
    """Counts requests about objects; the client also asks for the bucket's metadata, from a thread of its own."""

    def counts(self, request: HttpRequest) -> bool:
        """Whether it is about objects."""
        return "/o" in request.path or request.path.startswith("/resume")
