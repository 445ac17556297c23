"""One `ip` that stays: to start it costs more than what it does."""

import subprocess

# A word that `ip` does not know closes each batch: its complaint says that everything before has been done. (The kernel
# would have to be asked about anything else, and look for a module.)
NOTHING = "nosuchthing"


class Ip:
    """Serves the network namespace of the thread that makes it."""

    def __init__(self, *options):
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            ["ip", *options, "-force", "-batch", "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def lines(self, orders):
        """What `ip` prints for these orders, a line each."""
        self.process.stdin.write(f"{orders}\n{NOTHING}\n")
        self.process.stdin.flush()
        found = []
        while (line := self.process.stdout.readline()) and NOTHING not in line:
            found.append(line.rstrip("\n"))
        # "Command failed" for the last one.
        self.process.stdout.readline()
        return found

    def do(self, orders):
        """Orders that print nothing when they succeed."""
        if printed := self.lines(orders):
            raise RuntimeError(f"ip: {' '.join(printed)}: {orders}")

    def stop(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
