import copy
from collections.abc import Callable

import pytest
from definitions import ACTIONS, ROOT, WORKFLOWS, Document, actions, name_of, workflows
from workflow_checks import settings_used, step_problems, version_comment_problems, workflow_problems

FLOWS = workflows()
TRAINING = ".github/workflows/model_training.yml"
CI = ".github/workflows/ci.yml"


@pytest.mark.parametrize("name", FLOWS)
def test_a_workflow_refers_to_nothing_that_is_not_there(name: str) -> None:
    assert workflow_problems(FLOWS[name]) == []


@pytest.mark.parametrize("name", actions())
def test_an_action_is_as_strict_as_a_workflow(name: str) -> None:
    assert step_problems(actions()[name]) == []


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=name_of)
def test_every_pin_says_its_version(path: object) -> None:
    assert version_comment_problems(path.read_text(encoding="utf-8")) == []


def test_a_pin_without_version_is_found() -> None:
    line = f"uses: actions/checkout@{'0' * 40}"
    assert version_comment_problems(f"    - {line}\n") == [f"no version behind - {line}"]
    assert version_comment_problems(f"    - {line} # v6\n") != []


def job(workflow: Document, name: str) -> Document:
    found: Document = workflow["jobs"][name]
    return found


def _unknown_job(workflow: Document) -> None:
    job(workflow, "bias")["needs"] = "validation"


def _output_without_need(workflow: Document) -> None:
    job(workflow, "deploy")["needs"] = ["setup"]


def _unknown_output(workflow: Document) -> None:
    del job(workflow, "setup")["outputs"]["place"]


def _unwritten_output(workflow: Document) -> None:
    job(workflow, "setup")["outputs"]["place"] = "${{ steps.request.outputs.palce }}"


def _unknown_step(workflow: Document) -> None:
    job(workflow, "decide")["outputs"]["verdict"] = "${{ steps.decide.outputs.verdict }}"


def _undeclared_input(workflow: Document) -> None:
    job(workflow, "train")["if"] = "!inputs.skip"


def _tag_instead_of_hash(workflow: Document) -> None:
    job(workflow, "bias")["steps"][0]["uses"] = "actions/checkout@v6"


def _kept_token(workflow: Document) -> None:
    del job(workflow, "bias")["steps"][0]["with"]


def _expression_in_script(workflow: Document) -> None:
    job(workflow, "train")["steps"][3]["run"] = "echo ${{ inputs.base_model }}"


def _needless_token(workflow: Document) -> None:
    job(workflow, "bias")["permissions"]["id-token"] = "write"


def _login_without_token(workflow: Document) -> None:
    del job(workflow, "vertex")["permissions"]["id-token"]


def _everything_for_everyone(workflow: Document) -> None:
    workflow["permissions"] = "write-all"


def _no_limit(workflow: Document) -> None:
    del job(workflow, "train")["timeout-minutes"]


def _keeps(path: str, name: str = "synthetic-data") -> Callable[[Document], None]:
    def plant(workflow: Document) -> None:
        job(workflow, "bias")["steps"][-1]["with"] = {"name": name, "path": path}

    return plant


@pytest.mark.parametrize(
    ("defect", "problem"),
    [
        (_unknown_job, "job bias: needs validation, which is no job"),
        (_output_without_need, "job deploy: reads needs.decide and does not need it"),
        (_unknown_output, "job train: reads place of setup, which has no such output"),
        (_unwritten_output, "job setup: reads palce of step request, whose script never writes it"),
        (_unknown_step, "job decide: reads steps.decide, which is no step of it"),
        (_undeclared_input, "inputs.skip is used and not declared"),
        (_tag_instead_of_hash, "bias: Check out: actions/checkout@v6 is not pinned by a commit's full hash"),
        (_kept_token, "bias: Check out: checkout leaves its token in the checkout"),
        (_expression_in_script, "train: Train: an expression in a script can become a command; pass it by env"),
        (_needless_token, "job bias: id-token is asked for and no step logs in"),
        (_login_without_token, "job vertex: a step logs in without id-token"),
        (_everything_for_everyone, "the workflow gives every job permissions"),
        (_no_limit, "job train: no timeout-minutes"),
        (_keeps("data/model_ready"), "bias: Keep the report: keeps data/model_ready, which can hold notes or models"),
        (
            _keeps("reports/predictions_with_slices_1.csv"),
            "bias: Keep the report: keeps reports/predictions_with_slices_1.csv, which can hold notes or models",
        ),
        (_keeps("predictions", "x"), "bias: Keep the report: keeps predictions, and is not called synthetic-"),
        (_keeps("models/a", "x"), "bias: Keep the report: keeps models/a, and is not called synthetic-"),
        (_keeps("model_registry"), "bias: Keep the report: keeps model_registry, which can hold notes or models"),
    ],
)  # fmt: skip
def test_a_planted_defect_is_found(defect: Callable[[Document], None], problem: str) -> None:
    workflow = copy.deepcopy(FLOWS[TRAINING])
    defect(workflow)
    assert problem in workflow_problems(workflow)


def test_a_runner_reads_synthetic_notes_alone() -> None:
    scripts = {
        (name, item["name"]): item["run"]
        for name, definition in FLOWS[TRAINING]["jobs"].items()
        for item in definition["steps"]
        if "run" in item
    }
    preparing = {key: script for key, script in scripts.items() if "prepare-data" in script}
    assert len(preparing) == 5
    assert all("--data synthetic " in script for script in preparing.values())
    given = {name for name, definition in FLOWS[TRAINING]["jobs"].items() if "inputs.data" in str(definition)}
    assert given == {"setup", "vertex"}, "what somebody gives as data is read in the project's own cloud"


def test_a_pull_request_changes_nothing_outside() -> None:
    writing = {"deploy", "rollback", "notify"}
    conditions = {name: FLOWS[TRAINING]["jobs"][name]["if"] for name in writing}
    assert all("github.event_name != 'pull_request'" in condition for condition in conditions.values())
    assert "pull_request_target" not in str(FLOWS)


def test_jobs_are_those_that_users_know() -> None:
    known = {"setup", "train", "validate", "bias", "sensitivity", "deploy", "rollback", "notify"}
    assert known < set(FLOWS[TRAINING]["jobs"])


def test_one_writer_of_the_registry_at_a_time() -> None:
    groups = [FLOWS[TRAINING]["jobs"][name]["concurrency"] for name in ("deploy", "rollback")]
    assert groups[0] == groups[1]
    assert groups[0]["cancel-in-progress"] is False


def test_ci_runs_on_every_system_that_people_use() -> None:
    systems = {name.split("-")[0] for name in FLOWS[CI]["jobs"]["unit"]["strategy"]["matrix"]["os"]}
    assert systems == {"ubuntu", "macos", "windows"}


def test_every_variable_and_secret_stands_in_the_documentation() -> None:
    page = (ROOT / "docs" / "ci-cd.md").read_text(encoding="utf-8")
    used = set().union(*(settings_used(document) for document in [*FLOWS.values(), *actions().values()]))
    assert used
    assert {name for name in used if f"`{name.partition('.')[2]}`" not in page} == set()
