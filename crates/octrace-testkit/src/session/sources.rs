//! What is said and read in a session: files of this repository, chosen by a seed.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

/// No longer line is taken for prose, in bytes: it would be most of a short text.
const LINE: usize = 100;

/// What OpenCode's ids end with: fourteen of these.
const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// This repository's text, and a way to choose from it.
#[derive(Clone)]
pub(super) struct Sources {
    random: u64,
    /// The millisecond of the last id that grows, and how many it had.
    made: (u64, u64),
    /// Name and content, by name.
    files: Vec<(String, String)>,
    /// Lines of documentation.
    prose: Vec<String>,
}

/// A file as a tool shows it.
pub(super) struct Shown {
    pub(super) path: String,
    pub(super) text: String,
    /// As OpenCode gives it to the model.
    pub(super) numbered: String,
}

impl Shown {
    /// Its first lines.
    pub(super) fn preview(&self) -> String {
        self.text.lines().take(20).collect::<Vec<_>>().join("\n")
    }
}

impl Sources {
    /// # Panics
    /// If this checkout's own sources cannot be read.
    pub(super) fn new(seed: u64) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let mut paths = Vec::new();
        for folder in ["crates", "plugin", "xtask"] {
            collect(&root.join(folder), &mut paths);
        }
        // What is about secrets would not be kept as it is.
        paths.retain(|path| {
            !["redact", "secret"].iter().any(|word| path.to_string_lossy().contains(word))
        });
        let mut files: Vec<_> = paths
            .iter()
            .filter_map(|path| {
                let name = path.strip_prefix(&root).ok()?.to_string_lossy().into_owned();
                Some((name, fs::read_to_string(path).ok()?))
            })
            .collect();
        files.sort_unstable();
        let prose: Vec<_> = files
            .iter()
            .flat_map(|(_, text)| text.lines())
            .filter_map(|line| line.trim_start().strip_prefix("/// "))
            .filter(|line| line.len() <= LINE)
            .map(str::to_owned)
            .collect();
        assert!(files.len() > 50 && prose.len() > 200, "this checkout's sources are not here");
        Self { random: seed.wrapping_mul(2) | 1, made: (0, 0), files, prose }
    }

    /// Sentences of between `least` and `most` bytes, or a line more.
    pub(super) fn prose(&mut self, least: usize, most: usize) -> String {
        let bytes = least + self.below(most - least);
        let mut text = String::new();
        while text.len() < bytes {
            let line = self.below(self.prose.len());
            text.push_str(&self.prose[line]);
            text.push(' ');
        }
        text.truncate(text.floor_char_boundary(bytes));
        text
    }

    /// The begin of a file, of about `least` to `most` bytes: any size as often as any other, whatever files there are.
    pub(super) fn file(&mut self, least: usize, most: usize) -> Shown {
        let bytes = least + self.below(most - least);
        let (name, content) = loop {
            let file = self.below(self.files.len());
            if self.files[file].1.len() >= bytes {
                break &self.files[file];
            }
        };
        let path = format!("/home/dev/project/{name}");
        let mut text = String::new();
        for line in content.lines() {
            if text.len() + line.len() > bytes {
                break;
            }
            text.push_str(line);
            text.push('\n');
        }
        let mut numbered = format!("<path>{path}</path>\n<type>file</type>\n<content>\n");
        for (number, line) in text.lines().enumerate() {
            writeln!(numbered, "{}: {line}", number + 1).expect("writing to a string never fails");
        }
        numbered.push_str("\n(End of file)\n</content>");
        Shown { path, text, numbered }
    }

    /// An id as OpenCode makes those of messages and parts at a time, in milliseconds: they grow.
    pub(super) fn ascending(&mut self, prefix: &str, now: u64) -> String {
        let (at, count) = self.made;
        self.made = (now, if at == now { count + 1 } else { 1 });
        let time = (now * 0x1000 + self.made.1) & 0xffff_ffff_ffff;
        let mut id = format!("{prefix}{time:012x}");
        for _ in 0..2 {
            let mut bits = self.next();
            for _ in 0..7 {
                id.push(char::from(LETTERS[(bits % 62) as usize]));
                bits /= 62;
            }
        }
        id
    }

    /// An id of somebody else.
    pub(super) fn id(&mut self, prefix: &str) -> String {
        format!("{prefix}{:016x}{:010x}", self.next(), self.next() & 0xff_ffff_ffff)
    }

    /// xorshift64*, enough for test data.
    fn next(&mut self) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap_or_default() % bound.max(1)
    }
}

/// Source files below `folder`; no build products, no packages.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let is = |ending: &str| path.extension().is_some_and(|extension| extension == ending);
        if path.is_dir() && !path.ends_with("node_modules") {
            collect(&path, files);
        } else if is("rs") || is("ts") {
            files.push(path);
        }
    }
}
