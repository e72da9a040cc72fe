//! Keeps the habits that no compiler checks: the direction of imports, the size of files, what is
//! referenced and what is executable.
//!
//! Only the standard library is used, so that this builds in a moment.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Longer files are split.
const MAX_LINES: usize = 600;

#[test]
fn modules_import_only_from_those_before_them() {
    let order = modules_in_reading_order();
    let mut wrong = Vec::new();
    for (place, module) in order.iter().enumerate() {
        for file in files_below(&root().join("src").join(module), "rs") {
            for import in crate_imports(&without_comments(&read(&file))) {
                match order.iter().position(|other| *other == import.module) {
                    Some(other) if other <= place => {}
                    Some(_) => wrong.push(format!(
                        "{}:{}: `{module}` imports from `{}`, which stands below it in src/lib.rs",
                        shown(&file),
                        import.line,
                        import.module
                    )),
                    None => wrong.push(format!(
                        "{}:{}: `crate::{}` is no module of src/lib.rs: name where the item is defined",
                        shown(&file),
                        import.line,
                        import.module
                    )),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_folder_of_src_is_a_module_in_the_reading_order() {
    let order: BTreeSet<String> = modules_in_reading_order().into_iter().collect();
    let folders: BTreeSet<String> = entries(&root().join("src"))
        .into_iter()
        .filter(|path| path.is_dir())
        .map(|path| name(&path))
        .collect();
    assert_eq!(
        folders, order,
        "folders of src/ on the left, `pub mod` lines of src/lib.rs on the right"
    );
}

#[test]
fn no_file_is_too_long() {
    let wrong: Vec<String> = sources()
        .into_iter()
        .map(|file| (read(&file).lines().count(), file))
        .filter(|(lines, _)| *lines > MAX_LINES)
        .map(|(lines, file)| format!("{}: {lines} lines; {MAX_LINES} are allowed", shown(&file)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_test_is_switched_off() {
    // Put together, so that this file does not find itself.
    let attribute = ["#[", "ignore"].concat();
    let wrong: Vec<String> = files_of(&["src", "tests", "benches"], &["rs"])
        .into_iter()
        .filter(|file| read(file).contains(&attribute))
        .map(|file| format!("{}: assert what is wrong today, with a FIXME", shown(&file)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_shader_is_used() {
    let code: String = files_of(&["src"], &["rs", "wgsl"])
        .iter()
        .map(|file| read(file))
        .collect::<Vec<_>>()
        .concat();
    let wrong: Vec<String> = files_of(&["shaders"], &["wgsl"])
        .into_iter()
        .filter(|file| !code.contains(&name(file)))
        .map(|file| format!("{}: no file of src/ names it", shown(&file)))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_changelog_knows_this_version() {
    let heading = format!("## [{}]", env!("CARGO_PKG_VERSION"));
    let changelog = read(&root().join("CHANGELOG.md"));
    assert!(
        changelog.lines().any(|line| line.starts_with(&heading)),
        "CHANGELOG.md has no heading that starts with `{heading}`"
    );
}

#[test]
fn no_tabs_and_no_trailing_blanks() {
    let mut wrong = Vec::new();
    for file in sources() {
        let text = read(&file);
        for (index, line) in text.lines().enumerate() {
            if line.contains('\t') || line.ends_with(char::is_whitespace) {
                wrong.push(format!(
                    "{}:{}: tab or trailing blank",
                    shown(&file),
                    index + 1
                ));
            }
        }
        if !text.is_empty() && !text.ends_with('\n') {
            wrong.push(format!("{}: the last line does not end", shown(&file)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[cfg(unix)]
#[test]
fn scripts_are_executable_and_name_their_interpreter() {
    use std::os::unix::fs::PermissionsExt as _;

    let mut scripts: Vec<PathBuf> = entries(&root().join("scripts"))
        .into_iter()
        .filter(|path| path.is_file())
        .collect();
    scripts.extend(
        entries(&root().join(".ci"))
            .into_iter()
            .filter(|path| path.is_file()),
    );
    assert!(
        scripts.iter().any(|script| name(script) == "play"),
        "scripts/play is missing"
    );
    let mut wrong = Vec::new();
    for script in scripts {
        let mode = fs::metadata(&script).map_or(0, |metadata| metadata.permissions().mode());
        if mode & 0o111 != 0o111 {
            wrong.push(format!("{}: not executable (chmod +x)", shown(&script)));
        }
        if !read(&script).starts_with("#!/usr/bin/env ") {
            wrong.push(format!(
                "{}: does not begin with #!/usr/bin/env",
                shown(&script)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn imports_are_found_in_every_form() {
    let code = "use crate::time::{A, B};\nlet x = crate::media::Size::new();\n// crate::ui is a comment\n\
                use crate::{gpu, audio::{Mixer, self}};\nlet s = \"crate::app\";\npub(in crate::memory) fn f() {}";
    let found: Vec<(usize, String)> = crate_imports(&without_comments(code))
        .into_iter()
        .map(|import| (import.line, import.module))
        .collect();
    let expected = [
        (1, "time"),
        (2, "media"),
        (4, "gpu"),
        (4, "audio"),
        (5, "app"),
        (6, "memory"),
    ];
    assert_eq!(
        found,
        expected.map(|(line, module)| (line, module.to_owned()))
    );
}

/// One mention of `crate::module`.
struct Import {
    line: usize,
    module: String,
}

/// The `pub mod` lines of src/lib.rs.
fn modules_in_reading_order() -> Vec<String> {
    let modules: Vec<String> = read(&root().join("src/lib.rs"))
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'))
        .map(str::to_owned)
        .collect();
    assert!(
        modules.len() > 5,
        "src/lib.rs no longer lists its modules as `pub mod name;` lines"
    );
    modules
}

/// Every `crate::module`, and every top-level name in `crate::{…}`.
fn crate_imports(code: &str) -> Vec<Import> {
    let mut imports = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        // `$crate` and names that end in `crate` are something else.
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let line = code[..at].matches('\n').count() + 1;
        let rest = &code[at + "crate::".len()..];
        let modules = match rest.strip_prefix('{') {
            Some(group) => heads_of_group(group),
            None => vec![identifier(rest)],
        };
        imports.extend(modules.into_iter().map(|module| Import { line, module }));
    }
    imports
}

/// The first name of each entry of a `use` group, whose opening brace has been read.
fn heads_of_group(group: &str) -> Vec<String> {
    let mut heads = Vec::new();
    let mut depth = 0_u32;
    let mut entry = String::new();
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(std::mem::take(&mut entry)),
            _ if depth == 0 => entry.push(c),
            _ => {}
        }
    }
    heads.push(entry);
    heads
        .iter()
        .map(|entry| identifier(entry.trim()))
        .filter(|head| !head.is_empty())
        .collect()
}

fn identifier(text: &str) -> String {
    text.chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

/// Code without `//` comments, line by line, so that line numbers stay. A `//` inside a string cuts the
/// line too, which can only hide an import behind a URL on the same line.
fn without_comments(code: &str) -> String {
    code.lines()
        .map(|line| line.split("//").next().unwrap_or(""))
        .collect::<Vec<_>>()
        .join("\n")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What people write and read here.
fn sources() -> Vec<PathBuf> {
    let mut files = files_of(&["src", "tests", "benches"], &["rs", "wgsl"]);
    files.extend(files_of(&["shaders"], &["wgsl"]));
    files.extend(files_below(&root().join("scripts"), ""));
    files
}

fn files_of(folders: &[&str], extensions: &[&str]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in folders {
        for extension in extensions {
            files.extend(files_below(&root().join(folder), extension));
        }
    }
    files
}

/// All files below a folder whose names end so; none where the folder is missing. An empty extension takes
/// every file.
fn files_below(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in entries(folder) {
        if path.is_dir() {
            // Python leaves its compiled files beside the scripts.
            if name(&path) != "__pycache__" {
                files.extend(files_below(&path, extension));
            }
        } else if extension.is_empty() || path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    paths
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", shown(file)))
}

fn name(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// Relative to the repository.
fn shown(path: &Path) -> String {
    path.strip_prefix(root())
        .unwrap_or(path)
        .display()
        .to_string()
}
