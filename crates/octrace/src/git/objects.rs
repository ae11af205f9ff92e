//! What is in a repository's objects: which files differ between two trees, and what is in them.

use memchr::memchr;

use super::{Git, GitError};

/// So many bytes of contents are asked for at a time.
const AT_ONCE: u64 = 32 << 20;

/// A regular file that is not the same in two trees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    /// Relative to the trees' root, as bytes. A file with a new name is two: one that is gone, and one that is new.
    pub(crate) path: Vec<u8>,
    /// The id of its content in the older tree; `None`: it was no regular file there.
    pub(crate) old: Option<String>,
    /// The same in the newer tree.
    pub(crate) new: Option<String>,
    /// What git calls it.
    pub(crate) status: Status,
}

/// What git calls a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// New.
    Added,
    /// Gone.
    Deleted,
    /// Another content.
    Modified,
    /// It is no regular file any more, or was none.
    Retyped,
}

/// What a content's id leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Blob {
    /// The content.
    Bytes(Vec<u8>),
    /// There is more of it than was to be read: so many bytes.
    Large(u64),
    /// There is no such object, or it is no file's content.
    Missing,
}

/// An object's id: nothing else may reach git's arguments.
pub(super) fn id(bytes: &[u8]) -> Result<String, GitError> {
    let is_id = matches!(bytes.len(), 40 | 64) && bytes.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(bytes).ok().filter(|_| is_id);
    text.map(str::to_owned).ok_or(GitError::Odd)
}

impl Git {
    /// Whether the repository has this object.
    ///
    /// # Errors
    /// As [`Git::run`], where that says nothing about the object.
    pub(crate) fn has(&self, object: &str) -> Result<bool, GitError> {
        match self.run(["cat-file", "-e", &id(object.as_bytes())?]) {
            Ok(_) => Ok(true),
            Err(GitError::Failed(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// The regular files that differ between two trees, in the order of their paths. Links and submodules are none.
    ///
    /// # Errors
    /// As [`Git::run`]; also where a tree is not there.
    pub(crate) fn diff_tree(&self, old: &str, new: &str) -> Result<Vec<Changed>, GitError> {
        let (old, new) = (id(old.as_bytes())?, id(new.as_bytes())?);
        let options = ["-r", "-z", "--no-renames", "--raw", "--no-abbrev"];
        let command = ["diff-tree"].iter().chain(&options);
        let printed = self.run(command.copied().chain([old.as_str(), new.as_str(), "--"]))?;
        changes(&printed)
    }

    /// The contents with these ids, one after the other, each with its place in the list. `most` is how long one may
    /// be.
    ///
    /// # Errors
    /// As [`Git::run`]. What was told until then is right.
    pub(crate) fn cat_file(
        &self,
        ids: &[String],
        most: u64,
        mut tell: impl FnMut(usize, Blob),
    ) -> Result<(), GitError> {
        let mut group = Vec::new();
        let mut bytes = 0;
        for (place, size) in self.sizes(ids)?.into_iter().enumerate() {
            match size {
                None => tell(place, Blob::Missing),
                Some(size) if size > most => tell(place, Blob::Large(size)),
                Some(size) => {
                    if bytes + size > AT_ONCE && !group.is_empty() {
                        self.contents(ids, &group, &mut tell)?;
                        group.clear();
                        bytes = 0;
                    }
                    group.push(place);
                    bytes += size;
                }
            }
        }
        self.contents(ids, &group, &mut tell)
    }

    /// How long they are; `None` for what is no content.
    fn sizes(&self, ids: &[String]) -> Result<Vec<Option<u64>>, GitError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let check = "--batch-check=%(objecttype) %(objectsize)";
        let printed = self.ask(["cat-file", check], Some(input(ids.iter())?))?;
        let size = |line: &[u8]| -> Option<u64> {
            std::str::from_utf8(line.strip_prefix(b"blob ")?).ok()?.parse().ok()
        };
        let lines = printed.split(|byte| *byte == b'\n').map(size);
        let sizes: Vec<_> = lines.take(ids.len()).collect();
        if sizes.len() == ids.len() { Ok(sizes) } else { Err(GitError::Odd) }
    }

    /// What is in those at these places, which are there.
    fn contents(
        &self,
        ids: &[String],
        places: &[usize],
        tell: &mut impl FnMut(usize, Blob),
    ) -> Result<(), GitError> {
        if places.is_empty() {
            return Ok(());
        }
        let asked = input(places.iter().filter_map(|place| ids.get(*place)))?;
        let printed = self.ask(["cat-file", "--batch=%(objectsize)"], Some(asked))?;
        let mut rest = printed.as_slice();
        for place in places {
            let end = memchr(b'\n', rest).ok_or(GitError::Odd)?;
            let size = std::str::from_utf8(&rest[..end]).ok().and_then(|size| size.parse().ok());
            let content = size.and_then(|size: usize| rest.get(end + 1..)?.get(..size));
            let content = content.ok_or(GitError::Odd)?;
            tell(*place, Blob::Bytes(content.to_owned()));
            rest = rest.get(end + 1 + content.len() + 1..).ok_or(GitError::Odd)?;
        }
        Ok(())
    }
}

/// Ids as `cat-file` wants them.
fn input<'a>(ids: impl Iterator<Item = &'a String>) -> Result<Vec<u8>, GitError> {
    let mut lines = Vec::new();
    for name in ids {
        lines.extend(id(name.as_bytes())?.into_bytes());
        lines.push(b'\n');
    }
    Ok(lines)
}

/// Reads `--raw -z`: `:<old mode> <new mode> <old id> <new id> <status>`, NUL, path, NUL.
fn changes(printed: &[u8]) -> Result<Vec<Changed>, GitError> {
    let mut fields = printed.split(|byte| *byte == 0);
    let mut changes = Vec::new();
    while let Some(head) = fields.next().filter(|head| !head.is_empty()) {
        let words: Vec<_> = head.split(|byte| *byte == b' ').collect();
        let [old_mode, new_mode, old, new, letter] = words[..] else { return Err(GitError::Odd) };
        let path = fields.next().filter(|path| !path.is_empty()).ok_or(GitError::Odd)?.to_owned();
        let status = match letter {
            b"A" => Status::Added,
            b"D" => Status::Deleted,
            b"M" => Status::Modified,
            b"T" => Status::Retyped,
            _ => return Err(GitError::Odd),
        };
        let old = if is_file(old_mode) { Some(id(old)?) } else { None };
        let new = if is_file(new_mode) { Some(id(new)?) } else { None };
        // Other permissions change nothing that we look at.
        if old != new {
            changes.push(Changed { path, old, new, status });
        }
    }
    Ok(changes)
}

/// Whether the mode is a regular file's.
fn is_file(mode: &[u8]) -> bool {
    matches!(mode.strip_prefix(b":").unwrap_or(mode), b"100644" | b"100755")
}
