//! The badges that say whether proxies are shown, and the key that switches.

use std::sync::Arc;

use super::timeline::hover;
use super::*;
use crate::decode::Rung;
use crate::playback::ProxyUse;
use crate::ui::badges::Subject;

#[test]
fn badges_say_what_is_shown_and_why_some_are_not() {
    let mut screen = Screen::usual();
    assert_eq!(screen.overlay.zones.rect(Zone::Badge(Subject::Rung)), None);
    for (rung, words) in [
        (Rung::Source, "Source Quality"),
        (Rung::Quarter, "Proxy Active"),
    ] {
        screen.snapshot.has_proxies = true;
        screen.snapshot.rung = rung;
        screen.show(Vec::new());
        let badge = screen.rect(Zone::Badge(Subject::Rung)).center();
        let told = hover(&mut screen, badge);
        assert!(told.contains(words), "{told}");
        assert_eq!(told.contains("quarter of the size"), rung == Rung::Quarter);
    }
    let reason: Arc<str> = "a.mov: not used: it is shifted".into();
    screen.snapshot.refusals = Some(Arc::new(vec![Arc::clone(&reason)]));
    screen.show(Vec::new());
    let badge = screen.rect(Zone::Badge(Subject::Refused)).center();
    let told = hover(&mut screen, badge);
    assert!(
        told.contains("proxy refused") && told.contains(&*reason),
        "{told}"
    );
}

#[test]
fn the_key_switches_between_proxies_and_source() {
    let mut screen = Screen::usual();
    for (before, after) in [
        (ProxyUse::Auto, ProxyUse::Always),
        (ProxyUse::Always, ProxyUse::Auto),
    ] {
        screen.snapshot.proxies = before;
        assert_eq!(screen.press("U"), commands([Command::SetProxies(after)]));
    }
}
