"""Commands that author or run pipelines need a checkout: the wheel ships the library alone."""

from collections.abc import Iterator
from contextlib import contextmanager

from lab_lens.errors import InputError

_AUTHORING = ("components", "pipelines", "local_runner")


@contextmanager
def need_checkout() -> Iterator[None]:
    """Turn a missing authoring package into a clear error.

    Raises:
        InputError: the authoring side of lab-lens is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if str(error.name).split(".")[0] in _AUTHORING:
            raise InputError(
                f"{error.name} is not installed: compiling and running pipelines needs a checkout of lab-lens, "
                "installed by `pip install -e .[all]`; the stages themselves work without one (lab-lens --help)"
            ) from error
        raise
