"""The embedded lab: hosts for `mcp-ssh demo` and for tests, and the client that calls the server in the demo."""
