"""Prints what OpenTimelineIO makes of timelines, one JSON object a line.

    otio_ranges.py FILE...

Of each file: its name, and either `error` or `clips`, in order on all levels: each clip's name, its
range in its parent and its trimmed range, as [start, rate, duration, rate].
"""

import json
import sys

import opentimelineio as otio


def plain(time_range):
    start, duration = time_range.start_time, time_range.duration
    return [start.value, start.rate, duration.value, duration.rate]


def described(path):
    timeline = otio.adapters.read_from_file(path)
    return [
        {
            "name": clip.name,
            "in_parent": plain(clip.range_in_parent()),
            "trimmed": plain(clip.trimmed_range()),
        }
        for clip in timeline.find_clips()
    ]


def main():
    for path in sys.argv[1:]:
        try:
            result = {"file": path, "clips": described(path)}
        except Exception as error:  # whatever it is, it is the answer for this file
            result = {"file": path, "error": f"{type(error).__name__}: {error}"}
        print(json.dumps(result))


main()
