"""A host: one process with namespaces of its own for network, mounts, processes and name.

Files stay where programs look for them: /etc and /usr/local are trees of links with real directories where a case may
write, /run and /var/log are empty at first. Killing the first process kills all others: the power plug.
"""

import os
import re
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

# Directories that a case may write to, on every host its own.
OWN = ("/etc/keepalived", "/etc/ldirector", "/etc/nginx", "/etc/haproxy", "/usr/local/src", "/usr/local/bin")
# Directories of which every host has a copy.
COPIED = ("iproute2",)
# A command that hangs, or leaves something behind that holds its output open.
PATIENCE = 120
FORWARDS = {"Masq": "NAT", "Route": "DR", "Tunnel": "TUN", "Local": "local"}


class Host:
    def __init__(self, name, links):
        """`links`: (switch, interface, address/length) each; several may name one interface."""
        self.name = name
        self.links = links
        self.pid = None
        # Stands before every command that keeps running in here.
        self.launcher = []
        self.power_on()

    def power_on(self):
        # Ignored, the signal of a child's end lets the kernel bury it: nobody else would in here. (dash cannot: its
        # `trap '' CHLD` ignores nothing.)
        first = "hostname $0; echo ready; exec env --ignore-signal=CHLD sleep infinity"
        namespaces = ["unshare", "--net", "--mount", "--pid", "--uts", "--fork", "--mount-proc", "--kill-child"]
        # pylint: disable=consider-using-with
        self.holder = subprocess.Popen([*namespaces, "sh", "-c", first, self.name], stdout=subprocess.PIPE, text=True)
        self.holder.stdout.readline()
        children = Path(f"/proc/{self.holder.pid}/task/{self.holder.pid}/children").read_text()
        self.pid = int(children.split()[0])
        self.mount()
        self.connect()

    def mount(self):
        orders = ["mount --make-rprivate /", "mount -t tmpfs tmpfs /run", "mkdir -p /run/real/etc /run/real/local"]
        orders += ["mount --bind /etc /run/real/etc", "mount --bind /usr/local /run/real/local"]
        for real, at in (("/run/real/etc", "/etc"), ("/run/real/local", "/usr/local")):
            orders += [f"mount -t tmpfs tmpfs {at}", f"ln -s {real}/* {at}/"]
            own = " ".join(path for path in OWN if path.startswith(at + "/"))
            orders += [f"rm -f {own}", f"mkdir -p {own}"]
        orders += [f"[ ! -d /etc/{name} ] || {{ rm /etc/{name}; cp -r /run/real/etc/{name} /etc/{name}; }}" for name in COPIED]
        orders += [f"[ ! -d {at} ] || mount -t tmpfs tmpfs {at}" for at in ("/var/log", "/var/lib/nginx")]
        orders += ["mkdir -p /var/log/nginx /run/lock", "ip link set lo up"]
        # busybox does all of this in one process.
        self.run(["busybox", "sh", "-c", "; ".join(["set -e", *orders])])

    def connect(self):
        base = []
        inside = []
        done = set()
        for switch, interface, address in self.links:
            if interface not in done:
                done.add(interface)
                port = f"{self.name}-{interface}"[:15]
                base.append(f"link add {port} type veth peer name {interface} netns {self.pid}")
                base.append(f"link set {port} master {switch} up")
                inside.append(f"link set {interface} up")
            inside.append(f"addr add {address} dev {interface}{' nodad' if ':' in address else ''}")
        batch("\n".join(base))
        self.run("ip -batch -", text="\n".join(inside))
        # Nothing that the first seconds of an IPv6 interface could disturb, and forwarding as on any router.
        self.run("sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0")

    def power_off(self):
        ports = sorted({f"{self.name}-{interface}"[:15] for _, interface, _ in self.links})
        # The cables first: a network that is being dismantled may still say (a TCP reset) that it knows nothing.
        batch("\n".join(f"link set {port} down" for port in ports))
        self.holder.kill()
        if self.pid:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.holder.wait()
        self.holder.stdout.close()
        self.pid = None
        deadline = time.monotonic() + 5
        while any(Path(f"/sys/class/net/{port}").exists() for port in ports) and time.monotonic() < deadline:
            for port in ports:
                subprocess.run(["ip", "link", "del", port], check=False, stderr=subprocess.DEVNULL)

    def enter(self, command):
        """`command` (a list, or a line for the shell) as it is started in here."""
        command = ["sh", "-c", command] if isinstance(command, str) else list(command)
        return ["nsenter", "-t", str(self.pid), "-n", "-m", "-p", "-u", "--", *command]

    def run(self, command, text=None, check=True):
        """Standard output and error of what runs to its end in here."""
        try:
            done = subprocess.run(
                self.enter(command),
                input=text,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
                timeout=PATIENCE,
            )
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"{self.name}: {command}: has not ended within {PATIENCE} s") from None
        if check and done.returncode:
            raise RuntimeError(f"{self.name}: {command}: {done.stdout.strip()}")
        return done.stdout

    def start(self, command, log):
        """Something that keeps running in here; its output goes to the file `log`."""
        with open(log, "ab") as out:
            # pylint: disable=consider-using-with
            return subprocess.Popen(
                self.enter([*self.launcher, *command]), stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
            )

    def write(self, path, text, mode=0o644):
        """A file of this host; refused where it would be one of the machine's."""
        refused = f"echo {path} is of the machine: its directory has to stand in OWN or COPIED of lab/host.py; exit 1"
        guard = f'case "$(readlink -m {path})" in /run/real/*) {refused};; esac'
        self.run(f'{guard}; mkdir -p "$(dirname {path})"; cat > {path}; chmod {mode:o} {path}', text=text)

    def holds(self, address):
        """Whether the address is on this host (and, for IPv4, its interface up)."""
        if ":" in address:
            wanted = socket.inet_pton(socket.AF_INET6, address).hex()
            return wanted in Path(f"/proc/{self.pid}/net/if_inet6").read_text()
        table = Path(f"/proc/{self.pid}/net/fib_trie").read_text()
        return re.search(rf"-- {re.escape(address)}\n\s+/32 host LOCAL", table) is not None

    def ipvs(self):
        """The kernel's table: {service: (scheduler, flags, {server: (weight, method)})}."""
        services = {}
        lines = Path(f"/proc/{self.pid}/net/ip_vs").read_text().splitlines()[3:]
        for line in lines:
            words = line.split()
            if words[0] == "->":
                current[address(words[1])] = (int(words[3]), FORWARDS.get(words[2], words[2]))
                continue
            name = f"FWM:{int(words[1], 16)}" if words[0] == "FWM" else f"{address(words[1])}/{words[0].lower()}"
            current = {}
            flags = words[3:]
            if "persistent" in flags:
                flags = [f"persistent={self.persistence(name)}"]
            services[name] = (words[2], [flag for flag in flags if flag], current)
        return services

    def persistence(self, service):
        """Seconds; the table in /proc counts them in ticks of a length that no file tells."""
        name, _, protocol = service.partition("/")
        option = {"tcp": "-t", "udp": "-u", "sctp": "--sctp-service"}.get(protocol, "-f")
        entry = re.escape(f"-A {option} {name.removeprefix('FWM:')} ")
        found = re.search(rf"^{entry}.*-p (\d+)", self.run("ipvsadm -Sn"), re.M)
        return found and int(found[1])


def address(text):
    """An address and port as the kernel prints it, as people write it."""
    if text.startswith("["):
        host, port = text[1:].split("]:")
        return f"[{socket.inet_ntop(socket.AF_INET6, socket.inet_pton(socket.AF_INET6, host))}]:{int(port, 16)}"
    host, port = text.split(":")
    return f"{socket.inet_ntoa(struct.pack('!I', int(host, 16)))}:{int(port, 16)}"


def batch(lines):
    """`ip` orders in the namespace of the switches."""
    done = subprocess.run(["ip", "-batch", "-"], input=lines, text=True, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"ip: {done.stderr.strip()}")


def switch(name):
    batch(f"link add {name} type bridge forward_delay 0 mcast_snooping 0\nlink set {name} up")
