"""Servers for checkers, all in one process: what a plan's `serve` starts; and a mail server that keeps what it gets."""

import asyncio
import ssl
import subprocess
import threading
from pathlib import Path

ANSWER = (
    "HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
)
PATIENCE = 20


class Farm:
    """Servers by address ("10.0.0.11:80", "[fd00::11]:80", "10.0.0.11:53/udp"); they run in a thread of their own."""

    def __init__(self, work):
        self.work = Path(work)
        self.loop = asyncio.new_event_loop()
        self.servers = {}
        # (address, path) → (status, body); an address has "/" from the start.
        self.pages = {}
        self.requests = []
        self.mails = []
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def now(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE)

    def serve(self, where, kind):
        """`kind`: tcp, http, https, smtp, smtp-refusing, mail, dns, dns-refusing, udp, udp-silent."""
        host, port = split(where)
        if kind.startswith(("dns", "udp")):
            self.servers[where] = self.now(self.datagrams(host, port, kind))
            return
        context = self.certificate() if kind == "https" else None
        talk = {"tcp": closed, "http": self.http, "https": self.http, "mail": self.mail}.get(kind)
        if kind.startswith("smtp"):
            talk = smtp("220" if kind == "smtp" else "554")
        if not talk:
            raise RuntimeError(f"no server `{kind}`")
        self.pages.setdefault((where, "/"), (200, "web\n"))

        async def speak(reader, writer):
            try:
                await asyncio.wait_for(talk(where, reader, writer), PATIENCE)
            except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError, ValueError):
                pass
            finally:
                writer.close()

        self.servers[where] = self.now(asyncio.start_server(speak, host, port, ssl=context, reuse_address=True))

    def unserve(self, where):
        server = self.servers.pop(where)

        async def close():
            server.close()

        self.now(close())

    async def datagrams(self, host, port, kind):
        transport, _ = await self.loop.create_datagram_endpoint(lambda: Datagrams(kind), local_addr=(host, port))
        return transport

    def certificate(self):
        pem = self.work / "farm.pem"
        if not pem.exists():
            command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
            command += ["-days", "2", "-subj", "/CN=lab", "-keyout", str(pem), "-out", str(pem) + ".crt"]
            subprocess.run(command, check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(str(pem) + ".crt", str(pem))
        return context

    async def http(self, where, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode(errors="replace")
        self.requests.append((where, head))
        path = head.split(" ")[1]
        status, body = self.pages.get((where, path), (404, "nothing here\n"))
        data = body.encode()
        writer.write(ANSWER.format(status=status, reason="As Told", length=len(data)).encode() + data)
        await writer.drain()

    async def mail(self, _where, reader, writer):
        """A mail server that takes everything; a mail is kept with its envelope."""
        writer.write(b"220 lab\r\n")
        envelope, text = [], None
        while line := await reader.readline():
            line = line.decode(errors="replace").rstrip("\r\n")
            if text is not None:
                if line == ".":
                    self.mails.append((envelope, text))
                    envelope, text = [], None
                    writer.write(b"250 kept\r\n")
                else:
                    text.append(line)
            elif line.upper() == "DATA":
                text = []
                writer.write(b"354 go on\r\n")
            elif line.upper() == "QUIT":
                writer.write(b"221 bye\r\n")
                await writer.drain()
                return
            else:
                envelope.append(line)
                writer.write(b"250 yes\r\n")


async def closed(_where, reader, _writer):
    await reader.read(1)


def smtp(greeting):
    async def talk(_where, reader, writer):
        writer.write(f"{greeting} lab\r\n".encode())
        while line := await reader.readline():
            quits = line[:4].upper() == b"QUIT"
            writer.write(b"221 bye\r\n" if quits else b"250 lab\r\n")
            if quits:
                await writer.drain()
                return

    return talk


class Datagrams(asyncio.DatagramProtocol):
    def __init__(self, kind):
        self.kind = kind

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        if self.kind == "udp":
            self.transport.sendto(data, addr)
        elif self.kind.startswith("dns"):
            code = b"\x80\x05" if self.kind == "dns-refusing" else b"\x80\x00"
            self.transport.sendto(data[:2] + code + data[4:], addr)


def split(where):
    """("10.0.0.11", 80) of "10.0.0.11:80" or "10.0.0.11:80/udp"."""
    host, port = where.split("/")[0].rsplit(":", 1)
    return host.strip("[]"), int(port)
