//! Rust files that are not what they seem: a second test binary where one was
//! meant, and code that no `mod` names and nobody compiles.

use std::collections::BTreeSet;
use std::path::Path;

use crate::checkout::Checkout;

/// Linking is the slow part, so the integration tests of a crate are one binary.
pub(crate) fn two_test_binaries(files: &[&str]) -> Vec<String> {
    let mut crates = BTreeSet::new();
    let mut problems = Vec::new();
    for path in files {
        let parts: Vec<&str> = path.split('/').collect();
        let owner = match parts.as_slice() {
            ["crates", owner, "tests", file] if file.ends_with(".rs") => owner,
            ["crates", owner, "tests", _, "main.rs"] => owner,
            _ => continue,
        };
        if !crates.insert(*owner) {
            problems
                .push(format!("{path} makes a second test binary of {owner}; make it a module"));
        }
    }
    problems
}

/// Rust files that no `mod` names: they look like code, or like tests, and are not compiled.
pub(crate) fn forgotten(checkout: &Checkout, files: &[&str]) -> Vec<String> {
    let mut declared = BTreeSet::new();
    let rust: Vec<&Path> = files
        .iter()
        .map(Path::new)
        .filter(|path| path.extension().is_some_and(|ext| ext == "rs"))
        .collect();
    for path in &rust {
        let Ok(text) = std::fs::read_to_string(checkout.root.join(path)) else { continue };
        for line in text.lines() {
            if let Some(name) = declares(line) {
                declared.insert((owner(path), name.to_owned()));
            }
        }
    }
    rust.iter()
        .filter(|path| checkout.root.join(path).exists())
        .filter_map(|path| Some((path, module(path)?)))
        .filter(|(path, module)| !declared.contains(&(owner(path), (*module).to_owned())))
        .map(|(path, _)| format!("{} is in no module tree", path.display()))
        .collect()
}

/// The module of a line like `pub(super) mod name;`.
fn declares(line: &str) -> Option<&str> {
    let (visibility, name) = line.trim().strip_suffix(';')?.rsplit_once("mod ")?;
    let visibility = visibility.trim_end();
    (visibility.is_empty() || visibility == "pub" || visibility.starts_with("pub(")).then_some(name)
}

/// The crate's folder, or the test binary's.
fn owner(path: &Path) -> String {
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    let depth = if parts.first().is_some_and(|first| first == "crates") { 3 } else { 2 };
    parts.iter().take(depth).map(AsRef::as_ref).collect::<Vec<_>>().join("/")
}

/// The name by which a file has to be declared; entry files need none.
fn module(path: &Path) -> Option<&str> {
    let stem = path.file_stem()?.to_str()?;
    let parts: Vec<&str> = path.to_str()?.split('/').collect();
    if matches!(stem, "main" | "lib" | "build")
        || matches!(parts.as_slice(), ["crates", _, "tests" | "benches" | "examples", _])
        || matches!(parts.as_slice(), ["fuzz", "fuzz_targets", _])
    {
        return None;
    }
    if stem == "mod" { path.parent()?.file_name()?.to_str() } else { Some(stem) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_has_one_test_binary() {
        let one =
            ["crates/a/tests/main.rs", "crates/b/tests/e2e/main.rs", "crates/b/tests/e2e/run.rs"];
        assert_eq!(two_test_binaries(&one), Vec::<String>::new());
        assert_eq!(two_test_binaries(&["crates/a/tests/x.rs", "crates/a/tests/y.rs"]).len(), 1);
    }

    #[test]
    fn a_module_is_declared_with_any_visibility() {
        for line in ["mod a;", "    pub mod a;", "pub(crate) mod a;", "pub(super) mod a;"] {
            assert_eq!(declares(line), Some("a"), "{line}");
        }
        for line in ["mod a {", "// mod a;", "use a::mod_b;"] {
            assert_eq!(declares(line), None, "{line}");
        }
    }

    #[test]
    fn modules_go_by_the_name_they_are_declared_with() {
        for (path, expected) in [
            ("crates/a/src/lib.rs", None),
            ("crates/a/tests/e2e.rs", None),
            ("crates/a/tests/e2e/main.rs", None),
            ("crates/a/src/json/mod.rs", Some("json")),
            ("crates/a/src/json/scan.rs", Some("scan")),
            ("crates/a/src/json/tests.rs", Some("tests")),
            ("crates/a/tests/e2e/run.rs", Some("run")),
        ] {
            assert_eq!(module(Path::new(path)), expected, "{path}");
        }
    }
}
