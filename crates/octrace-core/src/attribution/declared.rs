//! What a call's input says: the lines that it declares to be its own, and whether it brings other people's.

use std::{cell::OnceCell, collections::HashSet, hash::BuildHasherDefault};

use serde_json::Value;

use super::{
    diff::NumberIsHash,
    line::{self, Line},
    timeline::{Call, Reach},
};

type Lines = HashSet<Line, BuildHasherDefault<NumberIsHash>>;

/// Git's subcommands that write what others wrote, or what was there before.
const BRINGING: [&str; 12] = [
    "checkout",
    "switch",
    "stash",
    "merge",
    "pull",
    "rebase",
    "cherry-pick",
    "revert",
    "reset",
    "restore",
    "apply",
    "am",
];

/// Git's own options that take the next word.
const WITH_VALUE: [&str; 5] = ["-C", "-c", "--git-dir", "--work-tree", "--namespace"];

/// For each call, read when it is asked for.
pub(super) struct Declared<'a> {
    calls: &'a [Call],
    lines: Vec<OnceCell<Lines>>,
}

impl<'a> Declared<'a> {
    pub(super) fn new(calls: &'a [Call]) -> Self {
        Self { calls, lines: calls.iter().map(|_| OnceCell::new()).collect() }
    }

    /// The one of these calls that declares a line. A line that tells nothing is decided only where every call names
    /// what it writes: a shell can write a brace that its command does not show.
    pub(super) fn by(&self, line: Line, calls: &[usize], alone: bool) -> Option<usize> {
        let named = |&call: &usize| self.calls[call].reach() == Reach::Named;
        if !line.is_telling() && (line.is_blanked() || !alone || !calls.iter().all(named)) {
            return None;
        }
        let mut by = calls.iter().filter(|&&call| {
            self.lines[call].get_or_init(|| lines(&self.calls[call])).contains(&line)
        });
        by.next().filter(|_| by.next().is_none()).copied()
    }
}

/// The whole lines that a call's input gives, as they are and without the blanks around them.
fn lines(call: &Call) -> Lines {
    let mut found = Lines::default();
    let Ok(input) = serde_json::from_str(&call.input) else { return found };
    collect(&input, call.reach(), &mut found);
    found
}

fn collect(value: &Value, reach: Reach, found: &mut Lines) {
    match value {
        Value::String(text) => {
            for content in line::contents(text.as_bytes()) {
                add(content, found);
                if let Some(added) = content.strip_prefix(b"+") {
                    add(added, found);
                }
                if reach == Reach::Anything {
                    add_quoted(content, found);
                }
            }
        }
        Value::Array(values) => {
            for value in values {
                collect(value, reach, found);
            }
        }
        Value::Object(fields) => {
            // What an edit takes away is not what it writes.
            let given = fields.iter().filter(|(name, _)| {
                !matches!(name.as_str(), "oldString" | "old_string" | "filePath" | "description")
            });
            for (_, value) in given {
                collect(value, reach, found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn add(content: &[u8], found: &mut Lines) {
    found.insert(Line::of(content));
    found.insert(Line::of(content.trim_ascii()));
}

/// What stands between quotes in a shell's command, `\n` being the end of a line.
fn add_quoted(content: &[u8], found: &mut Lines) {
    for quote in [b'\'', b'"'] {
        for quoted in content.split(|&byte| byte == quote).skip(1).step_by(2) {
            let mut rest = quoted;
            while let Some(end) = memchr::memmem::find(rest, b"\\n") {
                add(&rest[..end], found);
                rest = &rest[end + 2..];
            }
            add(rest, found);
        }
    }
}

/// Whether a call runs a command that brings other people's lines, or earlier ones: `git checkout`, say.
pub(super) fn brings_others(call: &Call) -> bool {
    if call.reach() != Reach::Anything || !call.input.contains("git") {
        return false;
    }
    let command = serde_json::from_str::<Value>(&call.input).ok();
    let command = command.as_ref().and_then(|input| input.get("command")?.as_str());
    command.unwrap_or(&call.input).split(['\n', ';', '&', '|', '(', ')', '`', '{', '}']).any(brings)
}

fn brings(command: &str) -> bool {
    let mut words = command.split_whitespace().map(|word| word.trim_matches(['"', '\'', '$']));
    while let Some(word) = words.next() {
        if word != "git" && !word.ends_with("/git") {
            continue;
        }
        while let Some(word) = words.next() {
            if WITH_VALUE.contains(&word) {
                words.next();
            } else if !word.starts_with('-') {
                if BRINGING.contains(&word) {
                    return true;
                }
                break;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(tool: &str, input: &Value) -> Call {
        Call { tool: tool.into(), input: input.to_string(), ..Call::default() }
    }

    #[test]
    fn commands_that_bring_others_lines_are_found_word_by_word() {
        for command in [
            "git checkout main",
            "cd x && git -C sub stash pop",
            "GIT_EDITOR=true /usr/bin/git -c a.b=c --no-pager rebase -i HEAD~2",
            "echo $(git restore .)",
            "make; (git pull)",
            "bash -c 'git reset --hard'",
            "true\ngit am < x",
        ] {
            let call = call("bash", &serde_json::json!({ "command": command }));
            assert!(brings_others(&call), "{command}");
        }
        for command in ["git status", "git commit -m 'merge it'", "legit merge", "git mv a b", "ls"]
        {
            let call = call("bash", &serde_json::json!({ "command": command }));
            assert!(!brings_others(&call), "{command}");
        }
        let edit = call("edit", &serde_json::json!({ "newString": "git checkout main" }));
        assert!(!brings_others(&edit));
    }

    #[test]
    fn a_line_is_of_the_only_call_that_declares_it() {
        let calls = [
            call(
                "edit",
                &serde_json::json!({ "oldString": "gone 1", "newString": "  mine 1\nboth 1\n}" }),
            ),
            call(
                "apply_patch",
                &serde_json::json!({ "patchText": "@@\n-gone 2\n+\tmine 2\n+both 1" }),
            ),
            call(
                "bash",
                &serde_json::json!({ "command": "printf 'mine 3\\nfour 4' > f; echo \"five 5\"" }),
            ),
        ];
        let declared = Declared::new(&calls);
        let by = |text: &str, among: &[usize]| declared.by(Line::of(text.as_bytes()), among, true);
        let all = [0, 1, 2];
        assert_eq!(by("  mine 1", &all), Some(0));
        assert_eq!(by("\tmine 2", &all), Some(1));
        assert_eq!(by("mine 3", &all), Some(2));
        assert_eq!(by("four 4", &all), Some(2));
        assert_eq!(by("five 5", &all), Some(2));
        assert_eq!(by("both 1", &all), None);
        assert_eq!(by("gone 1", &all), None);
        assert_eq!(by("other 1", &all), None);
        assert_eq!(by("}", &all), None);
        assert_eq!(by("}", &[0, 1]), Some(0));
    }
}
