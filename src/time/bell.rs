//! Sleeping until a call or a time.

use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// A bell that one thread sleeps beside and others ring. A ring that nobody waits for is kept for the next wait; many
/// are one.
///
/// A channel's wait is not for a thread that must wake at a certain moment: before it sleeps it yields, and on a machine
/// whose cores are all busy each yield gives away a slice of several milliseconds.
#[derive(Debug, Default)]
pub struct Bell {
    rung: Mutex<bool>,
    ringing: Condvar,
}

impl Bell {
    /// Ends the present or the next wait.
    pub fn ring(&self) {
        let was_rung = std::mem::replace(&mut *self.rung.lock(), true);
        if !was_rung {
            self.ringing.notify_one();
        }
    }

    /// Sleeps until the bell is rung, `longest` at most; without a limit where there is none. False when the time was up.
    pub fn wait(&self, longest: Option<Duration>) -> bool {
        let mut rung = self.rung.lock();
        let is_silent = |rung: &mut bool| !*rung;
        match longest {
            Some(longest) => {
                self.ringing.wait_while_for(&mut rung, is_silent, longest);
            }
            None => self.ringing.wait_while(&mut rung, is_silent),
        }
        std::mem::take(&mut *rung)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const HUNG: Duration = Duration::from_mins(1);

    #[test]
    fn a_ring_that_nobody_waited_for_is_kept_and_many_are_one() {
        let bell = Bell::default();
        assert!(!bell.wait(Some(Duration::ZERO)));
        bell.ring();
        bell.ring();
        assert!(bell.wait(None));
        assert!(!bell.wait(Some(Duration::from_millis(1))));
    }

    #[test]
    fn a_sleeper_is_woken() {
        let (call, answer) = (Arc::new(Bell::default()), Arc::new(Bell::default()));
        let echo = std::thread::Builder::new().spawn({
            let (call, answer) = (Arc::clone(&call), Arc::clone(&answer));
            move || {
                for _ in 0..1000 {
                    assert!(call.wait(Some(HUNG)));
                    answer.ring();
                }
            }
        });
        for _ in 0..1000 {
            call.ring();
            assert!(answer.wait(Some(HUNG)));
        }
        echo.unwrap().join().unwrap();
    }
}
