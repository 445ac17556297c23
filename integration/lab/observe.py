"""What a director's host shows, as lines that can be compared; what is by chance (numbers of links) is replaced."""

import re
import subprocess
from pathlib import Path

SYSCTLS = {
    "ipv4": ("arp_ignore", "arp_announce", "arp_filter", "rp_filter", "accept_local", "promote_secondaries"),
    "ipv6": ("disable_ipv6", "autoconf", "accept_ra"),
}
BROUGHT = ("tunl0", "sit0", "ip6tnl0", "gre0", "gretap0", "erspan0")
# Words that say nothing: what a kernel of another build would say otherwise.
NOISE = (
    r" (?:min|max)mtu \d+| numtxqueues \d+| numrxqueues \d+| gso_\w+ \d+| tso_\w+ \d+| gro_\w+ \d+| qlen \d+"
    r"| link-netnsid \d+| promiscuity \d+| allmulti \d+| qdisc \w+| addrgenmode none(?= numtx)"
)


def look(ip, names, rules_too):
    """{surface: lines} of the namespace that it is called in, now. `names`: {MAC address: what to print}.

    `ip`: `iproute.Ip` of that namespace. As few programs as possible: each costs more than what it shows.
    """
    ipvs = Path("/proc/thread-self/net/ip_vs").read_text().splitlines()
    links = "\n".join(ip.lines("addr"))
    rest = ip.lines("route show table all") + ip.lines("rule")
    if rules_too:
        rest += printed(["ip", "-6", "-d", "rule"]).splitlines()
    rules = [line.strip() for line in rest if re.match(r"\d+:\t", line)]
    seen = {
        # Its first three lines are a heading.
        "ipvs": table(printed(["ipvsadm", "-Sn"]).splitlines() if len(ipvs) > 3 else []),
        "addresses": addresses(links, names),
        "routes": routes([line for line in rest if not re.match(r"\d+:\t", line)]),
        "rules": rules,
        "sysctls": sysctls(),
    }
    # The program would load the module only to say that there is nothing.
    if "nf_tables" in Path("/proc/modules").read_text():
        seen["nft"] = [line.rstrip() for line in printed(["nft", "list", "ruleset"]).splitlines()]
    return {name: lines for name, lines in seen.items() if lines}


def printed(command, text=""):
    done = subprocess.run(
        command, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=60
    )
    return done.stdout


def routes(lines):
    """Sorted, next hops with their routes."""
    whole = []
    for line in lines:
        if line.startswith(("\t", " ")) and whole:
            whole[-1] += " " + line.strip()
        elif line.strip():
            whole.append(line.rstrip())
    return sorted(re.sub(r" pref medium", "", line) for line in whole)


def sysctls():
    found = [f"ping_group_range {' '.join(Path('/proc/sys/net/ipv4/ping_group_range').read_text().split())}"]
    for family, keys in SYSCTLS.items():
        for key in keys:
            for file in sorted(Path(f"/proc/sys/net/{family}/conf").glob(f"*/{key}")):
                if file.parent.name != "lo":
                    found.append(f"{family}.conf.{file.parent.name}.{key} {file.read_text().strip()}")
    return found


def table(lines):
    """Services in order of their names, each followed by its servers in theirs."""
    services = {}
    for line in lines:
        key = " ".join(line.split()[1:3])
        services.setdefault(key, []).append(line)
    return [line for key in sorted(services) for line in services[key][:1] + sorted(services[key][1:])]


def addresses(text, names):
    """Per interface, in order of names: its flags and kind, then its addresses in the kernel's order."""
    blocks = {}
    for line in re.sub(NOISE, "", text).splitlines():
        if match := re.match(r"\d+: ([^:@]+)(@[^:]+)?: (.*)", line):
            name, parent, rest = match.groups()
            parent = "" if re.match(r"@if\d", parent or "@if0") else parent
            current = blocks.setdefault(name, [f"{name}{parent}: {rest}"])
            continue
        line = " ".join(line.split())
        for address, word in names.items():
            line = line.replace(address, word)
        if line.startswith("valid_lft"):
            current[-1] += " " + re.sub(r"(\d{2,})sec", "some sec", line)
        elif line:
            current.append("    " + line)
    # Hosts bring these with them, once a module is there; nothing of ours is on them.
    return [line for name in sorted(blocks) if name not in BROUGHT for line in blocks[name]]


# Lines of a director's log that operators and their tools read; what they are about comes first.
TELLING = (
    r"\((?P<subject>\S+)\) (?P<line>Entering \w+ STATE(?: \(init\))?)",
    r"VRRP_Group\((?P<subject>\S+)\) (?P<line>Syncing instances to \w+ state)",
    r"\((?P<subject>\S+)\) (?P<line>Changing effective priority from \d+ to \d+)",
    r"(?P<line>(?:Removing|Adding|Disabling|Enabling) service (?P<subject>\[\S+) .*)",
    r"(?P<line>(?:Gained|Lost) quorum .* for VS (?P<subject>.*))",
    r"(?P<line>Changing weight from -?\d+ to -?\d+ for \w+ service (?P<subject>\S+) .*)",
    r"(?P<line>VRRP_Script\((?P<subject>\S+?)\) (?:succeeded|failed.*|timed.out))",
)
# These tell how a table is rebuilt: each program in its own order.
POOL = r"(?:Adding|Removing|Enabling|Disabling) (?:sorry server|alive servers) .*"


def states(log):
    """The changes of state that a log tells, in order for each subject."""
    found = {}
    pool = []
    for line in log.splitlines():
        if match := re.search(POOL, line):
            pool.append(match[0])
            continue
        for pattern in TELLING:
            if match := re.search(pattern, line):
                found.setdefault(match["subject"], []).append(f"{match['subject']}: {match['line'].strip()}")
                break
    return [line for subject in sorted(found) for line in found[subject]] + sorted(pool)


def mails(received):
    """(a line for each mail, in order for each subject but its state; all other lines that there were)."""
    told, rest = [], set()
    for envelope, text in received:
        ends = text.index("") if "" in text else len(text)
        headers = re.sub(r"\n[ \t]+", " ", "\n".join(text[:ends])).splitlines()
        subject = next((line for line in headers if line.startswith("Subject: ")), "no subject")
        told.append(f"{subject}: {' '.join(line for line in text[ends:] if line)}")
        rest |= {*envelope, *(line for line in headers if not line.startswith(("Subject:", "Date:", "Message-ID:")))}

    def about(line):
        return re.sub(r"( - |Entering )(UP|DOWN|MASTER|BACKUP|FAULT).*", "", line)

    return sorted(told, key=about), sorted(rest)
