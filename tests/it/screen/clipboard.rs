//! What the program has put on the clipboard, as another program gets it: the CLIPBOARD selection of
//! the Inter-Client Communication Conventions Manual, section 2.

use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{ConnectionExt, CreateWindowAux, WindowClass};

use super::Screen;
use crate::program::wait_for;

impl Screen {
    /// Waits until the clipboard can be had as `target`, and answers what it then holds.
    #[track_caller]
    pub(crate) fn clipboard(&self, target: &str) -> Vec<u8> {
        let [selection, wanted, property] =
            ["CLIPBOARD", target, "JOGWHEEL_TEST"].map(|name| self.atom(name));
        let requestor = self.x.generate_id().unwrap();
        self.x
            .create_window(
                x11rb::COPY_DEPTH_FROM_PARENT,
                requestor,
                self.root(),
                0,
                0,
                1,
                1,
                0,
                WindowClass::INPUT_OUTPUT,
                x11rb::COPY_FROM_PARENT,
                &CreateWindowAux::new(),
            )
            .unwrap();
        let ask = || {
            let time = x11rb::CURRENT_TIME;
            self.x
                .convert_selection(requestor, selection, wanted, property, time)
                .unwrap();
            self.x.flush().unwrap();
        };
        ask();
        let held = wait_for(|| {
            let Event::SelectionNotify(notice) = self.x.poll_for_event().unwrap()? else {
                return None;
            };
            if notice.property == x11rb::NONE {
                // Nobody has it yet, or only as something else.
                ask();
                return None;
            }
            let cookie = self
                .x
                .get_property(true, requestor, property, wanted, 0, u32::MAX / 4);
            let held = cookie.unwrap().reply().unwrap();
            assert_eq!(held.type_, wanted, "it comes in one piece");
            Some(held.value)
        });
        self.x.destroy_window(requestor).unwrap();
        held.unwrap_or_else(|| panic!("the clipboard never holds {target}"))
    }
}
