"""Runs jobs of a workflow as GitHub's runners do: each in a directory of its own, meeting through artifacts alone.

What it knows of GitHub is little and written out: artifacts and where their files come to lie, outputs, environment.
Steps with `uses` are those of this repository; expressions are looked up in a table, and an unknown one is an error.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from definitions import ROOT, Document

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}", re.DOTALL)
_WILDCARD = re.compile(r"[*?\[]")


class Runner:
    """Runs jobs.

    Args:
        workflow: the workflow.
        home: where jobs and artifacts lie.
        values: what expressions come to; outputs of jobs are added as they run.
        environment: of every step.
    """

    def __init__(
        self, workflow: Document, home: Path, values: Mapping[str, str], environment: Mapping[str, str]
    ) -> None:
        self.workflow, self.home, self.values = workflow, home, dict(values)
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(home), **environment}
        self.said: dict[str, str] = {}

    def run(self, job: str) -> Path:
        """Run a job; returns its directory."""
        here = self.home / job
        for name in (".github", "configs"):
            shutil.copytree(ROOT / name, here / name)
        shutil.copytree(self.home / "configs", here / "configs", dirs_exist_ok=True)
        (here / ".venv").symlink_to(Path(sys.executable).parent.parent)
        definition = self.workflow["jobs"][job]
        for step in definition["steps"]:
            for name, value in self._step(job, step, here).items():
                self.values[f"steps.{step.get('id')}.outputs.{name}"] = value
        for name, expression in definition.get("outputs", {}).items():
            self.values[f"needs.{job}.outputs.{name}"] = self._evaluated(expression)
        return here

    def _step(self, job: str, step: Document, here: Path) -> dict[str, str]:
        uses = step.get("uses", "")
        given = {key: self._evaluated(value) for key, value in step.get("with", {}).items()}
        if "run" in step:
            return self._script(job, step["name"], step["run"], step.get("env", {}), here)
        if "upload-artifact" in uses:
            self._keep(given["name"], given["path"].split(), here)
        elif "download-artifact" in uses:
            self._fetch(given, here)
        return {}

    def _script(self, job: str, name: str, script: str, env: Mapping[str, Any], here: Path) -> dict[str, str]:
        files = {key: here / key.lower() for key in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        files["GITHUB_OUTPUT"].write_text("")
        wanted = {**self.workflow["env"], **env}
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=here,
            env={**{key: self._evaluated(value) for key, value in wanted.items()}, **self.environment, **_text(files)},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"{job}: {name}: {done.stdout}{done.stderr}"
        self.said[f"{job}: {name}"] = done.stdout + done.stderr
        return dict(line.split("=", 1) for line in files["GITHUB_OUTPUT"].read_text().splitlines())

    def _evaluated(self, value: object) -> str:
        return _EXPRESSION.sub(lambda found: self.values[found[1]], str(value))

    def _keep(self, name: str, patterns: list[str], here: Path) -> None:
        """Files come to lie relative to what all patterns have in common."""
        found = [item.relative_to(here) for pattern in patterns for item in here.glob(pattern)]
        assert found, f"artifact {name}: {patterns} matches nothing"
        starts = [
            pattern if not _WILDCARD.search(pattern) else str(Path(_WILDCARD.split(pattern)[0] + "x").parent)
            for pattern in patterns
        ]
        common = Path(os.path.commonpath(starts))
        root = common.parent if (here / common).is_file() else common
        for path in found:
            target = self.home / "artifacts" / name / path.relative_to(root)
            if (here / path).is_dir():
                shutil.copytree(here / path, target, dirs_exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(here / path, target)

    def _fetch(self, given: Mapping[str, str], here: Path) -> None:
        artifacts = self.home / "artifacts"
        if "name" in given:
            shutil.copytree(artifacts / given["name"], here / given["path"])
            return
        braces = re.fullmatch(r"\{(.*)\}(.*)", given["pattern"])
        for name in (f"{start}{braces[2]}" for start in braces[1].split(",")):
            shutil.copytree(artifacts / name, here / given["path"] / name)


def _text(files: Mapping[str, Path]) -> dict[str, str]:
    return {key: str(path) for key, path in files.items()}
