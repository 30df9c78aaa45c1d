"""`python -m bench.peers.install`: each server that others made, at its pinned version, in a folder of its own.

A requirement file is pip's, or npm's where its first line says so. One that cannot be installed here is left out, and
the bench says so. Packages of npm are taken without their install scripts.
"""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.peers.known import others
from bench.peers.peer import requirements, venvs

of_npm = "# npm\n"


def lines_of(text: str, folder: Path) -> list[list[str]]:
    """The commands that install what a requirement file says into the folder."""
    if text.startswith(of_npm):
        pin = text.removeprefix(of_npm).strip().replace("==", "@")
        return [["npm", "install", "--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund", pin]]
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    return [[sys.executable, "-m", "venv", "--clear", str(folder)], [*pip, text.strip()]]


def installed(name: str) -> bool:
    """Install one, unless it is there at that version already; whether it is there then."""
    text, folder = (requirements / f"{name}.txt").read_text(encoding="utf-8"), venvs / name
    stamp = folder / "installed.txt"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == text:
        return True
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if not all(_went_well(words) for words in lines_of(text, folder)):
        shutil.rmtree(folder)
        return False
    stamp.write_text(text, encoding="utf-8")
    return True


def _went_well(words: Sequence[str]) -> bool:
    return shutil.which(words[0]) is not None and subprocess.run(words, check=False).returncode == 0


def main() -> None:
    """Install all, one after the other."""
    for peer in others:
        print(peer.name, "is there" if installed(peer.name) else "is not there, and left out")  # noqa: T201


if __name__ == "__main__":
    main()
