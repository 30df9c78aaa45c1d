import re
from pathlib import Path

import pytest
import yaml

from mcp_ssh.cli.main import main
from mcp_ssh_drivers.registry import known


def test_the_list_names_every_profile(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in known())
    assert len(re.findall(r"manual \* *$", shown, re.MULTILINE)) > 20
    assert "* experimental" in shown


def test_what_is_shown_can_be_checked_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in known():
        assert main(["profile", "show", name]) == 0
        file = tmp_path / f"{name}.yaml"
        file.write_text(capsys.readouterr().out)
        assert main(["profile", "check", str(file)]) == 0
        assert f"{name} is right" in capsys.readouterr().out


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump({"name": "my_box", "about": "x", "source": "none", "prompt": "(", "promt": "x"}))
    assert main(["profile", "check", str(file)]) == 1
    told = capsys.readouterr().err
    assert "prompt: Value error, not a regular expression" in told
    assert "promt: Extra inputs are not permitted" in told


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("- a\n", "must be a mapping"),
        ("a: [", "is no YAML"),
        ("name: my_box\nextends: nobody\n", "which is not known"),
        ("name: my_box\nabout: x\nsource: none\nprompt: '.+#'\n", "examples.prompt is empty"),
    ],
)
def test_a_file_that_is_no_profile_is_told_why(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, fault: str
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    assert main(["profile", "check", str(file)]) == 1
    assert fault in capsys.readouterr().err


def test_a_file_or_a_name_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "check", str(tmp_path / "none.yaml")]) == 1
    assert "cannot be read" in capsys.readouterr().err
    assert main(["profile", "show", "nothing"]) == 1
    assert "profile list" in capsys.readouterr().err
