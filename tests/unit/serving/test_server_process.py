import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lab_lens.config import Config
from lab_lens.errors import InputError
from lab_lens.serving.server import run_server
from lab_lens.serving.settings import read_settings

MANIFEST = {"config": Config().model_dump(mode="json")}


def test_a_missing_model_and_a_port_in_use_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="model directory not found"):
        run_server(tmp_path / "none", port=0)
    (tmp_path / "training_manifest.json").write_text(json.dumps(MANIFEST))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"cannot listen on 127\.0\.0\.1:{port}"):
            run_server(tmp_path, port=port)


@pytest.mark.parametrize(
    "manifest",
    [{}, [], {"config": {}}, {"config": {**MANIFEST["config"], "decoding": {"num_beams": 0}}}],
    ids=["empty", "no object", "empty config", "no beams"],
)
def test_a_manifest_that_does_not_say_how_to_decode_is_refused(tmp_path: Path, manifest: Any) -> None:
    (tmp_path / "training_manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match="does not say how to decode"):
        run_server(tmp_path, port=0)


def test_settings_hash_as_the_predictions_do(tmp_path: Path) -> None:
    (tmp_path / "training_manifest.json").write_text(json.dumps(MANIFEST))
    settings = read_settings(tmp_path)
    assert settings.decoding == Config().decoding
    assert settings.decoding_hash == Config().decoding.record(1024, 256)["decoding_hash"]


def test_wrong_input_ends_the_process_with_exit_code_2_and_one_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lab_lens.serving", "--model", str(tmp_path / "none"), "--port", "0"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 2
    assert ended.stderr.splitlines() == [
        f"ERROR lab_lens.serving: model directory not found: {tmp_path / 'none'}; "
        "give a directory written by train-model"
    ]
