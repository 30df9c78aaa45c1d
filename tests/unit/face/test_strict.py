"""What a strict tool is made of, and that each part of it is made once."""

from typing import Annotated, Any

import pytest
from mcp.server.mcpserver.utilities.func_metadata import ArgModelBase
from mcp_types import ToolAnnotations
from pydantic import Field, ValidationError

from mcp_ssh.face.strict import StrictTool, strict_tool


def tool() -> StrictTool:
    async def ssh_look(host: Annotated[str, Field(max_length=9)], ctx: int = 0) -> str:
        """Look at a host."""
        return f"{host}{ctx}"

    return strict_tool(ssh_look, title="Look", annotations=ToolAnnotations())


def test_arguments_are_neither_converted_nor_added_to() -> None:
    look = tool()
    assert look.fn_metadata.arg_model.model_validate({"host": "web", "ctx": 1}).model_dump() == {
        "host": "web",
        "ctx": 1,
    }
    for wrong in ({"host": "web", "ctx": "1"}, {"host": "web", "more": 1}, {"host": "x" * 10}):
        with pytest.raises(ValidationError):
            look.fn_metadata.arg_model.model_validate(wrong)
    assert look.parameters["additionalProperties"] is False
    assert look.parameters["required"] == ["host"]


def test_of_the_model_of_the_sdk_one_other_is_made_and_its_schema_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    class Counted(ArgModelBase):
        @classmethod
        def __pydantic_init_subclass__(cls, **_: Any) -> None:
            made.append(f"model {cls.__name__}")

        @classmethod
        def model_json_schema(cls, *arguments: Any, **named: Any) -> dict[str, Any]:
            made.append("schema")
            return super().model_json_schema(*arguments, **named)

    monkeypatch.setattr("mcp.server.mcpserver.utilities.func_metadata.ArgModelBase", Counted)
    tool()
    assert made == ["model ssh_lookArguments", "schema", "model ssh_lookArguments"]
