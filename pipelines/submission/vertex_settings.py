"""Where and as whom a pipeline runs on Vertex AI, checked before anything is sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pipelines.submission import names

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class VertexSettings:
    """Where and as whom a pipeline runs.

    Args:
        project: project id.
        region: such as `us-central1`.
        staging_bucket: `gs://` URI below which each run gets a folder for what its tasks write.
        service_account: address of the account that tasks run as; empty: the project's default.
        network: full name of a peered VPC network; empty: none.
        kms_key: full name of a key for what the run writes; empty: Google's own keys.
        labels: of runs.
        endpoint: address of the API; empty: the region's public one.
    """

    project: str
    region: str
    staging_bucket: str = ""
    service_account: str = ""
    network: str = ""
    kms_key: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    endpoint: str = ""

    def problems(self) -> list[str]:
        """What is wrong with these names, each as a sentence; nothing is asked of the service."""
        found = [
            names.project_problem(self.project),
            names.region_problem(self.region),
            self.staging_bucket and names.bucket_problem(self.staging_bucket),
            self.service_account and names.service_account_problem(self.service_account),
            self.network and names.network_problem(self.network),
            self.kms_key and names.kms_key_problem(self.kms_key, self.region),
            self.endpoint and _endpoint_problem(self.endpoint),
        ]
        return [*(problem for problem in found if problem), *names.label_problems(self.labels)]


def _endpoint_problem(endpoint: str) -> str | None:
    if urlsplit(endpoint).scheme == "https" or is_loopback(endpoint):
        return None
    return f"--api-endpoint {endpoint!r} must begin with https:// (http:// is for loopback only)"


def is_loopback(url: str) -> bool:
    """Whether a plain http address leads to this machine only."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in _LOOPBACK
