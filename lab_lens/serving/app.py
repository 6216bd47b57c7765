"""The HTTP interface: health, predict and model routes of a Vertex AI custom container.

No answer and no log line repeats what a request contained: it is a patient's note.
https://cloud.google.com/vertex-ai/docs/predictions/custom-container-requirements
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

MAX_INSTANCES = 64
# The limit of Vertex AI's shared endpoints.
MAX_BODY_BYTES = 1_500_000
_MAX_PROBLEMS = 10


class Summarizer(Protocol):
    """What the application needs of a model; see `serving.model.ServedModel`."""

    model_hash: str
    decoding_hash: str

    def summarize(self, texts: Sequence[str]) -> list[dict[str, Any]]:
        """One prediction a text, in their order."""
        ...


@dataclass
class Slot:
    """Holds the model once it is loaded; None until then."""

    model: Summarizer | None = None


@dataclass(frozen=True)
class Routes:
    """Paths of the two routes whose names Vertex AI chooses."""

    health: str = "/health"
    predict: str = "/predict"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Instance(_Strict):
    text: str = Field(pattern=r"\S")


def _text_as_instance(value: Any) -> Any:
    return {"text": value} if isinstance(value, str) else value


class _PredictRequest(_Strict):
    instances: Annotated[
        list[Annotated[_Instance, BeforeValidator(_text_as_instance)]], Field(min_length=1, max_length=MAX_INSTANCES)
    ]
    parameters: dict[str, Any] | None = None

    @field_validator("parameters")
    @classmethod
    def _is_empty(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if value:
            raise ValueError("must be empty: a model answers with the decoding settings that it was validated with")
        return value


def create_app(slot: Slot, routes: Routes | None = None) -> FastAPI:
    """Build the application.

    Args:
        slot: where the model appears when it is loaded; until then health, predict and model answer 503.
        routes: paths of health and predict.
    """
    paths = routes or Routes()
    # The interactive pages load scripts from the internet, which a machine with patients' notes must not.
    app = FastAPI(title="lab-lens", docs_url=None, redoc_url=None, openapi_url=None)

    @app.get(paths.health)
    async def health() -> JSONResponse:
        return _not_ready() if slot.model is None else JSONResponse({"status": "ready"})

    @app.get("/model")
    async def model() -> JSONResponse:
        if slot.model is None:
            return _not_ready()
        return JSONResponse({"model_hash": slot.model.model_hash, "decoding_hash": slot.model.decoding_hash})

    @app.post(paths.predict)
    async def predict(request: Request) -> JSONResponse:
        body = await read_body(request)
        if slot.model is None:
            return _not_ready()
        return await _predict(slot.model, body)

    return app


async def _predict(model: Summarizer, body: bytes | None) -> JSONResponse:
    if body is None:
        return too_long()
    try:
        parsed = _PredictRequest.model_validate_json(body)
    except ValidationError as error:
        return _refused(400, _problems(error))
    predictions = await run_in_threadpool(model.summarize, [instance.text for instance in parsed.instances])
    # Vertex AI lets a client reach no route but this one: only a prediction can say which model made it.
    return JSONResponse({"predictions": [{**made, "model_hash": model.model_hash} for made in predictions]})


async def read_body(request: Request) -> bytes | None:
    """The body; None when it is too long. It is read to its end even then, else the sender would miss the answer."""
    chunks: list[bytes] = []
    length = 0
    async for chunk in request.stream():
        length += len(chunk)
        if length <= MAX_BODY_BYTES:
            chunks.append(chunk)
    return b"".join(chunks) if length <= MAX_BODY_BYTES else None


def too_long() -> JSONResponse:
    """The answer to a body that is too long."""
    return _refused(413, [f"the body has more than {MAX_BODY_BYTES} bytes; send fewer instances at a time"])


def _problems(error: ValidationError) -> list[str]:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    return [f"{_place(problem)}: {problem['msg']}" for problem in problems[:_MAX_PROBLEMS]]


def _place(problem: Any) -> str:
    # An unknown field's name comes from the sender, and could be part of a note.
    known = problem["loc"][:-1] if problem["type"] == "extra_forbidden" else problem["loc"]
    return ".".join(str(part) for part in known) or "body"


def _refused(status: int, problems: list[str]) -> JSONResponse:
    return JSONResponse({"error": "the request was refused", "problems": problems}, status_code=status)


def _not_ready() -> JSONResponse:
    return JSONResponse({"error": "the model is loading"}, status_code=503)
