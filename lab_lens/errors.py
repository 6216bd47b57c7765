"""Named errors and the exit codes they end a command with.

A message names the problem, the value, what is allowed and the next step. It never contains note text.
"""

from collections.abc import Sequence

EXIT_DONE = 0
EXIT_INTERNAL = 1
EXIT_INPUT = 2
EXIT_GATE = 3
EXIT_INTERRUPTED = 130


class LabLensError(Exception):
    """Base of every error that lab_lens raises on purpose."""

    exit_code = EXIT_INTERNAL


class InputError(LabLensError):
    """What the user gave (a file, a column, a setting, a directory, a device) cannot be used.

    Args:
        problems: one sentence, or all problems of one input, each a sentence of its own.
    """

    exit_code = EXIT_INPUT

    def __init__(self, problems: str | Sequence[str]) -> None:
        self.problems = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("; ".join(self.problems))


class ContractError(LabLensError):
    """A stage did not write what it declared, or found an artifact that breaks its schema."""


class StageError(LabLensError):
    """A stage of a running pipeline failed; carries the stage and the log file that tells why."""


class GateRefusedError(LabLensError):
    """The release gate said no and the caller had asked to fail on that."""

    exit_code = EXIT_GATE
