//! What the model says: work with tools as it is usual, which leaves the project as it was found.

use octrace_testkit::script::{Script, Step};
use serde_json::json;

/// In the last answer of [`TEN`].
pub(crate) const DONE: &str = "That is all there is to do.";

/// Ten tool calls, each after 150 words, and an answer of as many.
pub(crate) const TEN: &str = "SCRIPT:ten";

/// As many tool calls as are asked for, each after a few words.
pub(crate) const MANY: &str = "SCRIPT:many";

/// Words of each answer of [`TEN`].
const WORDS: usize = 150;

/// What the model says, over and over.
const PROSE: &str = "Before anything is changed it should be known what is there, so I look at the folder first and then \
    at each file that the change is about. What I find decides what comes next: a small edit where one is enough, a \
    new file where nothing fits, and a look at the result each time, since a command that ends well may still have \
    done something else than was meant.";

/// The script with both; `many` is how many answers [`MANY`] has.
pub(crate) fn script(many: usize) -> Script {
    let shell = |command: &str| {
        Step::call("bash", json!({"command": command, "description": "Look into it"}))
    };
    let read = |path: &str| Step::call("read", json!({"filePath": path}));
    let edit = |from: &str, to: &str| {
        Step::call("edit", json!({"filePath": "draft.txt", "oldString": from, "newString": to}))
    };
    let text = "one\ntwo\nthree\nfour\nfive\n".repeat(20);
    let write =
        Step::call("write", json!({"filePath": "draft.txt", "content": format!("zero\n{text}")}));
    let ten = [
        shell("ls -la"),
        write,
        read("draft.txt"),
        edit("zero\n", "nought\n"),
        shell("wc draft.txt && head -n 3 draft.txt"),
        read("notes.txt"),
        edit("nought\n", "nil\n"),
        shell("git status --short"),
        read("README.md"),
        shell("rm draft.txt && echo done"),
        Step::text(""),
    ];
    let last = ten.len() - 1;
    let ten = ten.into_iter().enumerate().map(|(at, step)| {
        let words = words(at);
        step.saying(if at == last { format!("{words} {DONE}") } else { words })
    });
    let many = (1..=many).map(|number| {
        if number == many { Step::text(DONE) } else { read("notes.txt").saying("I look again.") }
    });
    Script::new().on("ten", ten.collect::<Vec<_>>()).on("many", many.collect::<Vec<_>>())
}

/// Not the same ones in each answer.
fn words(answer: usize) -> String {
    let all = PROSE.split_whitespace().cycle().skip(answer * 7);
    all.take(WORDS).collect::<Vec<_>>().join(" ")
}
