"""What a director sends: a recorder on the far ends of its cables, and the packets as readable lines.

Recorded are adverts (VRRP and AH), announcements (gratuitous ARP, unsolicited neighbour advertisements) and the joining
and leaving of groups. Everything else on the wire is the kernel's own business.
"""

import ipaddress
import select
import socket
import struct
import threading
import time

ETH_P_ALL = 3
PACKET_OUTGOING = 4
VRRP, AH, IGMP, ICMP6 = 112, 51, 2, 58
GROUPS = {"224.0.0.18", "ff02::12"}
# Records of IGMPv3 and MLDv2 reports.
CHANGES = {1: "in", 2: "out", 3: "leaves", 4: "joins", 5: "allows", 6: "blocks"}


class Recorder:
    """Listens on `ports` ({port: interface of the director behind it}) until stopped."""

    def __init__(self, ports, names):
        """`names`: {MAC address: what to print for it}."""
        self.names = names
        self.packets = []
        self.sockets = {}
        for port, interface in ports.items():
            here = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
            here.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
            here.bind((port, ETH_P_ALL))
            self.sockets[here] = interface
        self.running = True
        self.thread = threading.Thread(target=self.listen, daemon=True)
        self.thread.start()

    def listen(self):
        while self.running:
            for here in select.select(list(self.sockets), [], [], 0.2)[0]:
                frame, sender = here.recvfrom(65536)
                if sender[2] == PACKET_OUTGOING:
                    continue
                if text := describe(frame, self.names):
                    self.packets.append((time.monotonic(), f"{self.sockets[here]}: {text}"))

    def stop(self):
        self.running = False
        self.thread.join()
        for here in self.sockets:
            here.close()
        return self.packets


def mac(raw, names):
    text = raw.hex(":")
    return names.get(text, text)


def describe(frame, names):
    """A line for a frame that concerns us, else None."""
    ends = f"{mac(frame[6:12], names)} > {mac(frame[:6], names)}"
    kind, body = struct.unpack("!H", frame[12:14])[0], frame[14:]
    try:
        if kind == 0x0806:
            return arp(ends, body, names)
        if kind == 0x0800:
            return ipv4(ends, body)
        if kind == 0x86DD:
            return ipv6(ends, body, names)
    except (struct.error, IndexError, ValueError) as why:
        return f"{ends} cannot be read ({why}): {frame.hex()}"
    return None


def arp(ends, body, names):
    operation = struct.unpack("!H", body[6:8])[0]
    sender, target = body[14:18], body[24:28]
    if sender != target:
        return None
    word = {1: "request", 2: "reply"}.get(operation, str(operation))
    return (
        f"ARP {word} {socket.inet_ntoa(sender)} is at {mac(body[8:14], names)}, to {mac(body[18:24], names)}; {ends}"
    )


def ipv4(ends, body):
    length = (body[0] & 15) * 4
    tos, total, number, fragment, ttl, protocol = body[1], *struct.unpack("!HHH", body[2:8]), body[8], body[9]
    source, target = (socket.inet_ntoa(body[at : at + 4]) for at in (12, 16))
    inner = body[length:total]
    if protocol == IGMP:
        return igmp(inner)
    if protocol not in (VRRP, AH):
        return None
    head = f"{source} > {target} ttl {ttl} tos {tos:02x}" + " DF" * bool(fragment & 0x4000) + " id 0" * (not number)
    if protocol == AH:
        following, size, spi, sequence = inner[0], inner[1], inner[4:8], struct.unpack("!I", inner[8:12])[0]
        head += f" AH next {following} len {size} spi {socket.inet_ntoa(spi)} seq {'0' if not sequence else 'n'}"
        inner = inner[12 + 12 :]
    pseudo = body[12:20] + struct.pack("!BBH", 0, VRRP, len(inner))
    return f"{vrrp(inner, pseudo, 4)}; {head}; {ends}"


def ipv6(ends, body, names):
    traffic_class = (body[0] & 15) << 4 | body[1] >> 4
    length, following, hops = struct.unpack("!HBB", body[4:8])
    source, target = (str(ipaddress.IPv6Address(body[at : at + 16])) for at in (8, 24))
    inner = body[40 : 40 + length]
    if following == 0:
        # Hop-by-hop options: a router alert before MLD.
        following, inner = inner[0], inner[8 * (inner[1] + 1) :]
    head = f"{source} > {target} hops {hops} tclass {traffic_class:02x}"
    if following == VRRP:
        pseudo = body[8:40] + struct.pack("!II", len(inner), VRRP)
        return f"{vrrp(inner, pseudo, 16)}; {head}; {ends}"
    if following != ICMP6 or not inner:
        return None
    if inner[0] == 136:
        flags = " ".join(word for bit, word in ((128, "router"), (64, "solicited"), (32, "override")) if inner[4] & bit)
        if inner[4] & 64:
            return None
        option = f" is at {mac(inner[26:32], names)}" if inner[24:25] == b"\x02" else ""
        return f"NA {ipaddress.IPv6Address(inner[8:24])}{option} {flags}; {head}; {ends}"
    if inner[0] == 143:
        return records("MLD", inner, 16, lambda raw: str(ipaddress.IPv6Address(raw)))
    return None


def vrrp(packet, pseudo, size):
    """An advert: version, router, priority, addresses, what guards it, whether its checksum is right (and which)."""
    version, router, priority, count = packet[0] >> 4, packet[1], packet[2], packet[3]
    addresses = [packet[8 + n * size : 8 + (n + 1) * size] for n in range(count)]
    shown = " ".join(str(ipaddress.ip_address(bytes(a))) for a in addresses)
    rest = packet[8 + count * size :]
    if version == 2:
        word = {0: "no auth", 1: "PASS", 2: "AH"}.get(packet[4], f"auth {packet[4]}")
        detail = f"{word} every {packet[5]} s"
    else:
        detail = f"every {struct.unpack('!H', packet[4:6])[0]} cs"
    if rest:
        detail += f" then {rest.hex()}"
    kind = f"type {packet[0] & 15} " if packet[0] & 15 != 1 else ""
    sums = [word for word, start in (("plain", b""), ("pseudo", pseudo)) if checksum(start + packet) == 0]
    right = "/".join(sums) or "WRONG"
    return f"advert {kind}v{version} vrid {router} priority {priority} {detail} [{shown}] sum {right}"


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def igmp(packet):
    if packet[0] == 0x22:
        return records("IGMP", packet, 4, socket.inet_ntoa)
    if packet[0] in (0x16, 0x17):
        group = socket.inet_ntoa(packet[4:8])
        return f"IGMP {group} {'joins' if packet[0] == 0x16 else 'leaves'}" if group in GROUPS else None
    return None


def records(word, packet, size, show):
    """Group records of a report, those of our groups only."""
    count = struct.unpack("!H", packet[6:8])[0]
    at = 8
    found = []
    for _ in range(count):
        kind, _, sources = struct.unpack("!BBH", packet[at : at + 4])
        group = show(packet[at + 4 : at + 4 + size])
        at += 4 + size * (1 + sources)
        if group in GROUPS:
            found.append(f"{group} {CHANGES.get(kind, kind)}")
    return f"{word} {', '.join(found)}" if found else None
