"""Where a release is served, and how carefully traffic moves to it."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from lab_lens.config_text import Section

Seconds = Annotated[float, Field(gt=0)]
SharePercent = Annotated[int, Field(ge=1, le=100)]
_ENDPOINT = r"^$|^local:.+$|^vertex://[^/]+/[^/]+/[^/]+$"


class VertexServing(Section):
    """What a version is served on in Vertex AI."""

    machine_type: str = Field("n1-standard-4", min_length=1)
    accelerator_type: str = Field("", description="such as NVIDIA_TESLA_T4 or NVIDIA_L4; empty: none")
    accelerator_count: Annotated[int, Field(ge=0, le=16)] = 0
    min_replicas: Annotated[int, Field(ge=1)] = 1
    max_replicas: Annotated[int, Field(ge=1)] = 1
    spot: bool = Field(False, description="spot machines: cheaper, can be taken away at any moment")
    deploy_timeout_minutes: Annotated[float, Field(gt=0)] = Field(60.0, description="until a version can answer")
    dedicated: bool = Field(True, description="a dedicated endpoint: requests of 10 MB and up to an hour")
    serving_image: str = Field(
        "", description="lab-lens-serving in your Artifact Registry; a vertex:// endpoint needs it"
    )
    service_account: str = Field("", description="account that the container runs as; empty: the project's default")
    api_endpoint: str = Field(
        "",
        pattern=r"^$|^https://[^/]+$|^http://(127\.0\.0\.1|localhost)(:\d+)?$",
        description="address of the API, such as that of a Private Service Connect endpoint; empty: the region's own",
    )
    transport: Literal["rest", "grpc"] = Field("rest", description="how the API is spoken to")

    @model_validator(mode="after")
    def _machines_fit(self) -> "VertexServing":
        if bool(self.accelerator_type) != bool(self.accelerator_count):
            raise ValueError("accelerator_type and accelerator_count belong together; give both, or neither")
        if self.max_replicas < self.min_replicas:
            raise ValueError(
                f"max_replicas is {self.max_replicas}; it must be min_replicas ({self.min_replicas}) at least"
            )
        return self


class Deployment(Section):
    """Where a release is served, how it must prove itself, and how traffic moves to it."""

    endpoint: str = Field(
        "",
        pattern=_ENDPOINT,
        description="local:DIR (lab-lens serve --endpoint-dir DIR) or vertex://PROJECT/LOCATION/ENDPOINT_NAME; "
        "empty: a version is tried out in a server that is stopped afterwards, and no traffic is moved",
    )
    canary_percent: SharePercent = Field(10, description="share of the requests that a new version gets first")
    step_percents: tuple[SharePercent, ...] = Field(
        (50, 100), description="its further shares, each after a smoke test; the last is 100"
    )
    keep_previous: bool = Field(
        False, description="the former version stays deployed, without traffic, so that a rollback is immediate"
    )
    latency_seconds: Seconds = Field(30.0, description="a summary of the smoke test's note must not take longer")
    latency_percentile: Annotated[float, Field(gt=0, le=100)] = Field(90.0, description="share of them that must not")
    latency_requests: Annotated[int, Field(ge=1, le=100)] = Field(
        5, description="requests that the bound is tested with"
    )
    ready_timeout_seconds: Seconds = 120.0
    request_timeout_seconds: Seconds = 60.0
    vertex: VertexServing = VertexServing()

    @model_validator(mode="after")
    def _shares_grow(self) -> "Deployment":
        shares = [self.canary_percent, *self.step_percents]
        if shares != sorted(set(shares)) or shares[-1] != 100:
            raise ValueError(f"canary_percent and step_percents are {shares}; they must grow, and end with 100")
        return self
