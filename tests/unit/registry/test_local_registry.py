import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lab_lens import artifacts
from lab_lens.errors import InputError
from lab_lens.registry.base import Evidence
from lab_lens.registry.index import INDEX_JSON
from lab_lens.registry.local import LocalRegistry

MakeModel = Callable[[str], Path]
Release = Callable[[str], str]


def test_a_registry_that_does_not_exist_is_empty_and_reading_it_creates_nothing(registry: LocalRegistry) -> None:
    assert (registry.production(), registry.previous()) == (None, None)
    assert (registry.list_versions(), registry.history()) == ([], [])
    assert not registry.path.exists()


def test_a_version_binds_model_documents_metrics_and_hashes(
    registry: LocalRegistry, make_model: MakeModel, evidence: Evidence
) -> None:
    model = make_model("a")
    stored = registry.register(model, evidence, actor="ana")
    assert stored.version == "v1"
    assert stored.content_hash == artifacts.content_hash(artifacts.sha256_files(model))
    assert stored.metrics == {"rougeL": 0.31, "bleu": None}
    assert stored.decision_hash == artifacts.sha256_file(evidence.documents["decision.json"])
    assert (stored.config_hash, stored.data_hash, stored.actor) == ("c0", "d0", "ana")
    assert registry.show("v1") == stored
    assert artifacts.sha256_files(registry.model_dir("v1")) == artifacts.sha256_files(model)
    assert (registry.path / "v1" / "validation_report.json").is_file()
    assert registry.verify("v1") == []


def test_the_same_bytes_are_not_stored_twice(
    registry: LocalRegistry, make_model: MakeModel, evidence: Evidence
) -> None:
    first = registry.register(make_model("a"), evidence, actor="ana")
    again = registry.register(make_model("a"), replace(evidence, metrics={"rougeL": 0.99}), actor="ben", version="2.0")
    assert again == first
    assert [stored.version for stored in registry.list_versions()] == ["v1"]
    assert len(registry.history()) == 1


def test_changing_the_training_output_later_does_not_change_the_registered_version(
    registry: LocalRegistry, make_model: MakeModel, evidence: Evidence
) -> None:
    model = make_model("a")
    registry.register(model, evidence, actor="ana")
    with (model / "model.safetensors").open("r+") as weights:
        weights.write("overwritten in place")
    assert registry.verify("v1") == []


def test_names_are_given_or_counted(registry: LocalRegistry, make_model: MakeModel, evidence: Evidence) -> None:
    names = [
        registry.register(make_model(f"{index}"), evidence, actor="ana", version=wanted).version
        for index, wanted in enumerate(["", "1.4.0", "v2-rc_1", ""])
    ]
    assert names == ["v1", "v1.4.0", "v2-rc_1", "v3"]


@pytest.mark.parametrize("name", ["../v1", "a/b", "a\\b", "..", ".", "v", "1.", "1 0", "1\n", "x" * 70, "é"])
def test_a_name_that_is_no_plain_directory_name_is_refused(
    registry: LocalRegistry, make_model: MakeModel, evidence: Evidence, name: str
) -> None:
    with pytest.raises(InputError, match="is not allowed"):
        registry.register(make_model("a"), evidence, actor="ana", version=name)
    assert not registry.path.exists()


def test_a_name_that_another_model_has_is_refused(
    registry: LocalRegistry, make_model: MakeModel, evidence: Evidence
) -> None:
    registry.register(make_model("a"), evidence, actor="ana", version="1.0")
    with pytest.raises(InputError, match=r"v1\.0 exists .* choose another name"):
        registry.register(make_model("b"), evidence, actor="ana", version="v1.0")


def test_a_directory_that_is_no_version_is_never_touched(
    registry: LocalRegistry, make_model: MakeModel, evidence: Evidence
) -> None:
    foreign = registry.path / "v1" / "notes.txt"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("mine")
    assert registry.register(make_model("a"), evidence, actor="ana").version == "v2"
    with pytest.raises(InputError, match="choose another name"):
        registry.register(make_model("b"), evidence, actor="ana", version="v1")
    assert foreign.read_text() == "mine"


def test_promoting_and_rolling_back_move_the_pointers_and_say_who_and_why(
    registry: LocalRegistry, release: Release
) -> None:
    for weights in ("a", "b", "c"):
        release(weights)
    assert (registry.production(), registry.previous()) == ("v3", "v2")
    entry = registry.rollback(actor="ben", reason="answers were worse")
    assert (entry.from_version, entry.to_version, entry.who, entry.why) == (
        "v3",
        "v2",
        "ben",
        "answers were worse",
    )
    assert (registry.production(), registry.previous()) == ("v2", "v1")
    registry.rollback(actor="ben", reason="still worse")
    with pytest.raises(InputError, match="no previous one to return to"):
        registry.rollback(actor="ben", reason="again")
    assert registry.production() == "v1"
    assert [entry.action for entry in registry.history()] == ["registered", "promoted"] * 3 + ["rolled_back"] * 2


def test_rolling_back_to_a_named_version_goes_there(registry: LocalRegistry, release: Release) -> None:
    for weights in ("a", "b", "c"):
        release(weights)
    registry.rollback(actor="ben", reason="v2 had the same fault", to="1")
    assert (registry.production(), registry.previous()) == ("v1", None)
    registry.rollback(actor="ben", reason="it was the data", to="v3")
    assert registry.production() == "v3"


def test_events_without_a_move_stand_in_the_history_and_move_nothing(registry: LocalRegistry, release: Release) -> None:
    release("a")
    entry = registry.record("held", actor="gate", reason="ROUGE-L is too low", version="v1", decision_hash="h2")
    assert registry.history()[-1] == entry
    assert (registry.production(), registry.previous()) == ("v1", None)
    with pytest.raises(InputError, match="call the method that does it"):
        registry.record("promoted", actor="gate", reason="sneaky", version="v1")


@pytest.mark.parametrize(
    "use",
    [
        lambda registry: registry.show("v9"),
        lambda registry: registry.model_dir("v9"),
        lambda registry: registry.verify("v9"),
        lambda registry: registry.promote("v9", actor="ana", reason="r", decision_hash=""),
        lambda registry: registry.rollback(actor="ana", reason="r", to="v9"),
    ],
)
def test_an_unknown_version_is_named_with_those_that_exist(
    registry: LocalRegistry, release: Release, use: Callable[[LocalRegistry], object]
) -> None:
    release("a")
    before = (registry.path / INDEX_JSON).read_bytes()
    with pytest.raises(InputError, match="version v9 is not registered; registered: v1"):
        use(registry)
    assert (registry.path / INDEX_JSON).read_bytes() == before


@pytest.mark.parametrize("said", [{"actor": " ", "reason": "r"}, {"actor": "ana", "reason": ""}])
def test_nothing_happens_without_an_actor_and_a_reason(
    registry: LocalRegistry, release: Release, said: dict[str, str]
) -> None:
    release("a")
    with pytest.raises(InputError, match="needs an actor and a reason"):
        registry.record("held", **said)


def test_verify_names_missing_changed_and_added_files(registry: LocalRegistry, release: Release) -> None:
    release("a")
    version = registry.path / "v1"
    (version / "model" / "model.safetensors").chmod(0o644)
    (version / "model" / "model.safetensors").write_text("b")
    (version / "model" / "tokenizer" / "vocab.json").unlink()
    (version / "model" / "extra.bin").write_text("x")
    assert registry.verify("v1") == [
        "model/tokenizer/vocab.json is missing",
        "model/model.safetensors was changed after registration",
        "model/extra.bin was added after registration",
    ]


def test_metrics_cannot_be_improved_after_registration(registry: LocalRegistry, release: Release) -> None:
    release("a")
    path = registry.path / "v1" / "version.json"
    path.chmod(0o644)
    path.write_text(path.read_text().replace("0.31", "0.91"))
    assert registry.verify("v1") == ["version.json was changed after registration"]
    with pytest.raises(InputError, match="was changed after registration"):
        registry.show("v1")


def test_a_registered_file_is_read_only(registry: LocalRegistry, release: Release) -> None:
    release("a")
    assert not (registry.model_dir("v1") / "model.safetensors").stat().st_mode & 0o222


def test_a_registry_path_that_is_a_file_or_lies_below_one_is_refused(
    tmp_path: Path, make_model: MakeModel, evidence: Evidence
) -> None:
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(InputError, match="is a file; give a directory"):
        LocalRegistry(path).production()
    with pytest.raises(InputError, match="cannot write to registry"):
        LocalRegistry(path / "below").register(make_model("a"), evidence, actor="ana")


def test_an_empty_model_directory_is_refused(registry: LocalRegistry, evidence: Evidence, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is missing or empty"):
        registry.register(tmp_path / "nothing", evidence, actor="ana")


def test_a_newer_damaged_or_lost_index_is_never_taken_for_an_empty_registry(
    registry: LocalRegistry, release: Release
) -> None:
    release("a")
    index = registry.path / INDEX_JSON
    content = json.loads(index.read_text())
    damages = {
        json.dumps(content | {"schema_version": 2}): "reads up to 1",
        json.dumps(content | {"versions": 3}): "is damaged at: versions",
        json.dumps(content | {"production": None}): "contradicts itself",
        "[]": "is damaged",
        "{": "is not JSON",
    }
    for text, message in damages.items():
        index.write_text(text)
        with pytest.raises(InputError, match=message):
            registry.production()
    index.unlink()
    with pytest.raises(InputError, match=r"has lost its registry_index\.json although v1 exist"):
        release("b")
