import pytest

from lab_lens.config_resources import Resources, TrainingMachines
from lab_lens.errors import InputError
from lab_lens.jobs.launcher import Refusal, judge_failure, judge_request, launch
from lab_lens.jobs.spec import Candidate, JobSpec, Machine, candidates, job_spec, parse_job_spec

STOCK_OUT = (
    "Resources are insufficient in region: us-central1. Please try a different region or use a different accelerator."
)
QUOTA = (
    "The following quota metrics exceed quota limits: aiplatform.googleapis.com/custom_model_training_nvidia_l4_gpus"
)
POOL = (
    "The zone 'projects/p/zones/us-central1-a' does not have enough resources available to fulfill the request. "
    "'(resource type:compute)'. ZONE_RESOURCE_POOL_EXHAUSTED"
)


@pytest.mark.parametrize(
    ("status", "message", "refusal"),
    [
        (429, QUOTA, Refusal.NEXT),
        (429, STOCK_OUT, Refusal.NEXT),
        (429, "Quota exceeded for quota metric 'Resource management (CRUD) requests' per minute", Refusal.AGAIN),
        (400, STOCK_OUT, Refusal.NEXT),
        (400, 'Machine type "a3-highgpu-1g" is not supported in region us-west1.', Refusal.NEXT),
        (400, "Accelerator type NVIDIA_L4 is not available in location europe-west9", Refusal.NEXT),
        (400, "Image URI is not valid", Refusal.STOP),
        (400, "Invalid JSON payload received. Unknown name", Refusal.STOP),
        (400, "Machine type is required", Refusal.STOP),
        (401, "Request had invalid authentication credentials", Refusal.STOP),
        (403, "Permission 'aiplatform.customJobs.create' denied", Refusal.STOP),
        (404, "Service account not found", Refusal.STOP),
        (500, "Internal error encountered", Refusal.AGAIN),
        (503, "The service is currently unavailable", Refusal.AGAIN),
        (503, POOL, Refusal.NEXT),
        (504, "Deadline exceeded", Refusal.AGAIN),
    ],
)
def test_a_refused_request_is_judged(status: int, message: str, refusal: Refusal) -> None:
    assert judge_request(status, message) is refusal


@pytest.mark.parametrize(
    ("code", "message", "refusal"),
    [
        (8, "", Refusal.NEXT),
        (3, STOCK_OUT, Refusal.NEXT),
        (9, POOL, Refusal.NEXT),
        (13, "Internal error", Refusal.STOP),
        (3, "The replica workerpool0-0 exited with a non-zero status of 1.", Refusal.STOP),
        (
            8,
            "The replica workerpool0-0 ran out-of-memory and exited with a non-zero status of 137(SIGKILL).",
            Refusal.STOP,
        ),
        (0, "", Refusal.STOP),
    ],
)
def test_a_failed_job_is_judged(code: int, message: str, refusal: Refusal) -> None:
    assert judge_failure(code, message) is refusal


def spec_of(machine_types: tuple[str, ...] = ("g2-standard-8",), regions: tuple[str, ...] = ()) -> JobSpec:
    training = TrainingMachines(strategy="spot", machine_types=machine_types, regions=regions)
    return job_spec(Resources(preset="l4", training=training), "images/lab-lens-trainer:v1")


def names(found: list[Candidate]) -> list[str]:
    return [f"{candidate.region} {candidate.machine.machine_type}" for candidate in found]


def test_all_machines_are_tried_where_the_data_lies_before_another_region() -> None:
    spec = spec_of(("g2-standard-8", "a2-ultragpu-1g"), ("europe-west4", "europe-west1"))
    assert names(candidates(spec, "us-central1")) == [
        "europe-west4 g2-standard-8",
        "europe-west4 a2-ultragpu-1g",
        "europe-west1 g2-standard-8",
        "europe-west1 a2-ultragpu-1g",
    ]


def test_without_regions_machines_are_looked_for_where_the_pipeline_runs() -> None:
    assert names(candidates(spec_of(), "us-central1")) == ["us-central1 g2-standard-8"]


def test_a_job_is_read_as_it_was_written() -> None:
    spec = spec_of(regions=("europe-west4",))
    assert parse_job_spec(spec.model_dump_json()) == spec


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"image": 1}', "{{$.job}}"])
def test_what_is_no_job_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="--job: "):
        parse_job_spec(text)


A, B, C = (
    Candidate("europe-west4", Machine(machine_type=f"g2-standard-{n}", accelerator="NVIDIA_L4", accelerator_count=1))
    for n in (4, 8, 12)
)


@pytest.mark.parametrize(
    ("answers", "tried"), [([None], [A]), (["none", None], [A, B]), (["none", "none", None], [A, B, C])]
)
def test_candidates_are_tried_in_order_until_one_succeeds(answers: list[str | None], tried: list[Candidate]) -> None:
    seen: list[Candidate] = []

    def attempt(candidate: Candidate) -> str | None:
        seen.append(candidate)
        return answers[len(seen) - 1]

    assert launch([A, B, C], attempt) == tried[-1]
    assert seen == tried


def test_when_none_is_to_be_had_each_reason_is_told() -> None:
    with pytest.raises(InputError) as refused:
        launch([A, B], lambda candidate: f"no {candidate.machine.machine_type}")
    head, *reasons = refused.value.problems
    assert head.startswith("none of the 2 machines to train on could be had")
    assert reasons == [
        "g2-standard-4 with 1 NVIDIA_L4 in europe-west4: no g2-standard-4",
        "g2-standard-8 with 1 NVIDIA_L4 in europe-west4: no g2-standard-8",
    ]


def test_a_refusal_that_holds_for_all_ends_the_search() -> None:
    def attempt(candidate: Candidate) -> str | None:
        raise InputError("403")

    with pytest.raises(InputError, match=r"^403$"):
        launch([A, B, C], attempt)
