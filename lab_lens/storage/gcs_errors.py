"""What Cloud Storage's client raises, told in one line that names the cure."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from google.api_core.exceptions import Forbidden, GoogleAPIError, NotFound, PreconditionFailed, RetryError, Unauthorized
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, RefreshError, TransportError
from google.cloud.storage.exceptions import DataCorruption
from requests.exceptions import RequestException

from lab_lens.errors import InputError
from lab_lens.storage.location import Location

FAILURES = (GoogleAPIError, DataCorruption, GoogleAuthError, RequestException)
_NO_OBJECT = "No such object"
_PERMISSION = re.compile(r"\bstorage\.[a-zA-Z]+\.[a-zA-Z]+\b")
_PERMISSION_OF_METHOD = {
    "GET": "storage.objects.get",
    "POST": "storage.objects.create",
    "PUT": "storage.objects.create",
    "DELETE": "storage.objects.delete",
}


@contextmanager
def told_in_words(location: Location, changed: str) -> Iterator[None]:
    """Turn what the client raises into an InputError of one line that names the cure.

    Args:
        location: what the block works on.
        changed: what to say when an object is not, or no longer, what the block had found.
    """
    try:
        yield
    except FAILURES as error:
        raise InputError(_cure(location, error, changed)) from error


def _cure(location: Location, error: Exception, changed: str) -> str:
    # The client hides why it gave up.
    reason = error.cause if isinstance(error, RetryError) and error.cause else error
    if isinstance(reason, PreconditionFailed) or (isinstance(reason, NotFound) and _NO_OBJECT in str(reason)):
        return f"{location.uri}: {changed}"
    told = next((told for kinds, told in _CURES if isinstance(reason, kinds)), _NO_CURE)
    kind = getattr(reason, "code", None) or reason.__class__.__name__
    words = told.format(bucket=location.bucket, kind=kind, permission=missing_permission(reason))
    return f"{location.uri}: {words}"


def missing_permission(error: BaseException) -> str:
    """The permission that a refused request needed: the one that the service names, else the one of such requests."""
    if named := _PERMISSION.search(str(error)):
        return named[0]
    request = getattr(getattr(error, "response", None), "request", None)
    if request is None:
        return "access to its objects"
    lists = request.method == "GET" and urlsplit(str(request.url)).path.endswith("/o")
    return "storage.objects.list" if lists else _PERMISSION_OF_METHOD.get(request.method, "access to its objects")


_CURES: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    (
        (NotFound,),
        "bucket {bucket} does not exist; make it (`gcloud storage buckets create gs://{bucket}`), or correct its name",
    ),
    (
        (Forbidden,),
        "permission denied; ask for roles/storage.objectUser on bucket {bucket}, which holds what is lacking: "
        "{permission}",
    ),
    (
        (Unauthorized, DefaultCredentialsError, RefreshError),
        "no valid Google Cloud credentials; run `gcloud auth application-default login`",
    ),
    ((DataCorruption,), "bytes were corrupted on the way (checksum mismatch); repeat this"),
    ((RequestException, TransportError), "Cloud Storage cannot be reached ({kind}); check network and proxy"),
)
_NO_CURE = "Cloud Storage does not answer as it should ({kind}); try again later"
