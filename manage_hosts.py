"""The menu for hosts.yaml: `python manage_hosts.py`, with the Python of `.venv`."""

import sys

from mcp_ssh.cli.manage import main

if __name__ == "__main__":
    sys.exit(main())
