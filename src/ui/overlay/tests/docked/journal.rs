//! The journal: warnings and errors stay when their notices have passed.

use egui_kittest::kittest::Queryable;

use super::{Screen, click, screen};
use crate::playback::{Notice, Severity};
use crate::ui::Panel;

const TEXT: &str = "The sound card was pulled out.";

fn says(screen: &mut Screen, severity: Severity, text: &str) {
    screen.state_mut().snapshot.notices = vec![Notice {
        severity,
        text: text.to_owned(),
    }];
    screen.run_steps(1);
    screen.state_mut().snapshot.notices.clear();
    screen.run_steps(1);
}

fn pass(screen: &mut Screen, seconds: i64) {
    let bench = screen.state_mut();
    bench.now = bench.now.offset_nanos(seconds * 1_000_000_000);
    screen.run_steps(1);
}

#[test]
fn what_went_wrong_is_kept_until_it_is_forgotten() {
    let mut screen = screen(&[Panel::Performance]);
    assert!(screen.query_by_label("Warnings and errors").is_none());
    says(&mut screen, Severity::Info, "Marked in.");
    says(&mut screen, Severity::Error, TEXT);
    pass(&mut screen, 300);
    screen.get_by_label("Warnings and errors");
    screen.get_by_label(TEXT);
    screen.get_by_label("A007_C012_0417_v2.mov, 5 min ago");
    assert!(
        screen.query_by_label("Marked in.").is_none(),
        "nothing is wrong with that"
    );

    says(&mut screen, Severity::Error, TEXT);
    screen.get_by_label("A007_C012_0417_v2.mov, just now, 2 times");
    assert_eq!(
        screen.get_all_by_label(TEXT).count(),
        1,
        "it is told once, with how often it was"
    );
    click(&mut screen, "Forget them");
    assert!(screen.query_by_label("Warnings and errors").is_none());
}

#[test]
fn it_is_written_down_while_no_panel_is_open_and_copied_as_text() {
    let mut screen = screen(&[]);
    says(&mut screen, Severity::Warning, "A packet was damaged.");
    says(&mut screen, Severity::Error, TEXT);
    screen.state_mut().overlay.open(Panel::Performance);
    screen.run_steps(2);
    screen.get_by_label("Copy them").click();
    screen.run_steps(1);
    let mut copied = None;
    for _ in 0..3 {
        let commands = &screen.output().platform_output.commands;
        copied = copied.or_else(|| {
            commands.iter().find_map(|command| match command {
                egui::OutputCommand::CopyText(text) => Some(text.clone()),
                _ => None,
            })
        });
        screen.step();
    }
    let file = "A007_C012_0417_v2.mov";
    assert_eq!(
        copied.as_deref(),
        Some(
            format!(
                "warning: A packet was damaged. ({file}, just now)\nerror: {TEXT} ({file}, just now)\n"
            )
            .as_str()
        )
    );
}
