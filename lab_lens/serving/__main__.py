"""`python -m lab_lens.serving --model DIR`: the server as a process, in a container or on this machine."""

import argparse
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab_lens.errors import EXIT_DONE, InputError
from lab_lens.serving.app import Routes
from lab_lens.serving.server import run_server

# Where a container finds its model unless Vertex AI names another place.
_MOUNTED = "/model"
_logger = logging.getLogger("lab_lens.serving")


def main(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the server.

    Args:
        arguments: command line; flags win over the environment.
        environment: `AIP_HTTP_PORT`, `AIP_HEALTH_ROUTE`, `AIP_PREDICT_ROUTE` and `AIP_STORAGE_URI`, which Vertex AI
            sets; the last is where its copy of the model lies.

    Returns:
        The exit code.
    """
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    options = _parser(environment).parse_args(arguments)
    try:
        run_server(
            options.model,
            device=options.device,
            host=options.host,
            port=options.port,
            routes=Routes(options.health_route, options.predict_route),
            ready_file=options.ready_file,
            exit_with_parent=options.exit_with_parent,
        )
    except InputError as error:
        _logger.error("%s", error)  # noqa: TRY400 - the message says it all, a traceback would hide it
        return error.exit_code
    return EXIT_DONE


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    # A container is reached from outside itself; a process on a workstation is not, unless that is asked for.
    host = "0.0.0.0" if "AIP_HTTP_PORT" in environment else "127.0.0.1"  # noqa: S104
    parser = argparse.ArgumentParser("python -m lab_lens.serving", description=__doc__)
    model = environment.get("AIP_STORAGE_URI") or (_MOUNTED if "AIP_HTTP_PORT" in environment else None)
    words = "model directory, or gs://BUCKET/PREFIX; default: AIP_STORAGE_URI, in a container else /model"
    parser.add_argument("--model", default=model, required=model is None, help=words)
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--host", default=host, help="address to listen on")
    parser.add_argument("--port", type=int, default=environment.get("AIP_HTTP_PORT", "8080"), help="0: a free one")
    parser.add_argument("--health-route", default=environment.get("AIP_HEALTH_ROUTE", Routes.health))
    parser.add_argument("--predict-route", default=environment.get("AIP_PREDICT_ROUTE", Routes.predict))
    parser.add_argument("--ready-file", type=Path, help="receives port and pid as JSON when the port is bound")
    parser.add_argument("--exit-with-parent", action="store_true", help="stop when standard input closes")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
