//! A cursor over JSON text that knows where it stands.
//!
//! It reads in one pass and keeps nothing, so that what is not understood costs only the way past it,
//! and can be kept as a passage of the text. Beyond the standard it reads the numbers that Python and
//! OpenTimelineIO write: `NaN`, `Infinity`, `Inf`. It never recurses.

use std::borrow::Cow;
use std::ops::Range;

/// Lists and objects inside one another that are passed over. Python gives up at about 1000.
pub(super) const MAX_NESTING: usize = 512;

/// Why the text could not be read on.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fault {
    /// It is no JSON.
    Syntax(&'static str),
    /// There is more of something than is read: what, and the limit.
    TooMany(&'static str, u64),
}

pub(super) type Read<T> = Result<T, Fault>;

/// What a value is, told by its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    List,
    Text,
    Number,
    Bool,
    Null,
}

impl Kind {
    /// For people to read.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Object => "an object",
            Self::List => "a list",
            Self::Text => "a text",
            Self::Number => "a number",
            Self::Bool => "true or false",
            Self::Null => "null",
        }
    }
}

/// A place in JSON text.
#[derive(Debug, Clone)]
pub(super) struct Json<'a> {
    text: &'a str,
    at: usize,
}

const ENDED: &str = "the text ends in the middle of a value";

/// What may stand in a string as it is: all but quotes, backslashes and control characters.
const PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let mut byte = 0;
    while byte < 0x20 {
        plain[byte] = false;
        byte += 1;
    }
    plain[b'"' as usize] = false;
    plain[b'\\' as usize] = false;
    plain
};

impl<'a> Json<'a> {
    /// At the beginning of `text`, behind the byte order mark if there is one.
    pub(super) fn new(text: &'a str) -> Self {
        let at = if text.starts_with('\u{feff}') { 3 } else { 0 };
        Self { text, at }
    }

    /// The line in which it stands, counted from 1.
    pub(super) fn line(&self) -> usize {
        let before = &self.text.as_bytes()[..self.at.min(self.text.len())];
        line_after(before)
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is no white space, before which it then stands.
    fn next_byte(&mut self) -> Read<u8> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b' ') => {
                    // Pretty-printed files are half indentation.
                    self.at += 1;
                    while bytes[self.at..].starts_with(b"        ") {
                        self.at += 8;
                    }
                }
                Some(b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(byte) => return Ok(*byte),
                None => return Err(Fault::Syntax(ENDED)),
            }
        }
    }

    fn take(&mut self, expected: u8, what: &'static str) -> Read<()> {
        if self.next_byte()? == expected {
            self.at += 1;
            Ok(())
        } else {
            Err(Fault::Syntax(what))
        }
    }

    /// What the next value is.
    pub(super) fn kind(&mut self) -> Read<Kind> {
        match self.next_byte()? {
            b'{' => Ok(Kind::Object),
            b'[' => Ok(Kind::List),
            b'"' => Ok(Kind::Text),
            b't' | b'f' => Ok(Kind::Bool),
            b'n' => Ok(Kind::Null),
            b'-' | b'0'..=b'9' | b'N' | b'I' => Ok(Kind::Number),
            _ => Err(Fault::Syntax("a value was expected")),
        }
    }

    /// Enters the object or list that begins here.
    pub(super) fn enter(&mut self) {
        self.at += 1;
    }

    /// Moves before the next member of an object, or behind its end. `first` says that none was read
    /// yet. Answers the key, as written.
    pub(super) fn next_key(&mut self, first: bool) -> Read<Option<&'a str>> {
        match self.next_byte()? {
            b'}' => {
                self.at += 1;
                return Ok(None);
            }
            b',' if !first => {
                self.at += 1;
                if self.next_byte()? != b'"' {
                    return Err(Fault::Syntax(
                        "a key in quotes was expected after the comma",
                    ));
                }
            }
            b'"' if first => {}
            _ if first => return Err(Fault::Syntax("a key in quotes or `}` was expected")),
            _ => return Err(Fault::Syntax("a comma or `}` was expected")),
        }
        self.key().map(Some)
    }

    fn key(&mut self) -> Read<&'a str> {
        self.take(b'"', "a key in quotes was expected")?;
        let (key, _) = self.rest_of_string()?;
        self.take(b':', "a colon was expected after the key")?;
        Ok(key)
    }

    /// Moves before the next element of a list, or behind its end; answers whether there is one.
    pub(super) fn next_element(&mut self, first: bool) -> Read<bool> {
        match self.next_byte()? {
            b']' => {
                self.at += 1;
                Ok(false)
            }
            b',' if !first => {
                self.at += 1;
                Ok(true)
            }
            _ if first => Ok(true),
            _ => Err(Fault::Syntax("a comma or `]` was expected")),
        }
    }

    /// The rest of a string whose quote was read, as written, and whether it has escapes.
    fn rest_of_string(&mut self) -> Read<(&'a str, bool)> {
        let bytes = self.text.as_bytes();
        let start = self.at;
        let mut escaped = false;
        loop {
            let rest = bytes.get(self.at..).unwrap_or_default();
            match rest.iter().position(|byte| !PLAIN[usize::from(*byte)]) {
                None => {
                    self.at = bytes.len();
                    return Err(Fault::Syntax("the text ends within quotes"));
                }
                Some(plain) => self.at += plain,
            }
            match bytes[self.at] {
                b'"' => {
                    let raw = self.text.get(start..self.at).unwrap_or_default();
                    self.at += 1;
                    return Ok((raw, escaped));
                }
                b'\\' => {
                    escaped = true;
                    // Whatever follows is not the end, a quote included. It may be the first byte
                    // of a longer character, whose rest is plain.
                    self.at += 2;
                }
                _ => {
                    return Err(Fault::Syntax(
                        "a text in quotes has a line break or another control character",
                    ));
                }
            }
        }
    }

    /// Reads the string that begins here. Escapes that mean nothing become U+FFFD.
    pub(super) fn string(&mut self) -> Read<Cow<'a, str>> {
        self.take(b'"', "a text in quotes was expected")?;
        let (raw, escaped) = self.rest_of_string()?;
        Ok(if escaped {
            Cow::Owned(unescaped(raw))
        } else {
            Cow::Borrowed(raw)
        })
    }

    /// Reads the number that begins here.
    pub(super) fn number(&mut self) -> Read<f64> {
        let negative = self.next_byte()? == b'-';
        let start = self.at;
        self.at += usize::from(negative);
        let sign = if negative { -1.0 } else { 1.0 };
        if let Some(value) = self.named_number() {
            return Ok(sign * value);
        }
        // Most numbers are a few digits, whose value is exact: the mantissa as an integer below
        // 2^53, divided by a power of ten that a float holds exactly (Clinger 1990).
        let (mut mantissa, mut digits, mut decimals) = (0_u64, 0_usize, None);
        while let Some(byte) = self.byte() {
            match byte {
                b'0'..=b'9' => {
                    mantissa = mantissa
                        .wrapping_mul(10)
                        .wrapping_add(u64::from(byte - b'0'));
                    digits += 1;
                }
                b'.' if decimals.is_none() => decimals = Some(digits),
                _ => break,
            }
            self.at += 1;
        }
        let is_plain = !matches!(self.byte(), Some(b'e' | b'E' | b'+' | b'-' | b'.'));
        let decimals = decimals.map_or(0, |whole| digits - whole);
        if let (true, 1..=15, Some(scale)) = (is_plain, digits, POWERS.get(decimals)) {
            return Ok(sign * (mantissa as f64 / scale));
        }
        while let Some(b'0'..=b'9' | b'e' | b'E' | b'+' | b'-' | b'.') = self.byte() {
            self.at += 1;
        }
        let number = self.text.get(start..self.at).unwrap_or_default();
        number
            .parse()
            .ok()
            .ok_or(Fault::Syntax("this is no number"))
    }

    fn named_number(&mut self) -> Option<f64> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let named = [
            ("NaN", f64::NAN),
            ("Infinity", f64::INFINITY),
            ("Inf", f64::INFINITY),
        ];
        let found = |(name, _): &(&str, f64)| rest.starts_with(name.as_bytes());
        let (name, value) = named.into_iter().find(found)?;
        self.at += name.len();
        Some(value)
    }

    /// Reads `true` or `false`.
    pub(super) fn boolean(&mut self) -> Read<bool> {
        let is_true = self.next_byte()? == b't';
        self.word(if is_true { "true" } else { "false" })?;
        Ok(is_true)
    }

    fn word(&mut self, word: &'static str) -> Read<()> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if !rest.starts_with(word.as_bytes()) {
            return Err(Fault::Syntax("true, false or null was expected"));
        }
        self.at += word.len();
        Ok(())
    }

    /// Passes over the next value, and answers where it lies.
    pub(super) fn skip(&mut self) -> Read<Range<usize>> {
        self.next_byte()?;
        let start = self.at;
        // What is open, innermost last: whether it is an object, a bit each.
        let mut open = [0_u64; MAX_NESTING / 64];
        let mut depth = 0;
        loop {
            match self.kind()? {
                kind @ (Kind::Object | Kind::List) => {
                    if depth == MAX_NESTING {
                        let limit = u64::try_from(MAX_NESTING).unwrap_or(u64::MAX);
                        return Err(Fault::TooMany("lists inside one another", limit));
                    }
                    self.at += 1;
                    let (word, bit) = (depth / 64, 1 << (depth % 64));
                    depth += 1;
                    let is_object = kind == Kind::Object;
                    if is_object {
                        open[word] |= bit;
                    } else {
                        open[word] &= !bit;
                    }
                    let end = if is_object { b'}' } else { b']' };
                    if self.next_byte()? != end {
                        if is_object {
                            self.key()?;
                        }
                        continue;
                    }
                }
                Kind::Text => {
                    self.at += 1;
                    self.rest_of_string()?;
                }
                Kind::Number => self.skip_number()?,
                Kind::Bool => {
                    self.boolean()?;
                }
                Kind::Null => self.word("null")?,
            }
            // Behind a value, or before the end of an empty container.
            loop {
                if depth == 0 {
                    return Ok(start..self.at);
                }
                let is_object = open[(depth - 1) / 64] >> ((depth - 1) % 64) & 1 == 1;
                match (self.next_byte()?, is_object) {
                    (b',', _) => {
                        self.at += 1;
                        if is_object {
                            self.next_byte()?;
                            self.key()?;
                        }
                        break;
                    }
                    (b'}', true) | (b']', false) => {
                        self.at += 1;
                        depth -= 1;
                    }
                    _ => return Err(Fault::Syntax("a comma or the end of a list was expected")),
                }
            }
        }
    }

    /// Passes over a number without working out its value.
    fn skip_number(&mut self) -> Read<()> {
        self.at += usize::from(self.byte() == Some(b'-'));
        if self.named_number().is_some() {
            return Ok(());
        }
        let start = self.at;
        while let Some(b'0'..=b'9' | b'e' | b'E' | b'+' | b'-' | b'.') = self.byte() {
            self.at += 1;
        }
        if self.at == start {
            return Err(Fault::Syntax("this is no number"));
        }
        Ok(())
    }

    /// Makes sure that nothing but white space follows.
    pub(super) fn end(&mut self) -> Read<()> {
        match self.next_byte() {
            Err(_) => Ok(()),
            Ok(_) => Err(Fault::Syntax("something follows after the end")),
        }
    }
}

/// Powers of ten that a float holds exactly, as far as 15 digits need them.
const POWERS: [f64; 16] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
];

/// The line that is reached behind `text`, counted from 1.
pub(super) fn line_after(text: &[u8]) -> usize {
    text.split(|byte| *byte == b'\n').count()
}

/// `raw` with its escapes resolved.
fn unescaped(raw: &str) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((plain, escape)) = rest.split_once('\\') {
        text.push_str(plain);
        let mut chars = escape.chars();
        let meant = match chars.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some(same @ ('"' | '\\' | '/')) => same,
            Some('u') => {
                let (meant, used) = code_point(escape);
                text.push(meant);
                rest = escape.get(used..).unwrap_or_default();
                continue;
            }
            _ => char::REPLACEMENT_CHARACTER,
        };
        text.push(meant);
        rest = chars.as_str();
    }
    text.push_str(rest);
    text
}

/// The character of `uXXXX`, or of the surrogates `uXXXX\uXXXX`, and the bytes that it takes up.
fn code_point(escape: &str) -> (char, usize) {
    let unit = |at: usize| {
        let digits = escape.get(at..at + 4)?;
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex
            .then(|| u32::from_str_radix(digits, 16).ok())
            .flatten()
    };
    let Some(first) = unit(1) else {
        return (char::REPLACEMENT_CHARACTER, 1);
    };
    let second = match escape.get(5..7) {
        Some("\\u") => unit(7),
        _ => None,
    };
    if let (0xd800..=0xdbff, Some(second @ 0xdc00..=0xdfff)) = (first, second) {
        let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return (
            char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER),
            11,
        );
    }
    (
        char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER),
        5,
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn number(text: &str) -> Read<f64> {
        Json::new(text).number()
    }

    #[test]
    fn numbers_are_read_as_floats_with_the_names_that_python_gives_them() {
        for (text, value) in [
            ("24", 24.0),
            ("24.0 ", 24.0),
            ("-0.5", -0.5),
            ("23.976023976023978", 24000.0 / 1001.0),
            ("1e3", 1000.0),
            ("1.5E-2", 0.015),
            ("123456789012345678901234567890", 1.234_567_890_123_456_8e29),
            ("1e999", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("Inf", f64::INFINITY),
        ] {
            assert_eq!(number(text), Ok(value), "{text}");
        }
        assert!(number("NaN").unwrap().is_nan() && number("-NaN").unwrap().is_nan());
        for text in ["", "-", "1.2.3", "1e", "--1", "e5", "Nan", "."] {
            assert!(number(text).is_err(), "{text}");
        }
    }

    #[test]
    fn strings_are_borrowed_unless_they_have_escapes() {
        let string = |text| Json::new(text).string();
        assert!(matches!(
            string("\"Viel glück\""),
            Ok(Cow::Borrowed("Viel glück"))
        ));
        for (raw, text) in [
            (r#""a\nb\t\"\\\/""#, "a\nb\t\"\\/"),
            (r#""\u00e4\ud83d\ude00!""#, "ä😀!"),
            (r#""\ud83d\u0041""#, "\u{fffd}A"),
            (r#""\ud83d""#, "\u{fffd}"),
            (r#""\u12""#, "\u{fffd}12"),
            (r#""\u+041""#, "\u{fffd}+041"),
            (r#""\é\"""#, "\u{fffd}\""),
        ] {
            assert_eq!(string(raw).unwrap(), text, "{raw}");
        }
        for text in ["\"", "\"a", "\"\\", "\"\\\"", "\"a\nb\"", "a"] {
            assert!(string(text).is_err(), "{text}");
        }
    }

    #[test]
    fn values_are_passed_over_whole() {
        for text in [
            "{}",
            "[]",
            r#"{"a": [1, 2.5e3, {"b": null}, [], {}, [[]]], "c": {"d": true}}"#,
            r#"[NaN, -Inf, "]}", "\"", false]"#,
            "340282366920938463463374607431768211456",
        ] {
            let padded = format!(" {text} ,");
            let mut json = Json::new(&padded);
            assert_eq!(json.skip(), Ok(1..1 + text.len()), "{text}");
            assert_eq!(json.next_byte(), Ok(b','));
        }
        for text in [
            "",
            "{",
            "[",
            "[1",
            "{\"a\"",
            "{\"a\":}",
            "[1,]",
            "{\"a\":1,}",
            "[1}",
            "{1:2}",
            "[1 2]",
            "nul",
            "-",
            "tru",
            "]",
        ] {
            assert!(Json::new(text).skip().is_err(), "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_not_followed() {
        let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(Json::new(&deep(MAX_NESTING)).skip().is_ok());
        let fault = Json::new(&deep(MAX_NESTING + 1)).skip();
        assert!(matches!(fault, Err(Fault::TooMany(_, 512))), "{fault:?}");
        assert!(Json::new(&"[".repeat(10_000_000)).skip().is_err());
    }

    proptest! {
        #[test]
        fn what_serde_json_writes_reads_back(text in any::<String>(), value in any::<f64>()) {
            let written = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(Json::new(&written).string().unwrap(), text);
            prop_assume!(value.is_finite());
            let written = serde_json::to_string(&value).unwrap();
            prop_assert_eq!(number(&written), Ok(value));
        }

        #[test]
        fn short_decimals_are_exact(mantissa in -999_999_999_i64..999_999_999, decimals in 0_usize..7) {
            let value = format!("{:.*}", decimals, mantissa as f64 / POWERS[decimals]);
            prop_assert_eq!(number(&value), Ok(value.parse::<f64>().unwrap()));
        }

        #[test]
        fn any_text_is_passed_over_or_refused(text in r#"[\[\]{}",:0-9a-z\\ é.NI-]{0,40}"#) {
            let mut json = Json::new(&text);
            if json.skip().is_ok() {
                prop_assert!(text.is_char_boundary(json.at));
            }
            prop_assert!(json.line() >= 1);
        }
    }
}
