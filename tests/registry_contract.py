"""What every registry does, wherever it stores its versions.

A test module subclasses `RegistryContract` and gives the fixture `place`.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from registry_moves_contract import MovesContract
from registry_place import WEIGHTS, AtAPlace, Maker, Place

from lab_lens import artifacts
from lab_lens.errors import InputError
from lab_lens.registry.base import DamagedVersion, Evidence, Pointers, Registry


class RegistrationContract(AtAPlace):
    """A model and its papers become a version."""

    def test_an_empty_registry_reads_as_empty_and_reading_it_creates_nothing(
        self, registry: Registry, place: Place
    ) -> None:
        assert registry.pointers() == Pointers(None, None, None)
        assert (registry.production(), registry.previous(), registry.candidate()) == (None, None, None)
        assert (registry.list_versions(), registry.history()) == ([], [])
        assert place.snapshot() == {}

    def test_a_version_binds_model_documents_metrics_and_hashes(self, registry: Registry, make: Maker) -> None:
        model, evidence = make.model("a"), make.evidence("a")
        stored = registry.register(model, evidence, actor="ana")
        assert (stored.version, stored.actor) == ("v1", "ana")
        assert stored.file_hashes == artifacts.sha256_files(model)
        assert stored.content_hash == artifacts.content_hash(artifacts.sha256_files(model))
        assert stored.document_hashes == {
            name: artifacts.sha256_file(path) for name, path in evidence.documents.items()
        }
        assert stored.decision_hash == stored.document_hashes["decision.json"]
        assert stored.metrics == {"rougeL": 0.31, "rougeL_low": 0.28, "rougeL_high": 0.34, "bleu": None}
        hashes = (stored.config_hash, stored.data_hash, stored.code_hash, stored.decoding_hash)
        assert (*hashes, stored.verdict, stored.links) == ("c0", "d0", "k0", "g0", "promote", {"mlflow_run": "m0"})
        assert registry.show("v1") == stored
        assert artifacts.sha256_files(registry.model_dir("v1")) == stored.file_hashes
        assert registry.verify("v1") == []

    def test_what_one_process_stored_another_sees(self, registry: Registry, place: Place, make: Maker) -> None:
        make.release("a", "b")
        other = place.open()
        assert other.pointers() == registry.pointers() == Pointers("v2", "v1", None)
        assert other.list_versions() == registry.list_versions()
        assert other.history() == registry.history()

    def test_the_same_bytes_are_not_stored_twice(self, registry: Registry, place: Place, make: Maker) -> None:
        make.register("a")
        before = place.snapshot()
        again = registry.register(make.model("a"), make.evidence("a", config_hash="other"), actor="ben", version="2.0")
        assert again == registry.show("v1")
        assert place.snapshot() == before

    def test_changing_the_training_output_later_does_not_change_the_version(
        self, registry: Registry, make: Maker
    ) -> None:
        make.register("a")
        with (make.model("a") / "model.safetensors").open("r+") as weights:
            weights.write("overwritten in place")
        assert registry.verify("v1") == []

    def test_names_are_given_or_counted(self, make: Maker) -> None:
        wanted = ["", "1.4.0", "v2-rc_1", ""]
        names = [make.register(f"{number}", version) for number, version in enumerate(wanted)]
        assert names == ["v1", "v1.4.0", "v2-rc_1", "v3"]

    @pytest.mark.parametrize(
        "name", ["../v1", "a/b", "a\\b", "..", ".", "v", "1.", "1 0", "1\n", "x" * 70, "é", "production", "vprevious"]
    )
    def test_a_name_that_is_not_allowed_is_refused(self, place: Place, make: Maker, name: str) -> None:
        with pytest.raises(InputError, match="is not allowed"):
            make.register("a", name)
        assert place.snapshot() == {}

    def test_a_name_that_another_model_has_is_refused(self, place: Place, make: Maker) -> None:
        make.register("a", "1.0")
        before = place.snapshot()
        with pytest.raises(InputError, match=r"v1\.0 exists .* choose another name"):
            make.register("b", "v1.0")
        assert place.snapshot() == before

    def test_an_empty_model_directory_is_refused(self, registry: Registry, place: Place, make: Maker) -> None:
        with pytest.raises(InputError, match="is missing or empty"):
            registry.register(make.root / "nothing", make.evidence("a"), actor="ana")
        assert place.snapshot() == {}

    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"metrics": {"rougeL": 0.99}}, "not those of the model's own report.*: rougeL;"),
            ({"metrics": {"rougeL": None}}, "not those of the model's own report.*: rougeL;"),
            ({"metrics": {"invented": 1.0}}, "not those of the model's own report.*: invented;"),
            ({"verdict": "hold"}, "the verdict 'hold' is not that of decision.json, which says 'promote'"),
        ],
    )
    def test_figures_and_a_verdict_that_the_papers_do_not_hold_are_refused(
        self, place: Place, make: Maker, changes: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(InputError, match=message):
            make.register("a", **changes)
        assert place.snapshot() == {}

    def test_figures_without_a_report_are_refused(self, registry: Registry, place: Place, make: Maker) -> None:
        with pytest.raises(InputError, match="is not among the documents"):
            registry.register(make.model("a"), Evidence({}, {"rougeL": 0.3}), actor="ana")
        assert place.snapshot() == {}

    def test_the_papers_of_another_model_are_refused_also_for_a_known_model(
        self, registry: Registry, place: Place, make: Maker
    ) -> None:
        make.register("a")
        before = place.snapshot()
        for weights in ("a", "b"):
            with pytest.raises(InputError) as caught:
                registry.register(make.model(weights), make.evidence("c"), actor="ana")
            assert [problem.split(" is about another model")[0] for problem in caught.value.problems] == [
                "validation_report.json",
                "decision.json",
            ]
        assert place.snapshot() == before

    @pytest.mark.parametrize("name", ["../evil.json", "a/b.json", "version.json", "model", "", ".lock", "a\n"])
    def test_a_document_with_a_name_that_is_not_allowed_is_refused(
        self, registry: Registry, place: Place, make: Maker, name: str
    ) -> None:
        evidence = make.evidence("a")
        documents = {**evidence.documents, name: evidence.documents["golden.json"]}
        with pytest.raises(InputError, match=r"document name .* is not allowed"):
            registry.register(make.model("a"), replace(evidence, documents=documents), actor="ana")
        assert place.snapshot() == {}

    def test_a_document_that_does_not_exist_is_named(self, registry: Registry, place: Place, make: Maker) -> None:
        evidence = Evidence({"decision.json": make.root / "nowhere.json"}, {})
        with pytest.raises(InputError, match=r"no such file: .*nowhere\.json"):
            registry.register(make.model("a"), evidence, actor="ana")
        assert place.snapshot() == {}

    def test_a_document_is_read_back_as_it_was_given(self, registry: Registry, make: Maker) -> None:
        make.register("a")
        given = make.evidence("a").documents["golden.json"].read_bytes()
        assert registry.read_document("v1", "golden.json") == given
        with pytest.raises(InputError, match=r"v1 has no document 'bias\.json'; it is kept with: decision\.json, g"):
            registry.read_document("v1", "bias.json")


class StoredBytesContract(AtAPlace):
    """Stored bytes that were changed behind the registry's back."""

    def test_verify_names_missing_changed_and_added_files(self, registry: Registry, place: Place, make: Maker) -> None:
        make.register("a")
        make.register("b")
        place.write("v1", WEIGHTS, b"b")
        place.write("v1", "decision.json", b"{}")
        place.delete("v1", "model/tokenizer/vocab.json")
        place.write("v1", "model/extra.bin", b"x")
        assert registry.verify("v1") == [
            "model/tokenizer/vocab.json is missing",
            "decision.json was changed after registration",
            "model/model.safetensors was changed after registration",
            "model/extra.bin was added after registration",
        ]
        assert registry.verify("v2") == []

    def test_metrics_cannot_be_improved_after_registration(self, registry: Registry, place: Place, make: Maker) -> None:
        make.register("a")
        (text,) = (content for path, content in place.snapshot().items() if path.endswith("/version.json"))
        assert b"0.31" in text
        place.write("v1", "version.json", text.replace(b"0.31", b"0.91"))
        assert registry.verify("v1") == ["version.json was changed after registration"]
        for use in (registry.show, lambda version: registry.read_document(version, "golden.json")):
            with pytest.raises(InputError, match="was changed after registration"):
                use("v1")

    @pytest.mark.parametrize("damage", ["changed", "missing"])
    def test_a_damaged_version_hides_no_other(self, registry: Registry, place: Place, make: Maker, damage: str) -> None:
        make.release("a", "b", "c")
        if damage == "changed":
            place.write("v1", "version.json", b"{}")
        else:
            place.delete("v1", "version.json")
        first, *others = registry.list_versions()
        assert isinstance(first, DamagedVersion)
        assert (first.version, "version.json" in first.problem) == ("v1", True)
        assert others == [registry.show("v2"), registry.show("production")]
        assert [len(registry.verify(item.version)) for item in registry.list_versions()] == [1, 0, 0]
        assert registry.rollback(actor="ana", reason="worse").to_version == "v2"

    def test_a_document_that_was_changed_is_not_read(self, registry: Registry, place: Place, make: Maker) -> None:
        make.register("a")
        place.write("v1", "golden.json", b"{}")
        with pytest.raises(InputError, match=r"golden\.json.* was changed after registration"):
            registry.read_document("v1", "golden.json")

    def test_a_version_that_was_changed_is_no_obstacle_to_the_next(
        self, registry: Registry, place: Place, make: Maker
    ) -> None:
        make.register("a")
        place.write("v1", "version.json", b"{}")
        assert make.register("b") == "v2"
        assert registry.verify("v2") == []

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda index: {**index, "schema_version": 99}, "schema version 99, this lab-lens reads up to"),
            (lambda index: {**index, "versions": 3}, "is damaged at: versions"),
            (lambda index: {**index, "production": None}, "contradicts itself: it names nothing as production"),
            (lambda index: {**index, "versions": []}, "contradicts itself: it lists no version"),
            (lambda _: [], "is damaged"),
        ],
    )
    def test_a_newer_damaged_or_edited_index_is_refused_and_never_overwritten(
        self, registry: Registry, place: Place, make: Maker, change: Callable[[Any], Any], message: str
    ) -> None:
        make.release("a")
        place.write_index(json.dumps(change(json.loads(place.read_index()))).encode())
        before = place.snapshot()
        for use in (registry.pointers, registry.history, lambda: make.register("b"), lambda: make.release("a")):
            with pytest.raises(InputError, match=message):
                use()
        assert place.snapshot() == before

    def test_an_index_that_was_cut_short_is_refused(self, registry: Registry, place: Place, make: Maker) -> None:
        make.release("a")
        place.write_index(place.read_index()[:-20])
        with pytest.raises(InputError, match="is not JSON"):
            make.register("b")

    def test_an_index_from_before_there_were_candidates_is_read(
        self, registry: Registry, place: Place, make: Maker
    ) -> None:
        make.release("a")
        make.register("b")
        index = json.loads(place.read_index())
        del index["candidate"]
        place.write_index(json.dumps(index).encode())
        assert registry.pointers() == Pointers("v1", None, "v2")


class RegistryContract(RegistrationContract, MovesContract, StoredBytesContract):
    """The whole suite."""
