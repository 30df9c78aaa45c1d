"""Programs that run something elsewhere: on another machine, in a container, for whoever connects."""

from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.shells import after_options, shells
from mcp_ssh.safety.posix.walk import Walk

_ssh = after_options("-b -c -D -E -e -F -I -i -J -L -l -m -O -o -p -Q -R -S -W -w -B", 1, joined=True)


_container = after_options(
    "-e -u -w --env --user --workdir --env-file --detach-keys -c --container -n --namespace --context --kubeconfig"
    " --index -l --latest --mode --cwd --group",
    1,
    joined=False,
)


def run_ssh(walk: Walk, call: Call) -> None:
    """A command on another machine, and options that run one here."""
    for text in call.texts:
        name, _, value = text.removeprefix("-o").partition("=")
        if name.strip().lower() in {"proxycommand", "localcommand"} and value:
            walk.script(value, call)
    _ssh(walk, call)


def run_engine(walk: Walk, call: Call) -> None:
    """docker, podman, kubectl and their like: `exec`, also as `compose exec` or `container exec`."""
    texts = call.texts
    if "exec" in texts:
        place = texts.index("exec")
        rest = call.args[place + 1 :]
        if call.name in {"kubectl", "oc", "k3s", "microk8s"} and any(arg.text == "--" for arg in rest):
            at = next(number for number, arg in enumerate(rest) if arg.text == "--")
            walk.command(rest[at + 1 :], call, elsewhere=True)
            return
        inner = Call(call.name, rest, call.span, call.state, stdin=call.stdin, source=call.source)
        _container(walk, inner)
    elif "run" in texts and call.name in {"docker", "podman", "nerdctl"} and "-c" in texts:
        script = texts[texts.index("-c") + 1 : texts.index("-c") + 2]
        if script and any(_mounts_host(text) for text in texts):
            walk.script(script[0], call, elsewhere=True)


def _mounts_host(text: str) -> bool:
    return text.startswith("/:") or "source=/," in text or "src=/," in text


def run_ansible(walk: Walk, call: Call) -> None:
    """Modules of ansible that run a command."""
    module, arguments = call.value("-m", "--module-name") or "command", call.value("-a", "--args")
    if arguments and module.rsplit(".", 1)[-1] in {"shell", "command", "raw"}:
        walk.script(arguments, call, elsewhere=True)


def run_salt(walk: Walk, call: Call) -> None:
    """`salt … cmd.run`."""
    operands = call.verbs()
    for place, text in enumerate(operands[:-1]):
        if text in {"cmd.run", "cmd.run_all", "cmd.shell"}:
            walk.script(operands[place + 1], call, elsewhere=True)


def run_socat(walk: Walk, call: Call) -> None:
    """Addresses of socat that run a program."""
    for text in call.texts:
        kind, found, command = text.partition(":")
        if found and kind.lower() in {"exec", "system", "shell"}:
            name = command.split(",")[0]
            if name.rsplit("/", 1)[-1].split(" ")[0] in shells:
                walk.dynamic(call, "it gives a shell to whoever connects")
            else:
                walk.script(name, call)


def run_netcat(walk: Walk, call: Call) -> None:
    """Netcats that give a program to whoever connects."""
    program = call.value("-e", "-c", "--exec", "--sh-exec")
    if program is not None:
        walk.dynamic(call, "it gives a program to whoever connects")


def run_tmux(walk: Walk, call: Call) -> None:
    """The last words of new sessions and windows are a shell's; keys that are sent are typed into one."""
    texts = call.texts
    if any(text.startswith("send") for text in texts):
        operands = [text for text in call.verbs(("-t", "-N")) if text not in {"Enter", "C-m", "ENTER"}]
        walk.script(" ".join(operands[1:]), call)
        return
    verbs = {"new-session", "new", "new-window", "neww", "split-window", "splitw", "respawn-pane", "run-shell", "run"}
    if any(text in verbs for text in texts):
        place = next(at for at, text in enumerate(texts) if text in verbs)
        rest = Call(call.name, call.args[place + 1 :], call.span, call.state, source=call.source)
        operands = rest.verbs(("-s", "-n", "-t", "-c", "-e", "-F", "-x", "-y", "-l", "-p"))
        if operands:
            walk.script(" ".join(operands), call)


def run_screen(walk: Walk, call: Call) -> None:
    """A command in a window, or keys that are typed into one."""
    texts = call.texts
    if "stuff" in texts:
        walk.script(" ".join(texts[texts.index("stuff") + 1 :]).replace("\\n", "\n").replace("^M", "\n"), call)
        return
    at = 0
    while at < len(texts) and texts[at].startswith("-"):
        at += 2 if texts[at][-1] in "SchtTsep" else 1
    walk.command(call.args[at:], call)
