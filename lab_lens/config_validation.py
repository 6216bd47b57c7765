"""How summaries are measured."""

from typing import Annotated, Literal

from pydantic import Field

from lab_lens.config_text import Section


class Validation(Section):
    """Which metrics are computed, in which variant, and how uncertain each figure is."""

    bootstrap_resamples: Annotated[int, Field(ge=100)] = Field(2000, description="resamples of patients an interval")
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = Field(0.95, description="coverage of the intervals")
    interval: Literal["bca", "percentile"] = Field("bca", description="bounds of the bootstrap; bca corrects for skew")
    rouge_stemmer: bool = Field(True, description="reduce words to their stems; many papers do not")
    rouge_sentences: Literal["sentences", "lines"] = Field(
        "sentences", description="what ROUGE-Lsum goes through; lines: as many papers use rouge_score"
    )
    facts: bool = Field(True, description="medications, values, dates, diagnoses, ... of summary, note and reference")
    statements: bool = Field(True, description="statements of summary, note and reference")
    entailment_model: str | None = Field(None, description="directory or hub id of an entailment model; null: none")
    bertscore_encoder: str | None = Field(None, description="directory or hub id of an encoder; null: no BERTScore")
    bertscore_layer: Annotated[int, Field(ge=1)] | None = Field(
        None, description="hidden layer that is compared, counted from 1; null: the published one of a known model"
    )
    processes: Annotated[int, Field(ge=0)] = Field(0, description="processes that score; 0: one a processor")
    show_text: bool = Field(
        False, description="show notes, references and summaries in the page, with findings marked: PHI"
    )

    def measuring_models(self) -> tuple[str, ...]:
        """Directories or hub ids of the models that measure."""
        return tuple(source for source in (self.bertscore_encoder, self.entailment_model) if source is not None)
