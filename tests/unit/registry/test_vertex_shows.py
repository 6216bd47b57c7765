"""What Vertex AI Model Registry shows of a registry."""

from collections.abc import Callable
from pathlib import Path

import pytest
from registry_place import Maker
from vertex_registry_site import VertexSite, judged

from lab_lens.errors import InputError
from lab_lens.registry.base import Evidence, Pointers, Registry
from lab_lens.registry.vertex import VertexRegistry
from lab_lens.registry.vertex_view import METRICS_SCHEMA, alias_of

Making = Callable[[Registry], Maker]
QUOTA = "Quota exceeded for quota metric 'Model upload requests' of service 'aiplatform.googleapis.com'."
WRITES = ("UploadModel", "MergeVersionAliases", "UpdateModel", "DeleteModelVersion", "ImportModelEvaluation")


@pytest.fixture
def registry(site: VertexSite) -> VertexRegistry:
    return site.open()


@pytest.fixture
def make(registry: VertexRegistry, making: Making) -> Maker:
    return making(registry)


def test_a_version_is_shown_with_its_verdict_figures_hashes_and_links(
    site: VertexSite, registry: VertexRegistry, make: Maker
) -> None:
    job = "projects/hospital-ml/locations/europe-west4/pipelineJobs/run-7"
    links = {"mlflow_run": "https://mlflow.example/#/runs/7", "pipeline_job": job}
    stored = registry.register(make.model("a"), judged(make, "a", links=links), actor="ana")
    (shown,) = site.models.versions(site.model)
    assert shown.artifact_uri == registry.model_uri("v1")
    assert (shown.display_name, shown.pipeline_job) == ("discharge-notes", job)
    assert set(shown.version_aliases) == {"v1", "candidate", "default"}
    assert shown.labels["lab_lens_content"] == stored.content_hash[:32]
    assert shown.labels["lab_lens_verdict"] == "promote"
    for told in ("verdict: promote", "rougeLsum 0.42 (0.4 to 0.44)", "bleu not computed", *links.values(), "by ana"):
        assert told in shown.version_description
    container = shown.container_spec
    assert (container.image_uri, container.predict_route, container.health_route) == (
        site.image,
        "/predict",
        "/health",
    )
    assert [port.container_port for port in container.ports] == [8080]


def test_the_evaluation_and_the_slices_are_imported_as_far_as_the_schema_holds_them(
    site: VertexSite, registry: VertexRegistry, make: Maker
) -> None:
    links = {"pipeline_job": "run-7"}
    stored = registry.register(make.model("a"), judged(make, "a", links=links), actor="ana")
    (evaluation,) = site.models.evaluations(f"{site.model}@1")
    assert (evaluation.metrics_schema_uri, dict(evaluation.metrics)) == (METRICS_SCHEMA, {"rougeLSum": 0.42})
    assert dict(evaluation.metadata) == {
        "pipeline_job": "run-7",
        "validation_report_sha256": stored.document_hashes["validation_report.json"],
    }
    slices = site.models.slices(evaluation.name)
    assert [(item.slice_.value, dict(item.metrics)) for item in slices] == [
        ("age_group=18-39", {"rougeLSum": 0.41}),
        ("gender=F", {"rougeLSum": 0.41}),
    ]
    spec = slices[0].slice_.slice_spec.configs["age_group"]
    assert spec.value.string_value == "18-39"
    registry.sync()
    assert len(site.models.evaluations(f"{site.model}@1")) == 1
    assert len(site.models.slices(evaluation.name)) == 2


def test_a_version_without_that_figure_has_no_evaluation(site: VertexSite, make: Maker) -> None:
    make.register("a")
    assert site.models.evaluations(f"{site.model}@1") == []
    assert site.models.versions(site.model)[0].labels["lab_lens_evaluation"] == "none"


def test_aliases_follow_promotion_and_rollback_and_default_is_what_is_in_production(
    site: VertexSite, registry: VertexRegistry, make: Maker
) -> None:
    make.release("a")
    make.register("b")
    assert site.aliases() == {"1": {"v1", "production", "default"}, "2": {"v2", "candidate"}}
    registry.promote("v2", actor="ana", reason="r", decision_hash="h")
    assert site.aliases() == {"1": {"v1", "previous"}, "2": {"v2", "production", "default"}}
    registry.rollback(actor="ana", reason="worse")
    assert site.aliases() == {"1": {"v1", "production", "default"}, "2": {"v2"}}
    make.register("c")
    registry.record("deploy_failed", actor="gate", reason="unhealthy", version="v3")
    assert site.aliases() == {"1": {"v1", "production", "default"}, "2": {"v2"}, "3": {"v3"}}


def test_nothing_is_default_before_the_gate_has_passed(
    site: VertexSite, registry: VertexRegistry, make: Maker, tmp_path: Path
) -> None:
    undecided = {"golden.json": make.evidence("a").documents["golden.json"]}
    for weights in ("a", "b"):
        registry.register(make.model(weights), Evidence(undecided, {}), actor="ana")
    assert site.models.versions(site.model) == []
    registry.promote("v2", actor="ana", reason="looked at by hand", decision_hash="")
    assert site.aliases() == {"1": {"v2", "production", "default"}, "2": {"v1"}}
    make.register("c")
    assert site.models.alias(site.model, "default") == "1"
    uploads = site.server.requests("UploadModel")
    assert [bool(request.parent_model) for request in uploads] == [False, True, True]
    assert not any("default" in request.model.version_aliases for request in uploads)


def test_pruned_versions_go_and_the_default_never(site: VertexSite, registry: VertexRegistry, make: Maker) -> None:
    make.release("a", "b", "c")
    registry.prune(0, actor="ana", reason="space")
    assert site.aliases() == {"2": {"v2", "previous"}, "3": {"v3", "production", "default"}}


def test_a_default_that_nobody_needs_goes_as_soon_as_another_one_is_default(
    site: VertexSite, registry: VertexRegistry, make: Maker
) -> None:
    for weights in ("a", "b", "c"):
        make.register(weights)
    registry.prune(1, actor="ana", reason="space")
    assert site.aliases() == {"1": {"v1", "default"}, "3": {"v3", "candidate"}}
    assert [request.name for request in site.server.requests("DeleteModelVersion")] == [f"{site.model}@2"]
    registry.promote("v3", actor="ana", reason="r", decision_hash="h")
    assert site.aliases() == {"3": {"v3", "production", "default"}}


def test_what_is_in_step_is_not_written_again(site: VertexSite, registry: VertexRegistry, make: Maker) -> None:
    make.release("a", "b")
    before = [len(site.server.requests(rpc)) for rpc in WRITES]
    registry.sync()
    site.open().sync()
    assert [len(site.server.requests(rpc)) for rpc in WRITES] == before


def test_reading_asks_vertex_nothing(site: VertexSite, registry: VertexRegistry, make: Maker) -> None:
    make.release("a", "b")
    before = len(site.server.calls)
    other = site.open()
    assert other.pointers() == Pointers("v2", "v1", None)
    assert (len(other.list_versions()), other.verify("v1"), other.rollback_target()) == (2, [], "v1")
    assert len(site.server.calls) == before


def test_what_somebody_moved_by_hand_is_put_right(site: VertexSite, make: Maker) -> None:
    make.release("a", "b")
    moved = ["production", "default", "theirs"]
    site.console.merge_version_aliases({"name": f"{site.model}@1", "version_aliases": moved})
    make.register("c")
    assert site.aliases() == {
        "1": {"v1", "previous", "theirs"},
        "2": {"v2", "production", "default"},
        "3": {"v3", "candidate"},
    }


# Names


@pytest.mark.parametrize("version", ["v1", "v1.4.0", "v2-RC_1", "v" + "x" * 63, "v1.4-0", "v1-4.0"])
def test_every_version_name_is_shown_under_an_alias_that_vertex_allows(
    site: VertexSite, make: Maker, version: str
) -> None:
    make.register("a", version)
    assert site.models.alias(site.model, alias_of(version)) == "1"


def test_names_that_look_alike_have_aliases_of_their_own() -> None:
    names = ["v1.4.0", "v1-4-0", "v1_4_0", "v1.4-0", "vA", "va", "v1-", "v1"]
    assert len({alias_of(name) for name in names}) == len(names)


@pytest.mark.parametrize(
    ("location", "problems"),
    [
        ("vertex://p/europe-west4", ["is no registry of Vertex AI: give vertex://PROJECT/LOCATION/MODEL?store="]),
        ("vertex://my-project/europe-west4/m", ["store is missing"]),
        ("vertex://my-project/europe-west4/m?store=/tmp/x", ["store: '/tmp/x' is no place in Cloud Storage"]),
        (
            "vertex://P/EU/1m?store=gs://bucket/x&image=serving&colour=red&api_endpoint=http://example.org",
            [
                "'colour' is not known",
                "'P' is no project id",
                "'EU' is no region",
                "'1m' is no model id",
                "'serving' is no image with a tag",
                "api_endpoint 'http://example.org' must begin with https://",
            ],
        ),
    ],
)
def test_everything_that_is_wrong_with_a_location_is_told_at_once(location: str, problems: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        VertexRegistry(location)
    assert len(caught.value.problems) == len(problems)
    for problem, told in zip(problems, caught.value.problems, strict=True):
        assert problem in told
