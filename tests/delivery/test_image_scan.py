import json
from pathlib import Path
from typing import Any

import pytest

from containers.scan import Vulnerability, at_least, main, read_digests
from lab_lens.errors import InputError

DIGEST = f"@sha256:{'a' * 64}"
IMAGES = {family: f"us-docker.pkg.dev/p/r/lab-lens-{family}{DIGEST}" for family in ("trainer", "ops")}


def found(severity: str, name: str = "CVE-1") -> dict[str, Any]:
    return {
        "vulnerability": {
            "effectiveSeverity": severity,
            "shortDescription": name,
            "packageIssue": [{"affectedPackage": "openssl"}, {"affectedPackage": "openssl"}],
        }
    }


@pytest.fixture
def digests(bucket: Path, tmp_path: Path) -> Path:
    (bucket / "scans.json").write_text("{}")
    path = tmp_path / "digests.json"
    path.write_text(json.dumps(IMAGES))
    return path


def test_clean_images_pass(digests: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--digests", str(digests)]) == 0
    assert capsys.readouterr().out == "0 known vulnerabilities in 2 images; 0 at or above CRITICAL\n"


def test_a_critical_vulnerability_of_any_image_stops_the_build(
    digests: Path, bucket: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (bucket / "scans.json").write_text(json.dumps({"lab-lens-ops": [found("HIGH", "CVE-0"), found("CRITICAL")]}))
    assert main(["--digests", str(digests)]) == 3
    assert capsys.readouterr().out.splitlines() == [
        "CRITICAL CVE-1 in openssl of ops",
        "2 known vulnerabilities in 2 images; 1 at or above CRITICAL",
    ]


def test_a_milder_threshold_stops_more(digests: Path, bucket: Path) -> None:
    (bucket / "scans.json").write_text(json.dumps({"lab-lens-trainer": [found("MEDIUM")]}))
    assert main(["--digests", str(digests), "--fail-on", "HIGH", "--location", "europe"]) == 0
    assert main(["--digests", str(digests), "--fail-on", "LOW"]) == 3


def test_a_severity_that_nobody_knows_yet_is_the_worst() -> None:
    worse = [Vulnerability("ops", name, name, "") for name in ("HIGH", "CATASTROPHIC", "CRITICAL", "", "MINIMAL")]
    assert [item.severity for item in at_least(worse, "CRITICAL")] == ["CATASTROPHIC", "CRITICAL"]


def test_what_gcloud_says_is_said(
    digests: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAKE_DENY", "1")
    assert main(["--digests", str(digests)]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(
        "containers.scan: error: gcloud artifacts docker images scan failed: ERROR: HTTPError 403"
    )


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{}", "must hold an object of image references"),
        ("nonsense", "is not JSON"),
        (json.dumps({"ops": "r/lab-lens-ops:latest"}), "not pinned by digest: ops"),
    ],
)
def test_only_images_by_digest_are_scanned(content: str, problem: str, tmp_path: Path) -> None:
    path = tmp_path / "digests.json"
    path.write_text(content)
    with pytest.raises(InputError, match=problem):
        read_digests(path)


def test_without_gcloud_it_is_said(
    digests: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "")
    assert main(["--digests", str(digests)]) == 2
    assert "gcloud is not installed" in capsys.readouterr().err
