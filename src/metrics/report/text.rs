//! The report as a table for people.

use std::fmt;

use super::{
    AvOffsetReport, BYTES_PER_MB, CacheReport, CauseCount, DiskReport, FrameReport, KeptReport,
    OutputMode, PoolReport, ProcessReport, Quantiles, RingReport, SeekReport, SoakReport,
    StageReport,
};

impl fmt::Display for SoakReport {
    /// A table for people.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let output = match self.output {
            OutputMode::Offscreen => "offscreen",
            OutputMode::Window => "in a window",
        };
        let pace = if self.untimed { ", untimed" } else { "" };
        let end = if self.interrupted {
            ", interrupted"
        } else {
            ""
        };
        writeln!(f, "{}", self.file)?;
        writeln!(
            f,
            "{:.1} s {output}, target {:.3} fps{pace}{end}\n",
            self.seconds, self.target_fps
        )?;
        self.frames.fmt(f)?;
        if let (Some(ms), Some(fps)) = (self.interval_ms, self.achieved_fps) {
            let Quantiles { p50, p95, p99, max } = ms;
            writeln!(f, "{:<12}{fps:.3} fps", "achieved")?;
            writeln!(
                f,
                "{:<12}p50 {p50:.2} ms, p95 {p95:.2} ms, p99 {p99:.2} ms, max {max:.2} ms",
                "interval"
            )?;
        }
        self.fmt_stages(f)?;
        if let Some(AvOffsetReport {
            median_ms,
            max_abs_ms,
            ..
        }) = self.av_offset
        {
            let label = "A/V offset";
            writeln!(
                f,
                "{label:<12}median {median_ms:+.2} ms, at most {max_abs_ms:.2} ms"
            )?;
        }
        self.process.fmt(f)?;
        self.fmt_buffers(f)?;
        self.fmt_moves(f)?;
        self.fmt_quality(f)?;
        self.fmt_counters(f)?;
        for (index, limit) in self.limits.iter().enumerate() {
            let label = if index == 0 { "limits" } else { "" };
            writeln!(f, "{label:<12}{limit}")?;
        }
        Ok(())
    }
}

impl SoakReport {
    fn fmt_stages(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.stages.is_empty() {
            let header = ("stage", "frames", "p50 ms", "p95 ms", "max ms");
            writeln!(
                f,
                "{:<12}{:>8}{:>10}{:>10}{:>10}",
                header.0, header.1, header.2, header.3, header.4
            )?;
        }
        for StageReport {
            stage,
            frames,
            p50_ms,
            p95_ms,
            max_ms,
        } in &self.stages
        {
            writeln!(
                f,
                "  {stage:<10}{frames:>8}{p50_ms:>10.2}{p95_ms:>10.2}{max_ms:>10.2}"
            )?;
        }
        Ok(())
    }

    fn fmt_quality(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(quality) = &self.quality else {
            return Ok(());
        };
        let rungs: Vec<String> = quality
            .rungs
            .iter()
            .map(|rung| format!("{} {:.1} s", rung.rung, rung.seconds))
            .collect();
        writeln!(
            f,
            "{:<12}{}: {}; {} switches, {} frames left out",
            "quality",
            quality.mode,
            rungs.join(", "),
            quality.switches,
            quality.left_out
        )?;
        if quality.last.is_empty() {
            return Ok(());
        }
        writeln!(f, "{:<12}last {}", "", quality.last)
    }

    fn fmt_counters(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts: Vec<String> = self
            .counters
            .nonzero()
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        if !counts.is_empty() {
            writeln!(f, "{:<12}{}", "also", counts.join(", "))?;
        }
        if let Some(note) = &self.counters.audio_note {
            writeln!(f, "{:<12}{note}", "sound")?;
        }
        Ok(())
    }

    fn fmt_buffers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(PoolReport {
            slots_peak,
            bytes_peak,
            bytes_limit,
        }) = self.pool
        {
            let (peak, limit) = (megabytes(bytes_peak), megabytes(bytes_limit));
            writeln!(
                f,
                "{:<12}{slots_peak} slots, {peak} of {limit} at most",
                "pool"
            )?;
        }
        if let Some(CacheReport {
            bytes_peak,
            bytes_limit,
            frames,
            frames_reduced: reduced,
            hits,
            misses_never_decoded: never,
            misses_evicted: evicted,
            misses_declined: declined,
            ..
        }) = self.cache
        {
            let (peak, limit) = (megabytes(bytes_peak), megabytes(bytes_limit));
            writeln!(
                f,
                "{:<12}{peak} of {limit} at most, {frames} frames ({reduced} at the size shown), {hits} hits, \
                 {} misses ({never} never decoded, {evicted} evicted, {declined} declined)",
                "cache",
                never + evicted + declined
            )?;
        }
        if let Some(RingReport {
            capacity,
            fill_mean,
        }) = self.ring
        {
            writeln!(
                f,
                "{:<12}{fill_mean:.1} of {capacity} frames on average",
                "ring"
            )?;
        }
        if let Some(kept) = &self.kept_pictures {
            write!(f, "{kept}")?;
        }
        let disk: Vec<String> = self
            .disk
            .iter()
            .flat_map(DiskReport::nonzero)
            .map(|(name, count)| format!("{count} {name}"))
            .collect();
        if !disk.is_empty() {
            writeln!(f, "{:<12}{}", "disk cache", disk.join(", "))?;
        }
        Ok(())
    }

    fn fmt_moves(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut row = |label: &str, latencies: Option<SeekReport>| {
            let Some(SeekReport {
                count,
                p50_ms,
                p95_ms,
                max_ms,
            }) = latencies
            else {
                return Ok(());
            };
            writeln!(
                f,
                "{label:<12}{count}: p50 {p50_ms:.1} ms, p95 {p95_ms:.1} ms, max {max_ms:.1} ms"
            )
        };
        row("seeks", self.seeks)?;
        row("steps back", self.steps_back.map(|back| back.steps))?;
        row("  series", self.steps_back.map(|back| back.series))?;
        row("at hand", self.moves.and_then(|moves| moves.at_hand))?;
        row("near first", self.moves.and_then(|moves| moves.near))?;
        row("decoded", self.moves.and_then(|moves| moves.decoded))?;
        if let Some(moves) = self.moves {
            writeln!(
                f,
                "{:<12}{}, {} passed by; within 16 ms {:.1} % exactly, {:.1} % at least nearly",
                "moves",
                moves.count,
                moves.passed_by,
                moves.exact_in_time_percent,
                moves.shown_in_time_percent
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for FrameReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<12}{} shown, {} repeated, {} late, {} dropped ({} after the first second)",
            "frames",
            self.shown,
            self.repeated,
            self.late,
            self.dropped,
            self.dropped_after_first_second
        )?;
        if self.approximate > 0 {
            writeln!(f, "{:<12}{} stood in for others", "", self.approximate)?;
        }
        for (index, CauseCount { fate, stage, count }) in self.causes.iter().enumerate() {
            let label = if index == 0 { "causes" } else { "" };
            writeln!(
                f,
                "{label:<12}{count} {fate} by {}",
                stage.unwrap_or("an unknown cause")
            )?;
        }
        if let Some(cuts) = self.at_cuts {
            writeln!(
                f,
                "{:<12}{} shown, {} repeated, {} late, {} dropped",
                "at cuts", cuts.shown, cuts.repeated, cuts.late, cuts.dropped
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for KeptReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hits, misses) = (self.hits, self.misses());
        write!(f, "{:<12}{hits} shown again, {misses} made", "pictures")?;
        let reasons = [
            ("new", self.misses_new),
            ("another size", self.misses_size),
            ("had made room", self.misses_room),
            ("lost", self.misses_device),
        ];
        let reasons: Vec<String> = reasons
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(reason, count)| format!("{count} {reason}"))
            .collect();
        if !reasons.is_empty() {
            write!(f, " ({})", reasons.join(", "))?;
        }
        let (peak, limit) = (megabytes(self.bytes_peak), megabytes(self.textures_limit));
        writeln!(f, ", {peak} of {limit} at most")?;
        if self.shortages > 0 {
            let label = "";
            writeln!(
                f,
                "{label:<12}graphics memory ran out {} times",
                self.shortages
            )?;
        }
        Ok(())
    }
}

impl fmt::Display for ProcessReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(seconds) = self.cpu_seconds {
            writeln!(f, "{:<12}{seconds:.2} s", "processor")?;
        }
        if let (Some(start), Some(peak), Some(end)) = (
            self.rss_start_bytes,
            self.rss_peak_bytes,
            self.rss_end_bytes,
        ) {
            let (start, peak, end) = (megabytes(start), megabytes(peak), megabytes(end));
            write!(
                f,
                "{:<12}{start} at the start, {peak} at the peak, {end} at the end",
                "memory"
            )?;
            if let Some(slope) = self.rss_slope_mb_per_min {
                write!(f, ", {slope:+.2} MB a minute")?;
            }
            writeln!(f)?;
        }
        for (label, counts) in [
            ("threads", self.threads_start.zip(self.threads_end)),
            ("open files", self.open_files_start.zip(self.open_files_end)),
        ] {
            if let Some((start, end)) = counts {
                writeln!(f, "{label:<12}{start} at the start, {end} at the end")?;
            }
        }
        Ok(())
    }
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / BYTES_PER_MB)
}
