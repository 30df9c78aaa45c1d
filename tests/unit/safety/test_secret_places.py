from pathlib import Path

import pytest
import yaml

from mcp_ssh.audit.record import CommandText, secret_mark
from mcp_ssh.model.host import Shell
from mcp_ssh.safety.classify import Guard

VECTORS = yaml.safe_load((Path(__file__).parents[2] / "vectors" / "redaction-posix.yaml").read_text())
SECRET = "Xy7horse9battery"
guard = Guard.build(builtin=True, patterns=(), shell=Shell.POSIX)


def shown(line: str) -> str:
    return CommandText(line, guard.classify(line, host="web").secrets).shown(secret_mark)


@pytest.mark.parametrize("case", VECTORS["secret"], ids=lambda case: case["line"])
def test_a_secret_is_known_by_the_program_that_takes_it(case: dict[str, str]) -> None:
    assert shown(case["line"].replace("{S}", SECRET)) == case["shown"].replace("{R}", secret_mark)


@pytest.mark.parametrize("line", VECTORS["harmless"])
def test_what_is_no_secret_is_shown(line: str) -> None:
    assert shown(line) == line
