from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mcp_ssh.audit.redact import mark, redact

VECTORS = yaml.safe_load((Path(__file__).parents[2] / "vectors" / "redaction.yaml").read_text())
SECRET = "Xy7horse9battery"


@pytest.mark.parametrize("line", VECTORS["secret"])
def test_a_secret_is_known_by_where_it_stands(line: str) -> None:
    text = redact(line.replace("{S}", SECRET))
    assert SECRET not in text
    assert text == line.replace("{S}", mark).replace(f"'{mark}'", mark).replace(
        f'--api-key "{mark}"', f"--api-key {mark}"
    )


@pytest.mark.parametrize("line", VECTORS["harmless"])
def test_harmless_text_is_untouched(line: str) -> None:
    assert redact(line) == line


@pytest.mark.parametrize(
    "token",
    [
        "ghp_" + "a1B2" * 9,
        "github_pat_" + "a1B2" * 10,
        "glpat-" + "a1B2c3D4e5F6g7H8",
        "xoxb-123456789012-abcdef",
        "AKIA" + "ABCD1234EFGH5678",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----",
    ],
)
def test_well_known_secrets_are_known_anywhere(token: str) -> None:
    assert redact(f"echo {token} > f") == f"echo {mark} > f"


def test_our_own_secrets_are_known_by_value() -> None:
    assert redact("echo aaahunter2hunter2bbb", ["hunter2hunter2"]) == f"echo aaa{mark}bbb"
    assert redact("login cisco1 at cisco12", ["cisco1"]) == f"login {mark} at cisco12"
    assert redact("ab abc", ["ab"]) == "ab abc"


def test_a_known_secret_that_another_one_hid_is_taken_out_as_well() -> None:
    assert redact("printf password=hunter2)000", [")000"]) == f"printf password={mark}"


@given(st.sampled_from([*VECTORS["secret"], *VECTORS["harmless"]]), st.text(max_size=30), st.text(max_size=12))
def test_redacting_twice_changes_nothing_more(line: str, tail: str, known: str) -> None:
    text = line.replace("{S}", SECRET) + tail
    once = redact(text, [known])
    assert redact(once, [known]) == once


@given(st.text(max_size=200))
def test_it_never_raises(text: str) -> None:
    redact(text, [text[3:9]])
