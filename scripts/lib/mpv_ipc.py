#!/usr/bin/env python3
"""Drives mpv over its JSON socket, and prints what was measured as `key<TAB>value` lines.

    mpv_ipc.py seek FILE --count N --seed S         p50_ms p95_ms of exact seeks, paused, no picture
    mpv_ipc.py back FILE --count N --seed S         ten_back_ms: ten steps back after an exact seek, p50 of N
    mpv_ipc.py realtime FILE [-- MPV-OPTIONS…]      drops_all drops (after the first second) cpu_s rss_kib

Standard library only.
"""

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time


class Mpv:
    """A running mpv, and the connection to it."""

    def __init__(self, arguments):
        self.folder = tempfile.TemporaryDirectory(prefix="jogwheel-mpv-")
        path = os.path.join(self.folder.name, "socket")
        self.process = subprocess.Popen(
            ["mpv", "--no-config", "--no-terminal", "--hwdec=no", f"--input-ipc-server={path}", *arguments]
        )
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        deadline = time.monotonic() + 20
        while True:
            try:
                self.socket.connect(path)
                break
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    sys.exit("mpv did not open its socket")
                time.sleep(0.01)
        self.lines = self.socket.makefile("r", encoding="utf-8")
        self.request = 0

    def send(self, *command):
        self.request += 1
        text = json.dumps({"command": command, "request_id": self.request}) + "\n"
        self.socket.sendall(text.encode())
        return self.request

    def messages(self):
        """Events and answers, until mpv closes the connection."""
        for line in self.lines:
            yield json.loads(line)

    def wait_for(self, event):
        for message in self.messages():
            if message.get("event") == event:
                return
        sys.exit(f"mpv ended before {event}")

    def get(self, name):
        request = self.send("get_property", name)
        for message in self.messages():
            if message.get("request_id") == request and "event" not in message:
                return message.get("data")
        sys.exit(f"mpv ended before it told {name}")

    def quit(self):
        """Ends mpv, and answers what it used."""
        self.send("quit")
        _, _, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = 0
        return usage


def percentile(values, percent):
    """Nearest rank: the smallest value that `percent` of all do not exceed."""
    ranked = sorted(values)
    return ranked[max(0, -(-len(ranked) * percent // 100) - 1)]


def paused_with_targets(options, mpv_options, earliest):
    """A paused mpv that shows nothing, and random times in its file, `earliest` or later."""
    mpv = Mpv(["--vo=null", "--no-audio", "--pause", "--hr-seek=yes", "--keep-open=yes", *mpv_options, options.file])
    mpv.wait_for("playback-restart")
    duration = mpv.get("duration")
    random_numbers = random.Random(options.seed)
    return mpv, [random_numbers.uniform(earliest, duration - 0.1) for _ in range(options.count)]


def seek(options, mpv_options):
    mpv, targets = paused_with_targets(options, mpv_options, 0)
    times = []
    for target in targets:
        began = time.perf_counter()
        mpv.send("seek", target, "absolute+exact")
        mpv.wait_for("playback-restart")
        times.append((time.perf_counter() - began) * 1000)
    mpv.quit()
    print(f"p50_ms\t{percentile(times, 50):.1f}\np95_ms\t{percentile(times, 95):.1f}")


def back(options, mpv_options):
    mpv, targets = paused_with_targets(options, mpv_options, 1)
    times = []
    for target in targets:
        mpv.send("seek", target, "absolute+exact")
        mpv.wait_for("playback-restart")
        began = time.perf_counter()
        for _ in range(10):
            mpv.send("frame-back-step")
            mpv.wait_for("playback-restart")
        times.append((time.perf_counter() - began) * 1000)
    mpv.quit()
    print(f"ten_back_ms\t{percentile(times, 50):.1f}")


def realtime(options, mpv_options):
    mpv = Mpv(["--framedrop=decoder+vo", "--keep-open=yes", *mpv_options, options.file])
    counters = ["frame-drop-count", "decoder-frame-drop-count"]
    now = dict.fromkeys(counters, 0)
    in_first_second = None
    for number, name in enumerate([*counters, "time-pos", "eof-reached"], 1):
        mpv.send("observe_property", number, name)
    for message in mpv.messages():
        if message.get("event") != "property-change":
            continue
        name, data = message["name"], message.get("data")
        if name in now:
            now[name] = data or 0
        elif name == "time-pos" and in_first_second is None and (data or 0) >= 1:
            in_first_second = sum(now.values())
        elif name == "eof-reached" and data:
            break
    usage = mpv.quit()
    drops = sum(now.values())
    print(f"drops_all\t{drops}\ndrops\t{drops - (in_first_second or 0)}")
    print(f"cpu_s\t{usage.ru_utime + usage.ru_stime:.2f}\nrss_kib\t{usage.ru_maxrss}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["seek", "back", "realtime"])
    parser.add_argument("file")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    arguments, mpv_options = sys.argv[1:], []
    if "--" in arguments:
        at = arguments.index("--")
        arguments, mpv_options = arguments[:at], arguments[at + 1 :]
    options = parser.parse_args(arguments)
    {"seek": seek, "back": back, "realtime": realtime}[options.what](options, mpv_options)


if __name__ == "__main__":
    main()
