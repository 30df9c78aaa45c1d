import json
from pathlib import Path

from mcp_ssh.config.schema import json_schema

ROOT = Path(__file__).parents[2]


def test_the_schema_for_editors_is_the_one_that_the_code_checks() -> None:
    assert json.loads((ROOT / "hosts.schema.json").read_text()) == json.loads(json.dumps(json_schema())), "make schema"
