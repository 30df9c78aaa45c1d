"""The user's own SSH client configuration (ssh_config(5), OpenSSH 9.2): read as ssh does, and nothing is run."""
