"""The host of a plan: one director, its interfaces, and a bridge as the far end of each."""

import ipaddress
import os
import signal
from pathlib import Path

from .host import Host
from .inside import Inside, hold
from .iproute import Ip

# What a director writes to is empty and its own.
EMPTY = ("/run", "/etc/keepalived", "/usr/local/bin", "/var/log")
SYSCTLS = {
    **dict.fromkeys(("ipv4/ip_forward", "ipv6/conf/all/forwarding", "ipv4/vs/expire_nodest_conn"), "1"),
    **dict.fromkeys((f"ipv4/conf/{name}/rp_filter" for name in ("all", "default")), "0"),
    **dict.fromkeys((f"ipv6/conf/{name}/accept_dad" for name in ("all", "default")), "0"),
}


class Director(Host):
    """The host under test. MACs are the same in every run: the far end is a bridge with addresses of its own."""

    def __init__(self, world, links):
        """`world`: `ip` on the far side."""
        self.world = world
        super().__init__("director", links)

    def power_on(self):
        self.holder, self.pid = hold(self.name, EMPTY)
        self.connect()

    def power_off(self):
        self.ip.stop()
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.holder, 0)

    def connect(self):
        interfaces = list(dict.fromkeys(interface for _, interface, _ in self.links))
        base, inside = ["link set lo up"], ["link set lo up"]
        for number, interface in enumerate(interfaces):
            far = f"address 02:00:00:00:0{number}:01 type bridge forward_delay 0 mcast_snooping 0"
            base.append(f"link add {bridge(interface)} {far}")
            port = f"d-{interface}"
            base.append(f"link add {port} type veth peer name {interface} address {self.mac(number)} netns {self.pid}")
            base.append(f"link set {port} master {bridge(interface)} up")
            base.append(f"link set {bridge(interface)} up")
            inside.append(f"link set {interface} up")
        for _, interface, address in self.links:
            inside.append(f"addr add {address} dev {interface}{nodad(address)}")
            base.append(f"addr add {first(address)} dev {bridge(interface)}{nodad(address)}")
        self.inside = Inside(self.pid)
        self.inside.do(self.settle)
        self.world.do("\n".join(base))
        self.ip = self.inside.do(lambda: Ip("-d"))
        self.ip.do("\n".join(inside))

    @staticmethod
    def settle():
        """A router, on whose interfaces to come no address of IPv6 waits for its turn."""
        for key, value in SYSCTLS.items():
            Path(f"/proc/sys/net/{key}").write_text(value)

    def write(self, path, text, mode=0o644):
        file = Path(f"/proc/{self.pid}/root{path}")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def read(self, path):
        file = Path(f"/proc/{self.pid}/root{path}")
        return file.read_text(errors="replace") if file.exists() else ""

    @staticmethod
    def mac(number):
        return f"02:00:00:00:0{number}:0d"


def nodad(address):
    return " nodad" if ":" in address else ""


def bridge(interface):
    return f"w-{interface}"


def first(address):
    """The far side's address in a director's network: the first one."""
    interface = ipaddress.ip_interface(address)
    return f"{interface.network.network_address + 1}/{interface.network.prefixlen}"
