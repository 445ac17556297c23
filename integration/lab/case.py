"""Reads a case and plays it: each line is a step, a word of `steps` with its arguments."""

import shlex
import time

from . import steps
from .host import switch


class Failed(Exception):
    """A step did not come out as it says."""


class Skipped(Exception):
    """This case is not for these programs."""


def split(line):
    """Words, with "double quotes" around those that have blanks; # begins a comment."""
    lexer = shlex.shlex(line, posix=True)
    lexer.whitespace_split = True
    lexer.quotes = '"'
    lexer.escape = ""
    return list(lexer)


class Case:
    # Seconds between two looks of a `wait`.
    pause = 0.05

    def __init__(self, file, subject, peer, work, verbose=False):
        self.file = file
        self.programs = {"subject": subject, "peer": peer, "ldirector": "ldirector", "keepalived": "keepalived"}
        self.work = work
        self.verbose = verbose
        self.hosts = {}
        self.switches = set()
        # What was declared for each host, to be declared again when its power returns.
        self.declared = {}
        # Running programs: (host, name) → process.
        self.running = {}
        self.work.mkdir(parents=True, exist_ok=True)

    def run(self):
        for number, words, text in self.lines():
            self.play(number, words, text)

    def lines(self):
        """(line number, words, text of a here-document) of each step."""
        lines = iter(enumerate(self.file.read_text().splitlines(), 1))
        for number, line in lines:
            while line.endswith("\\"):
                line = line[:-1] + next(lines)[1].strip()
            try:
                words = split(line)
            except ValueError as why:
                raise Failed(f"{self.file.name}:{number}: {why}") from why
            if not words:
                continue
            text = None
            if words[-1].startswith("<<"):
                end = words.pop()[2:]
                text = ""
                for _, more in lines:
                    if more.strip() == end:
                        break
                    text += more + "\n"
            yield number, words, text

    def play(self, number, words, text):
        where = f"{self.file.name}:{number}: {' '.join(words)}"
        began = time.monotonic()
        try:
            self.step(words, text)
        except (AssertionError, RuntimeError) as why:
            raise Failed(f"{where}\n  {why}\n{self.logs()}") from why
        if self.verbose:
            print(f"  {time.monotonic() - began:5.1f} s  {' '.join(words)}", flush=True)

    def step(self, words, text=None):
        """One step now. Checks raise AssertionError with what was seen."""
        first, rest = words[0], words[1:]
        if first in ("wait", "for"):
            return self.over_time(first, steps.seconds(rest[0]), rest[1:])
        if first in self.hosts:
            check = steps.CHECKS.get(rest[0])
            if not check:
                raise RuntimeError(f"no check `{rest[0]}`: there are {', '.join(sorted(steps.CHECKS))}")
            return check(self, self.hosts[first], rest[1:])
        order = steps.ORDERS.get(first)
        if not order:
            raise RuntimeError(f"no host and no step `{first}`: there are {', '.join(sorted(steps.ORDERS))}")
        return order(self, rest, text) if first in steps.WITH_TEXT else order(self, rest)

    def over_time(self, word, patience, words):
        """`wait`: until it holds. `for`: it holds all the time."""
        until = time.monotonic() + patience
        while True:
            late = time.monotonic() >= until
            try:
                self.step(words)
                if word == "wait" or late:
                    return
            except AssertionError:
                if word == "for" or late:
                    raise
            time.sleep(self.pause)

    def host(self, name):
        if name not in self.hosts:
            raise RuntimeError(f"no host `{name}`: there are {', '.join(self.hosts)}")
        return self.hosts[name]

    def need_switch(self, name):
        if name not in self.switches:
            self.switches.add(name)
            switch(name)

    def remember(self, name, order, *arguments):
        """Done again when the host's power returns."""
        self.declared.setdefault(name, []).append((order, arguments))

    def log(self, host):
        """The file with the director's log."""
        return self.work / f"{host.name}.log"

    def logs(self):
        """The ends of all directors' logs."""
        text = ""
        for host in self.hosts.values():
            if self.log(host).exists():
                last = self.log(host).read_text(errors="replace").splitlines()[-30:]
                text += f"--- {host.name}\n" + "\n".join(last) + "\n"
        return text

    def stop(self):
        for process in self.running.values():
            process.kill()
        for host in self.hosts.values():
            host.holder.kill()
