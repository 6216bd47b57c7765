"""What is to be done next so that Vertex AI Model Registry shows what a registry says; pure, one step at a time."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lab_lens.registry.base import ALIASES, PRODUCTION, Pointers
from lab_lens.registry.vertex_view import EVALUATION_LABEL, VERSION_LABEL, alias_of

DEFAULT = "default"


@dataclass(frozen=True)
class Shown:
    """A version of the model in Vertex AI that shows one of the registry's.

    Attributes:
        number: its id there.
        aliases: its aliases there.
        labels: its labels there.
    """

    number: int
    aliases: frozenset[str]
    labels: Mapping[str, str]

    @property
    def key(self) -> str:
        """The alias of the version that it shows."""
        return self.labels.get(VERSION_LABEL, "")


@dataclass(frozen=True)
class Upload:
    """Show a version; `first`: the model does not exist yet."""

    version: str
    first: bool


@dataclass(frozen=True)
class MergeAliases:
    """Give aliases to what is shown, and take others away (`-alias`)."""

    shown: Shown
    aliases: tuple[str, ...]


@dataclass(frozen=True)
class Evaluate:
    """Import the evaluation of what is shown."""

    shown: Shown
    version: str


@dataclass(frozen=True)
class Delete:
    """No longer show what the registry does not have, or what is shown twice."""

    shown: Shown


Step = Upload | MergeAliases | Evaluate | Delete


def first_step(versions: Sequence[str], pointers: Pointers, passed: Callable[[str], bool]) -> Upload | None:
    """The version that a model is to begin with; None: there is none yet.

    Vertex AI makes the first version of a model its default whatever one asks for, so a model begins with what is in
    production, or with a version that passed the gate.

    Args:
        versions: names of the registry's versions, oldest first.
        pointers: of the same moment.
        passed: whether the gate let a version in.
    """
    if pointers.production is not None:
        return Upload(pointers.production, first=True)
    return next((Upload(version, first=True) for version in versions if passed(version)), None)


def next_step(
    versions: Sequence[str], pointers: Pointers, shown: Sequence[Shown], impossible: Sequence[Step] = ()
) -> Step | None:
    """The first thing that is to be done where the model exists; None: everything is shown.

    What concerns production comes first, so that a failure further on leaves it right.

    Args:
        versions: names of the registry's versions, oldest first.
        pointers: of the same moment.
        shown: by Vertex AI of this registry.
        impossible: steps that Vertex AI refused, which are left out.
    """
    kept = {item.key: item for item in sorted(shown, key=lambda item: -item.number)}
    named = {version: kept[alias_of(version)] for version in versions if alias_of(version) in kept}
    steps: list[Step] = [
        *_alias_steps(named, pointers, shown),
        *(Upload(version, first=False) for version in versions if version not in named),
        *(Evaluate(item, version) for version, item in named.items() if EVALUATION_LABEL not in item.labels),
        # The default version cannot be deleted; it will be once another one is default.
        *(Delete(item) for item in shown if item not in named.values() and DEFAULT not in item.aliases),
    ]
    return next((step for step in steps if step not in impossible), None)


def _alias_steps(named: Mapping[str, Shown], pointers: Pointers, shown: Sequence[Shown]) -> list[MergeAliases]:
    given = [
        MergeAliases(item, tuple(sorted(missing)))
        for version, item in named.items()
        if (missing := _wanted(version, pointers) - item.aliases)
    ]
    # An alias that another version gets is taken away by that alone.
    of_nothing = {alias for alias in ALIASES if getattr(pointers, alias) is None}
    taken = [
        MergeAliases(item, tuple(f"-{alias}" for alias in sorted(of_nothing & item.aliases)))
        for item in shown
        if of_nothing & item.aliases
    ]
    return sorted(given, key=lambda step: not {DEFAULT, PRODUCTION} & set(step.aliases)) + taken


def _wanted(version: str, pointers: Pointers) -> set[str]:
    aliases = {alias for alias in ALIASES if getattr(pointers, alias) == version}
    return {alias_of(version), *aliases, *({DEFAULT} if PRODUCTION in aliases else set())}
