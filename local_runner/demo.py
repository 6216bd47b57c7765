"""The demo: a release that is earned, a candidate that is refused, and a rollback, on synthetic notes."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from lab_lens.artifacts import PREDICTIONS_CSV, TEST_CSV
from lab_lens.config import Config, load_config, with_overrides
from lab_lens.errors import ContractError, InputError
from lab_lens.registry.base import HistoryEntry
from lab_lens.registry.open import open_registry
from lab_lens.reporting.demo_report import DemoExample, write_demo_report
from lab_lens.stages.decide_release import run_decide_release
from lab_lens.stages.deploy_model import run_deploy_model
from lab_lens.stages.register_model import run_register_model
from lab_lens.stages.rollback_model import run_rollback_model
from lab_lens.tracking import local_tracking_uri
from local_runner.execution import Display
from local_runner.request import RunRequest
from local_runner.run import run_pipeline

CONFIG = Path(__file__).resolve().parent.parent / "configs" / "demo.json"
ACTOR = "demo"
# Enough steps to write fluent sentences, far too few to read the note: its summaries sound right and are wrong.
_UNDERTRAINED_STEPS = 100
_MARKER = ".lab-lens-demo"


@dataclass(frozen=True)
class DemoResult:
    """Where the demo's page lies, what its registry's history holds, and commands that a newcomer can try next."""

    report: Path
    history: list[HistoryEntry]
    next_steps: tuple[str, ...]


def run_demo(
    out: Path,
    device: str,
    display: Display,
    *,
    announce: Callable[[str], None],
    show: Callable[[dict[str, Any], Path], None],
) -> DemoResult:
    """Run the whole story in `out`, which is made anew.

    Args:
        out: directory of the demo; one left by an earlier demo is replaced, any other non-empty one is refused.
        device: `auto`, `cpu`, `cuda` or `mps`.
        display: told about tasks.
        announce: told about chapters, a line each.
        show: shows a run's summary.

    Raises:
        InputError: `out` holds other things, or the device is unusable.
        ContractError: the gate did not decide as the story says; the demo never pretends.
    """
    _make_anew(out)
    config = load_config(CONFIG)
    undertrained = with_overrides(config, {"training.max_steps": _UNDERTRAINED_STEPS})
    announce("1. Train a candidate on synthetic notes; the gate decides whether it becomes v1.")
    first = _pipeline(out, "candidate-1", config, device, display)
    show(first, out / "candidate-1")
    _require(first, "promote")
    announce(f"\n2. A second candidate, stopped after {_UNDERTRAINED_STEPS} steps; will the gate let it pass?")
    second = _pipeline(out, "candidate-2", undertrained, device, display)
    show(second, out / "candidate-2")
    _require(second, "hold")
    announce("\n3. Somebody forces the refused candidate into production; then production is rolled back on request.")
    _force_release(out, second, undertrained, device)
    run_rollback_model(
        _registry(out),
        undertrained,
        actor=ACTOR,
        reason="the forced version invents facts",
        force=True,
        rollback_dir=out / "rollback",
    )
    registry = open_registry(_registry(out))
    announce(f"production after the rollback: {registry.production()}")
    report = out / "report.html"
    write_demo_report([first, second], registry.history(), _examples(out, first, second), report)
    return DemoResult(report, registry.history(), _next_steps(out))


def _make_anew(out: Path) -> None:
    if out.exists():
        if not (out / _MARKER).is_file():
            if not out.is_dir() or any(out.iterdir()):
                raise InputError(f"--out {out} exists and is not a demo's directory; give another one")
        else:
            shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / _MARKER).touch()


def _registry(out: Path) -> str:
    return str(out / "model_registry")


def _pipeline(out: Path, name: str, config: Config, device: str, display: Display) -> dict[str, Any]:
    request = RunRequest(
        data="synthetic",
        out=out / name,
        registry=_registry(out),
        tracking_uri=local_tracking_uri(out / "mlruns"),
        run_name=name,
        actor=ACTOR,
        device=device,
    )
    return run_pipeline(request, config, display)


def _require(summary: dict[str, Any], verdict: str) -> None:
    if summary["verdict"] != verdict:
        raise ContractError(
            f"the demo expected {verdict} for {summary['run_name']} but the gate said {summary['verdict']}: "
            f"{'; '.join(summary['reasons'])}"
        )


def _force_release(out: Path, summary: dict[str, Any], config: Config, device: str) -> None:
    run = out / summary["run_name"]
    paths = {name: run / path for name, path in summary["paths"].items()}
    validation, bias = paths["validate_model.report"], paths["detect_bias.report"]
    run_decide_release(
        validation,
        bias,
        paths["analyze_sensitivity.report"],
        config,
        registry=_registry(out),
        decision_dir=out / "forced-decision",
        html=out / "forced-decision" / "decision.html",
        force_reason="demo: somebody insists on the refused candidate",
        actor=ACTOR,
    )
    registered = run_register_model(
        paths["train_model.model"],
        out / "forced-decision",
        validation,
        bias,
        predictions=paths["generate_summaries.predictions"],
        registry=_registry(out),
        actor=ACTOR,
    )
    run_deploy_model(
        _registry(out), registered.version, config, device=device, actor=ACTOR, deployment_dir=out / "forced-deployment"
    )


def _examples(out: Path, *summaries: dict[str, Any]) -> list[DemoExample]:
    """Two held-out synthetic notes with the reference and what each candidate wrote."""
    first_run = out / summaries[0]["run_name"]
    test = _read(first_run / summaries[0]["paths"]["prepare_data.test"] / TEST_CSV)
    written = {
        summary["run_name"]: _read(
            out / summary["run_name"] / summary["paths"]["generate_summaries.predictions"] / PREDICTIONS_CSV
        ).set_index("example_id")["summary"]
        for summary in summaries
    }
    return [
        DemoExample(
            note=row["input_text"],
            reference=row["target_summary"],
            summaries={name: texts[row["example_id"]] for name, texts in written.items()},
        )
        for row in test.head(2).to_dict("records")
    ]


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def _next_steps(out: Path) -> tuple[str, ...]:
    registry = f"--registry {_registry(out)}"
    scripts = Path(sys.executable).parent
    activate = () if shutil.which("lab-lens") else (f". {scripts / 'activate'}",)
    return (
        *activate,
        f"lab-lens registry history {registry}",
        f"lab-lens serve {registry} --port 8080",
        f"lab-lens mlflow ui --tracking-uri {local_tracking_uri(out / 'mlruns')}",
        "lab-lens config show > my-config.json",
        "lab-lens run --data NOTES.csv --config my-config.json --out runs/mine",
    )
