"""The quick mode of the bench of the audit log: it runs, and tells of every way to keep one."""

import json

import pytest

from bench.audit import main, ways


def test_the_bench_of_the_audit_log_runs(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--quick"])
    costs, redaction, verifying = map(json.loads, capsys.readouterr().out.splitlines())
    assert costs["ms a command"].keys() == ways.keys()
    assert redaction
    assert verifying["verify"]["records"] == 1_000
