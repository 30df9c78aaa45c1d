"""The quick mode of the bench of files: it runs, and its sums agree."""

import json

import pytest

from bench.files import main


def test_the_bench_of_files_runs(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--quick"])
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert found["megabytes"] == 8
    assert found["sha256 equal"]
    assert found["memory grown, MB"] < 24
