"""The configuration of a run: strict, frozen, with units in every description, all errors at once."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from lab_lens.artifacts import sha256_text
from lab_lens.config_deployment import Deployment
from lab_lens.config_metrics import OverlapMetricName
from lab_lens.config_notifications import Notifications
from lab_lens.config_policy import Policy
from lab_lens.config_resources import Resources
from lab_lens.config_text import ProblemsError, Section, problems_of, read_object
from lab_lens.config_tuning import Tuning, search_space_problems
from lab_lens.config_validation import Validation
from lab_lens.errors import InputError

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
PositiveInt = Annotated[int, Field(ge=1)]
# The tokens that open and close a sequence count.
LengthInTokens = Annotated[int, Field(ge=2)]


class Columns(Section):
    """Names of the user's columns; null where the data has no such column."""

    example_id: str | None = Field("example_id", description="unique id of a row; null: made from the row number")
    subject_id: str = Field("subject_id", description="the patient; no patient is in two splits")
    input_text: str = Field("input_text", description="the note to summarize")
    target_summary: str = Field("target_summary", description="the reference summary")
    age_group: str | None = Field("age_group", description="age group; null: made from `age`, or absent")
    age: str | None = Field(None, description="age in years, or '9-month'; used when age_group is null")
    gender: str | None = Field("gender", description="gender; null: absent")
    ethnicity: str | None = Field("ethnicity", description="ethnicity; null: absent")


class Splits(Section):
    """Shares of patients, by hash of the patient: a new patient never moves an old one."""

    train_fraction: Fraction = 0.70
    val_fraction: Fraction = 0.15
    test_fraction: Fraction = 0.15

    @model_validator(mode="after")
    def _sum_to_one(self) -> "Splits":
        total = self.train_fraction + self.val_fraction + self.test_fraction
        if abs(total - 1.0) > 1e-9:
            raise ValueError(f"train, val and test fractions sum to {total:g}; they must sum to 1")
        if min(self.train_fraction, self.val_fraction, self.test_fraction) <= 0.0:
            raise ValueError("each of train, val and test needs a fraction above 0")
        return self


class SyntheticNotes(Section):
    """What `--data synthetic` makes."""

    patients: PositiveInt = Field(2000, description="patients; some have several admissions")
    detail: Literal["brief", "full"] = Field("full", description="length of the notes")


class Data(Section):
    """How the user's table becomes examples."""

    columns: Columns = Columns()
    min_input_chars: PositiveInt = Field(50, description="rows with shorter notes are filtered, counted and reported")
    min_target_chars: PositiveInt = Field(10, description="rows with shorter references are filtered and reported")
    splits: Splits = Splits()
    synthetic: SyntheticNotes = SyntheticNotes()


class Model(Section):
    """The base model and the lengths it works at."""

    base_model: str = Field(
        "GanjinZero/biobart-v2-base", description="hub id, directory, or scratch:tiny|small|base", min_length=1
    )
    revision: str | None = Field(None, description="hub revision (commit hash, tag or branch)")
    max_input_tokens: LengthInTokens = Field(1024, description="longer notes are truncated, and the share is reported")
    max_target_tokens: LengthInTokens = 256
    scratch_vocabulary_tokens: Annotated[int, Field(ge=300)] = Field(
        8000, description="vocabulary of the byte-level BPE tokenizer that scratch models train"
    )


class Training(Section):
    """How the model is fine-tuned."""

    epochs: Annotated[float, Field(gt=0)] = 5.0
    max_steps: Annotated[int, Field(ge=0)] = Field(0, description="optimizer steps at most; 0: epochs decide")
    batch_size: PositiveInt = Field(8, description="examples a device step")
    gradient_accumulation_steps: PositiveInt = 2
    learning_rate: Annotated[float, Field(gt=0)] = 2e-5
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    warmup_steps: Annotated[int, Field(ge=0)] = 500
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    early_stopping_patience: PositiveInt = Field(2, description="evaluations without a better ROUGE-L before stopping")
    eval_examples: PositiveInt = Field(200, description="validation examples that are generated at each evaluation")
    evaluations_per_epoch: PositiveInt = 1


class Decoding(Section):
    """How summaries are generated (beam search)."""

    num_beams: PositiveInt = 4
    no_repeat_ngram_size: Annotated[int, Field(ge=0)] = 3
    length_penalty: float = 1.0
    min_new_tokens: Annotated[int, Field(ge=0)] = 0

    def record(self, max_input_tokens: int, max_target_tokens: int) -> dict[str, Any]:
        """The settings that decide a summary besides model and note, as `decoding`, and their `decoding_hash`."""
        limits = {"max_input_tokens": max_input_tokens, "max_target_tokens": max_target_tokens}
        decoding = {**self.model_dump(), **limits}
        return {"decoding": decoding, "decoding_hash": sha256_text(json.dumps(decoding, sort_keys=True))}


class Fairness(Section):
    """Which slices are compared, on which metric."""

    slices: tuple[str, ...] = Field(("age_group", "gender", "ethnicity"), description="columns to slice by")
    min_examples_per_slice: PositiveInt = Field(30, description="fewer: insufficient evidence")
    metric: OverlapMetricName = "rougeL"


class Sensitivity(Section):
    """How much is explained."""

    num_samples: PositiveInt = Field(20, description="notes that are explained")
    perturbations: Annotated[int, Field(ge=10)] = Field(200, description="perturbed inputs a note")


class Tracking(Section):
    """Where runs are recorded."""

    experiment: str = Field("lab-lens", min_length=1)


class Config(Section):
    """Everything that decides a run's result, besides its data."""

    seed: Annotated[int, Field(ge=0, lt=2**32)] = 20260101
    data: Data = Data()
    model: Model = Model()
    training: Training = Training()
    tuning: Tuning = Tuning()
    decoding: Decoding = Decoding()
    validation: Validation = Validation()
    fairness: Fairness = Fairness()
    sensitivity: Sensitivity = Sensitivity()
    policy: Policy = Policy()
    deployment: Deployment = Deployment()
    tracking: Tracking = Tracking()
    notifications: Notifications = Notifications()
    resources: Resources = Resources()

    @model_validator(mode="after")
    def _shortest_fits(self) -> "Config":
        shortest, longest = self.decoding.min_new_tokens, self.model.max_target_tokens
        if shortest >= longest:
            raise ValueError(f"decoding.min_new_tokens is {shortest}; model.max_target_tokens ({longest}) must be more")
        return self

    @model_validator(mode="after")
    def _search_space_fits(self) -> "Config":
        # Other sections decide the data, the judgement or the release.
        searched: dict[str, type[Section]] = {"training": Training, "decoding": Decoding}
        settings = [f"{name}.{key}" for name, section in searched.items() for key in section.model_fields]
        problems = search_space_problems(self.tuning.search_space, settings, self._refusals)
        if problems:
            raise ProblemsError(problems)
        return self

    @model_validator(mode="after")
    def _rules_name_slices(self) -> "Config":
        known = self.fairness.slices
        problems = [
            f"policy.rules.{index}.slices is {json.dumps(name)}; fairness.slices has {', '.join(known) or 'none'}"
            for index, rule in enumerate(self.policy.rules)
            if (name := getattr(rule, "slices", None)) is not None and name not in known
        ]
        if problems:
            raise ProblemsError(problems)
        return self

    def _refusals(self, path: str, value: float) -> list[str]:
        """Why another value of one setting would be refused; empty: it would not."""
        values = self.model_dump(mode="json", exclude={"tuning"}) | {"tuning": {"search_space": {}}}
        section, name = path.split(".")
        values[section][name] = value
        try:
            Config.model_validate_json(json.dumps(values), strict=True)
        except ValidationError as error:
            return problems_of(error, Config)
        return []

    def to_json(self) -> str:
        """The effective configuration as indented JSON, defaults included."""
        return self.model_dump_json(indent=2)

    def sha256(self) -> str:
        """Hash of the effective configuration, equal for equal settings whatever the file looked like."""
        return sha256_text(json.dumps(self.model_dump(mode="json"), sort_keys=True))


def load_config(path: Path | None) -> Config:
    """Read a JSON or YAML file; None gives the defaults.

    Raises:
        InputError: the file is missing or unreadable, or settings are wrong; every problem is listed with its path.
    """
    if path is None:
        return Config()
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise InputError(f"config file not found: {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"config file {path} cannot be read: {error}") from error
    return parse_config(text, str(path))


def parse_config(text: str, source: str = "config") -> Config:
    """Parse a configuration from JSON or YAML text; a number in quotes is no number, and true is none either.

    Raises:
        InputError: listing every problem with its path.
    """
    return _validated(read_object(text, source), source)


def _validated(values: dict[str, Any], source: str) -> Config:
    try:
        # As JSON, since only there strict validation takes lists for tuples.
        return Config.model_validate_json(json.dumps(values, default=str), strict=True)
    except ValidationError as error:
        raise InputError([f"{source}: {problem}" for problem in problems_of(error, Config)]) from error


def with_overrides(config: Config, overrides: Mapping[str, Any], source: str = "command line") -> Config:
    """Apply command-line values, which win over the file; None leaves a setting as it is.

    Args:
        config: the configuration.
        overrides: values by dotted path, such as `{"seed": 7, "data.synthetic.patients": 20}`.
        source: where the values come from, as errors call it.

    Raises:
        InputError: a setting does not exist or a value is not allowed.
    """
    values = config.model_dump(mode="json")
    for path, value in overrides.items():
        if value is not None:
            *sections, name = path.split(".")
            section = values
            for part in sections:
                section = section.setdefault(part, {})
            section[name] = value
    return _validated(values, source)
