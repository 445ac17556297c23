"""A router that only talks: adverts of a given kind, at a given pace. What a plan's `advert` starts."""

import ipaddress
import socket
import struct
import threading

from .wire import VRRP, checksum


def packet(options, source, target):
    """`options`: vrid, priority, version, vips, interval (seconds), pass, once."""
    version = int(options.get("version", 2))
    addresses = [ipaddress.ip_address(a) for a in options.get("vips", "").split(",") if a]
    interval = float(options.get("interval", 1))
    body = struct.pack("!BBBB", version << 4 | 1, int(options["vrid"]), int(options["priority"]), len(addresses))
    secret = options.get("pass", "")
    if version == 2:
        body += struct.pack("!BB", 1 if secret else 0, int(interval))
    else:
        body += struct.pack("!H", round(interval * 100))
    body += b"\0\0" + b"".join(a.packed for a in addresses)
    if version == 2 and ":" not in source:
        body += secret.encode().ljust(8, b"\0")[:8]
    pseudo = b""
    if version == 3 and ":" not in source:
        pseudo = socket.inet_aton(source) + socket.inet_aton(target) + struct.pack("!BBH", 0, VRRP, len(body))
    return body[:6] + struct.pack("!H", checksum(pseudo + body)) + body[8:]


class Speaker:
    def __init__(self, device, source, target, options):
        self.family = socket.AF_INET6 if ":" in source else socket.AF_INET
        self.target = target
        self.data = packet(options, source, target)
        # `once`: a single advert.
        self.pause = None if "once" in options else float(options.get("interval", 1))
        self.socket = socket.socket(self.family, socket.SOCK_RAW, VRRP)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
        index = socket.if_nametoindex(device)
        if self.family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 255)
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
            # IPV6_CHECKSUM: the kernel knows the pseudo header.
            self.socket.setsockopt(socket.IPPROTO_IPV6, 7, 6)
            self.socket.bind((source, 0, 0, index))
        else:
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 255)
            self.socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(source))
            self.socket.bind((source, 0))
        self.silent = threading.Event()
        self.thread = threading.Thread(target=self.speak, daemon=True)
        self.thread.start()

    def speak(self):
        while True:
            try:
                self.socket.sendto(self.data, (self.target, 0))
            except OSError:
                # The cable is down: the next one may get through.
                pass
            if self.silent.wait(self.pause):
                return

    def stop(self):
        self.silent.set()
        self.thread.join()
        self.socket.close()
