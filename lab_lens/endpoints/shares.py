"""How traffic is shared out: pure rules over splits, whose shares are whole percents that add up to 100."""

from collections.abc import Collection, Mapping

from lab_lens.endpoints.base import ALL_TRAFFIC, serving


def gathered(split: Mapping[str, int], version: str, ours: Collection[str]) -> dict[str, int]:
    """A split in which one version has the traffic of all of ours; what others deployed keeps its share.

    Args:
        split: the present shares in percent.
        version: one of ours. ours: the versions that the registry knows.
    """
    foreign = {name: share for name, share in split.items() if name not in ours}
    return serving({**foreign, version: ALL_TRAFFIC - sum(foreign.values())})


def without(split: Mapping[str, int], version: str) -> dict[str, int]:
    """A split without one version, whose share goes to the largest other one."""
    others = {name: share for name, share in serving(split).items() if name != version}
    if others:
        others[max(others, key=lambda name: others[name])] += ALL_TRAFFIC - sum(others.values())
    return others


def with_share(home: Mapping[str, int], version: str, share: int) -> dict[str, int]:
    """The home split, scaled to leave a share in percent for one version; all of it where home serves nobody else."""
    others = {name: part * (ALL_TRAFFIC - share) // ALL_TRAFFIC for name, part in home.items() if name != version}
    if not others:
        return {version: ALL_TRAFFIC}
    others[max(others, key=lambda name: others[name])] += ALL_TRAFFIC - share - sum(others.values())
    return {**others, version: share}
