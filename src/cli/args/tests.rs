//! Command lines as people type them.

use std::time::Duration;

use super::*;
use crate::metrics::{Limits, SoakReport};
use crate::time::{FrameIndex, FrameRate, Speed};

fn cli(line: &str) -> Cli {
    try_cli(line).unwrap_or_else(|error| panic!("{line}: {error}"))
}

fn try_cli(line: &str) -> Result<Cli, clap::Error> {
    Cli::from_args(["jogwheel"].into_iter().chain(line.split_whitespace()))
}

fn play(line: &str) -> PlayArgs {
    match cli(line).command {
        CliCommand::Play(args) => *args,
        other => panic!("{line}: {other:?}"),
    }
}

fn soak(line: &str) -> SoakArgs {
    match cli(line).command {
        CliCommand::Soak(args) => *args,
        other => panic!("{line}: {other:?}"),
    }
}

/// The message of a command line that must be refused.
fn refusal(line: &str) -> String {
    let error = try_cli(line).expect_err(line);
    assert!(error.use_stderr(), "{line}");
    error.to_string()
}

/// The grammar with help that is not wrapped, however wide the terminal.
fn help_command() -> clap::Command {
    let mut command = Cli::command().term_width(0);
    command.build();
    command
}

#[test]
fn the_grammar_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn a_file_alone_is_played() {
    assert_eq!(play("a.mov").files, [PathBuf::from("a.mov")]);
    assert_eq!(play("play a.mov"), play("a.mov"));
    assert_eq!(play("--speed 2 a.mov"), play("play a.mov --speed 2"));
    assert_eq!(play("-vv a.mov"), play("a.mov"));
    assert_eq!(play("-- -odd.mov").files, [PathBuf::from("-odd.mov")]);
    assert_eq!(play("./probe").files, [PathBuf::from("./probe")]);
    assert!(play("").files.is_empty());
    assert!(play("-q").files.is_empty());
    assert!(Cli::from_args(Vec::<OsString>::new()).is_ok());
}

#[test]
fn commands_are_not_taken_for_files() {
    assert!(matches!(
        cli("-v probe a.mov").command,
        CliCommand::Probe(_)
    ));
    assert!(matches!(
        cli("--json-errors devices --json").command,
        CliCommand::Devices(_)
    ));
    for line in [
        "help",
        "--help",
        "-h",
        "--version",
        "help soak",
        "soak --help",
        "-v --help",
    ] {
        assert!(!try_cli(line).unwrap_err().use_stderr(), "{line}");
    }
}

#[test]
#[cfg(unix)]
fn a_name_that_is_not_unicode_is_a_file() {
    use std::os::unix::ffi::OsStringExt;
    let name = OsString::from_vec(vec![b'a', 0xff, b'.', b'm']);
    let cli = Cli::from_args(["jogwheel".into(), name.clone()]).unwrap();
    let CliCommand::Play(args) = cli.command else {
        panic!("{:?}", cli.command)
    };
    assert_eq!(args.files, [PathBuf::from(name)]);
}

#[test]
fn play_has_sensible_defaults() {
    let args = play("a.mov");
    assert_eq!(args.transport.speed, Speed::NORMAL);
    assert_eq!(args.transport.loop_mode, LoopChoice::Off);
    assert_eq!((args.sound.volume, args.sound.audio_delay), (100, 0));
    assert_eq!(args.picture.convert, ConvertChoice::Auto);
    assert_eq!(args.report.puffin, None);
    assert_eq!(args.run.seconds, None);
}

#[test]
fn play_takes_everything() {
    let args = play(
        "play a.mov b.mov --start 123f --in 01:00:00;02 --out 4.5s --loop pingpong --speed -0.5 \
         --paused --convert cpu --size 640x360 --overlay --volume 150 --mute --audio-track 2 \
         --audio-device hw:0 --audio-delay -40 --headless --seconds 1.5 --frames 10 --untimed \
         --shot out.png --json --state-file s.jsonl --puffin=0.0.0.0:9000 --memory 2G --threads 4 \
         --no-cache",
    );
    assert_eq!(args.files.len(), 2);
    assert_eq!(args.transport.start, Some(Position::Frame(FrameIndex(123))));
    assert_eq!(args.transport.mark_in.unwrap().to_string(), "01:00:00;02");
    assert_eq!(args.transport.mark_out.unwrap().to_string(), "4.5s");
    assert_eq!(args.transport.loop_mode, LoopChoice::PingPong);
    assert_eq!(args.transport.speed.quarters(), -2);
    assert!(args.transport.paused && args.picture.overlay && args.sound.mute);
    assert_eq!(args.picture.size, Size::new(640, 360));
    assert_eq!((args.sound.volume, args.sound.audio_delay), (150, -40));
    assert_eq!(args.sound.audio_track, Some(2));
    assert_eq!(args.run.seconds, Some(Duration::from_millis(1500)));
    assert_eq!(args.run.frames.map(std::num::NonZeroU64::get), Some(10));
    assert_eq!(args.report.puffin, "0.0.0.0:9000".parse().ok());
    assert_eq!(args.machine.memory, Some(2 << 30));
    assert_eq!(args.machine.threads, Some(4));
    assert!(args.disk.no_cache);
}

#[test]
fn puffin_without_an_address_does_not_eat_the_file() {
    let args = play("--puffin a.mov");
    assert_eq!(args.report.puffin, "127.0.0.1:8585".parse().ok());
    assert_eq!(args.files, [PathBuf::from("a.mov")]);
}

#[test]
fn wrong_values_are_refused_with_a_hint() {
    for (line, hint) in [
        ("a.mov --start nowhere", "01:02:03:04"),
        ("a.mov --start -1", "before the start"),
        ("a.mov --speed 3.1", "steps of 0.25"),
        ("a.mov --speed 0", "0.25 to 8"),
        ("a.mov --size big", "1280x720"),
        ("a.mov --memory lots", "2G"),
        ("a.mov --seconds 0", "above zero"),
        ("a.mov --volume 201", "0..=200"),
        ("a.mov --threads 0", "1..=64"),
        ("a.mov --loop sometimes", "pingpong"),
        ("a.mov --headless --fullscreen", "cannot be used with"),
        ("a.mov --no-audio --audio-track 1", "cannot be used with"),
        ("a.mov -v -q", "cannot be used with"),
        ("a.mov --fullscren", "--fullscreen"),
        ("soak a.mov --target-fps fast", "30000/1001"),
        ("soak a.mov --fault fire", "device-loss@SECONDS"),
        ("soak a.mov --max-p99-ms=-1", "0 or more"),
        ("soak a.mov --seed 3", "--seeks"),
        ("soak", "<FILE>"),
        ("shot a.mov -o out.png", "--at <POS>"),
        ("probe", "<FILE>"),
        ("completions tcsh", "fish"),
    ] {
        let message = refusal(line);
        assert!(message.contains(hint), "{line}: {message}");
    }
}

#[test]
fn soak_moves_the_playhead() {
    let args = soak("soak a.mov --drags 30 --drag-interval-ms 20 --within 8 --seed 4");
    assert_eq!((args.drags, args.drag_interval_ms), (Some(30), 20));
    assert_eq!((args.within, args.seed), (Some(Duration::from_secs(8)), 4));
    let args = soak("soak a.mov --seeks 200 --seek-interval-ms 250 --back-steps 10");
    assert_eq!(
        (args.seeks, args.seek_interval_ms, args.back_steps),
        (Some(200), Some(250), Some(10))
    );
    let args = soak("soak a.mov --trace editing --trace-minutes 10 --trace-wait-ms 300");
    assert_eq!(args.trace, Some(TraceChoice::Editing));
    assert_eq!((args.trace_minutes, args.trace_wait_ms), (10, Some(300)));
    assert!(refusal("soak a.mov --trace editing --trace-minutes 61").contains("60"));
}

#[test]
fn soak_takes_everything() {
    let args = soak(
        "soak a.mov --seconds 20 --target-fps 59.94 --untimed --window --json r.json --size 640x360 \
         --convert gpu --seeks 100 --seed 7 --no-audio --fault device-loss@2.5 --max-drop-percent 1 \
         --max-late-percent 2 --max-p99-ms 3 --min-fps 4 --max-av-offset-ms 5 --max-rss-mb 6 \
         --max-rss-slope-mb-per-min 7",
    );
    assert_eq!(args.seconds, Duration::from_secs(20));
    assert_eq!(args.target_fps, FrameRate::new(60_000, 1001));
    assert_eq!((args.seeks, args.seed), (Some(100), 7));
    assert_eq!(
        args.faults,
        [Fault::DeviceLoss {
            after: Duration::from_millis(2500)
        }]
    );
    let expected = Limits {
        max_drop_percent: Some(1.0),
        max_late_percent: Some(2.0),
        max_p99_ms: Some(3.0),
        min_fps: Some(4.0),
        max_av_offset_ms: Some(5.0),
        max_rss_mb: Some(6.0),
        max_rss_slope_mb_per_min: Some(7.0),
    };
    assert_eq!(Limits::from(args.limits), expected);
    let bare = soak("soak a.mov");
    assert_eq!(
        (bare.seconds, bare.target_fps),
        (Duration::from_mins(1), None)
    );
    assert_eq!(Limits::from(bare.limits), Limits::default());
}

/// Reports name limits as the flags do, so that a person finds the flag to change.
#[test]
fn limits_are_named_as_their_flags() {
    let bare = soak(
        "soak a --max-drop-percent 1 --max-late-percent 1 --max-p99-ms 1 --min-fps 1 \
         --max-av-offset-ms 1 --max-rss-mb 1 --max-rss-slope-mb-per-min 1",
    );
    let report = crate::metrics::report_for_tests();
    let named: Vec<&str> = Limits::from(bare.limits)
        .check(&report)
        .iter()
        .map(|limit| limit.name)
        .collect();
    let command = Cli::command();
    let command = command.find_subcommand("soak").unwrap();
    let flags: Vec<&str> = command
        .get_arguments()
        .filter(|arg| {
            arg.get_help_heading()
                .is_some_and(|heading| heading.starts_with("Limits"))
        })
        .filter_map(clap::Arg::get_long)
        .collect();
    assert_eq!(named, flags);
    assert_eq!(report.schema, SoakReport::SCHEMA);
}

#[test]
fn verbosity_chooses_the_log_level() {
    for (line, level) in [
        ("-q a.mov", LevelFilter::ERROR),
        ("a.mov", LevelFilter::WARN),
        ("a.mov -v", LevelFilter::INFO),
        ("-vv probe a.mov", LevelFilter::DEBUG),
        ("probe a.mov -vvv", LevelFilter::TRACE),
    ] {
        assert_eq!(cli(line).global.log_level(), level, "{line}");
    }
}

#[test]
fn json_errors_are_known_before_parsing() {
    assert!(wants_json_errors(["jogwheel", "prob", "--json-errors"]));
    assert!(!wants_json_errors(["jogwheel", "--", "--json-errors"]));
    assert!(!wants_json_errors(["jogwheel", "--json"]));
}

#[test]
fn help_teaches() {
    let help = help_command().render_long_help().to_string();
    for exit in Exit::ALL {
        let line = format!("{:>3}  {}", exit.code(), exit.meaning());
        assert!(help.contains(&line), "{line}");
    }
    assert!(help.contains("jogwheel soak clip.mov"));
    assert!(help.contains("01:02:03;04"));
    for command in Cli::command().get_subcommands() {
        assert!(command.get_about().is_some(), "{}", command.get_name());
        for arg in command.get_arguments() {
            assert!(
                arg.get_help().is_some(),
                "{} {}",
                command.get_name(),
                arg.get_id()
            );
        }
    }
}

/// Every example in the help is a command line that is understood.
#[test]
fn examples_in_the_help_work() {
    let mut examples = 0;
    let mut command = help_command();
    let pages = command
        .get_subcommands_mut()
        .map(|command| command.render_long_help().to_string());
    let mut pages: Vec<String> = pages.collect();
    pages.push(help_command().render_long_help().to_string());
    for line in pages.iter().flat_map(|page| page.lines()) {
        let Some(example) = line.strip_prefix("  jogwheel ") else {
            continue;
        };
        // What follows two spaces, or a redirection, is not part of the command line.
        let end = example
            .find("  ")
            .or_else(|| example.find(" > "))
            .unwrap_or(example.len());
        cli(&example[..end]);
        examples += 1;
    }
    assert!(examples >= 15, "{examples}");
}

#[test]
fn completions_are_written_for_every_shell() {
    use clap::ValueEnum;
    for &shell in clap_complete::Shell::value_variants() {
        let mut script = Vec::new();
        CompletionsArgs { shell }.write(&mut script).unwrap();
        let script = String::from_utf8(script).unwrap();
        assert!(
            script.contains("jogwheel") && script.contains("max-drop-percent"),
            "{shell}"
        );
    }
}

#[test]
fn background_work_can_be_left_out_and_measured() {
    assert!(!play("a.mov").run.no_thumbnails);
    assert!(play("a.mov --no-thumbnails").run.no_thumbnails);
    let bench = |line: &str| match cli(line).command {
        CliCommand::Bench(args) => args.kind,
        other => panic!("{line}: {other:?}"),
    };
    let file = PathBuf::from("a.mov");
    assert_eq!(
        bench("bench thumbnails a.mov --json"),
        BenchKind::Thumbnails {
            file: file.clone(),
            json: true
        }
    );
    assert_eq!(
        bench("bench waveform a.mov"),
        BenchKind::Waveform { file, json: false }
    );
}
