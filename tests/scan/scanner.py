"""Runs checkov, which has an environment of its own, over a recorded stack."""

import json
import subprocess
from pathlib import Path

import rendered_objects
import terraform_plan
import yaml
from recording import CHECKOUT, Recording

CHECKOV = CHECKOUT / ".venv-scan/bin/checkov"
Finding = tuple[str, str]
"""The id of a check, and the resource that fails it."""


def findings(recording: Recording, folder: Path) -> set[Finding]:
    """Return what checkov finds; AssertionError if it did not read what it was given."""
    (folder / "plan.json").write_text(json.dumps(terraform_plan.of(recording)))
    for name, objects in rendered_objects.of(recording).items():
        (folder / f"{name}.yaml").write_text(yaml.safe_dump_all(objects))
    options = ["--output", "json", "--quiet", "--compact", "--skip-download"]  # the last one: asks no server
    command = [str(CHECKOV), "--directory", ".", "--framework", "terraform_plan", "kubernetes", *options]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.stdout.startswith("["), done.stdout + done.stderr
    reports = {report["check_type"]: report for report in json.loads(done.stdout)}
    assert reports.keys() == {"terraform_plan", "kubernetes"}
    for report in reports.values():
        assert report["summary"]["parsing_errors"] == 0
        assert report["summary"]["passed"] > 100
    failed = [found for report in reports.values() for found in report["results"]["failed_checks"]]
    return {(found["check_id"], _short(found["resource"])) for found in failed}


def _short(resource: str) -> str:
    # A Deployment's pods are named by all their labels.
    return ".".join(resource.split(".")[:3]) if resource.startswith("Pod.") else resource
