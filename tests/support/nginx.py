"""Debian's nginx with TLS in front of the network faces: the example that people copy, on a test's ports."""

import re
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.parts import require
from tests.support.sshd import until

EXAMPLE = Path(__file__).parents[2] / "deploy" / "nginx.conf"


@contextmanager
def nginx(folder: Path, upstream: int, port: int, **more: str) -> Iterator[ssl.SSLContext]:
    """A context that trusts its certificate; it is `localhost`, on that port. `more` are other values of directives."""
    folder.mkdir(parents=True, exist_ok=True)
    request = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost"
    files = f"-addext subjectAltName=DNS:localhost -keyout {folder}/key -out {folder}/cert"
    subprocess.run([require("openssl"), *request.split(), *files.split()], check=True, capture_output=True)
    changes = {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "server 127.0.0.1:8000;": f"server 127.0.0.1:{upstream};",
        "server_name mcp.example.com;": "server_name localhost;",
        "/etc/ssl/mcp.example.com.pem": str(folder / "cert"),
        "/etc/ssl/mcp.example.com.key": str(folder / "key"),
    }
    example = EXAMPLE.read_text()
    for marked, own in changes.items():
        assert marked in example, marked
        example = example.replace(marked, own)
    for directive, value in more.items():
        example, count = re.subn(rf"\b{directive} [^;]+;", f"{directive} {value};", example)
        assert count, directive
    places = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off;\nworker_processes 1;\npid {folder}/pid;\nerror_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{\naccess_log {folder}/access.log;\n{places}{example}}}\n"
    )
    command = [require("nginx"), "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
        try:
            until(lambda: (folder / "pid").exists() or process.poll() is not None, "nginx does not start")
            assert process.poll() is None, (folder / "error.log").read_text()
            yield ssl.create_default_context(cafile=str(folder / "cert"))
        finally:
            process.terminate()
            process.wait(10)
