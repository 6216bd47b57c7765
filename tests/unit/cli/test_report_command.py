import json
from pathlib import Path

from command_line import Lens

DECISION = {
    "verdict": "hold",
    "reasons": ["floor.rougeL is fail: ROUGE-L [stemmed] lies below the floor."],
    "rules": [
        {
            "rule": "floor.rougeL",
            "what": "ROUGE-L",
            "value": 0.1,
            "low": 0.08,
            "high": 0.12,
            "threshold": 0.15,
            "direction": ">=",
            "status": "fail",
            "blocking": True,
            "reason": "0.100 is below 0.15",
            "next_step": "train longer",
        }
    ],
    "forced": None,
}


def test_the_summary_is_markdown_on_standard_output(lens: Lens, tmp_path: Path) -> None:
    (tmp_path / "decision.json").write_text(json.dumps(DECISION), encoding="utf-8")
    ended = lens("report", "summary", "decision.json")
    assert ended.status == 0
    assert ended.err == ""
    assert "| ROUGE-L | 0.100 (0.080 to 0.120) | at least 0.150 | ✗ fail |" in ended.out
    assert "&#91;stemmed&#93;" in ended.out


def test_a_missing_decision_is_one_clear_line(lens: Lens) -> None:
    ended = lens("report", "summary", "nowhere")
    assert ended.status == 2
    assert ended.problems == [
        "no summary.json or decision.json at nowhere: give the file, or the directory that a run wrote"
    ]
