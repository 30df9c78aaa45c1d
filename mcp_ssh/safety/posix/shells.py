"""Shells, and programs that hand their words to one."""

from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.expand import Arg
from mcp_ssh.safety.posix.text import unknown
from mcp_ssh.safety.posix.walk import Runner, Walk


def run_shell(walk: Walk, call: Call) -> None:
    """A shell: its script, its standard input, or a file."""
    texts = call.texts
    valued, place = {"-o", "+o", "-O", "+O", "--rcfile", "--init-file"}, 0
    while place < len(texts):
        text = texts[place]
        if text in valued:
            place += 2
            continue
        if text == "--" or not text.startswith(("-", "+")) or text == "-":
            break
        if not text.startswith("--") and "c" in text[1:]:
            place += 1
            while place < len(texts) and texts[place].startswith(("-", "+")):
                place += 2 if texts[place] in valued else 1
            if place < len(texts):
                walk.script(texts[place], call, texts[place + 2 :])
            return
        if not text.startswith("--") and "s" in text[1:]:
            read_stdin(walk, call)
            return
        place += 1
    operands = [arg for arg in call.args[place:] if arg.text not in {"--"}]
    if not operands or operands[0].text in {"-", "/dev/stdin"}:
        read_stdin(walk, call)
        return
    _file(walk, call, operands[0], [arg.text for arg in operands[1:]])


def read_stdin(walk: Walk, call: Call) -> None:
    """A shell that reads its commands."""
    if call.stdin is not None:
        walk.script(call.stdin, call)


def _file(walk: Walk, call: Call, arg: Arg, arguments: list[str]) -> None:
    if unknown in arg.text and (arg.listed or arg.text == unknown):
        walk.dynamic(call, "which script it runs is only known when it runs")
        return
    content = call.state.files.get(call.place(arg.text))
    if content is not None:
        walk.script(content, call, arguments)


def run_source(walk: Walk, call: Call) -> None:
    """`source` and `.`."""
    operands = call.operands()
    if operands and operands[0].text in {"-", "/dev/stdin"}:
        read_stdin(walk, call)
    elif operands:
        _file(walk, call, operands[0], [])


def script_option(*names: str, shell: bool = True) -> Runner:
    """A program with an option whose value a shell reads."""

    def run(walk: Walk, call: Call) -> None:
        text = call.value(*names)
        for at, option in enumerate(call.texts[:-1]):
            if text is None and option[:1] == "-" and option[1:2] != "-" and option.endswith(names[0][1:]):
                text = call.texts[at + 1]  # at the end of a bundle, such as -qc
        if text:
            walk.script(text, call, elsewhere=True)
        elif shell:
            read_stdin(walk, call)

    return run


def run_su(walk: Walk, call: Call) -> None:
    """`su` and its like: a script of another user."""
    text = call.value("-c", "--command", "--session-command")
    operands = call.operands(("-c", "--command", "-s", "--shell", "-g", "-G", "-w", "-u"))
    if text is not None:
        walk.script(text, call, elsewhere=True)
    elif call.name == "runuser" and call.value("-u", "--user") is not None and operands:
        walk.command(operands, call)
    elif call.name in {"sg", "newgrp"} and len(operands) > 1:
        walk.script(operands[-1].text, call)
    else:
        read_stdin(walk, call)


def after_options(valued: str, arguments: int, *, joined: bool, elsewhere: bool = True) -> Runner:
    """A command behind the program's own options and that many words."""
    options = frozenset(valued.split())

    def run(walk: Walk, call: Call) -> None:
        place, left = 0, arguments
        while place < len(call.args):
            text = call.args[place].text
            if text == "--":
                place += 1
                if not left:
                    break
            elif text in options:
                place += 2
            elif text.startswith("-") and len(text) > 1:
                place += 1
            elif left:
                left -= 1
                place += 1
            else:
                break
        rest = call.args[place:]
        if not rest:
            if joined and not left:
                read_stdin(walk, call)
        elif joined:
            walk.script(" ".join(arg.text for arg in rest), call, elsewhere=elsewhere)
        else:
            walk.command(rest, call, elsewhere=elsewhere)

    return run


def run_capsh(walk: Walk, call: Call) -> None:
    """`capsh -- …` runs bash."""
    if "--" in call.texts:
        inner = call.args[call.texts.index("--") + 1 :]
        run_shell(walk, Call("bash", inner, call.span, call.state, stdin=call.stdin, source=call.source))


shells = frozenset("sh bash dash ash ksh mksh pdksh zsh rbash ksh93 yash posh hush lksh".split())


others = frozenset("fish tcsh csh rc es xonsh nu pwsh powershell elvish".split())


def run_other_shell(walk: Walk, call: Call) -> None:
    """Shells of another syntax: what they are given is read as sh would."""
    text = call.value("-c", "--command", "-Command")
    if text is not None:
        walk.script(text, call)
    elif call.stdin is not None:
        read_stdin(walk, call)
