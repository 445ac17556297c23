"""Reads from a configuration, by looking at its text, which hosts a lab for it needs; and builds them."""

import ipaddress
import re
from dataclasses import dataclass
from pathlib import Path


# Where clients, directors and routers stand in a network, if nobody else does.
CLIENT, FIRST, SECOND, ROUTER = 10, 5, 6, 1
MOST_SERVERS = 8


@dataclass
class Server:
    name: str
    address: str
    port: int


class Layout:
    def __init__(self, master, backup):
        """`backup` None: the second director gets the same file with lower priorities."""
        self.master = Path(master).read_text()
        self.backup = Path(backup).read_text() if backup else second(self.master)
        self.own = backup is None
        text = re.sub(r"[#!].*", "", self.master)
        self.interfaces = list(dict.fromkeys(re.findall(r"^\s*interface\s+(\S+)", text, re.M))) or ["eth0"]
        blocks = re.findall(r"virtual_ipaddress(?:_excluded)?\s*\{(.*?)\}", text, re.S)
        self.addresses = [a for block in blocks for a in re.findall(r"\d+\.\d+\.\d+\.\d+", block)]
        services = re.findall(r"virtual_server\s+(\d+\.\d+\.\d+\.\d+)\s+(\d+)", text)
        self.addresses = list(dict.fromkeys(self.addresses or [address for address, _ in services]))
        if not self.addresses:
            raise SystemExit("no IPv4 address in virtual_ipaddress or virtual_server: nothing to show")
        # The first service that can be asked by HTTP, else the first address.
        self.address, self.port = services[0] if services else (self.addresses[0], "80")
        self.url = f"http://{self.address}:{self.port}/"
        found = list(dict.fromkeys(re.findall(r"real_server\s+(\d+\.\d+\.\d+\.\d+)\s+(\d+)", text)))[:MOST_SERVERS]
        self.servers = [Server(f"web{n}", a, int(p) or 80) for n, (a, p) in enumerate(found, 1)]
        kind = re.search(r"lb_kind\s+(\w+)", text)
        self.method = kind[1].upper() if kind else "NAT"
        paths = re.findall(r"(?:script|notify\w*|quorum_\w+|misc_path)\s+\"?(/\S+?)[\"\s]", text)
        self.scripts = [path for path in dict.fromkeys(paths) if not Path(path).exists()]
        self.networks = {}

    def describe(self):
        lines = [f"A client asks {self.url} all the time. Two directors stand before"]
        lines[0] += f" {len(self.servers)} web servers ({self.method})." if self.servers else " nobody: they answer."
        if self.own:
            lines.append("proxy2 runs the same file as proxy1, with state BACKUP and priorities lower by 50.")
        for path in self.scripts:
            lines.append(f"{path} is not on this machine: a script that succeeds stands in for it.")
        return "\n".join(lines)

    def network(self, address):
        """The switch of an address's /24."""
        net = ipaddress.ip_network(f"{address}/24", strict=False)
        return self.networks.setdefault(net, f"net{len(self.networks)}"), net

    def place(self, net, wanted):
        """An address in `net` that nobody else has, beginning at number `wanted`."""
        taken = set(self.addresses) | {server.address for server in self.servers}
        while str(net[wanted]) in taken:
            wanted += 10
        return f"{net[wanted]}/24"

    def build(self, story):
        nets = list(dict.fromkeys(self.network(a) for a in [*self.addresses, *(s.address for s in self.servers)]))
        near, far = nets[: len(self.interfaces)], nets[len(self.interfaces) :]
        # More networks than interfaces in the file: tunnels cross a router, other packets the last interface.
        behind_router = far if self.method == "TUN" else []
        shared = [] if behind_router else far
        for _, net in shared:
            self.networks[net] = near[-1][0]
        for number, name in ((FIRST, "proxy1"), (SECOND, "proxy2")):
            links = "".join(f" {near[n][0]} {self.interfaces[n]} {self.place(near[n][1], number)}" for n in range(len(near)))
            links += "".join(f" {near[-1][0]} {self.interfaces[-1]} {self.place(net, number)}" for _, net in shared)
            for extra in self.interfaces[len(nets) :]:
                links += f" spare {extra} 198.18.0.{number}/24"
            story.do(f"host {name}{links}")
        switch, net = self.network(self.address)
        story.do(f"host client {switch} eth0 {self.place(net, CLIENT)}")
        if behind_router:
            legs = [(switch, net), *behind_router]
            story.do("host router" + "".join(f" {s} eth{n} {self.place(at, ROUTER)}" for n, (s, at) in enumerate(legs)))
            for name in ("client", "proxy1", "proxy2"):
                story.do(f"route {name} default {self.router(net)}")
        for server in self.servers:
            self.build_server(story, server, self.network(server.address) in behind_router)
        for name, text in (("proxy1", self.master), ("proxy2", self.backup)):
            for path in self.scripts:
                story.do(f"file {name} {path} 755", "#!/bin/sh\nexit 0\n")
            if not self.servers:
                story.do(f"start {name} nginx {self.port}")
            else:
                story.do(f"sysctl {name} net.ipv4.vs.expire_nodest_conn=1")
            story.do(f"config {name}", text)

    def router(self, net):
        """The router's address in a network."""
        return self.place(net, ROUTER).split("/")[0]

    def build_server(self, story, server, behind_router):
        switch, net = self.network(server.address)
        story.do(f"host {server.name} {switch} eth0 {server.address}/24")
        if self.method in ("DR", "TUN"):
            story.do(f"real {server.name} {self.method.lower()} {' '.join(self.addresses)}")
        if behind_router:
            story.do(f"route {server.name} default {self.router(net)}")
        elif self.method == "NAT" or not any(ipaddress.ip_address(a) in net for a in self.addresses):
            inside = [a for a in self.addresses if ipaddress.ip_address(a) in net]
            gateway = inside[0] if inside else self.place(net, FIRST).split("/")[0]
            story.do(f"route {server.name} default {gateway}")
        story.do(f"start {server.name} nginx {server.port}")


def second(text):
    """The file of the second director."""
    text = re.sub(r"^(\s*state\s+)MASTER", r"\1BACKUP", text, flags=re.M)
    return re.sub(r"^(\s*priority\s+)(\d+)", lambda m: f"{m[1]}{max(1, int(m[2]) - 50)}", text, flags=re.M)


