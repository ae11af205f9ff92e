//! Paths as records have them: relative to the root, with `/`.

/// A file's path in a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelativePath {
    /// Relative to the root.
    pub path: String,
    /// Whether the file is outside the root, so that its path begins with `../`.
    pub outside: bool,
}

/// An absolute path as seen from an absolute root. Without a root it stays as it is.
pub fn relative(path: &str, root: &str) -> RelativePath {
    let names = |path: &'_ str| -> Vec<String> {
        path.split('/').filter(|name| !name.is_empty()).map(str::to_owned).collect()
    };
    if root.is_empty() || !path.starts_with('/') {
        return RelativePath { path: path.to_owned(), outside: path.starts_with('/') };
    }
    let (path, root) = (names(path), names(root));
    let common = path.iter().zip(&root).take_while(|(path, root)| path == root).count();
    // A root that is the file itself has no path within it; its name stands for it.
    let common = common.min(path.len().saturating_sub(1));
    let up = root.len().saturating_sub(common);
    let mut relative = vec!["..".to_owned(); up];
    relative.extend_from_slice(path.get(common..).unwrap_or_default());
    RelativePath { path: relative.join("/"), outside: up > 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_relative_to_its_root() {
        let seen = |path, root| {
            let found = relative(path, root);
            (found.path, found.outside)
        };
        let inside = |path: &str| (path.to_owned(), false);
        let outside = |path: &str| (path.to_owned(), true);
        assert_eq!(seen("/repo/src/a.rs", "/repo"), inside("src/a.rs"));
        assert_eq!(seen("/repo/src/a.rs", "/repo/"), inside("src/a.rs"));
        assert_eq!(seen("/a.rs", "/"), inside("a.rs"));
        assert_eq!(seen("/repository/a.rs", "/repo"), outside("../repository/a.rs"));
        assert_eq!(seen("/etc/hosts", "/home/me/repo"), outside("../../../etc/hosts"));
        assert_eq!(seen("/repo/a.rs", ""), outside("/repo/a.rs"));
        assert_eq!(seen("/repo", "/repo"), outside("../repo"));
        assert_eq!(seen("src/a.rs", "/repo"), inside("src/a.rs"));
        assert_eq!(seen("/repo/a b/\u{fffd}.rs", "/repo"), inside("a b/\u{fffd}.rs"));
    }
}
