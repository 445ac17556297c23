"""Finds a kernel with IPVS: this one, or User Mode Linux (Debian package user-mode-linux), which needs no privilege."""

import os
import platform
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
MODULES = Path("/usr/lib/uml/modules")
MEMORY_MB = 1024
# Lines of the kernel and of its loader that say nothing about a case.
NOISE = ("reboot: ", "Halting", "SELinux: ", "Failed to initialize ubd", "mmapper_init", "check_one_sigio", "random: ")


def has_ipvs():
    """Whether this kernel can run the cases: root, IPVS, and namespaces may be made."""
    if os.geteuid() != 0:
        return False
    if not Path("/proc/net/ip_vs").exists() and shutil.which("modprobe"):
        subprocess.run(["modprobe", "-q", "ip_vs"], check=False, stderr=subprocess.DEVNULL)
    if not Path("/proc/net/ip_vs").exists():
        return False
    unshared = ["unshare", "--mount", "--net", "--pid", "--fork", "true"]
    return subprocess.run(unshared, check=False, stderr=subprocess.DEVNULL).returncode == 0


def boot(command, work, console=None):
    """Runs `command` as root in a fresh kernel whose files are this machine's; its exit code.

    `console` None: lines go to standard output without the kernel's own; "terminal": the terminal is the guest's.
    """
    if not shutil.which("linux.uml"):
        sys.exit("no IPVS in this kernel, and no User Mode Linux: apt-get install user-mode-linux")
    work.mkdir(parents=True, exist_ok=True)
    init = prepare(command, work)
    memory = Path("/dev/shm") if shutil.disk_usage("/dev/shm").free > 2 * MEMORY_MB << 20 else work
    environment = {**os.environ, "TMPDIR": str(memory), "LD_PRELOAD": str(work / "xstate.so")}
    if platform.machine() != "x86_64":
        del environment["LD_PRELOAD"]
    arguments = ["linux.uml", f"mem={MEMORY_MB}M", "rootfstype=hostfs", "rootflags=/", "rw", f"init={init}", "quiet"]
    arguments += [f"umid=ldirector{os.getpid()}{work.name}", "con=null"]
    if console == "terminal":
        subprocess.run([*arguments, "con0=fd:0,fd:1"], env=environment, check=False)
        subprocess.run(["stty", "sane"], check=False)
    else:
        with subprocess.Popen(
            [*arguments, "con0=null,fd:1"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        ) as guest:
            for line in guest.stdout:
                text = line.decode(errors="replace").rstrip()
                if not text.startswith(NOISE):
                    print(text, flush=True)
    code = work / "exit-code"
    return int(code.read_text()) if code.exists() else 1


def prepare(command, work):
    """The guest's first program."""
    if platform.machine() == "x86_64":
        shim = ["cc", "-shared", "-fPIC", "-O1", "-o", str(work / "xstate.so"), str(HERE / "xstate_shim.c")]
        subprocess.run(shim, check=True)
    tree = work / "modules" / "lib" / "modules"
    tree.mkdir(parents=True, exist_ok=True)
    for release in MODULES.iterdir():
        link = tree / release.name
        if not link.exists():
            link.symlink_to(release)
    # The kernel itself asks for modules through this; /lib/modules of the host knows nothing of the guest.
    loader = work / "modprobe"
    loader.write_text(f'#!/bin/sh\nexec /sbin/modprobe -d {work}/modules "$@"\n')
    loader.chmod(0o755)
    init = work / "init"
    init.write_text(
        f"""#!/bin/sh
export PATH={shlex.quote(os.environ["PATH"])}:/usr/sbin:/sbin HOME=/root TERM={os.environ.get("TERM", "dumb")}
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /dev
for n in null:3 zero:5 full:7 random:8 urandom:9; do mknod -m 666 /dev/${{n%%:*}} c 1 ${{n##*:}}; done
mknod -m 666 /dev/tty c 5 0; mknod -m 666 /dev/ptmx c 5 2; mknod -m 600 /dev/console c 5 1
ln -s /proc/self/fd /dev/fd
for n in 0:stdin 1:stdout 2:stderr; do ln -s fd/${{n%%:*}} /dev/${{n##*:}}; done
mkdir -p /dev/pts /dev/shm; mount -t devpts devpts /dev/pts; mount -t tmpfs shm /dev/shm
echo {loader} > /proc/sys/kernel/modprobe
ip link set lo up
{loader} ip_vs
cd {shlex.quote(os.getcwd())}
{{ {shlex.join(map(str, command))}; echo $? > {work}/exit-code; }} {"" if sys.stdin.isatty() else "</dev/null"}
busybox poweroff -f
"""
    )
    init.chmod(0o755)
    return init
