"""Plays a guide: what its blocks of `console` say is typed on the hosts, and what they print must be what they show.

    HOST# COMMAND     typed on that host; `> ` begins its further lines
    anything else     what it prints, blanks counted as one; `...` stands for anything within a line, and a line of
                      its own for any lines

Nothing below a command means that it succeeds and prints nothing. A command whose output is not there yet is typed again,
as a reader would.
"""

import re
import time
from pathlib import Path

from . import programs

PATIENCE = 30
PROMPT = re.compile(r"(\w+)# (.*)")


def play(case, file):
    """Every command of a guide in its order; AssertionError with what was seen instead."""
    for number, name, command, shown in commands(Path(file)):
        began = time.monotonic()
        try:
            obey(case.host(name), command, shown)
        except AssertionError as why:
            raise AssertionError(f"{file}:{number}: {name}# {command}\n{why}") from None
        if case.verbose:
            print(f"  {time.monotonic() - began:5.1f} s  {name}# {command.splitlines()[0]}", flush=True)


def commands(file):
    """[(line, host, command, [line of output])]"""
    found, inside = [], False
    for number, line in enumerate(file.read_text().splitlines(), 1):
        if line.startswith("```"):
            inside = line == "```console"
        elif inside and (prompt := PROMPT.fullmatch(line)):
            found.append((number, prompt[1], prompt[2], []))
        elif inside and line.startswith("> "):
            number, name, command, shown = found.pop()
            found.append((number, name, f"{command}\n{line[2:]}", shown))
        elif inside:
            found[-1][3].append(line)
    if not found:
        raise RuntimeError(f"{file} has no block of `console`")
    return found


def obey(host, command, shown):
    # As on a host where the program is installed. Through a file: a daemon may keep its standard error.
    folder = Path(programs.ldirector()).resolve().parent
    line = (
        f"cd {programs.PROJECT}; PATH={folder}:$PATH; export LC_ALL=C\n"
        f"{{\n{command}\n}} >/run/shown 2>&1; code=$?; cat /run/shown; exit $code"
    )
    if not shown:
        try:
            output = host.run(line)
        except RuntimeError as why:
            raise AssertionError(why) from None
        assert not output, f"it prints:\n{output}"
        return
    wanted = pattern(shown)
    until = time.monotonic() + PATIENCE
    while True:
        output = host.run(line, check=False)
        if wanted.fullmatch(bare(output.splitlines())):
            return
        assert time.monotonic() < until, f"it prints:\n{output}"
        time.sleep(0.5)


def bare(lines):
    return "\n".join(" ".join(line.split()) for line in lines) + "\n"


def pattern(shown):
    """The expression for lines of expected output."""
    text = ""
    for line in bare(shown).splitlines():
        if line == "...":
            text += r"(?:.*\n)*"
        else:
            text += ".*".join(re.escape(part) for part in line.split("...")) + r"\n"
    return re.compile(text)
