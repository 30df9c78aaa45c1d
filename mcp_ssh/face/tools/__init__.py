"""The MCP tools, one file a group."""
