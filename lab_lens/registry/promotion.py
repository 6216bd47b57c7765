"""Promotion by hand: what the pipeline checks before it promotes is checked for a person too."""

from lab_lens.errors import GateRefusedError, InputError
from lab_lens.registry.base import HistoryEntry, Registry

_PROMOTE = "promote"


def promote_by_hand(registry: Registry, version: str, *, actor: str, reason: str, force: bool = False) -> HistoryEntry:
    """Put a version into production because a person says so.

    Args:
        registry: holds the version.
        version: name or alias.
        actor: who promotes. reason: why.
        force: promote also a version that no decision wanted in production; the history says so.

    Raises:
        InputError: the version is not registered, or its files are not what was registered, which nothing overrides.
        GateRefusedError: no decision to promote let it in, and it is not forced. Nothing was changed.
    """
    metadata = registry.show(version)
    if problems := registry.verify(metadata.version):
        raise InputError([f"{metadata.version} was not promoted: {problem}" for problem in problems])
    decided = metadata.verdict == _PROMOTE
    if not (decided or force):
        verdict = f"the verdict {metadata.verdict!r}" if metadata.verdict else "no decision"
        raise GateRefusedError(
            f"{metadata.version} was not promoted: it was registered with {verdict}, and only a decision to promote "
            "lets a version into production; release it with lab-lens decide-release, or give --force"
        )
    why = reason if decided or not reason.strip() else f"forced without a decision to promote: {reason}"
    return registry.promote(metadata.version, actor=actor, reason=why, decision_hash=metadata.decision_hash)
