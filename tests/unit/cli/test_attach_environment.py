"""What a daemon that is started on demand is started with."""

from mcp_ssh.cli.attach import _environ_of_daemon


def test_it_is_told_where_secrets_are_kept_and_none_of_the_client_s_own() -> None:
    told = {"HOME": "/h", "GNUPGHOME": "/g", "PASSWORD_STORE_DIR": "/p", "VAULT_ADDR": "https://vault", "LC_ALL": "C"}
    own = {
        "VAULT_TOKEN": "x",
        "OP_SERVICE_ACCOUNT_TOKEN": "x",
        "SSH_AUTH_SOCK": "/a",
        "WEB_PASS": "x",
        "MCP_TOKEN": "x",
    }
    assert _environ_of_daemon(told | own) == told
