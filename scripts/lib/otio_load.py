"""Prints the milliseconds that OpenTimelineIO takes to read a timeline and to range its clips.

    otio_load.py FILE TIMES
"""

import sys
import time

import opentimelineio as otio


def load(path):
    timeline = otio.adapters.read_from_file(path)
    for clip in timeline.find_clips():
        clip.range_in_parent()
        clip.trimmed_range()


def main():
    path, times = sys.argv[1], int(sys.argv[2])
    for _ in range(times):
        began = time.perf_counter()
        load(path)
        print(f"{(time.perf_counter() - began) * 1e3:.3f}")


main()
