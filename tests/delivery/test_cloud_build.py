import copy
from collections.abc import Callable

import pytest
from build_checks import build_problems
from definitions import CLOUD_BUILD, ROOT, TRIGGERS, Document, builds, load

BUILDS = builds()


def step(build: Document, name: str) -> Document:
    found: Document = next(item for item in build["steps"] if item["id"] == name)
    return found


@pytest.mark.parametrize("name", BUILDS)
def test_a_build_refers_to_nothing_that_is_not_there(name: str) -> None:
    assert build_problems(BUILDS[name]) == []


def _unpinned(build: Document) -> None:
    step(build, "test")["name"] = "python:latest"


def _unknown_wait(build: Document) -> None:
    step(build, "scan")["waitFor"] = ["image"]


def _waits_for_a_later_step(build: Document) -> None:
    step(build, "check")["waitFor"] = ["verdict"]


def _nameless(build: Document) -> None:
    del step(build, "compile")["name"]


def _without_timeout(build: Document) -> None:
    del step(build, "submit")["timeout"]


def _undeclared(build: Document) -> None:
    step(build, "submit")["script"] += "echo $_REGOIN\n"


def _unused(build: Document) -> None:
    build["substitutions"]["_FORGOTTEN"] = "1"


def _no_built_in(build: Document) -> None:
    step(build, "submit")["script"] += "echo $PROJECT_NAME\n"


def _lonely_volume(build: Document) -> None:
    del step(build, "notify")["volumes"]


def _unmapped(build: Document) -> None:
    del build["options"]["automapSubstitutions"]


def _undynamic(build: Document) -> None:
    build["options"]["dynamicSubstitutions"] = False


def _nested_twice(build: Document) -> None:
    build["substitutions"]["_DATA"] = "${_IMAGES}/notes"


def _twice(build: Document) -> None:
    step(build, "scan")["id"] = "images"


@pytest.mark.parametrize(
    ("defect", "problem"),
    [
        (_unpinned, "step test: python:latest is pinned neither by version nor by digest"),
        (_unknown_wait, "step scan waits for image, which is no step before it"),
        (_waits_for_a_later_step, "step check waits for verdict, which is no step before it"),
        (_nameless, "step compile has no name: no image to run in"),
        (_without_timeout, "step submit has no timeout"),
        (_undeclared, "$_REGOIN is used and not declared"),
        (_unused, "_FORGOTTEN is declared and not used"),
        (_no_built_in, "$PROJECT_NAME is no substitution of Cloud Build"),
        (_lonely_volume, "volume secrets is mounted by one step alone"),
        (_unmapped, "scripts see no substitution without options.automapSubstitutions"),
        (_undynamic, "substitutions refer to one another without options.dynamicSubstitutions"),
        (_nested_twice, "_DATA refers to a substitution that refers to another"),
        (_twice, "two steps are called images"),
    ],
)
def test_a_planted_defect_is_found(defect: Callable[[Document], None], problem: str) -> None:
    build = copy.deepcopy(BUILDS["cloudbuild.yaml"])
    defect(build)
    assert problem in build_problems(build)


def test_every_substitution_is_explained_above_it() -> None:
    lines = CLOUD_BUILD.read_text(encoding="utf-8").splitlines()
    declared = [number for number, line in enumerate(lines) if line.startswith("  _")]
    assert len(declared) == len(BUILDS["cloudbuild.yaml"]["substitutions"])
    explained = [lines[number - 1].startswith(("  # ", "  _REPOSITORY")) for number in declared]
    assert all(explained), [lines[number] for number, good in zip(declared, explained, strict=True) if not good]


def test_the_build_ends_with_the_status_of_the_submission_and_tells_it_before() -> None:
    notify, verdict = BUILDS["cloudbuild.yaml"]["steps"][-2:]
    assert (notify["id"], verdict["id"]) == ("notify", "verdict")
    assert "keep-schedule" in notify["waitFor"]


def test_images_are_scanned_before_a_template_that_names_them_is_kept() -> None:
    assert set(step(BUILDS["cloudbuild.yaml"], "upload-template")["waitFor"]) == {"scan", "compile"}


@pytest.mark.parametrize("path", TRIGGERS, ids=lambda path: path.stem)
def test_a_trigger_can_be_imported(path: object) -> None:
    trigger = load(path)
    assert set(trigger) <= {
        "name", "description", "tags", "github", "includedFiles", "filename", "build", "serviceAccount",
        "substitutions", "approvalConfig",
    }  # fmt: skip
    assert ("filename" in trigger) != ("build" in trigger)
    assert (ROOT / trigger.get("filename", "cloudbuild.yaml")).is_file()
    assert trigger["serviceAccount"].startswith("projects/my-project/serviceAccounts/lab-lens-")
    declared = BUILDS["cloudbuild.yaml"]["substitutions"]
    if "filename" in trigger:
        assert set(trigger["substitutions"]) <= set(declared)
    for pattern in trigger.get("includedFiles", []):
        assert any(ROOT.glob(pattern)), f"{pattern} matches nothing"


def test_a_pull_request_runs_as_an_account_of_its_own_and_submits_nothing() -> None:
    trigger = load(ROOT / "pipelines" / "triggers" / "pull-request.yaml")
    assert "lab-lens-checks@" in trigger["serviceAccount"]
    scripts = "".join(item["script"] for item in trigger["build"]["steps"])
    assert "lab-lens" not in scripts
    assert [item["id"] for item in trigger["build"]["steps"]] == ["check", "test"]


def test_a_tag_is_approved_by_somebody_and_runs_on_a_schedule() -> None:
    trigger = load(ROOT / "pipelines" / "triggers" / "tag.yaml")
    assert trigger["approvalConfig"] == {"approvalRequired": True}
    assert trigger["substitutions"]["_SCHEDULE"]
