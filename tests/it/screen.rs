//! The program in a real window: keys pressed, the pointer moved, pixels read back.
//!
//! All windows share one X server, so a lock file lets one test at a time have it.

mod clipboard;
mod drop;

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;

use jogwheel::gpu::fit;
use jogwheel::media::Size;
use serde_json::Value;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{
    AtomEnum, ClientMessageEvent, ConnectionExt, EventMask, ImageFormat, InputFocus, Window,
};
use x11rb::rust_connection::RustConnection;

use crate::made;
use crate::program::{self, Ended, Running, last_state, wait_for};

/// Pixels of a window, as RGBA.
#[derive(PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) size: Size,
    pub(crate) rgba: Vec<u8>,
}

impl Picture {
    /// The part in which a picture of `display`'s shape is shown.
    pub(crate) fn shown(&self, display: Size) -> Self {
        let rect = fit(display, self.size);
        let [x, y, width, height, stride] = [
            rect.x,
            rect.y,
            rect.size.width(),
            rect.size.height(),
            self.size.width(),
        ]
        .map(|n| usize::try_from(n).unwrap());
        let rows = (y..y + height).flat_map(|row| {
            let start = (row * stride + x) * 4;
            &self.rgba[start..start + width * 4]
        });
        Self {
            size: rect.size,
            rgba: rows.copied().collect(),
        }
    }

    /// The number in the bars of a picture of `display`'s shape.
    pub(crate) fn number(&self, display: Size) -> Result<u32, String> {
        let shown = self.shown(display);
        let [width, height] =
            [shown.size.width(), shown.size.height()].map(|n| usize::try_from(n).unwrap());
        made::number_in_rgba(&shown.rgba, width, height)
    }

    /// The colour of a pixel.
    pub(crate) fn pixel(&self, x: u32, y: u32) -> [u8; 3] {
        let at = usize::try_from(y * self.size.width() + x).unwrap() * 4;
        [self.rgba[at], self.rgba[at + 1], self.rgba[at + 2]]
    }
}

/// The program and its window.
pub(crate) struct Screen {
    running: Running,
    state_file: PathBuf,
    window: Window,
    x: RustConnection,
    /// Where the program runs: what it writes lands here.
    pub(crate) folder: tempfile::TempDir,
    _turn: File,
}

impl Screen {
    /// Starts `jogwheel play` with `args` and waits for its window.
    pub(crate) fn play(args: &[&str]) -> Self {
        let mut screen = Self::launch(args);
        screen.find_window();
        screen
    }

    /// The same, without waiting for anything.
    pub(crate) fn launch(args: &[&str]) -> Self {
        Self::launch_in(turn(), tempfile::tempdir().unwrap(), args)
    }

    /// Waits for the end of this run and starts another where it ran, with what it left there.
    #[track_caller]
    pub(crate) fn play_again(self, args: &[&str]) -> Self {
        let Self {
            running,
            folder,
            _turn: turn,
            ..
        } = self;
        running.wait().expect(0);
        let mut screen = Self::launch_in(turn, folder, args);
        screen.find_window();
        screen
    }

    fn launch_in(turn: File, folder: tempfile::TempDir, args: &[&str]) -> Self {
        let state_file = folder.path().join("state");
        let (x, _) = x11rb::connect(None).expect("DISPLAY names an X server: run scripts/test");
        // The pointer would keep the controls on screen where it rests on them.
        xdotool(&["mousemove", "1900", "1060"]);
        let mut command = program::command(&[&"play", &"--state-file", &state_file]);
        command
            .args(args)
            .current_dir(folder.path())
            .env("HOME", folder.path());
        command.env("XDG_CONFIG_HOME", folder.path());
        command.env("XDG_STATE_HOME", folder.path());
        let running = Running::start(command);
        Self {
            running,
            state_file,
            window: 0,
            x,
            folder,
            _turn: turn,
        }
    }

    /// Waits for the window and gives it the keyboard.
    pub(crate) fn find_window(&mut self) {
        let found = wait_for(|| {
            assert!(
                self.running.is_running(),
                "the program ended before it had a window"
            );
            self.window_of_program()
        });
        self.window = found.expect("a window appears");
        self.x
            .set_input_focus(InputFocus::PARENT, self.window, x11rb::CURRENT_TIME)
            .unwrap();
        self.x.flush().unwrap();
    }

    fn window_of_program(&self) -> Option<Window> {
        let root = self.x.setup().roots[0].root;
        let pid_atom = self.atom("_NET_WM_PID");
        let children = self.x.query_tree(root).ok()?.reply().ok()?.children;
        children.into_iter().find(|&window| {
            let cookie = self
                .x
                .get_property(false, window, pid_atom, AtomEnum::CARDINAL, 0, 1);
            let pid = cookie.ok().and_then(|cookie| cookie.reply().ok());
            let is_ours = pid.and_then(|pid| pid.value32()?.next()) == Some(self.running.pid());
            is_ours && self.is_viewable(window)
        })
    }

    fn is_viewable(&self, window: Window) -> bool {
        use x11rb::protocol::xproto::MapState;
        let cookie = self.x.get_window_attributes(window).ok();
        let attributes = cookie.and_then(|cookie| cookie.reply().ok());
        attributes.is_some_and(|attributes| attributes.map_state == MapState::VIEWABLE)
    }

    fn atom(&self, name: &str) -> u32 {
        self.x
            .intern_atom(false, name.as_bytes())
            .unwrap()
            .reply()
            .unwrap()
            .atom
    }

    /// The state as last written.
    pub(crate) fn state(&self) -> Value {
        last_state(&self.state_file).unwrap_or_default()
    }

    /// Waits until `is_there` holds of the state, and answers the state.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, is_there: impl Fn(&Value) -> bool) -> Value {
        let file = self.state_file.clone();
        let there = wait_for(|| {
            assert!(
                self.running.is_running(),
                "the program ended while waiting for {what}"
            );
            last_state(&file).filter(&is_there)
        });
        there.unwrap_or_else(|| panic!("never came to {what}; the state is {:#}", self.state()))
    }

    /// Waits until the state has these fields, each with this value.
    #[track_caller]
    pub(crate) fn until_fields(&mut self, doing: &str, fields: &Value) -> Value {
        let wanted = fields.as_object().unwrap().clone();
        self.until(&format!("{fields} after {doing}"), |state| {
            wanted.iter().all(|(name, value)| state[name] == *value)
        })
    }

    /// Waits until this frame is held and on screen.
    #[track_caller]
    pub(crate) fn until_shown(&mut self, frame: i64) {
        let fields = serde_json::json!({"frame": frame, "shown": frame});
        self.until_fields("moving", &fields);
    }

    /// Presses keys, in xdotool's names: `shift+Left`.
    pub(crate) fn press(&self, keys: &[&str]) {
        assert_ne!(self.window, 0, "there is a window to press keys in");
        let mut args = vec!["key", "--clearmodifiers"];
        args.extend(keys);
        xdotool(&args);
    }

    /// The same while a button of the mouse is held down, which clearing modifiers would release.
    pub(crate) fn press_while_holding(key: &str) {
        xdotool(&["key", key]);
    }

    /// Types a position into the prompt.
    pub(crate) fn go_to(&mut self, position: &str) {
        self.press(&["slash"]);
        self.until("the prompt", |state| {
            let panels = state["panels"].as_array().into_iter().flatten();
            panels
                .filter_map(Value::as_str)
                .any(|panel| panel == "prompt")
        });
        Self::type_text(position);
        self.press(&["Return"]);
    }

    /// Types into the field that has the keyboard.
    pub(crate) fn type_text(text: &str) {
        xdotool(&["type", text]);
    }

    /// Presses and releases the main button at a place in the window.
    pub(crate) fn click(&self, x: i32, y: i32) {
        self.point(x, y);
        xdotool(&["click", "1"]);
    }

    /// Moves the pointer to a place in the window.
    pub(crate) fn point(&self, x: i32, y: i32) {
        let at = self
            .x
            .translate_coordinates(self.window, self.root(), 0, 0)
            .unwrap();
        let at = at.reply().unwrap();
        let (x, y) = (x + i32::from(at.dst_x), y + i32::from(at.dst_y));
        xdotool(&["mousemove", &x.to_string(), &y.to_string()]);
    }

    /// Presses the main button where the pointer is, and keeps it down.
    pub(crate) fn hold() {
        xdotool(&["mousedown", "1"]);
    }

    /// Releases it.
    pub(crate) fn let_go() {
        xdotool(&["mouseup", "1"]);
    }

    /// Turns the wheel by a notch where the pointer is.
    pub(crate) fn wheel(up: bool) {
        xdotool(&["click", if up { "4" } else { "5" }]);
    }

    /// The same with Shift held.
    pub(crate) fn wheel_with_shift(up: bool) {
        xdotool(&["keydown", "shift"]);
        Self::wheel(up);
        xdotool(&["keyup", "shift"]);
    }

    /// Moves the pointer out of the window.
    pub(crate) fn leave() {
        xdotool(&["mousemove", "1900", "1060"]);
    }

    fn root(&self) -> Window {
        self.x.setup().roots[0].root
    }

    /// What is in the window.
    pub(crate) fn picture(&self) -> Picture {
        let geometry = self.x.get_geometry(self.window).unwrap().reply().unwrap();
        let (width, height) = (geometry.width, geometry.height);
        let image = self
            .x
            .get_image(
                ImageFormat::Z_PIXMAP,
                self.window,
                0,
                0,
                width,
                height,
                u32::MAX,
            )
            .unwrap()
            .reply()
            .unwrap();
        assert_eq!(image.depth, 24, "the X server has 24-bit colour");
        let rgba = image
            .data
            .chunks_exact(4)
            .flat_map(|bgrx| [bgrx[2], bgrx[1], bgrx[0], 255]);
        let size = Size::new(width.into(), height.into()).unwrap();
        Picture {
            size,
            rgba: rgba.collect(),
        }
    }

    /// Waits until the bars in the window show `number`. The X server may get a picture some time after
    /// the program presented it, and controls over the bars take their time to hide.
    #[track_caller]
    pub(crate) fn until_number(&self, clip: &str, number: u32, display: Size) {
        let mut last = Err("nothing was read".to_owned());
        let found = wait_for(|| {
            last = self.picture().number(display);
            (last == Ok(number)).then_some(())
        });
        assert!(
            found.is_some(),
            "{clip}: the window shows {last:?}, not {number}"
        );
    }

    /// Waits until the window shows what `is_there` wants.
    #[track_caller]
    pub(crate) fn until_picture(&self, what: &str, is_there: impl Fn(&Picture) -> bool) -> Picture {
        let found = wait_for(|| Some(self.picture()).filter(&is_there));
        found.unwrap_or_else(|| panic!("the window never shows {what}"))
    }

    /// Keeps what the window shows as a PNG beside the test programs, for people to look at.
    pub(crate) fn keep_picture(&self, name: &str) {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        let Picture { size, rgba } = self.picture();
        let picture = jogwheel::gpu::RgbaPicture { size, rgba };
        let file = folder.join(format!("{name}.png"));
        let _before = std::fs::remove_file(&file);
        jogwheel::app::write_png(&picture, &file).unwrap();
    }

    /// Makes the window this large.
    pub(crate) fn resize(&mut self, width: u32, height: u32) {
        use x11rb::protocol::xproto::ConfigureWindowAux;
        let size = ConfigureWindowAux::new().width(width).height(height);
        self.x.configure_window(self.window, &size).unwrap();
        self.x.flush().unwrap();
        self.until_fields("resizing", &serde_json::json!({"size": [width, height]}));
    }

    /// Takes the window off the screen and puts it back.
    pub(crate) fn hide_and_show(&self) {
        self.x.unmap_window(self.window).unwrap();
        self.x.flush().unwrap();
        assert!(wait_for(|| (!self.is_viewable(self.window)).then_some(())).is_some());
        self.x.map_window(self.window).unwrap();
        self.x.flush().unwrap();
        assert!(wait_for(|| self.is_viewable(self.window).then_some(())).is_some());
        self.x
            .set_input_focus(InputFocus::PARENT, self.window, x11rb::CURRENT_TIME)
            .unwrap();
        self.x.flush().unwrap();
    }

    /// Asks the window to close, as its frame's button does.
    pub(crate) fn close(self) -> Ended {
        let message = ClientMessageEvent::new(
            32,
            self.window,
            self.atom("WM_PROTOCOLS"),
            [self.atom("WM_DELETE_WINDOW"), x11rb::CURRENT_TIME, 0, 0, 0],
        );
        self.x
            .send_event(false, self.window, EventMask::NO_EVENT, message)
            .unwrap();
        self.x.flush().unwrap();
        self.wait()
    }

    /// Cuts the program off from the X server, which takes its window away.
    pub(crate) fn cut_off(self) -> Ended {
        self.x.kill_client(self.window).unwrap();
        self.x.flush().unwrap();
        self.wait()
    }

    /// The process.
    pub(crate) fn process(&self) -> &Running {
        &self.running
    }

    /// Waits for the program's end.
    #[track_caller]
    pub(crate) fn wait(self) -> Ended {
        // The window is somebody else's turn only once the program is gone.
        let Self {
            running,
            _turn,
            folder: _folder,
            ..
        } = self;
        running.wait()
    }
}

/// Waits for the X server to be free. It is given back when the file is closed.
pub(crate) fn turn() -> File {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("window.lock");
    let file = File::create(path).unwrap();
    file.lock().unwrap();
    file
}

fn xdotool(args: &[&str]) {
    let status = Command::new("xdotool").args(args).status();
    assert!(
        status
            .expect("xdotool is installed: run scripts/test")
            .success(),
        "xdotool {args:?}"
    );
}
