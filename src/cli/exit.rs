//! How the program ends: exit codes, and errors as people and programs read them.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Serialize;

use crate::decode::OpenError;

/// Exit codes. They are documented in `jogwheel --help` and do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exit {
    /// Done as asked.
    Ok,
    /// Anything that has no code of its own.
    Failure,
    /// The command line is wrong.
    Usage,
    /// The file is missing, damaged or of a kind that cannot be played.
    Input,
    /// There is no display, or no GPU driver.
    NoDevice,
    /// `soak`: a stated limit was broken.
    LimitBroken,
    /// A person ended it with Ctrl-C.
    Interrupted,
}

impl Exit {
    /// Every code, in ascending order.
    pub const ALL: [Self; 7] = [
        Self::Ok,
        Self::Failure,
        Self::Usage,
        Self::Input,
        Self::NoDevice,
        Self::LimitBroken,
        Self::Interrupted,
    ];

    /// The number that the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Failure => 1,
            Self::Usage => 2,
            Self::Input => 3,
            Self::NoDevice => 4,
            Self::LimitBroken => 5,
            // 128 and the number of SIGINT, as shells report it.
            Self::Interrupted => 130,
        }
    }

    /// The name in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failure => "failure",
            Self::Usage => "usage",
            Self::Input => "input",
            Self::NoDevice => "no_device",
            Self::LimitBroken => "limit_broken",
            Self::Interrupted => "interrupted",
        }
    }

    /// One line of help.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "done as asked",
            Self::Failure => "something failed that has no code of its own",
            Self::Usage => "the command line is wrong",
            Self::Input => "the file is missing, damaged, or of a kind that cannot be played",
            Self::NoDevice => "no display, or no GPU driver",
            Self::LimitBroken => "soak: a stated limit was broken",
            Self::Interrupted => "ended by Ctrl-C",
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why a command could not do what it was asked to: what is wrong and what to do, and the code that
/// the program ends with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliError {
    exit: Exit,
    message: String,
    file: Option<PathBuf>,
}

/// The wire form of an error.
#[derive(Serialize)]
struct ErrorJson<'a> {
    error: ErrorBody<'a>,
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    kind: &'a str,
    exit_code: u8,
    message: &'a str,
    file: Option<String>,
}

impl CliError {
    /// An error that ends the program with `exit`. `message` says what is wrong and what to do.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            file: None,
        }
    }

    /// The same error, about this file.
    #[must_use]
    pub fn about(mut self, file: &Path) -> Self {
        self.file = Some(file.to_owned());
        self
    }

    /// What clap says of a command line; `None` when it only answers `--help` or `--version`, which
    /// `error.print()` then does.
    pub fn from_usage(error: &clap::Error) -> Option<Self> {
        if !error.use_stderr() {
            return None;
        }
        let text = error.render().to_string();
        let message = text.trim().strip_prefix("error: ").unwrap_or(text.trim());
        Some(Self::new(Exit::Usage, message))
    }

    /// The code that the program ends with.
    pub fn exit(&self) -> Exit {
        self.exit
    }

    /// One line of JSON: `{"error":{"kind":"input","exit_code":3,"message":"…","file":"…"}}`.
    pub fn json(&self) -> String {
        let file = self.file.as_ref().map(|file| file.display().to_string());
        let exit_code = self.exit.code();
        let body = ErrorBody {
            kind: self.exit.name(),
            exit_code,
            message: &self.message,
            file,
        };
        // Strings and numbers alone cannot fail to be written.
        serde_json::to_string(&ErrorJson { error: body }).unwrap_or_default()
    }

    /// Writes the error for a person, or as one line of JSON.
    ///
    /// # Errors
    /// When `out` takes no more.
    pub fn write(&self, json: bool, out: &mut dyn io::Write) -> io::Result<()> {
        if json {
            writeln!(out, "{}", self.json())
        } else {
            writeln!(out, "jogwheel: {self}")
        }
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for CliError {}

impl From<OpenError> for CliError {
    fn from(error: OpenError) -> Self {
        Self::new(Exit::Input, error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Cli;

    #[test]
    fn codes_are_as_documented() {
        assert_eq!(Exit::ALL.map(Exit::code), [0, 1, 2, 3, 4, 5, 130]);
        let mut names = Exit::ALL.map(Exit::name).to_vec();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Exit::ALL.len());
    }

    #[test]
    fn errors_are_written_for_people_and_for_programs() {
        let error = CliError::from(OpenError::Missing("a \"b\".mov".to_owned()))
            .about(Path::new("a \"b\".mov"));
        assert_eq!(error.exit(), Exit::Input);
        let written = |json| {
            let mut out = Vec::new();
            error.write(json, &mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        let person = written(false);
        assert!(
            person.starts_with("jogwheel: a \"b\".mov: no such file."),
            "{person}"
        );
        assert!(person.ends_with('\n'));
        let program: serde_json::Value = serde_json::from_str(&written(true)).unwrap();
        assert_eq!(program["error"]["kind"], "input");
        assert_eq!(program["error"]["exit_code"], 3);
        assert_eq!(program["error"]["file"], "a \"b\".mov");
        assert_eq!(program["error"]["message"], error.to_string());
        assert_eq!(written(true).lines().count(), 1);
    }

    #[test]
    fn wrong_usage_is_an_error_and_help_is_not() {
        let error = Cli::from_args(["jogwheel", "shot", "a.mov"]).unwrap_err();
        let error = CliError::from_usage(&error).unwrap();
        assert_eq!(error.exit(), Exit::Usage);
        assert!(error.to_string().contains("--at <POS>"), "{error}");
        assert!(!error.to_string().starts_with("error"), "{error}");
        for flag in ["--help", "--version", "-h"] {
            let answer = Cli::from_args(["jogwheel", flag]).unwrap_err();
            assert_eq!(CliError::from_usage(&answer), None);
        }
    }
}
