"""The words of a case. Orders change something; checks look and raise AssertionError with what they saw."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

from . import guide as guides
from . import programs
from .host import Host

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
STOP_PATIENCE = 8
SYSTEMD = "/lib/systemd/systemd"


def seconds(text):
    return float(text.removesuffix("s"))


# Orders: (case, words).


def only(case, words):
    """only SUBJECT REASON: with other programs the case is skipped."""
    if case.programs["subject"] != words[0]:
        from .case import Skipped  # the case knows the steps; here the steps know the case

        raise Skipped(" ".join(words[1:]))


def needs(case, words):
    """needs COMMAND: where the kernel cannot do that (it is tried on a new host) the case is skipped."""
    from .case import Skipped  # the case knows the steps; here the steps know the case

    trial = Host("trial", [])
    try:
        trial.run(words[0])
    except RuntimeError as why:
        raise Skipped(str(why)) from None
    finally:
        trial.power_off()


def host(case, words):
    """host NAME (SWITCH INTERFACE ADDRESS/LENGTH)..."""
    name, rest = words[0], words[1:]
    links = [tuple(rest[n : n + 3]) for n in range(0, len(rest), 3)]
    for link in links:
        case.need_switch(link[0])
    case.hosts[name] = Host(name, links)


def route(case, words):
    """route HOST DESTINATION GATEWAY"""
    name, destination, gateway = words
    family = "-6" if ":" in gateway else "-4"
    command = f"ip {family} route replace {destination} via {gateway}"
    case.host(name).run(command)
    case.remember(name, route, words)


def sysctl(case, words):
    """sysctl HOST KEY=VALUE..."""
    case.host(words[0]).run(["sysctl", "-qw", *words[1:]])
    case.remember(words[0], sysctl, words)


def real(case, words):
    """real HOST dr|tun ADDRESS...: it takes packets to these addresses, and keeps quiet about them."""
    name, method, addresses = words[0], words[1], words[2:]
    server = case.host(name)
    quiet = "net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2"
    device = "lo"
    if method == "tun":
        server.run("ip link add tunl0 type ipip 2>/dev/null; ip link set tunl0 up")
        device = "tunl0"
    server.run(f"sysctl -qw {quiet}")
    for address in addresses:
        server.run(f"ip addr add {address}/32 dev {device}")
    case.remember(name, real, words)


def file(case, words, text):
    """file HOST PATH [MODE] <<END"""
    mode = int(words[2], 8) if len(words) > 2 else 0o644
    case.host(words[0]).write(words[1], text, mode)
    case.remember(words[0], file, words, text)


def copy(case, words):
    """copy HOST FILE PATH [MODE]: a file of the project, onto a host."""
    name, source, path = words[:3]
    text = (PROJECT / source).read_text()
    file(case, [name, path, *(words[3:] or ["755"])], text)


def config(case, words, text=None):
    """config HOST FILE, or config HOST <<END: the director's configuration."""
    if text is None:
        source = PROJECT / words[1]
        text = source.read_text()
    case.host(words[0]).write(programs.CONF, text)
    case.remember(words[0], config, words, text)


def edit(case, words):
    """edit HOST OLD NEW: in its configuration, everywhere."""
    name, old, new = words
    server = case.host(name)
    text = server.run(["cat", programs.CONF])
    old, new = (part.replace("\\n", "\n") for part in (old, new))
    assert old in text, f"`{old}` is not in {programs.CONF}"
    server.write(programs.CONF, text.replace(old, new))


def start(case, words):
    """start HOST director [subject|peer|ldirector|keepalived] [FLAG...] | nginx [PORT[/tls]...] | haproxy | smtp|dns|udp PORT"""
    name, what, rest = words[0], words[1], words[2:]
    server = case.host(name)
    if what == "director":
        command = programs.director(case.programs[rest[0] if rest else "subject"]) + rest[1:]
    elif what == "nginx":
        ports = rest or ["80"]
        plain = [port for port in ports if "/" not in port]
        command = programs.nginx(server, plain, [port.split("/")[0] for port in ports if "/" in port])
        server.run(command)
        case.remember(name, start, words)
        return
    elif what == "haproxy":
        server.run("haproxy -D -p /run/haproxy.pid -f /etc/haproxy/haproxy.cfg")
        case.remember(name, start, words)
        return
    else:
        command = programs.server(what, rest[0])
    log = case.log(server) if what == "director" else case.work / f"{name}-{what}.log"
    case.running[name, what] = server.start(command, log)
    case.remember(name, start, words)


def old_kernel(case, words):
    """old-kernel HOST...: what is started there from here on finds no system call that is newer than Linux 3.10."""
    for name in words:
        case.host(name).launcher = [sys.executable, str(HERE / "old_kernel.py")]


def systemd(case, words):
    """systemd HOST: boots one in the host, with our unit installed; from here on it is the host's first process."""
    from .case import Skipped  # the case knows the steps; here the steps know the case

    if not Path(SYSTEMD).exists():
        raise Skipped(f"there is no {SYSTEMD}")
    server = case.host(words[0])
    script = ["sh", "-e", str(HERE / "systemd.sh")]
    server.run([*script, "prepare", os.environ["LDIRECTOR"], str(case.log(server))])
    spaces = ["unshare", "--pid", "--mount", "--cgroup", "--fork", "--kill-child", "--mount-proc"]
    process = server.start([*spaces, *script, "boot"], case.work / f"{server.name}-systemd.log")
    case.running[server.name, "systemd"] = process
    until = time.monotonic() + 20
    while Path(f"/proc/{server.pid}/comm").read_text() != "systemd\n":
        assert time.monotonic() < until, "systemd has not started"
        time.sleep(0.05)
        server.pid = last_child(process.pid)
    case.over_time("wait", 20, [server.name, "prints", "^running$", "systemctl is-system-running"])


def last_child(pid):
    """Follows the only child of each."""
    while children := Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        if Path(f"/proc/{pid}/comm").read_text() == "systemd\n":
            break
        pid = int(children[0])
    return pid


def stop(case, words):
    """stop HOST director|nginx|haproxy|smtp...: in order, and waits for its end."""
    name, what = words
    server = case.host(name)
    if what in ("nginx", "haproxy"):
        server.run(f"kill $(cat /run/{what}.pid); while pidof {what} >/dev/null; do sleep 0.05; done")
        return
    process = case.running.pop((name, what))
    server.run(["kill", "-TERM", str(inner(server, process))])
    try:
        process.wait(STOP_PATIENCE)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"{what} has not ended {STOP_PATIENCE} s after SIGTERM") from None


def inner(server, process):
    """The pid in the host's own count of what nsenter started."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    status = Path(f"/proc/{children[0]}/status").read_text()
    return int(re.search(r"^NSpid:.*?(\d+)$", status, re.M)[1])


def directors(server, program):
    """The director's processes on a host, in its own count: {parent, vrrp, checkers, bfd: pid}."""
    found = {}
    if program == "keepalived":
        for role, path in (("parent", "keepalived"), ("vrrp", "keepalived/vrrp"), ("checkers", "keepalived/checkers"), ("bfd", "keepalived/bfd")):
            for place in (f"/run/{path}.pid", f"/run/{path.replace('/', '_')}.pid", f"/run/{path.split('/')[-1]}.pid"):
                text = server.run(f"cat {place} 2>/dev/null", check=False).strip()
                if text.isdigit():
                    found[role] = int(text)
                    break
        return found
    for line in server.run("ps -eo pid,args").splitlines():
        if match := re.match(r"\s*(\d+) \S*ldirector (child (\w+)|run)", line):
            found[match[3] or "parent"] = int(match[1])
    return found


def kill(case, words):
    """kill HOST SIGNAL director|parent|vrrp|checkers|bfd|NAME: one process, or all of the director or of that name at once."""
    name, number, what = words
    server = case.host(name)
    if what in ("director", "parent", "vrrp", "checkers", "bfd"):
        known = directors(server, program_of(case, name))
        roles = [role for role in ("vrrp", "checkers", "bfd", "parent") if what == role or what == "director" and role in known]
        pids = [known[role] for role in roles]
    else:
        pids = server.run(["pidof", what]).split()
    if number == "KILL" and len(pids) > 1:
        # At once: nobody may start the others again, or miss a parent and stop in order.
        server.run(["kill", "-STOP", *map(str, reversed(pids))])
    server.run(["kill", f"-{number}", *map(str, pids)])


def program_of(case, name):
    for order, arguments in case.declared.get(name, []):
        if order is start and arguments[0][1] == "director":
            return case.programs[(arguments[0][2:] or ["subject"])[0]]
    raise RuntimeError(f"no director on {name}")


def reload(case, words):
    """reload HOST: SIGHUP to its director."""
    server = case.host(words[0])
    server.run(["kill", "-HUP", str(directors(server, program_of(case, words[0]))["parent"])])


def power(case, words):
    """power off HOST: everything on it is gone at once. power on HOST: what it had is there again, the director too."""
    state, name = words
    server = case.host(name)
    if state == "off":
        server.power_off()
        for key in [key for key in case.running if key[0] == name]:
            case.running.pop(key).wait()
        return
    server.power_on()
    for order, arguments in case.declared.pop(name, []):
        order(case, *arguments)


def link(case, words):
    """link HOST INTERFACE up|down: the cable, as the host sees it."""
    name, interface, state = words
    port = f"{name}-{interface}"[:15]
    subprocess.run(["ip", "link", "set", port, state], check=True)


def netem(case, words):
    """netem HOST INTERFACE [loss 20%] [delay 50ms]...: what happens to packets in both directions, as `tc` has it;
    nothing = a good link again."""
    name, interface, rules = words[0], words[1], words[2:]
    port = f"{name}-{interface}"[:15]
    outside = ["tc", "qdisc", "replace", "dev", port, "root"]
    inside = ["tc", "qdisc", "replace", "dev", interface, "root"]
    rules = ["netem", *rules] if rules else ["pfifo"]
    subprocess.run([*outside, *rules], check=True)
    case.host(name).run([*inside, *rules])


def run(case, words):
    """run HOST COMMAND: it must succeed."""
    case.host(words[0]).run(words[1] if len(words) == 2 else words[1:])


def guide(case, words):
    """guide FILE: every command of a guide of the project, its output compared."""
    guides.play(case, PROJECT / words[0])


def pause(_, words):
    """pause SECONDS: where nothing can be waited for."""
    time.sleep(seconds(words[0]))


def www(case, words):
    """www HOST PATH TEXT: a file of its web server; without TEXT it goes."""
    server, path = case.host(words[0]), f"/run/www{words[1]}"
    if len(words) == 2:
        server.run(["rm", "-f", path])
    else:
        server.write(path, words[2])


def asking(case, words):
    """asking HOST URL: a client begins to ask all the time."""
    name, url = words
    server = case.host(name)
    command = [sys.executable, str(HERE / "client.py"), url, "forever"]
    case.running[name, "asking"] = server.start(command, case.work / "asking")
    until = time.monotonic() + 10
    while not answers(case) and time.monotonic() < until:
        time.sleep(0.05)


def stop_asking(case, words):
    """stop-asking HOST"""
    process = case.running.pop((words[0], "asking"))
    case.host(words[0]).run(["kill", str(inner(case.host(words[0]), process))])
    process.wait(STOP_PATIENCE)


def answers(case):
    """What the asking client got: (start, end, good, body) each."""
    found = []
    for line in (case.work / "asking").read_text().splitlines():
        start_time, end, good, body = line.split(" ", 3)
        found.append((float(start_time), float(end), good == "1", body))
    return found


# Checks without a host.


def lost(case, words):
    """lost none | lost at most N: requests of the asking client."""
    most = 0 if words == ["none"] else int(words[-1])
    all_answers = answers(case)
    bad = [body for _, _, good, body in all_answers if not good]
    assert len(all_answers) > 10, f"only {len(all_answers)} requests were made"
    assert len(bad) <= most, f"{len(bad)} of {len(all_answers)} requests lost: {bad[:3]}"


def outage(case, words):
    """outage at most Ns: the longest time without an answer."""
    most = seconds(words[-1])
    good = [end for _, end, good, _ in answers(case) if good]
    longest = max((after - before for before, after in zip(good, good[1:])), default=0)
    longest = max(longest, answers(case)[-1][1] - good[-1]) if good else float("inf")
    assert longest <= most, f"{longest:.1f} s without an answer"


def requests(case, words):
    """requests COUNT HOST URL NAME=TIMES...: who answered, exactly; `NAME=A..B` for a range, `lost=TIMES` for those
    without an answer, `as ADDRESS` for the client's address as the servers saw it."""
    count, name, url, rest = int(words[0]), words[1], words[2], words[3:]
    output = case.host(name).run([sys.executable, str(HERE / "client.py"), url, str(count)])
    result = json.loads(output)
    seen = {}
    clients = set()
    for body, times in result["answers"].items():
        server, _, client = body.partition(" ")
        seen[server] = seen.get(server, 0) + times
        clients.add(client)
    if "as" in rest:
        at = rest.index("as")
        assert clients == {rest[at + 1]}, f"the servers saw {clients}"
        rest = rest[:at] + rest[at + 2 :]
    if any(pair.startswith("lost=") for pair in rest):
        seen["lost"] = len(result["failed"])
        result["failed"] = []
    for pair in rest:
        server, times = pair.split("=")
        low, _, high = times.partition("..")
        got = seen.pop(server, 0)
        assert int(low) <= got <= int(high or low), f"{server} answered {got} of {count} times: {result}"
    assert not seen, f"also answered: {seen}"
    assert not result["failed"] or not rest, f"failed: {result['failed']}"


def differs(case, words):
    """differs WHY CHECK...: what keepalived fails to do. The case fails when that changes."""
    why, check = words[0], words[1:]
    if case.programs["subject"] != "keepalived":
        case.step(check)
        return
    try:
        case.step(check)
    except AssertionError:
        return
    raise AssertionError(f"keepalived does this now, so we no longer differ: {why}")


# Checks of a host: (case, host, words).


def holds(_, server, words):
    """HOST holds ADDRESS..."""
    for address in words:
        assert server.holds(address), f"{server.name} does not hold {address}"


def lacks(_, server, words):
    """HOST lacks ADDRESS..."""
    for address in words:
        assert not server.holds(address), f"{server.name} holds {address}"


def ipvs(_, server, words):
    """HOST ipvs none | SERVICE SCHEDULER [FLAG...] SERVER=WEIGHT[/METHOD]...: exactly these servers."""
    table = server.ipvs()
    if words == ["none"]:
        assert not table, f"{server.name} has {table}"
        return
    service, scheduler, rest = words[0], words[1], words[2:]
    assert service in table, f"{server.name} has no {service}, but {sorted(table)}"
    its_scheduler, flags, servers = table[service]
    wanted = {}
    for word in rest:
        if "/" not in word and not re.search(r":\d+=", word):
            assert word in flags, f"{service} has not {word}: {flags}"
            continue
        at, weight, method = re.match(r"(.*)=(\d+)(?:/(\w+))?$", word).groups()
        wanted[at] = (int(weight), method or servers.get(at, (0, None))[1])
    assert its_scheduler == scheduler, f"{service} has scheduler {its_scheduler}"
    assert servers == wanted, f"{service} has {servers}"


def services(_, server, words):
    """HOST services NAME...: exactly these in its table."""
    assert sorted(server.ipvs()) == sorted(words), f"{server.name} has {sorted(server.ipvs())}"


def logged(case, server, words):
    """HOST logged REGEX"""
    text = case.log(server).read_text(errors="replace")
    assert re.search(words[0], text), "not in its log"


def prints(_, server, words):
    """HOST prints REGEX COMMAND"""
    output = server.run(words[1], check=False)
    assert re.search(words[0], output, re.M), f"it prints: {output.strip()}"


def shows(_, server, words):
    """HOST shows COMMAND LINE...: what it prints are these lines, whatever the blanks and the order."""
    lines = [" ".join(line.split()) for line in server.run(words[0], check=False).splitlines()]
    wanted = [" ".join(line.split()) for line in words[1:]]
    surplus = [line for line in lines if line and line not in wanted]
    missing = [line for line in wanted if line not in lines]
    assert not surplus and not missing, f"`{words[0]}` lacks {missing} and has {surplus}"


def has(_, server, words):
    """HOST has PATH LINE...: the file consists of these lines."""
    lines = server.run(f"cat {words[0]} 2>/dev/null", check=False).splitlines()
    assert lines == words[1:], f"{words[0]} has {lines}"


def running(case, server, words):
    """HOST running parent|vrrp|checkers...: these processes of its director live."""
    known = directors(server, program_of(case, server.name))
    for role in words:
        alive = role in known and os.path.exists(f"/proc/{server.pid}/root/proc/{known[role]}")
        assert alive, f"there are {known}"


def not_(case, server, words):
    """HOST not CHECK..."""
    try:
        case.step([server.name, *words])
    except AssertionError:
        return
    raise AssertionError(f"{server.name} does: {' '.join(words)}")


ORDERS = {
    "title": lambda case, words: None,
    "stop-asking": stop_asking,
    "old-kernel": old_kernel,
    **{f.__name__: f for f in (only, needs, host, route, sysctl, real, file, copy, config, edit, start, systemd, stop, kill, reload)},
    **{f.__name__: f for f in (power, link, netem, run, guide, pause, www, asking, lost, outage, requests, differs)},
}
WITH_TEXT = {"file", "config"}
CHECKS = {
    "not": not_,
    **{f.__name__: f for f in (holds, lacks, ipvs, services, logged, prints, shows, has, running)},
}
