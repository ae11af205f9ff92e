//! Saving to a file of one's own.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use octrace_view::text;

/// Why there is no new file.
#[derive(Debug)]
pub(super) struct NotSaved {
    /// For the person who wanted one.
    pub(super) why: String,
    /// A name beside what was typed that is not taken, where that one is.
    pub(super) free: Option<PathBuf>,
}

/// Writes a new file, for its owner only, that is there whole or not at all; nothing that is there already is touched,
/// no link followed. Says where it is, or why not. `home` is what `~` means.
pub(super) fn save(bytes: &[u8], typed: &Path, home: &Path) -> Result<String, NotSaved> {
    let not = |why: String| NotSaved { why, free: None };
    if typed.as_os_str().is_empty() {
        return Err(not("a file needs a name".to_owned()));
    }
    let path = expand(typed, home);
    match write(bytes, &path) {
        Ok(()) => {
            // From the root: what is typed says where it is only to those who know where they are.
            let path = std::path::absolute(&path).unwrap_or(path);
            Ok(format!("saved {} to {}", text::sized(bytes.len() as u64), path.display()))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let why = format!("{} is there already", typed.display());
            Err(NotSaved { why, free: free(typed, home) })
        }
        Err(error) => Err(not(format!("cannot save to {}: {error}", path.display()))),
    }
}

fn write(bytes: &[u8], path: &Path) -> io::Result<()> {
    // `name/` and `..` name folders.
    let named = path.file_name().filter(|_| !path.as_os_str().as_encoded_bytes().ends_with(b"/"));
    if named.is_none() || path.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "that is a folder; name a file"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    // Private by itself.
    let mut file = tempfile::Builder::new()
        .prefix(".octrace-")
        .tempfile_in(folder.unwrap_or(Path::new(".")))
        .map_err(|error| io::Error::new(error.kind(), reason(&error)))?;
    file.write_all(bytes)?;
    file.persist_noclobber(path)?;
    Ok(())
}

/// What the system said, without the name of the file that nobody asked for.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such folder".to_owned(),
        kind => kind.to_string(),
    }
}

fn expand(typed: &Path, home: &Path) -> PathBuf {
    match typed.strip_prefix("~") {
        Ok(rest) if rest.as_os_str().is_empty() => home.to_owned(),
        Ok(rest) => home.join(rest),
        Err(_) => typed.to_owned(),
    }
}

/// The same name with the first number behind it that is not taken.
fn free(typed: &Path, home: &Path) -> Option<PathBuf> {
    let stem = typed.file_stem()?.to_str()?;
    let ending = typed.extension().and_then(|ending| ending.to_str());
    let ending = ending.map(|ending| format!(".{ending}")).unwrap_or_default();
    let named = |number: u32| typed.with_file_name(format!("{stem}-{number}{ending}"));
    (2..1000).map(named).find(|path| expand(path, home).symlink_metadata().is_err())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    /// What is said, with the folder's name taken out.
    fn say(bytes: &[u8], typed: &str, home: &Path) -> String {
        let said = save(bytes, Path::new(typed), home);
        let said = said.unwrap_or_else(|NotSaved { why, free }| {
            let free = free.map(|free| format!("; {} is free", free.display()));
            format!("! {why}{}", free.unwrap_or_default())
        });
        said.replace(home.to_str().unwrap(), "HOME")
    }

    #[test]
    fn a_new_file_has_the_bytes_and_is_its_owners() {
        let home = tempfile::tempdir().unwrap();
        let bytes = b"{\"a\":\xff\0}";
        assert_eq!(say(bytes, "~/body.json", home.path()), "saved 8 B to HOME/body.json");
        let path = home.path().join("body.json");
        assert_eq!(fs::read(&path).unwrap(), bytes);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn what_is_there_stays_and_a_free_name_is_told() {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join("a.json"), "theirs").unwrap();
        fs::write(home.path().join("a-2.json"), "theirs").unwrap();
        std::os::unix::fs::symlink("nowhere", home.path().join("link")).unwrap();
        fs::create_dir(home.path().join("folder")).unwrap();
        let all = ["~/a.json", "~/link", "~/folder", "~/folder/", "~", "~/none/a", "~/..", ""];
        let said: Vec<_> = all.iter().map(|typed| say(b"x", typed, home.path())).collect();
        insta::assert_snapshot!(said.join("\n"), @"
        ! ~/a.json is there already; ~/a-3.json is free
        ! ~/link is there already; ~/link-2 is free
        ! cannot save to HOME/folder: that is a folder; name a file
        ! cannot save to HOME/folder: that is a folder; name a file
        ! cannot save to HOME: that is a folder; name a file
        ! cannot save to HOME/none/a: there is no such folder
        ! cannot save to HOME/..: that is a folder; name a file
        ! a file needs a name
        ");
        assert_eq!(fs::read(home.path().join("a.json")).unwrap(), b"theirs");
        let mut names: Vec<_> =
            fs::read_dir(home.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["a-2.json", "a.json", "folder", "link"], "nothing is left behind");
    }
}
