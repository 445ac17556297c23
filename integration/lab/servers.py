"""Small servers for checkers: servers.py smtp|dns|udp|drip PORT. In the foreground, one question at a time."""

import socket
import sys
import time


def serve_smtp(connection):
    connection.sendall(b"220-lab greets you\r\n220 at some length\r\n")
    lines = connection.makefile("rb")
    for line in lines:
        word = line[:4].upper()
        if word in (b"HELO", b"EHLO"):
            connection.sendall(b"250-lab\r\n250 pleased\r\n")
        elif word == b"QUIT":
            connection.sendall(b"221 bye\r\n")
            return
        else:
            connection.sendall(b"500 what\r\n")


def serve_drip(connection):
    """An answer that comes a byte at a time."""
    for byte in b"HTTP/1.0 200 OK\r\n\r\nslow":
        connection.sendall(bytes([byte]))
        time.sleep(0.5)


def tcp(port, serve):
    with socket.create_server(("", port)) as listener:
        while True:
            connection, _ = listener.accept()
            with connection:
                try:
                    serve(connection)
                except OSError:
                    pass


def udp(port, answer):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as here:
        here.bind(("", port))
        while True:
            question, sender = here.recvfrom(4096)
            here.sendto(answer(question), sender)


def answer_dns(question):
    """No error, no records."""
    return question[:2] + b"\x80\x00" + question[4:]


if __name__ == "__main__":
    KIND, PORT = sys.argv[1], int(sys.argv[2])
    if KIND == "dns":
        udp(PORT, answer_dns)
    elif KIND == "udp":
        udp(PORT, lambda question: question)
    else:
        tcp(PORT, {"smtp": serve_smtp, "drip": serve_drip}[KIND])
