//! Files dragged from another program and dropped on the window, by the XDND protocol, version 5.

use std::path::Path;

use x11rb::connection::Connection;
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{
    ClientMessageEvent, ConnectionExt, CreateWindowAux, EventMask, PropMode,
    SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, WindowClass,
};
use x11rb::wrapper::ConnectionExt as _;

use super::Screen;
use crate::program::wait_for;

/// The file as a URI, all but the plainest bytes percent-encoded.
fn uri(file: &Path) -> String {
    let mut uri = "file://".to_owned();
    for &byte in file.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'-' | b'.' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                uri.push(char::from(byte));
            }
            _ => {
                let digits = [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16));
                uri.push('%');
                uri.extend(digits.into_iter().flatten());
            }
        }
    }
    uri
}

impl Screen {
    /// Drags `files` from a window of another program over this one, and drops them there.
    pub(crate) fn drop_files(&self, files: &[&Path]) {
        let (x, _) = x11rb::connect(None).unwrap();
        let atom = |name: &str| {
            x.intern_atom(false, name.as_bytes())
                .unwrap()
                .reply()
                .unwrap()
                .atom
        };
        let [selection, uri_list, copy] =
            ["XdndSelection", "text/uri-list", "XdndActionCopy"].map(atom);
        let source = x.generate_id().unwrap();
        let root = x.setup().roots[0].root;
        x.create_window(
            x11rb::COPY_DEPTH_FROM_PARENT,
            source,
            root,
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
        x.set_selection_owner(source, selection, x11rb::CURRENT_TIME)
            .unwrap();
        let tell = |name: &str, data: [u32; 5]| {
            let message = ClientMessageEvent::new(32, self.window, atom(name), data);
            x.send_event(false, self.window, EventMask::NO_EVENT, message)
                .unwrap();
            x.flush().unwrap();
        };
        tell("XdndEnter", [source, 5 << 24, uri_list, 0, 0]);
        let middle = (200 << 16) + 150;
        tell(
            "XdndPosition",
            [source, 0, middle, x11rb::CURRENT_TIME, copy],
        );
        let list: String = files.iter().map(|file| uri(file) + "\r\n").collect();
        let (status, finished) = (atom("XdndStatus"), atom("XdndFinished"));
        let dropped = wait_for(|| {
            match x.poll_for_event().unwrap()? {
                Event::SelectionRequest(request) => {
                    x.change_property8(
                        PropMode::REPLACE,
                        request.requestor,
                        request.property,
                        request.target,
                        list.as_bytes(),
                    )
                    .unwrap();
                    let notice = SelectionNotifyEvent {
                        response_type: SELECTION_NOTIFY_EVENT,
                        sequence: 0,
                        time: request.time,
                        requestor: request.requestor,
                        selection: request.selection,
                        target: request.target,
                        property: request.property,
                    };
                    x.send_event(false, request.requestor, EventMask::NO_EVENT, notice)
                        .unwrap();
                    x.flush().unwrap();
                }
                Event::ClientMessage(message) if message.type_ == status => {
                    let accepted = message.data.as_data32()[1] & 1;
                    assert_eq!(accepted, 1, "the window takes files");
                    tell("XdndDrop", [source, 0, x11rb::CURRENT_TIME, 0, 0]);
                }
                Event::ClientMessage(message) if message.type_ == finished => return Some(()),
                _ => {}
            }
            None
        });
        dropped.expect("the window says that it has the files");
    }
}
