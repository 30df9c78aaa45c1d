"""Code of other languages on a command line: what it hands to a shell is judged as a shell's, the rest by what it names.

No language is parsed. What is looked for are its ways to run a program, its ways to delete or overwrite, and what hides
either: code that is decoded or read from elsewhere is as unknown as a script from a pipe.
"""

import re
from collections.abc import Iterator

from mcp_ssh.safety.posix.call import Call
from mcp_ssh.safety.posix.expand import Arg
from mcp_ssh.safety.posix.text import unknown
from mcp_ssh.safety.posix.walk import Runner, Walk

max_code_chars = 20_000

_literal = re.compile(
    r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'|`([^`]*)`|q\{([^}]*)\}|qq?\(([^)]*)\)|q/([^/]*)/", re.DOTALL
)
_runs = re.compile(
    r"\b(os\.system|os\.popen|subprocess\.\w+|commands\.\w+|pty\.spawn|os\.exec\w+|os\.spawn\w+|posix_spawn\w*|system|popen"
    r"|shell_exec|passthru|proc_open|exec|spawn\w*|execSync|execFile\w*|execve?p?|Open3\.\w+|io\.popen|os\.execute|qx|IO\.popen"
    r"|child_process\S*|Popen|check_output|check_call|run|call|getoutput|sh)\s*[\(\s\{\[/'\"]"
)
_backticks = re.compile(r"`([^`]+)`|\bqx[\{\(/]([^\}\)/]+)[\}\)/]|%x[\{\(]([^\}\)]+)")
_deletes = re.compile(
    r"\b(rmtree|remove_tree|rmSync|rm_rf|rm_r|rmdirSync|rmdir|unlink\w*|unlinkSync|os\.remove|File\.delete|Dir\.delete"
    r"|FileUtils\.\w+|truncate\w*|remove_entry\w*|os\.rename|rename\w*|move|writeFile\w*|write_text|write_bytes|copyfile"
    r"|fs\.rm\w*|fs\.write\w*|file_put_contents|os\.removedirs|delete|chmod|chown|lchown|symlink)\b"
)
_opens = re.compile(
    r"\bopen\w*\s*\(?[^)\n]*?['\"][rwax+b]*[wa+][b+]*['\"]|\bopen\b[^;\n]*['\"]\s*>|>\s*['\"]?/|\bO_WRONLY|\bO_RDWR|open\([^)]*,\s*[\"']>"
)
_hides = re.compile(
    r"\b(b64decode|base64\.|decode64|fromhex|unhexlify|unpack\s*\(|marshal|zlib\.|codecs\.decode|Buffer\.from|atob"
    r"|str_rot13|gzinflate|pack\s*\(\s*['\"]H)|\bchr\s*\(.*\bchr\s*\(|getattr\s*\(|__import__\s*\(|\beval\b|\bexec\s*\(\s*[^'\")]"
)
_powers = re.compile(
    r"\b(os\.kill|kill|reboot|LINUX_REBOOT|ctypes|libc)\b[^;\n]*(-\s*1|reboot|0xfee1dead|1\s*,\s*9|-9\s*,\s*-1|9\s*,\s*-1)"
)
_forks = re.compile(
    r"while\s*(\(?\s*(1|True|true)\s*\)?|:).*fork|fork\s*(\(\))?\s*while\s*(1|true|True)|os\.fork\(\).*while|loop\s*\{?\s*fork"
)
_fetches = re.compile(r"\b(urlopen|urllib|requests\.get|http\.get|LWP|open-uri|curl_exec|fetch)\b")


def literals(code: str) -> Iterator[str]:
    """The texts in quotes."""
    for found in _literal.finditer(code):
        yield next(group for group in found.groups() if group is not None)


def _code(walk: Walk, call: Call, code: str) -> None:
    """Judge a piece of code."""
    if unknown in code:
        walk.dynamic(call, "it runs code that nobody can know before")
        return
    if len(code) > max_code_chars:
        walk.dynamic(call, "its code is too long to be looked through")
        return
    texts = [text.replace("\\n", "\n").replace('\\"', '"').replace("\\'", "'") for text in literals(code)]
    for found in _backticks.finditer(code):
        walk.script(next(group for group in found.groups() if group is not None), call)
    runs = _runs.search(code)
    if runs:
        _runs_programs(walk, call, code, texts)
    if _hides.search(code) and (runs or "eval" in code or "exec" in code or "import" in code):
        walk.dynamic(call, "it runs code that is decoded or put together while it runs")
    if _fetches.search(code) and re.search(r"\b(exec|eval|system|run|load)\b", code):
        walk.dynamic(call, "it runs code from elsewhere")
    if _forks.search(code):
        walk.command([Arg("fork-bomb", *call.span)], call)
    if _powers.search(code):
        walk.command([Arg("kill", *call.span), Arg("-9", *call.span), Arg("-1", *call.span)], call)
    if _deletes.search(code):
        for text in texts:
            if text.startswith(("/", "~")) or text in {".", ".."}:
                for command in (["rm", "-rf", text], ["truncate", "-s", "0", text]):
                    walk.command([Arg(word, *call.span) for word in command], call)
    if _opens.search(code):
        for text in texts:
            path = text.lstrip("<>+| ")
            if path.startswith("/"):
                walk.command([Arg(word, *call.span) for word in ("truncate", "-s", "0", path)], call)


def _runs_programs(walk: Walk, call: Call, code: str, texts: list[str]) -> None:
    if call.name in {"tclsh", "wish", "expect"}:
        for found in re.finditer(r"\bexec\s+([^\n\]]+)", code):
            walk.script(found[1], call)
    if not texts and "qw" not in code:
        if (
            re.search(r"\b(system|popen|exec\w*|run|call|Popen|check_output|spawn\w*)\s*\(\s*[A-Za-z_]", code)
            and "sys.argv" in code
        ):
            walk.dynamic(call, "it runs what its arguments say")
        return
    for found in re.finditer(r"\bqw\s*[\(\{\[/]([^\)\}\]]+?)[\)\}\]]", code):
        walk.script(found[1], call)
    for text in texts:
        if re.search(r"[\s;|&/]", text) or len(texts) == 1:
            walk.script(text, call)
    for found in re.finditer(r"\[([^\[\]]*)\]|\(([^()]*)\)", code):
        row = list(literals(found[1] or found[2] or ""))
        if len(row) > 1 and re.fullmatch(r"[\w./-]+", row[0]):
            if row[0].rsplit("/", 1)[-1] == row[1] or row[0] == row[1]:
                row = row[1:]
            walk.command([Arg(word, *call.span) for word in row], call)
    joined = "".join(texts)
    if "+" in code and len(texts) > 1:
        walk.script(joined, call)


def _interpreter(*options: str, stdin: bool = True) -> Runner:
    def run(walk: Walk, call: Call) -> None:
        found = False
        for place, text in enumerate(call.texts):
            for option in options:
                bundled = len(option) == 2 and text.startswith("-") and not text.startswith("--")
                if text == option or (bundled and text.endswith(option[1]) and len(text) < 6):
                    found = True
                    if place + 1 < len(call.texts):
                        _code(walk, call, call.texts[place + 1])
                elif bundled and text.startswith(option) and len(text) > 2 and option in {"-c", "-e", "-r"}:
                    found = True
                    _code(walk, call, text[2:])
        operands = call.verbs()
        if found or not stdin:
            return
        if (not operands or operands[0] in {"-", "/dev/stdin"}) and call.stdin is not None:
            _code(walk, call, call.stdin)
        elif operands and operands[0] == unknown and call.args and any(arg.listed for arg in call.args):
            walk.dynamic(call, "it runs code that nobody can know before")
        elif operands and (content := call.state.files.get(call.place(operands[0]))) is not None:
            _code(walk, call, content)

    return run


def _awk(walk: Walk, call: Call) -> None:
    valued = ("-F", "-v", "-f", "--field-separator", "--assign", "--file")
    operands = call.operands(valued)
    if call.value("-f", "--file") is not None or not operands:
        return
    program = operands[0].text
    if unknown in program and "system" in program:
        walk.dynamic(call, "it runs a program that nobody can know before")
    for found in re.finditer(
        r"system\s*\(([^)]*)\)|\"([^\"]*)\"\s*\|\s*getline|print[^|;}\n]*\|\s*\"([^\"]*)\"", program
    ):
        inner = found[1]
        if inner is None:
            text = found[2] or found[3] or ""
            if text.rsplit("/", 1)[-1].split(" ")[0] in {"sh", "bash", "dash", "ksh", "zsh"}:
                walk.dynamic(call, "it feeds a shell")
            else:
                walk.script(text, call)
            continue
        texts = list(literals(inner))
        rest = _literal.sub("", inner).strip()
        walk.script("".join(texts) + (unknown if rest and not texts else " 1" if rest else ""), call)
    for found in re.finditer(r">>?\s*\"([^\"]+)\"", program):
        walk.command([Arg(word, *call.span) for word in ("truncate", "-s", "0", found[1])], call)


_sed_runs = re.compile(r"(^|[;{}\n]|\d|\$|/)\s*e\s+(\S.*)$|s(.).*?\3.*?\3\w*e\w*($|[;}\n])", re.MULTILINE)


def _sed(walk: Walk, call: Call) -> None:
    scripts = [text for at, text in enumerate(call.texts) if at and call.texts[at - 1] in {"-e", "--expression"}]
    scripts = scripts or [arg.text for arg in call.operands(("-e", "-f", "-l", "--expression"))[:1]]
    for script in scripts:
        found = _sed_runs.search(script)
        if found and found[2]:
            walk.script(found[2], call)
        elif found and script.startswith("s"):
            parts = re.split(re.escape(found[3] or "/"), script)
            walk.script(parts[2] if len(parts) > 2 else unknown, call)
        for written in re.finditer(r"(?:^|[;}\d/$])\s*w\s+(/\S+)", script):
            walk.command([Arg(word, *call.span) for word in ("truncate", "-s", "0", written[1])], call)


def _expect(walk: Walk, call: Call) -> None:
    code = call.value("-c") or call.stdin or ""
    for found in re.finditer(r"\b(?:spawn|exec|system|send)\s+(?:--?\s+)?\"?([^\";\n]+)", code):
        walk.script(found[1].replace("\\r", "").replace("\\n", ""), call)


interpreters: dict[str, Runner] = {
    **dict.fromkeys(("python", "pypy", "python2", "python3", "ipython", "micropython"), _interpreter("-c")),
    **dict.fromkeys(("perl", "perl5"), _interpreter("-e", "-E")),
    **dict.fromkeys(("ruby", "irb", "jruby"), _interpreter("-e")),
    **dict.fromkeys(("node", "nodejs", "deno", "bun"), _interpreter("-e", "-p", "--eval", "--print", "eval")),
    **dict.fromkeys(("php",), _interpreter("-r", "-B", "-R", "-E")),
    **dict.fromkeys(
        ("lua", "luajit", "tclsh", "wish", "guile", "racket", "R", "Rscript", "julia", "groovy"),
        _interpreter("-e", "-c"),
    ),
    **dict.fromkeys(("awk", "gawk", "mawk", "nawk"), _awk),
    **dict.fromkeys(("sed", "gsed"), _sed),
    "expect": _expect,
}
