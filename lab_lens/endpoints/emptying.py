"""Takes down what a first release that was cut off had left."""

from lab_lens.endpoints.base import Endpoint, serving
from lab_lens.errors import InputError
from lab_lens.registry.base import HELD, SHIFTING, Registry, ever_registered


def empty_endpoint(endpoint: Endpoint, registry: Registry, *, actor: str, reason: str, run_id: str = "") -> bool:
    """Take down what a first release that was cut off had left, while nothing is in production.

    What others deployed is left as it is.

    Returns:
        Whether there was something to take down.

    Raises:
        InputError: something is in production: return traffic to it instead; or others share the traffic with what is
            to be taken down.
        EndpointError: something could not be taken down.
    """
    if production := registry.production():
        raise InputError(f"{production} is in production; return traffic to it instead of emptying the endpoint")
    split = endpoint.split()
    left = sorted(split.keys() & ever_registered(registry.history()))
    if not left:
        return False
    told = f"nothing is in production, the endpoint was emptied: {reason}"
    if astray := serving(split).keys() & left:
        if others := serving(split).keys() - astray:
            raise InputError(
                f"{endpoint.location} serves {', '.join(sorted(others))}, which this registry does not know, beside "
                f"{', '.join(sorted(astray))}; give that traffic to somebody, then repeat this"
            )
        known = {"actor": actor, "reason": told, "run_id": run_id, "endpoint": endpoint.location}
        registry.record(SHIFTING, **known, traffic_before=serving(split), traffic_after={})
        endpoint.shift({}, expected=split)
    for version in left:
        endpoint.undeploy(version)
    registry.record(HELD, actor=actor, reason=told, run_id=run_id)
    return True
