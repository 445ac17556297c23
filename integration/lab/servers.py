"""Small servers for checkers: servers.py smtp|smtp-long|dns|dns-refused|udp PORT. In the foreground, one question at a time."""

import socket
import sys


def smtp(greeting, hello):
    """A mail server's side of a check, with these two replies."""

    def serve(connection):
        connection.sendall(greeting)
        for line in connection.makefile("rb"):
            word = line[:4].upper()
            if word in (b"HELO", b"EHLO"):
                connection.sendall(hello)
            elif word == b"QUIT":
                connection.sendall(b"221 bye\r\n")
                return
            else:
                connection.sendall(b"500 what\r\n")

    return serve


SMTP = {
    "smtp": smtp(b"220 lab\r\n", b"250 lab\r\n"),
    "smtp-long": smtp(b"220-lab greets you\r\n220 at some length\r\n", b"250-lab\r\n250 pleased\r\n"),
}


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


def refuse_dns(question):
    return question[:2] + b"\x80\x05" + question[4:]


if __name__ == "__main__":
    KIND, PORT = sys.argv[1], int(sys.argv[2])
    if KIND == "dns":
        udp(PORT, answer_dns)
    elif KIND == "dns-refused":
        udp(PORT, refuse_dns)
    elif KIND == "udp":
        udp(PORT, lambda question: question)
    else:
        tcp(PORT, SMTP[KIND])
