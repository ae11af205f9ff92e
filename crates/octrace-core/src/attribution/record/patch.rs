//! The numbers in a unified diff. Those that OpenCode tells of are right in their headers and wrong in their content,
//! which has lost its indentation; so only the numbers are used, and the content to see whether they can be right.

/// A line of the new file, as a hunk names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NewLine<'a> {
    /// Its number, from 1.
    pub(super) number: usize,
    /// Its content, perhaps without its indentation.
    pub(super) content: &'a str,
    /// Whether it is new; otherwise it was there before.
    pub(super) added: bool,
}

/// The lines of the new file that a diff shows, in order. `None` where its hunks do not have as many lines as their
/// headers say, or overlap: then something is missing, and no number can be believed.
pub(super) fn new_lines(diff: &str) -> Option<Vec<NewLine<'_>>> {
    let mut found: Vec<NewLine<'_>> = Vec::new();
    let mut lines = diff.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    while let Some(line) = lines.next() {
        if !line.starts_with("@@ ") {
            continue;
        }
        let (mut old, mut number, mut new) = header(line)?;
        if new > 0 && found.last().is_some_and(|last| last.number >= number) {
            return None;
        }
        while old > 0 || new > 0 {
            let line = lines.next()?;
            let (sign, content) = line.split_at_checked(1)?;
            match sign {
                "+" | " " => {
                    new = usize::checked_sub(new, 1)?;
                    found.push(NewLine { number, content, added: sign == "+" });
                    number = number.checked_add(1)?;
                }
                "-" | "\\" => {}
                _ => return None,
            }
            if matches!(sign, "-" | " ") {
                old = usize::checked_sub(old, 1)?;
            }
        }
    }
    Some(found)
}

/// Of `@@ -1,4 +2,5 @@`: 4, 2 and 5.
fn header(line: &str) -> Option<(usize, usize, usize)> {
    let mut words = line.strip_prefix("@@ ")?.split(' ');
    let mut side = |sign| {
        let numbers = words.next()?.strip_prefix(sign)?;
        let (from, count) = numbers.split_once(',').unwrap_or((numbers, "1"));
        Some((from.parse::<usize>().ok()?, count.parse::<usize>().ok()?))
    };
    let (_, old) = side('-')?;
    let (from, new) = side('+')?;
    // Hunks without a line of the new file name the line before them.
    (words.next() == Some("@@") && (from > 0 || new == 0)).then_some((old, from, new))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(diff: &str) -> Option<Vec<usize>> {
        let lines = new_lines(diff)?;
        Some(lines.iter().filter(|line| line.added).map(|line| line.number).collect())
    }

    #[test]
    fn numbers_of_added_lines_are_read_from_headers() {
        let diff = "Index: a\n===\n--- a\n+++ a\n@@ -1,3 +1,4 @@\n one\n-two\n+2\n+2b\n three\n\
                    @@ -9 +10,0 @@\n-- gone\n@@ -12,0 +13 @@ fn x\n+++ plus\n\\ No newline at end of file\n";
        assert_eq!(added(diff), Some(vec![2, 3, 13]));
        assert_eq!(added("@@ -0,0 +1,2 @@\r\n+a\r\n+b\r\n"), Some(vec![1, 2]));
        assert_eq!(added("--- a\n+++ b\n"), Some(vec![]));
    }

    #[test]
    fn a_diff_that_lost_lines_is_not_believed() {
        assert_eq!(added("@@ -1,2 +1,3 @@\n a\n+b\n"), None, "cut off");
        assert_eq!(added("@@ -1 +1 @@\n-a\n+[REDACTED]"), Some(vec![1]));
        assert_eq!(added("@@ -1,9 +1,9 @@\n-a\n+[REDACTED]\n@@ -20 +20 @@\n-a\n+b"), None);
        assert_eq!(added("@@ -1 +5 @@\n-a\n+b\n@@ -1 +5 @@\n-a\n+b"), None, "overlapping");
        assert_eq!(added("@@ x @@\n"), None);
        assert_eq!(added("@@ -1 +0 @@\n-a\n+b"), None);
        assert_eq!(added("@@ -1 +99999999999999999999 @@\n"), None);
    }
}
