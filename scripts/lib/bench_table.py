#!/usr/bin/env python3
"""Turns measured values into the Markdown table of medians, ratios and what is wanted.

    bench_table.py RESULTS.tsv

RESULTS.tsv has lines of `measure<TAB>side<TAB>value`. A side that could not be measured is shown as such; a
measure that nobody was measured in is left out.
"""

import statistics
import sys
from collections import defaultdict

# title, unit, measure, side of the peer, comparison, factor; without a peer the factor is the limit itself
ROWS = [
    ("Decode, no picture", "fps", "decode_fps", "ffmpeg null", ">=", 0.97),
    ("Decode, no picture", "fps", "decode_fps", "mpv null", ">=", 1.0),
    ("Shown at 1280x720, untimed", "fps", "shown_fps", "mpv x11", ">=", 1.0),
    ("Shown at 1280x720, untimed", "fps", "shown_fps", "mpv gpu-next", ">=", 1.4),
    ("Real time: drops after the first second", "frames", "realtime_drops", "mpv x11", "<=", 1.0),
    ("Real time: CPU", "s", "realtime_cpu_s", "mpv x11", "<=", 1.1),
    ("Start to first frame", "s", "first_frame_s", "mpv gpu-next", "<=", 1.0),
    ("Peak memory while shown", "MB", "peak_mb", "mpv x11", "<=", 1.3),
    ("Exact seek, p50", "ms", "seek_p50_ms", "mpv null", "<=", 0.85),
    ("Exact seek, p95", "ms", "seek_p95_ms", "mpv null", "<=", 0.85),
    ("Seek where it has been before, p50", "ms", "again_p50_ms", "mpv null", "<=", 0.1),
    ("Seek where it has been before, p95", "ms", "again_p95_ms", "mpv null", "<=", 0.5),
    ("Ten steps back after a seek", "ms", "ten_back_ms", "mpv null", "<=", 0.1),
    ("Dragging: near pictures, p95 (beside an exact seek, p50)", "ms", "near_p95_ms", "mpv null", "<=", 0.05),
    ("Dragging: pictures at hand, p95", "ms", "at_hand_p95_ms", None, "<=", 16),
    ("Two layers at 1280x720, into memory", "fps", "layers_fps", "melt", ">=", 2.0),
    ("Two layers at 1280x720, into memory", "fps", "layers_fps", "GES", ">=", 1.0),
    ("Proxy of 540 rows", "s", "proxy_one_s", "ffmpeg", "<=", 1.0),
    ("Two proxies, thumbnails, waveform, index", "s", "proxies_s", "ffmpeg split", "<=", 1.0),
    ("Two proxies, thumbnails, waveform, index", "s", "proxies_s", "ffmpeg, a run each", "<=", 1 / 1.7),
]


def shown(value, unit):
    if value is None:
        return "not measured"
    digits = {"s": 2, "fps": 1}.get(unit, 0)
    return f"{value:.{digits}f} {unit}"


def verdict(ours, peer, comparison, factor):
    """The ratio and whether it is what is wanted."""
    if ours is None or peer is None:
        return "", "?"
    limit = peer * factor
    met = ours >= limit if comparison == ">=" else ours <= limit
    # No drops on either side leave nothing to divide.
    ratio = f"{ours / peer:.2f}" if peer else "-"
    return ratio, "yes" if met else "**no**"


def main():
    values = defaultdict(list)
    with open(sys.argv[1], encoding="utf-8") as results:
        for line in results:
            measure, side, value = line.rstrip("\n").split("\t")
            values[measure, side].append(float(value))
    medians = {key: statistics.median(found) for key, found in values.items()}
    rounds = max(map(len, values.values()), default=0)

    print("| Measure | Jogwheel | Peer | Ratio | Wanted | Met |\n|---|---|---|---|---|---|")
    for title, unit, measure, side, comparison, factor in ROWS:
        ours, peer = medians.get((measure, "jogwheel")), medians.get((measure, side))
        if ours is None and peer is None:
            continue
        sign = "≥" if comparison == ">=" else "≤"
        if side is None:
            met = verdict(ours, 1, comparison, factor)[1]
            print(f"| {title} | {shown(ours, unit)} | | | {sign} {factor:g} {unit} | {met} |")
            continue
        ratio, met = verdict(ours, peer, comparison, factor)
        print(f"| {title} | {shown(ours, unit)} | {side}: {shown(peer, unit)} | {ratio} | {sign} {factor:.3g} | {met} |")
    print(f"\nMedians of {rounds}, the sides taking turns.")


if __name__ == "__main__":
    main()
