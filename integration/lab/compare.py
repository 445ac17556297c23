"""What two programs showed, side by side: equal, different as intended, or different."""

import difflib
import fnmatch
import re
import statistics
import tomllib

PROGRAMS = ("keepalived", "ldirector")
# Announcements of one round lie closer together than this on a busy machine, in seconds.
TOGETHER = 0.8
# A pause between two announcements may differ by so much, or by this part of it: what the plan waited for is in it.
SLACK, PART = 1.5, 0.6
# Bursts so close may become one where the machine is busy.
JOINED = 3.0
# A router that says nothing for so many of its intervals has stopped.
SILENT = 2.5


class Intended:
    """The list of differences that are meant to be."""

    def __init__(self, path):
        self.entries = tomllib.loads(path.read_text())["difference"]
        self.used = set()

    def explain(self, config, surface, minus, plus):
        """The lines that no entry explains."""
        for number, entry in enumerate(self.entries):
            configs = entry["configs"] if isinstance(entry["configs"], list) else [entry["configs"]]
            if not any(fnmatch.fnmatch(config, pattern) for pattern in configs):
                continue
            if not fnmatch.fnmatch(surface, entry["surface"]):
                continue
            left = without(minus, entry.get("keepalived"))
            right = without(plus, entry.get("ldirector"))
            if (left, right) != (minus, plus):
                self.used.add(number)
                minus, plus = left, right
        return minus, plus

    def idle(self, used, configs):
        """Entries that explained nothing, of those that could have with these configurations."""
        for number, entry in enumerate(self.entries):
            patterns = entry["configs"] if isinstance(entry["configs"], list) else [entry["configs"]]
            could = any(fnmatch.fnmatch(config, pattern) for config in configs for pattern in patterns)
            if could and number not in used and not entry.get("sometimes"):
                yield entry


def without(lines, pattern):
    return [line for line in lines if not re.search(pattern, line)] if pattern else lines


def compare(config, results, intended):
    """(word, text): `equal`, `intended` or `FAILED`, and the differences that nobody meant."""
    left, right = (results[name] for name in PROGRAMS)
    text = []
    explained = False
    for where, surface, one, other in pairs(left, right):
        if one == other:
            continue
        plain = list(difflib.ndiff(one, other))
        minus = [line[2:] for line in plain if line.startswith("- ")]
        plus = [line[2:] for line in plain if line.startswith("+ ")]
        if intended.explain(config, surface, minus, plus) == ([], []):
            explained = True
            continue
        text.append(f"{surface} after: {where}" if where else surface)
        text += list(difflib.unified_diff(one, other, *PROGRAMS, lineterm="", n=2))
    return ("FAILED" if text else "intended" if explained else "equal"), text


def pairs(left, right):
    """(step, surface, lines of one, lines of the other) of everything that was looked at."""
    for (step, one), (_, other) in zip(left["observations"], right["observations"]):
        for surface in sorted({*one, *other}):
            yield step, surface, one.get(surface, []), other.get(surface, [])
        if one["outcome"] == other["outcome"] and not one["outcome"][0].startswith("as"):
            yield step, "outcome", one["outcome"], ["and with both programs: the plan is wrong"]
    for surface in sorted({*left["whole"], *right["whole"]}):
        one, other = (side["whole"].get(surface, []) for side in (left, right))
        if surface == "wire":
            one, other = wire(one, other)
        elif surface == "scripts":
            one, other = by_subject(one), by_subject(other)
        elif surface.startswith("pipe"):
            one, other = together(one), together(other)
        yield "", surface, one, other


def by_subject(lines):
    """Scripts that are started together begin in any order: the order counts for each script and what it is about."""
    found = {}
    for _, line in lines:
        words = line.split()
        about = re.search(r"(?:INSTANCE|GROUP) (\S+)", line)
        found.setdefault((*words[:2], about[1] if about else words[-1]), []).append(line)
    return [line for key in sorted(found) for line in found[key]]


def together(lines):
    """Lines of a FIFO as their writers wrote them: VRRP and the checkers are two processes, and neither waits for the
    other. Lines about the same change of several instances come as their timers ran out."""
    runs = []
    for line in sorted(lines, key=lambda line: line.startswith(("INSTANCE ", "GROUP "))):
        change = re.sub(r'^INSTANCE "\S+"', "INSTANCE", line)
        if not runs or runs[-1][0] != change:
            runs.append((change, []))
        runs[-1][1].append(line)
    return [line for _, run in runs for line in sorted(run)]


def wire(one, other):
    """Both recordings, a line for each packet that was seen."""
    left, right = trains(one), trains(other)
    for text, cars in right.items():
        if text in left and alike(left[text], cars):
            right[text] = left[text]
    return [sorted(f"{text}  {told(text, cars)}" for text, cars in side.items()) for side in (left, right)]


def trains(packets):
    """{packet: [(how many, pause before or between)]}: adverts as periods, announcements as bursts."""
    times = {}
    # address: when it first was in an advert.
    advertised = {}
    for at, text in packets:
        if "advert " in text:
            for address in re.search(r"\[(.*?)\]", text)[1].split():
                advertised.setdefault(address, at)
        elif match := re.search(r"(?:ARP \w+|NA) (\S+)", text):
            text += "" if match[1] in advertised else ", before any advert"
        times.setdefault(text, []).append(at)
    found = {}
    for text, seen in times.items():
        # Joining a group is said again after a random time.
        found[text] = [] if "IGMP" in text or "MLD" in text else periods(seen) if "advert " in text else bursts(seen)
    return found


def bursts(times):
    cars = []
    for before, at in zip([None, *times], times):
        if before is None or at - before > TOGETHER:
            cars.append([1, None if before is None else at - before])
        else:
            cars[-1][0] += 1
    return cars


def periods(times):
    """[how many (3 is many), the usual pause]: a new one begins where the speaker was silent."""
    gaps = [after - before for before, after in zip(times, times[1:])]
    usual = statistics.median(gaps) if gaps else 0
    cars = [[1, None]]
    for gap in gaps:
        if gap > SILENT * max(usual, 0.5):
            cars.append([1, None])
        else:
            cars[-1] = [cars[-1][0] + 1, usual]
    return [[min(count, 3), pause if count > 2 else None] for count, pause in cars]


def alike(one, other):
    """Whether two trains are the same but for a little time, which may join two bursts."""
    left, right = list(one), list(other)
    while left and right:
        (count, pause), (count2, pause2) = left.pop(0), right.pop(0)
        if pause is not None and pause2 is not None and abs(pause - pause2) > max(SLACK, PART * pause):
            return False
        while count != count2:
            shorter, few = (left, count) if count < count2 else (right, count2)
            if None in (pause, pause2) and count > 1 and count2 > 1 and not shorter:
                break
            if not shorter or shorter[0][1] is None or shorter[0][1] > JOINED:
                return False
            few += shorter.pop(0)[0]
            count, count2 = (few, count2) if count < count2 else (count, few)
    return not left and not right


def told(text, cars):
    words = []
    for count, pause in cars:
        if "advert " in text:
            words.append("once" if count == 1 else "twice" if pause is None else f"every {pause:.1f} s")
        else:
            words.append(f"×{count}" + ("" if pause is None else f" after {pause:.1f} s"))
    return ", then ".join(words)
