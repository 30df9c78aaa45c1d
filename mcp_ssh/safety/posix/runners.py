"""Programs with a way of their own to run something, by name."""

import shlex

from mcp_ssh.safety.posix import wrappers
from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.expand import Arg
from mcp_ssh.safety.posix.interpreters import interpreters
from mcp_ssh.safety.posix.remote import (
    run_ansible,
    run_engine,
    run_netcat,
    run_salt,
    run_screen,
    run_socat,
    run_ssh,
    run_tmux,
)
from mcp_ssh.safety.posix.shells import (
    after_options,
    others,
    read_stdin,
    run_capsh,
    run_other_shell,
    run_shell,
    run_source,
    run_su,
    script_option,
    shells,
)
from mcp_ssh.safety.posix.text import unknown
from mcp_ssh.safety.posix.walk import Runner, Walk


def _find(walk: Walk, call: Call) -> None:
    texts = call.texts
    starts = []
    for text in texts:
        if text.startswith(("-", "(", "!")):
            break
        starts.append(text)
    for place, text in enumerate(texts):
        if text in {"-exec", "-execdir", "-ok", "-okdir"}:
            rest = call.args[place + 1 :]
            end = next((at for at, arg in enumerate(rest) if arg.text in {";", "+"}), len(rest))
            command = [
                Arg(arg.text.replace("{}", f"{start.rstrip('/')}/{_found(texts)}"), arg.start, arg.end)
                for arg in rest[:end]
                for start in ((starts or ["."]) if "{}" in arg.text else [""])
            ]
            walk.command(command, call)


def _fd(walk: Walk, call: Call) -> None:
    texts = call.texts
    at = next((at for at, text in enumerate(texts) if text in {"-x", "-X", "--exec", "--exec-batch"}), None)
    if at is None:
        return
    places = [text for text in texts[:at] if text.startswith(("/", "~", ".")) and text != "."] or ["."]
    found = [Arg(f"{place.rstrip('/')}/*", *call.span) for place in places]
    walk.command([*call.args[at + 1 :], *found], call)


def _found(texts: list[str]) -> str:
    """What stands for the files that it finds."""
    return "found/" + next((texts[at + 1] for at, text in enumerate(texts[:-1]) if text in {"-name", "-iname"}), "*")


def _xargs(walk: Walk, call: Call) -> None:
    valued = {"-I", "-i", "-n", "-L", "-P", "-d", "-a", "-s", "-E", "-l", "--max-args", "--max-procs", "--delimiter"}
    place, texts, mark = 0, call.texts, None
    while place < len(texts) and texts[place].startswith("-") and len(texts[place]) > 1:
        text = texts[place]
        if text.startswith("-I"):
            mark = text[2:] or (texts[place + 1] if place + 1 < len(texts) else None)
        elif text.startswith("--replace"):
            mark = text.partition("=")[2] or "{}"
        elif text == "-i":
            mark = "{}"
            place += 1
            continue
        place += 2 if text in valued else 1
        if text == "--":
            break
    fed = (call.stdin if call.stdin is not None else unknown).split()
    words = list(call.args[place:])
    if not words:
        return
    if mark:
        text = " ".join(fed) if fed else unknown
        words = [Arg(arg.text.replace(mark, text), arg.start, arg.end, arg.glob) for arg in words]
    else:
        words += [Arg(text, *call.span) for text in fed[:50]]
    walk.command(words, call)


def _parallel(walk: Walk, call: Call) -> None:
    at = wrappers.skip(call.name, call.args)
    if not isinstance(at, int):
        return
    words = [arg.text for arg in call.args[at:]]
    fed = (call.stdin or unknown).split("\n")[0]
    if ":::" in words:
        place = words.index(":::")
        words, fed = words[:place], " ".join(words[place + 1 :])
    if not words:
        walk.script(call.stdin or unknown, call)
        return
    text = " ".join(words)
    text = text.replace("{}", fed).replace("/_", fed) if "{}" in text or "/_" in text else f"{text} {fed}"
    first = Arg(words[0], *call.span)
    rest = [Arg(word, *call.span) for word in text.split()[1:]]
    walk.command([first, *rest], call)


def _at(walk: Walk, call: Call) -> None:
    if call.has("-l", "-c", "-r", "-d", "-V") or call.name in {"atq", "atrm"}:
        return
    name = call.value("-f")
    if name is not None and name not in {"-", "/dev/stdin"}:
        content = call.state.files.get(call.place(name))
        if content is not None:
            walk.script(content, call)
        return
    read_stdin(walk, call)


def _start_stop(walk: Walk, call: Call) -> None:
    program = call.value("-x", "--exec", "-a", "--startas")
    if program and call.has("-S", "--start"):
        rest = call.args[call.texts.index("--") + 1 :] if "--" in call.texts else ()
        walk.command([Arg(program, *call.span), *rest], call)


def _flock(walk: Walk, call: Call) -> None:
    text = call.value("-c", "--command")
    if text is not None:
        walk.script(text, call)
        return
    operands = [arg for arg in call.args if not arg.text.startswith("-")]
    rest = call.operands(("-w", "-E", "--timeout", "--wait", "--conflict-exit-code"))
    if len(operands) > 1 and rest:
        at = call.args.index(rest[0])
        walk.command(call.args[at + 1 :], call)


def _ip(walk: Walk, call: Call) -> None:
    texts = call.texts
    if texts[:2] == ["netns", "exec"]:
        walk.command(call.args[3:], call)


_runs_of_git = frozenset({"core.pager", "core.editor", "core.sshcommand", "core.fsmonitor", "diff.external"})
_tame_of_git = frozenset({"", "cat", "less", "true", "false", "vim", "vi", "nano", "ssh"})


def _git(walk: Walk, call: Call) -> None:
    texts = call.texts
    for place, text in enumerate(texts):
        if text in {"-c", "--config-env"} and place + 1 < len(texts):
            key, _, value = texts[place + 1].partition("=")
            if value.startswith("!"):
                walk.script(value[1:], call)
            elif key.lower() in _runs_of_git and value not in _tame_of_git:
                walk.script(value, call)
        elif text in {"-x", "--exec", "--tree-filter", "--index-filter", "--upload-pack", "--receive-pack"}:
            walk.script(texts[place + 1] if place + 1 < len(texts) else "", call)
    for verb in ("foreach", "run"):
        if verb in texts and texts[0] in {"submodule", "bisect"}:
            walk.script(" ".join(text for text in texts[texts.index(verb) + 1 :] if text != "--recursive"), call)


def _tar(walk: Walk, call: Call) -> None:
    for place, text in enumerate(call.texts):
        name, found, value = text.partition("=")
        following = call.texts[place + 1] if place + 1 < len(call.texts) else ""
        if name == "--checkpoint-action":
            action = value if found else following
            if action.startswith("exec="):
                walk.script(action.removeprefix("exec="), call)
        elif name in {"--to-command", "--info-script", "--new-volume-script", "--rsh-command", "-F"} or (
            name in {"--use-compress-program", "-I"} and (value or following).split()[:1] != []
        ):
            walk.script(value or following, call)


def _editor(walk: Walk, call: Call) -> None:
    """`-c '!…'` of vi and its like, and the lines that ed reads."""
    for place, text in enumerate(call.texts):
        command = text[1:] if text.startswith("+") else ""
        if text in {"-c", "--cmd", "-S"} and place + 1 < len(call.texts):
            command = call.texts[place + 1]
        bang = command.lstrip(":").partition("!")
        if bang[1] and bang[0].strip() in {"", "silent", "r", "%", "w"}:
            walk.script(bang[2], call)
    for line in (call.stdin or "").split("\n"):
        if line.startswith("!") and call.name in {"ed", "ex"}:
            walk.script(line[1:], call)


def _words_option(*names: str) -> Runner:
    """An option whose value is a command line without a shell."""

    def run(walk: Walk, call: Call) -> None:
        text = call.value(*names)
        if text and unknown not in text:
            try:
                words = shlex.split(text)
            except ValueError:
                walk.dynamic(call, "its command cannot be read")
                return
            walk.command([Arg(word, *call.span) for word in words], call)

    return run


def _make(walk: Walk, call: Call) -> None:
    for text in call.texts:
        if text.startswith("--eval="):
            for line in text.removeprefix("--eval=").replace("$(shell ", "\n").split("\n"):
                walk.script(line.lstrip("\t@-").partition(":")[2].lstrip("\t@- ;") or line.rstrip(")"), call)
    if (call.value("-f", "--file", "--makefile") or "") in {"-", "/dev/stdin"} and call.stdin is not None:
        if unknown in call.stdin:
            walk.dynamic(call, "it reads a makefile that nobody can know before")
        for line in call.stdin.split("\n"):
            if line.startswith("\t") or ";" in line:
                walk.script(line.partition(";")[2] if not line.startswith("\t") else line.lstrip("\t@-"), call)


runners: dict[str, Runner] = {
    **dict.fromkeys(shells, run_shell),
    **dict.fromkeys(others, run_other_shell),
    **dict.fromkeys(("source", "."), run_source),
    **dict.fromkeys(("su", "runuser", "sg", "newgrp"), run_su),
    **dict.fromkeys(("ssh", "slogin", "dbclient", "mosh", "rsh", "autossh"), run_ssh),
    "sshpass": after_options("-p -f -d -P", 0, joined=False, elsewhere=False),
    **dict.fromkeys(
        ("pdsh", "pssh", "parallel-ssh", "clush", "dsh"), after_options("-w -H -h -g -l -t -p -x -X -R", 0, joined=True)
    ),
    **dict.fromkeys(
        ("docker", "podman", "nerdctl", "docker-compose", "kubectl", "oc", "k3s", "microk8s", "crictl", "ctr"),
        run_engine,
    ),
    **dict.fromkeys(
        ("lxc", "incus", "machinectl"), after_options("-n --cwd --env --mode -t -e --user", 2, joined=False)
    ),
    "lxc-attach": after_options("-n --name -e -v", 0, joined=False),
    "pct": after_options("", 2, joined=False),
    "vagrant": script_option("-c", "--command", shell=False),
    "systemd-run": after_options(
        "-p --property -u --unit --description --slice --on-active --on-boot --on-calendar --on-unit-active"
        " --timer-property -E --setenv --uid --gid --nice -M --machine -H --host --working-directory",
        0,
        joined=False,
    ),
    "systemd-nspawn": after_options(
        "-D -M -i -u --directory --machine --image --user --bind --bind-ro", 0, joined=False
    ),
    **dict.fromkeys(("find", "gfind"), _find),
    **dict.fromkeys(("fd", "fdfind"), _fd),
    "xargs": _xargs,
    **dict.fromkeys(("parallel", "entr"), _parallel),
    **dict.fromkeys(("at", "batch"), _at),
    "start-stop-daemon": _start_stop,
    "flock": _flock,
    "script": script_option("-c", "--command", shell=False),
    "tmux": run_tmux,
    "screen": run_screen,
    "ip": _ip,
    "git": _git,
    **dict.fromkeys(("tar", "bsdtar", "gtar"), _tar),
    **dict.fromkeys(("ansible",), run_ansible),
    **dict.fromkeys(("salt", "salt-call"), run_salt),
    **dict.fromkeys(("vi", "vim", "nvim", "ex", "ed", "view", "vim.tiny"), _editor),
    "socat": run_socat,
    **dict.fromkeys(("nc", "ncat", "netcat", "nc.traditional", "nc.openbsd"), run_netcat),
    "capsh": run_capsh,
    **dict.fromkeys(("make", "gmake"), _make),
    "rsync": _words_option("-e", "--rsh", "--rsync-path"),
    "tcpdump": _words_option("-z"),
    "zip": _words_option("-TT", "--unzip-command"),
    "man": _words_option("-P", "--pager"),
    **interpreters,
}
