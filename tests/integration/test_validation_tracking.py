from pathlib import Path

import pandas as pd
import pytest

from lab_lens.config import parse_config
from lab_lens.stages.validate_model import run_validate_model
from lab_lens.tracking import local_tracking_uri, tracking_target

SECRET = "Zebedee"


@pytest.mark.integration
def test_a_page_with_text_of_patients_is_not_sent_to_the_tracking_server(tmp_path: Path) -> None:
    rows = {
        "example_id": ["a", "b"],
        "summary": [f"{SECRET} took aspirin.", "No fever."],
        "target_summary": [f"{SECRET} took aspirin 81 mg.", "No fever or cough."],
    }
    table = tmp_path / "outputs.csv"
    pd.DataFrame(rows).to_csv(table, index=False)
    uri = local_tracking_uri(tmp_path / "mlruns")
    for shown in (True, False):
        out = tmp_path / f"shown_{shown}"
        run_validate_model(
            table,
            table,
            parse_config(f"validation: {{show_text: {str(shown).lower()}, bootstrap_resamples: 100}}"),
            champion=None,
            report_dir=out,
            html=out / "page.html",
            tracking=tracking_target(uri, "tests", f"shown-{shown}"),
        )
        assert (SECRET in (out / "page.html").read_text(encoding="utf-8")) == shown
    sent = [path for path in (tmp_path / "mlruns").rglob("*") if path.is_file()]
    assert len([path for path in sent if path.name == "validation_report.json"]) == 2
    assert len([path for path in sent if path.name == "page.html"]) == 1
    assert all(SECRET.encode() not in path.read_bytes() for path in sent)
