"""From discharge notes to a released model, or to the reasons why there is none."""

from collections.abc import Mapping

from kfp import dsl
from kfp.dsl import PipelineTask
from kfp.dsl.base_component import BaseComponent
from kfp.dsl.pipeline_channel import PipelineArtifactChannel, PipelineParameterChannel

from components.analyze_sensitivity import analyze_sensitivity
from components.decide_release import decide_release
from components.deploy_model import deploy_model
from components.detect_bias import detect_bias
from components.generate_summaries import generate_summaries
from components.notify import notify
from components.prepare_data import prepare_data
from components.register_model import register_model
from components.rollback_model import rollback_model
from components.select_hyperparameters import select_hyperparameters
from components.train_model import train_model
from components.tune_hyperparameters import tune_hyperparameters
from components.validate_model import validate_model


def _tuned(
    workers: int,
    config: PipelineParameterChannel,
    learning: Mapping[str, PipelineParameterChannel | PipelineArtifactChannel],
    track: Mapping[str, PipelineParameterChannel],
) -> PipelineParameterChannel:
    """The configuration that training uses: as it was given, or with what one or several searches found best."""
    if not workers:
        return config
    if workers == 1:
        searched = chosen = tune_hyperparameters(config=config, **learning)
    else:
        # As text: kfp.local would make floats of numbers.
        with dsl.ParallelFor([str(worker) for worker in range(workers)], name="search") as worker:
            searched = tune_hyperparameters(config=config, worker=worker, **learning)
        searches = dsl.Collected(searched.outputs["tuned"])
        chosen = select_hyperparameters(config=config, searches=searches, **track)
    for task in (searched, chosen):
        task.set_caching_options(False)
    return chosen.outputs["Output"]


def _release_or_keep(
    *,
    config: PipelineParameterChannel,
    registry: PipelineParameterChannel,
    model: PipelineArtifactChannel,
    decided: PipelineTask,
    validated: PipelineTask,
    compared: PipelineTask,
    generated: PipelineTask,
    device: PipelineParameterChannel,
    actor: PipelineParameterChannel,
    track: Mapping[str, PipelineParameterChannel],
    job: str,
) -> None:
    """Register and deploy what the gate let through, and undo it when it is unhealthy; else keep what is there."""
    verdict = decided.outputs["Output"]
    target = {"config": config, "registry": registry}
    who = {"actor": actor, "run_id": dsl.PIPELINE_JOB_ID_PLACEHOLDER}
    with dsl.If(verdict == "promote", name="release"):
        registered = register_model(
            model=model,
            decision=decided.outputs["decision"],
            validation=validated.outputs["report"],
            bias=compared.outputs["report"],
            predictions=generated.outputs["predictions"],
            job=job,
            **track,
            **target,
            **who,
        )
        decision = decided.outputs["decision"]
        deployed = deploy_model(version=registered.output, decision=decision, device=device, **target, **who)
        with dsl.If(deployed.outputs["Output"] == "unhealthy", name="undo"):
            undone = rollback_model(verdict="unhealthy", grounds=deployed.outputs["deployment"], **target, **who)
    with dsl.Else(name="keep"):
        kept = rollback_model(verdict=verdict, grounds=decided.outputs["decision"], **target, **who)
    for task in (registered, deployed, undone, kept):
        task.set_caching_options(False)


def build_pipeline(tuning_workers: int = 0, job: str = dsl.PIPELINE_JOB_NAME_PLACEHOLDER) -> BaseComponent:
    """The graph as KFP can compile it.

    Args:
        tuning_workers: searches for hyperparameters side by side, before training; 0: the configuration is used as
            it is given. Structure is compiled in, so this is no parameter of the pipeline.
        job: placeholder of what a version links to as the run that made it.
    """

    @dsl.pipeline(
        name="lab-lens-model-development",
        description="Teach a model to summarize discharge notes; release it only when it is proven good and fair.",
    )
    def model_development(
        data: str,
        config: str,
        registry: str,
        checkpoints: str,
        base_model: str = "",
        trained_model: str = "",
        champion_cache: str = "",
        device: str = "auto",
        actor: str = "pipeline",
        force_reason: str = "",
        tracking_uri: str = "",
        run_name: str = "",
    ) -> None:
        """Prepare, train, generate once, validate, compare slices, explain, decide; then register and deploy, or hold.

        Args:
            data: a CSV, Parquet or JSONL file of notes, or `synthetic`.
            config: the effective configuration as JSON (`lab-lens config show`).
            registry: location of the model registry: a path, gs:// or vertex://.
            checkpoints: directory where an interrupted training leaves what it can continue from.
            base_model: hub id, directory or `scratch:tiny|small|base`; empty: the configuration's.
            trained_model: directory of a trained model; training is skipped. Empty: train.
            champion_cache: directory where the champion's summaries are kept for the next candidate. Empty: none.
            device: `auto`, `cpu`, `cuda` or `mps`.
            actor: who is recorded in the registry's history.
            force_reason: promote whatever the rules say, for this reason. Empty: do not force.
            tracking_uri: MLflow tracking URI; empty: nothing is tracked.
            run_name: name of the MLflow run of this pipeline run.
        """
        track = {"tracking_uri": tracking_uri, "run_name": run_name}
        told = notify(config=config, registry=registry, run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER, **track)
        with dsl.ExitHandler(exit_task=told, name="notes-to-release"):
            prepared = prepare_data(data=data, config=config, **track)
            test = prepared.outputs["test"]
            examples = {name: prepared.outputs[name] for name in ("train", "val")}
            source = {"base_model": base_model, "trained_model": trained_model, "device": device}
            learning = {**examples, **source, "checkpoints": checkpoints, **track}
            settings = _tuned(tuning_workers, config, learning, track)
            trained = train_model(config=settings, **learning)
            model = trained.outputs["model"]
            generated = generate_summaries(
                config=settings, registry=registry, model=model, test=test, device=device, champion_cache=champion_cache
            )
            shown = {"config": settings, "test": test, "predictions": generated.outputs["predictions"]}
            validated = validate_model(champion=generated.outputs["champion"], **shown, **track)
            compared = detect_bias(**shown, **track)
            explained = analyze_sensitivity(model=model, device=device, **shown, **track)
            reports = {"validation": validated, "bias": compared, "sensitivity": explained}
            decided = decide_release(
                config=settings,
                registry=registry,
                **{name: task.outputs["report"] for name, task in reports.items()},
                actor=actor,
                force_reason=force_reason,
                **track,
            )
            # What these read or change lies outside the graph (files, the registry, MLflow) and can differ between runs
            # while their arguments stay the same: a cached answer would be stale.
            for task in (told, prepared, trained, generated, decided):
                task.set_caching_options(False)
            proven = {"decided": decided, "validated": validated, "compared": compared, "generated": generated}
            target = {"config": settings, "registry": registry, "device": device, "actor": actor}
            _release_or_keep(model=model, track=track, job=job, **proven, **target)

    return model_development


model_development = build_pipeline()
