//! Notices: what happened and what can be done, for some seconds each.

use egui::{Rect, pos2, vec2};

use crate::playback::{Notice, Severity};
use crate::time::Moment;

use super::canvas::Canvas;
use super::pointer::Zone;
use super::style;

/// Notices on the screen at once.
const SHOWN: usize = 3;
const WIDTH: f32 = 340.0;
const MARGIN: f32 = 12.0;
const PADDING: f32 = 10.0;

/// Which of the engine's notices are still to be seen.
///
/// The engine keeps the latest few without saying when they came, and no two that are alike. Some pass before
/// those that came earlier: one that was not in the list before is new, whatever its place.
#[derive(Debug, Default)]
pub(super) struct Toasts {
    known: Vec<(Notice, Moment, bool)>,
}

fn life_nanos(severity: Severity) -> i64 {
    i64::try_from(severity.reading_time().as_nanos()).unwrap_or(i64::MAX)
}

impl Toasts {
    /// Takes note of the engine's present list, and answers what of it is new.
    pub(super) fn update<'a>(&mut self, notices: &'a [Notice], now: Moment) -> Vec<&'a Notice> {
        let is_as_before = self.known.len() == notices.len()
            && (self.known.iter().zip(notices)).all(|((known, _, _), notice)| known == notice);
        if is_as_before {
            return Vec::new();
        }
        let mut before = std::mem::take(&mut self.known);
        let mut new = Vec::new();
        for notice in notices {
            let known = before.iter().position(|(known, _, _)| known == notice);
            let Some(place) = known else {
                self.known.push((notice.clone(), now, false));
                new.push(notice);
                continue;
            };
            self.known.push(before.swap_remove(place));
        }
        new
    }

    /// Numbers of the notices to show, the latest first.
    fn visible(&self, now: Moment) -> impl Iterator<Item = usize> {
        let alive = move |(notice, since, dismissed): &(Notice, Moment, bool)| {
            !dismissed && now.nanos_since(*since) < life_nanos(notice.severity)
        };
        let known = self.known.iter().enumerate().rev();
        known
            .filter(move |(_, entry)| alive(entry))
            .map(|(index, _)| index)
            .take(SHOWN)
    }

    /// What one says, counted from the top.
    pub(super) fn words(&self, place: usize, now: Moment) -> Option<&str> {
        let number = self.visible(now).nth(place)?;
        Some(&self.known[number].0.text)
    }

    /// The words on the screen.
    pub(super) fn look(&self, now: Moment) -> impl Iterator<Item = &str> {
        self.visible(now)
            .map(|number| self.known[number].0.text.as_str())
    }

    /// Takes one off the screen, counted from the top.
    pub(super) fn dismiss(&mut self, place: usize, now: Moment) {
        let number = self.visible(now).nth(place);
        if let Some((_, _, dismissed)) = number.and_then(|number| self.known.get_mut(number)) {
            *dismissed = true;
        }
    }

    /// Takes those off the screen that say what is said in full elsewhere.
    pub(super) fn dismiss_what_ends_with(&mut self, words: &str) {
        for (notice, _, dismissed) in &mut self.known {
            *dismissed |= notice.text.ends_with(words);
        }
    }

    /// When the next one goes.
    pub(super) fn next_change(&self, now: Moment) -> Option<Moment> {
        let end = |number: usize| {
            let (notice, since, _) = &self.known[number];
            since.offset_nanos(life_nanos(notice.severity))
        };
        self.visible(now).map(end).min()
    }

    /// Paints them from `top` downwards at the right of `window`, not beyond `bottom`.
    pub(super) fn paint(
        &self,
        canvas: &mut Canvas<'_>,
        window: Rect,
        top: f32,
        bottom: f32,
        now: Moment,
    ) {
        let width = WIDTH.min(window.width() - 2.0 * MARGIN);
        let mut y = top + MARGIN;
        for (place, number) in self.visible(now).enumerate() {
            let notice = &self.known[number].0;
            let text_width = width - 2.0 * PADDING - 6.0;
            let galley = canvas.wrapped(&*notice.text, style::BODY, text_width, 4);
            let height = galley.size().y + 2.0 * PADDING;
            if y + height > bottom {
                break;
            }
            let min = pos2(window.right() - MARGIN - width, y);
            let rect = Rect::from_min_size(min, vec2(width, height));
            canvas.panel(rect, style::SOLID);
            let color = match notice.severity {
                Severity::Info => style::MARK,
                Severity::Warning => style::WARN,
                Severity::Error => style::BAD,
            };
            let mut stripe = rect.shrink(1.0);
            stripe.set_width(3.0);
            canvas.painter.rect_filled(stripe, 1.0, color);
            let at = rect.min + vec2(PADDING + 5.0, PADDING);
            canvas.painter.galley(at, galley, style::TEXT);
            canvas.zones.place(Zone::Toast(place), rect);
            y += height + 6.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice(text: &str) -> Notice {
        Notice {
            severity: Severity::Info,
            text: text.to_owned(),
        }
    }

    fn at(secs: u64) -> Moment {
        Moment::from_nanos(secs * 1_000_000_000)
    }

    fn texts(toasts: &Toasts, now: Moment) -> Vec<&str> {
        toasts
            .visible(now)
            .map(|number| toasts.known[number].0.text.as_str())
            .collect()
    }

    #[test]
    fn new_notices_appear_first_and_each_goes_in_its_own_time() {
        let mut toasts = Toasts::default();
        toasts.update(&[notice("a")], at(0));
        toasts.update(&[notice("a"), notice("b")], at(3));
        assert_eq!(texts(&toasts, at(3)), ["b", "a"]);
        assert_eq!(toasts.next_change(at(3)), Some(at(5)));
        assert_eq!(texts(&toasts, at(5)), ["b"]);
        assert_eq!(toasts.next_change(at(9)), None);
    }

    #[test]
    fn a_list_that_moved_on_keeps_the_times_of_what_it_kept() {
        let mut toasts = Toasts::default();
        toasts.update(&[notice("a"), notice("b")], at(0));
        toasts.update(&[notice("b"), notice("c")], at(4));
        assert_eq!(texts(&toasts, at(4)), ["c", "b"]);
        assert_eq!(texts(&toasts, at(6)), ["c"], "b came at 0");
        toasts.update(&[], at(6));
        assert_eq!(texts(&toasts, at(6)), [] as [&str; 0]);
    }

    #[test]
    fn one_that_stays_is_not_new_when_a_later_one_passes() {
        let mut toasts = Toasts::default();
        let (stays, passes) = (notice("stays"), notice("passes"));
        let both = [stays.clone(), passes.clone()];
        assert_eq!(toasts.update(&both, at(0)), [&stays, &passes]);
        toasts.dismiss(1, at(1));
        assert_eq!(toasts.update(&both[..1], at(5)), [] as [&Notice; 0]);
        assert_eq!(texts(&toasts, at(5)), [] as [&str; 0], "it was dismissed");
        assert_eq!(toasts.update(&both, at(6)), [&passes], "it is said again");
    }

    #[test]
    fn a_dismissed_notice_stays_away() {
        let mut toasts = Toasts::default();
        let list = [notice("a"), notice("b")];
        toasts.update(&list, at(0));
        toasts.dismiss(0, at(1));
        toasts.update(&list, at(2));
        assert_eq!(texts(&toasts, at(2)), ["a"]);
        toasts.dismiss(7, at(2));
        assert_eq!(texts(&toasts, at(2)), ["a"]);
    }
}
