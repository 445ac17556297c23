"""The words of a plan. Each is `word(play, words, text)`; checks are those of the cases, for the one director."""

import os
import signal
import time

from . import programs, steps
from .director import bridge
from .plan import NOTE, children, command_of, forget_child
from .speaker import Speaker


def link(play, words, _):
    """link INTERFACE ADDRESS/LENGTH...: before all others. Without such lines: eth0 10.0.0.5/24 fd00::5/64."""
    play.links += [(words[0], address) for address in words[1:]]


def serve(play, words, _):
    """serve KIND ADDRESS:PORT...: servers on the far side begin to answer. Kinds: `farm.Farm.serve`."""
    for where in words[1:]:
        play.need_address(where)
        play.farm.serve(where, words[0])


def unserve(play, words, _):
    """unserve ADDRESS:PORT...: they refuse from now on."""
    for where in words:
        play.farm.unserve(where)


def gone(play, words, _):
    """gone ADDRESS...: nobody has the address any more."""
    for address in words:
        for interface in play.interfaces():
            play.ip.lines(f"addr del {address}/{64 if ':' in address else 24} dev {bridge(interface)}")


def back(play, words, _):
    """back ADDRESS...: it is there again."""
    for address in words:
        play.need_address(f"[{address}]:0" if ":" in address else f"{address}:0")


def page(play, words, text):
    """page ADDRESS:PORT PATH STATUS [BODY]: what a web server answers from now on."""
    where, path, status = words[:3]
    body = (words[3] if len(words) > 3 else text or "web").replace("\\n", "\n")
    play.farm.pages[where, path] = (int(status), body)


def note(play, words, _):
    """note PATH...: a script that writes down how it was called."""
    for path in words:
        play.director.write(path, NOTE, 0o755)


def script(play, words, _):
    """script PATH...: a script that succeeds and says nothing of it."""
    for path in words:
        play.director.write(path, NOTE.replace("echo", ": "), 0o755)


def says(play, words, _):
    """says PATH SHELL: what such a script does from now on, for example "exit 1"."""
    play.director.write(f"{words[0]}.says", words[1] + "\n")


def file(play, words, text):
    """file PATH [MODE] <<END"""
    play.director.write(words[0], text, int(words[1], 8) if len(words) > 1 else 0o644)


def pipe(play, words, _):
    """pipe PATH: the lines of this FIFO are read."""
    play.read_pipe(words[0])


def config(play, words, text):
    """config <<END, or config FILE: the director's configuration."""
    text = text if text is not None else (play.file.parent / words[0]).read_text()
    play.director.write(programs.CONF, text)


def edit(play, words, _):
    """edit OLD NEW: in the configuration, everywhere."""
    old, new = (word.replace("\\n", "\n") for word in words)
    text = play.director.read(programs.CONF)
    if old not in text:
        raise RuntimeError(f"`{old}` is not in the configuration")
    play.director.write(programs.CONF, text.replace(old, new))


def start(play, words, _):
    """start [OPTION...]: the director, with these options beside the usual ones."""
    command = command_of(play.program) + words
    play.running["director", "director"] = play.director.start(command, play.log(play.director))


def stop(play, words, _):
    """stop [SIGNAL]: and waits for its end; how it ended is compared."""
    process = play.running.pop(("director", "director"))
    began = time.monotonic()
    os.kill(children(process.pid)[0], signal.Signals[f"SIG{words[0] if words else 'TERM'}"])
    code = forget_child(process)
    took = time.monotonic() - began
    play.shown.append([f"ended with {code}, {'in time' if took < 7 else 'late'}"])


def kill(play, words, _):
    """kill SIGNAL parent|vrrp|checkers|director"""
    known = play.pids()
    roles = ("parent", "vrrp", "checkers") if words[1] == "director" else words[1:]
    if words == ["KILL", "director"]:
        # At once: nobody may miss a parent and stop in order, or start the others again.
        kill(play, ["STOP", *roles], None)
    for role in roles:
        if role in known:
            os.kill(known[role], signal.Signals[f"SIG{words[0]}"])
    if words == ["KILL", "director"]:
        # nsenter stops when its child does, now or in a moment, and would never bury it.
        process = play.running.pop(("director", "director"))
        while process.poll() is None:
            process.send_signal(signal.SIGCONT)
            time.sleep(0.05)


def reload(play, words, _):
    """reload: SIGHUP."""
    kill(play, ["HUP", "parent"], None)


def cable(play, words, _):
    """cable INTERFACE up|down"""
    play.ip.do(f"link set d-{words[0]} {words[1]}")


def advert(play, words, _):
    """advert INTERFACE FROM TO KEY=VALUE...: another router speaks: vrid priority version vips interval pass once."""
    interface, source, target, rest = words[0], words[1], words[2], words[3:]
    play.need_address(f"[{source}]:0" if ":" in source else f"{source}:0")
    options = dict(word.split("=", 1) for word in rest)
    silence(play, [interface, options["vrid"]], None)
    play.speakers[interface, options["vrid"]] = Speaker(bridge(interface), source, target, options)


def silence(play, words, _):
    """silence INTERFACE VRID: the other router says no more."""
    if speaker := play.speakers.pop(tuple(words), None):
        speaker.stop()


def run(play, words, _):
    """run COMMAND: on the director."""
    play.director.run(words[0] if len(words) == 1 else words)


def show(play, words, _):
    """show COMMAND: what it prints is compared."""
    play.shown.append([words[0], *play.director.run(words[0], check=False).splitlines()])


def pause(_, words, __):
    """pause SECONDS: where nothing can be waited for."""
    time.sleep(steps.seconds(words[0]))


WORDS = {
    "title": lambda play, words, text: None,
    **{f.__name__: f for f in (link, serve, unserve, gone, back, page, note, script, says, file, pipe, config)},
    **{f.__name__: f for f in (edit, start, stop, kill, reload, cable, advert, silence, run, show, pause)},
}


def no(play, _, words):
    """no CHECK..."""
    try:
        play.step(words)
    except AssertionError:
        return
    raise AssertionError(f"{' '.join(words)} holds")


def noted(play, server, words):
    """noted TEXT [TIMES]: a noting script was called so."""
    lines = server.read("/run/notes").splitlines()
    count = sum(words[0] in line for line in lines)
    assert count >= int(words[1] if len(words) > 1 else 1), f"{count} times"


def mailed(play, _, words):
    """mailed COUNT: so many mails have come."""
    count = len(play.farm.mails)
    assert count >= int(words[0]), f"{count} mails"


def piped(play, _, words):
    """piped TEXT: a line of a FIFO."""
    lines = [line for lines in play.lines_of_pipes.values() for line in lines]
    assert any(words[0] in line for line in lines), "no such line"


CHECKS = {
    **{f.__name__: f for f in (no, noted, mailed, piped)},
    **{word: steps.CHECKS[word] for word in ("holds", "lacks", "ipvs", "services", "logged", "prints", "has")},
}
