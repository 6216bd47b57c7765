"""Questions to one deployed model of an endpoint that only answers by its split of traffic."""

import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from lab_lens.endpoints.base import ALL_TRAFFIC, EndpointError, Prediction, Reply
from lab_lens.endpoints.vertex_calls import VertexCalls
from lab_lens.vertex_clients import VertexError, repeated, vertex_errors

if TYPE_CHECKING:
    from google.cloud import aiplatform_v1 as vertex

OK = 200
# That a version with some share of the traffic gets none of the questions by chance is less probable than this.
_MISSED = 1e-6
_ATTEMPTS = 3
_PREDICTIONS = TypeAdapter(list[Prediction])


@dataclass(frozen=True)
class Asked:
    """Whom to ask: a deployed model of an endpoint, and its share of the traffic in percent."""

    endpoint: "vertex.Endpoint"
    deployed_id: str
    version: str
    share: int

    @property
    def address(self) -> str:
        """Of the endpoint itself, if it has one; empty: it is asked where the API is."""
        if not self.endpoint.dedicated_endpoint_enabled:
            return ""
        name = str(self.endpoint.dedicated_endpoint_dns)
        return name if "://" in name or not name else f"https://{name}"


@dataclass(frozen=True)
class Questions:
    """Asks, and asks again until the right deployed model answers.

    Args:
        calls: of the project and region.
        timeout_seconds: for one question.
    """

    calls: VertexCalls
    timeout_seconds: float

    def predict(self, asked: Asked, texts: Sequence[str]) -> Reply:
        """A prediction a note.

        Raises:
            EndpointError: it never answered, a question failed, or the answer is something else.
        """
        instances = [{"text": text} for text in texts]
        for _ in range(_questions_for(asked.share)):
            # Errors do not say whose they are: any of them fails the check that asks.
            try:
                seconds, answer = self._ask(asked, instances)
            except VertexError as error:
                raise self.calls.refused(error, f"asking {asked.version}", "aiplatform.endpoints.predict") from error
            if answer.deployed_model_id == asked.deployed_id:
                return Reply(_predictions(answer, len(texts)), seconds)
        raise self._never_answered(asked)

    def status(self, asked: Asked, body: bytes) -> int:
        """The HTTP status that the body of a predict request gets.

        An error does not say which deployed model gave it. So where others have traffic too, as many are asked for as
        make sure that this one is among them, and one that is not a refusal stands for all.

        Raises:
            EndpointError: the body is no JSON object with instances, or there was no answer.
        """
        instances = _instances(body)
        status = 0
        for _ in range(_questions_for(asked.share)):
            try:
                answer = self._ask(asked, instances)[1]
            except VertexError as error:
                status = error.code
                if not 400 <= status < 500:
                    return status
            else:
                if answer.deployed_model_id == asked.deployed_id:
                    return OK
        if status == 0:
            raise self._never_answered(asked)
        return status

    def _ask(self, asked: Asked, instances: Sequence[Any]) -> "tuple[float, vertex.PredictResponse]":
        """The answer of whoever answers, and after how many seconds.

        Raises:
            VertexError: there was an error, or no answer in some attempts.
        """
        request = _request(asked.endpoint.name, instances)

        def once() -> "tuple[float, vertex.PredictResponse]":
            client = self.calls.api.client("Prediction", asked.address)
            started = time.monotonic()
            with vertex_errors():
                answer = client.predict(request, timeout=self.timeout_seconds, retry=None)
            return time.monotonic() - started, answer

        return repeated(once, attempts=_ATTEMPTS, sleep=self.calls.pause, when=lambda error: error.is_busy)

    def _never_answered(self, asked: Asked) -> EndpointError:
        return EndpointError(
            f"{asked.version} has {asked.share} % of the traffic and answered none of {_questions_for(asked.share)} "
            "questions; was traffic moved meanwhile?"
        )


def _request(endpoint: str, instances: Sequence[Any]) -> "vertex.PredictRequest":
    from google.cloud import aiplatform_v1 as vertex
    from google.protobuf import json_format

    request = vertex.PredictRequest(endpoint=endpoint)
    json_format.ParseDict({"instances": list(instances)}, type(request).pb(request))
    return request


def _questions_for(share: int) -> int:
    """How many questions a version with a share of the traffic in percent does not miss."""
    if share >= ALL_TRAFFIC:
        return 1
    return math.ceil(math.log(_MISSED) / math.log(1 - share / ALL_TRAFFIC))


def _predictions(answer: "vertex.PredictResponse", wanted: int) -> tuple[Prediction, ...]:
    from google.protobuf import json_format

    told = json_format.MessageToDict(type(answer).pb(answer)).get("predictions", [])
    try:
        predictions = _PREDICTIONS.validate_python(told)
    except ValidationError:
        # Its cause would show the answer, which may repeat a note.
        raise EndpointError("the answer to a predict request is not a list of predictions") from None
    if len(predictions) != wanted:
        raise EndpointError(f"{wanted} notes got {len(predictions)} predictions")
    return tuple(predictions)


def _instances(body: bytes) -> list[Any]:
    try:
        return list(json.loads(body)["instances"])
    except (ValueError, KeyError, TypeError):
        raise EndpointError("Vertex AI passes on predict requests only that are JSON objects with instances") from None
