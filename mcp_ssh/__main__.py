"""`python -m mcp_ssh` is `mcp-ssh`."""

import sys

from mcp_ssh.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
