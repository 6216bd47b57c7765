"""Which Kubeflow cluster, and where in it, checked before anything is sent."""

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class KubeflowSettings:
    """Which cluster, and where in it.

    Args:
        host: address of Kubeflow Pipelines, such as `https://kubeflow.example.org/pipeline`.
        experiment: the experiment that runs belong to; made when it does not exist.
        namespace: of a multi-user installation; empty: a single-user one.
        token: a bearer token; empty: none. Never shown.
        service_account: of Kubernetes, that tasks run as; empty: the cluster's default.
    """

    host: str
    experiment: str = "lab-lens"
    namespace: str = ""
    token: str = ""
    service_account: str = ""

    def __repr__(self) -> str:
        return f"KubeflowSettings({self.host!r}, {self.experiment!r}, {self.namespace!r})"

    def problems(self) -> list[str]:
        """What is wrong with these names, each as a sentence; nothing is asked of the cluster."""
        parts = urlsplit(self.host)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return [f"--kubeflow {self.host!r} is no address; give one such as https://kubeflow.example.org/pipeline"]
        if parts.username or parts.password:
            return ["--kubeflow must not hold a user or password; name a variable that holds a token by --token-env"]
        return []
