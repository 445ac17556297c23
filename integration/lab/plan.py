"""Plays a plan with one of the two programs and keeps what the system showed: the words are in `words`."""

import ipaddress
import os
import re
import select
import subprocess
import threading
import time
from pathlib import Path

from . import observe, programs, steps
from .case import Case, Failed
from .director import Director, bridge, nodad
from .farm import Farm, split
from .iproute import Ip
from .wire import Recorder

# What one observation waits for after a `wait` came true, so that mails and scripts of a change are in.
SETTLE = 0.7
NOTE = """#!/bin/sh
read up rest </proc/uptime
echo "$up $0 $*" >>/run/notes
[ ! -f $0.says ] || . $0.says
"""


class Play(Case):
    """One run of a plan. `director`, its host, is made by the first step that needs it, from the `link` lines."""

    # So many play at a time.
    pause = 0.15

    def __init__(self, file, program, work):
        super().__init__(file, program, program, work)
        self.program = program
        self.links = []
        self.host_made = None
        self.farm = Farm(work)
        self.recorder = None
        self.speakers = {}
        self.lines_of_pipes = {}
        self.reading = True
        # (what was done, {surface: lines}) in order; what was done since the last.
        self.observations = []
        self.since = []
        self.shown = []
        # (seconds, step) of each step.
        self.times = []

    @property
    def director(self):
        if not self.host_made:
            self.make()
        return self.host_made

    def make(self):
        links = self.links = self.links or [("eth0", "10.0.0.5/24"), ("eth0", "fd00::5/64")]
        interfaces = self.interfaces()
        Path("/proc/sys/net/ipv6/conf/default/accept_dad").write_text("0")
        self.ip = Ip()
        self.host_made = Director(self.ip, [("", interface, address) for interface, address in links])
        self.hosts["director"] = self.host_made
        # Rules of IPv6 cost a program more.
        self.rules = re.search(r"_rules|vmac|vrf", self.file.read_text()) is not None
        self.names = {Director.mac(n): f"<{interface}>" for n, interface in enumerate(interfaces)}
        self.recorder = Recorder({f"d-{interface}": interface for interface in interfaces}, self.names)

    def interfaces(self):
        return list(dict.fromkeys(interface for interface, _ in self.links))

    def world(self, interface, address):
        """An address (with length) on the far side."""
        self.ip.do(f"addr replace {address} dev {bridge(interface)}{nodad(address)}")

    def need_address(self, where):
        """The address of a server exists on the far side, on the first network that it is in."""
        address = ipaddress.ip_address(split(where)[0])
        _ = self.director
        for interface, network in self.links:
            if address in ipaddress.ip_interface(network).network:
                self.world(interface, f"{address}/{network.split('/')[1]}")
                return
        raise RuntimeError(f"{where} is in no network of the director")

    def step(self, words, text=None):
        from .words import CHECKS, WORDS  # the words know the play; here the play knows the words

        first_word = words[0]
        if first_word in ("wait", "for"):
            return self.over_time(first_word, steps.seconds(words[1]), words[2:])
        if check := CHECKS.get(first_word):
            return check(self, self.director, words[1:])
        order = WORDS.get(first_word)
        if not order:
            raise RuntimeError(f"no word `{first_word}`: there are {', '.join(sorted([*WORDS, *CHECKS, 'wait']))}")
        return order(self, words[1:], text)

    def play(self, number, words, text):
        began = time.monotonic()
        where = f"{self.file.name}:{number}: {' '.join(words)}"
        came = True
        try:
            self.step(words, text)
        except AssertionError as why:
            # A check that does not come true with either program is an error of the plan; with one, a difference.
            came = f"no: {why}"
        except RuntimeError as why:
            raise Failed(f"{where}\n  {why}\n{self.logs()}") from why
        self.since.append(" ".join(words)[:100])
        if words[0] in ("wait", "for", "pause"):
            self.observe(came)
        elif came is not True:
            raise Failed(f"{where}\n  {came}\n{self.logs()}")
        self.times.append((round(time.monotonic() - began, 1), " ".join(words)[:60]))

    def observe(self, came):
        time.sleep(SETTLE)
        seen = self.director.inside.do(lambda: observe.look(self.director.ip, self.names, self.rules))
        seen["outcome"] = ["as the plan says" if came is True else came]
        for number, line in enumerate(self.shown, 1):
            seen[f"show {number}"] = line
        self.shown = []
        self.observations.append((" · ".join(self.since), seen))
        self.since = []

    def run(self):
        super().run()
        seen = {"wire": self.recorder.stop() if self.recorder else []}
        log = self.log(self.director)
        seen["states"] = observe.states(log.read_text(errors="replace")) if log.exists() else []
        notes = self.director.read("/run/notes").splitlines()
        seen["scripts"] = [(float(line.split(" ", 1)[0]), line.split(" ", 1)[1]) for line in notes]
        self.reading = False
        for path, lines in self.lines_of_pipes.items():
            seen[f"pipe {path}"] = lines
        seen["mails"], seen["mail headers"] = observe.mails(self.farm.mails)
        asked = dict.fromkeys(f"{where} ← {line}" for where, head in self.farm.requests for line in [head.strip()])
        seen["asked"] = sorted(line.replace("\r\n", " | ") for line in asked)
        return {"observations": self.observations, "whole": seen, "times": self.times}

    # What the words use.

    def pids(self):
        """{parent, vrrp, checkers: pid} of the running director, as this process counts."""
        parent = children(self.running["director", "director"].pid)[0]
        roles = {"parent": parent}
        for pid in children(parent):
            command = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
            if self.program == "ldirector" and "child" in command:
                roles[command[command.index("child") + 1]] = pid
            elif self.program == "keepalived":
                inner = re.search(r"^NSpid:.*?(\d+)$", Path(f"/proc/{pid}/status").read_text(), re.M)[1]
                for role in ("vrrp", "checkers"):
                    files = (f"/run/{role}.pid", f"/run/keepalived/{role}.pid", f"/run/keepalived_{role}.pid")
                    if inner in (self.director.read(file).strip() for file in files):
                        roles[role] = pid
        return roles

    def read_pipe(self, path):
        """Lines of a FIFO on the director, from when it is there."""
        lines = self.lines_of_pipes.setdefault(path, [])
        real = Path(f"/proc/{self.director.pid}/root{path}")

        def read():
            rest = b""
            pipe = None
            while self.reading:
                if pipe is None:
                    if not real.is_fifo():
                        time.sleep(0.02)
                        continue
                    pipe = os.open(real, os.O_RDWR | os.O_NONBLOCK)
                if select.select([pipe], [], [], 0.1)[0]:
                    *whole, rest = (rest + os.read(pipe, 65536)).split(b"\n")
                    lines.extend(line.decode(errors="replace") for line in whole)

        threading.Thread(target=read, daemon=True).start()

    def stop(self):
        self.reading = False
        for speaker in self.speakers.values():
            speaker.stop()
        for process in self.running.values():
            process.kill()
        if self.host_made:
            self.host_made.power_off()
            self.ip.stop()


def children(pid):
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def command_of(program):
    """Both are started by keepalived's own options."""
    name = programs.director(program)[0]
    return [name, "-n", "-l", "-D", "-G", "-f", programs.CONF]


def forget_child(process):
    """The exit code of a director that ended, or None if it has not within a stop's patience."""
    try:
        return process.wait(steps.STOP_PATIENCE)
    except subprocess.TimeoutExpired:
        return None
