//! `docs/reliability.md` names a test for each promise. That each of them is where it says is looked at here.

use std::{fs, path::Path};

/// Links whose text is a test, and whose target is a file with tests: the two.
fn tests_named(document: &str) -> Vec<(&str, &str)> {
    let links = document.split("](").zip(document.split("](").skip(1));
    links
        .filter_map(|(before, after)| {
            let (_, name) = before.rsplit_once('[')?;
            let (target, _) = after.split_once(')')?;
            let is_code = [".rs", ".ts"].iter().any(|end| target.ends_with(end));
            is_code.then_some((name, target))
        })
        .collect()
}

#[test]
fn each_test_that_shows_a_promise_is_there() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let document = fs::read_to_string(docs.join("reliability.md")).unwrap();
    let named = tests_named(&document);
    assert!(named.len() > 20, "{named:?}");
    for (name, file) in named {
        let path = docs.join(file);
        let text = fs::read_to_string(&path);
        let text = text.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let is_there = match file.ends_with(".rs") {
            true => text.contains(&format!("fn {name}(")),
            false => text.contains(&format!("test(\"{name}\"")),
        };
        assert!(is_there, "{file} has no test `{name}`");
    }
}

#[test]
fn a_link_to_anything_else_is_no_test() {
    let text = "see [a](b.md) and [one_test](../x/y.rs), [another one](../z.test.ts)";
    let named = [("one_test", "../x/y.rs"), ("another one", "../z.test.ts")];
    assert_eq!(tests_named(text), named);
}
