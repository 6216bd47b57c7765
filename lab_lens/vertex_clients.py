"""Clients of Vertex AI's API, made in one place: where they lead, as whom, and what their errors mean in words.

Whoever speaks to Vertex AI from the library takes its clients from here: `VertexApi(project, region).client("Model")`.
Google's generated clients are used, not `aiplatform.init` and its classes: those keep one project for the whole
process, sleep between looks, and split traffic in several steps.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from lab_lens.errors import LabLensError

Transport = Literal["rest", "grpc"]
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_ADDRESS = re.compile(r"^[A-Z]+ https?://\S+: ")
_NO_ANSWER = 503
_T = TypeVar("_T")


class VertexError(LabLensError):
    """Vertex AI refused a call, or did not answer it.

    Args:
        code: HTTP status; 503 also where the connection broke.
        message: Google's own words, one line.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message

    @property
    def is_passing(self) -> bool:
        """Whether the same call may succeed a little later; whether it was performed is not known then."""
        return self.code >= 499 or (self.code == 429 and "per minute" in self.message)

    @property
    def is_busy(self) -> bool:
        """Whether the service, and not what it was asked for, is the reason."""
        return self.code in (429, _NO_ANSWER)


@dataclass(frozen=True)
class VertexApi:
    """The API of one project in one region.

    Args:
        project: project id or number.
        region: such as `europe-west4`.
        address: of the API, such as that of a Private Service Connect endpoint; empty: the region's public one. A
            server on loopback gets no credentials; elsewhere it must be https.
        transport: `rest`, or `grpc`, which is always encrypted.
    """

    project: str
    region: str
    address: str = ""
    transport: Transport = "rest"

    @property
    def parent(self) -> str:
        """The name that names of resources begin with."""
        return f"projects/{self.project}/locations/{self.region}"

    def client(self, service: str, address: str = "") -> Any:
        """A client such as `EndpointServiceClient` for "Endpoint".

        Args:
            service: name without `ServiceClient`.
            address: of another host, such as that of a dedicated endpoint.

        Raises:
            VertexError: there are no credentials.
        """
        host = address or self.address or f"https://{self.region}-aiplatform.googleapis.com"
        return _client(service, host, self.transport)

    def in_words(self, error: VertexError, doing: str, permission: str) -> str:
        """What went wrong while doing something, and what to do about it, in one line.

        Args:
            error: of a call.
            doing: such as `deploying v3`.
            permission: that the call needs, such as `aiplatform.endpoints.deploy`.
        """
        told = f"{error.message or 'no answer'} ({error.code})"
        return f"Vertex AI in {self.region}, {doing}: {told}; {self._cure(error, permission)}"

    def _cure(self, error: VertexError, permission: str) -> str:
        if error.code == 403:
            return (
                f"the caller needs {permission} in {self.project} (roles/aiplatform.user has it), and the API "
                "aiplatform.googleapis.com must be enabled"
            )
        if error.code == 429:
            return f"ask for more of this quota of {self.project} in {self.region}, or take another machine or region"
        if error.code == 401:
            return "run `gcloud auth application-default login`, or give the task a service account"
        if error.code == 404:
            return f"check the project {self.project}, the region {self.region} and the name"
        if error.is_passing:
            return f"check the network, a proxy and the region {self.region}, then repeat this"
        return "correct what it names, then repeat this"


def is_loopback(address: str) -> bool:
    """Whether an address leads to this machine only."""
    return urlsplit(address).hostname in _LOOPBACK


@contextmanager
def vertex_errors() -> Iterator[None]:
    """Turn what Google's clients raise into VertexError."""
    from google.api_core.exceptions import GoogleAPICallError, RetryError
    from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, RefreshError
    from requests.exceptions import RequestException

    try:
        yield
    except GoogleAPICallError as error:
        raise VertexError(int(error.code or _NO_ANSWER), _one_line(error.message)) from error
    except (DefaultCredentialsError, RefreshError) as error:
        raise VertexError(401, _one_line(str(error)).split(". ")[0]) from error
    except (GoogleAuthError, RetryError, RequestException, ConnectionError) as error:
        raise VertexError(_NO_ANSWER, f"no answer ({type(error).__name__})") from error


def repeated(
    call: Callable[[], _T],
    *,
    attempts: int,
    sleep: Callable[[int], None],
    when: Callable[[VertexError], bool] = lambda error: error.is_passing,
) -> _T:
    """Repeat a call that changes nothing while its failure may pass.

    Args:
        call: raises VertexError.
        attempts: how often at most.
        sleep: called with the number of the attempt that failed, from 0.
        when: whether an error may pass.

    Raises:
        VertexError: of the last attempt.
    """
    for attempt in range(attempts - 1):
        try:
            return call()
        except VertexError as error:
            if not when(error):
                raise
        sleep(attempt)
    return call()


@cache
def _client(service: str, host: str, transport: Transport) -> Any:
    # One a process: each has its own connections and, by gRPC, its own threads.
    from google.auth.credentials import AnonymousCredentials
    from google.cloud import aiplatform_v1

    if urlsplit(host).scheme != "https" and not is_loopback(host):
        raise VertexError(400, f"the address {host!r} must begin with https:// (http:// is for loopback only)")
    # Credentials never travel in clear text, and a server on loopback could not check them.
    credentials = AnonymousCredentials() if is_loopback(host) else None
    options = {"api_endpoint": host.removeprefix("https://")}
    with vertex_errors():
        return getattr(aiplatform_v1, f"{service}ServiceClient")(
            credentials=credentials, transport=transport, client_options=options
        )


def _one_line(text: Any) -> str:
    """Google's words without the address that its clients by REST put before them."""
    return _ADDRESS.sub("", " ".join(str(text).split()))
