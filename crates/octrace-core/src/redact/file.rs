//! Files through redaction. Lines are counted in them: each stays where it was.

use super::{Clean, Redactor, hit};
use crate::attribution::{
    observed::{Found, Observed, Revision},
    timeline::{CallId, Moment},
};

impl Redactor {
    /// Makes what was seen of a file clean. It is no longer exact if that blanked anything in the file. The mark becomes one
    /// of which nothing can be learnt about the file without the spool.
    pub fn file(&self, seen: Observed) -> Clean<Observed> {
        let text = |value| self.plain(value);
        let (found, exact) = match seen.found {
            Found::Text(bytes) => {
                let (bytes, exact) = self.lines(bytes);
                (Found::Text(bytes), exact && seen.exact)
            }
            found => (found, seen.exact),
        };
        Clean::vouch(Observed {
            session: text(seen.session),
            moment: self.moment(seen.moment),
            path: text(seen.path),
            named: seen.named.map(text),
            at_us: seen.at_us,
            found,
            exact,
            mark: self.mark(&seen.mark),
            changed_us: seen.changed_us,
        })
    }

    /// Where a repository is, and what it is at.
    pub fn revision(&self, revision: Revision) -> Clean<Revision> {
        let is_id = |id: &String| id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        Clean::vouch(Revision {
            root: self.plain(revision.root),
            vcs: revision.vcs.map(|name| self.plain(name)),
            revision: revision.revision.filter(is_id),
        })
    }

    /// The bytes of a file, and whether they are what they were.
    fn lines(&self, bytes: Vec<u8>) -> (Vec<u8>, bool) {
        let (bytes, changed) = self.blanked(bytes, self.body_hits(""), hit::apply_to_lines);
        (bytes, !changed)
    }

    fn moment(&self, moment: Moment) -> Moment {
        let text = |value| self.plain(value);
        let id = |id: CallId| CallId { session: text(id.session), call: text(id.call) };
        match moment {
            Moment::Before(call) => Moment::Before(id(call)),
            Moment::Permitted(call) => Moment::Permitted(id(call)),
            Moment::After(call) => Moment::After(id(call)),
            Moment::Start(message) => Moment::Start(text(message)),
            Moment::Finish(message) => Moment::Finish(text(message)),
            Moment::Now => Moment::Now,
        }
    }

    /// The plugin's hash of a file would tell those who guess what is blanked in it that they are right.
    fn mark(&self, mark: &str) -> String {
        if mark.is_empty() {
            return String::new();
        }
        let mut hash = blake3::Hasher::new();
        hash.update(self.literals.salt()).update(mark.as_bytes());
        let mut hex = hash.finalize().to_hex().to_string();
        hex.truncate(32);
        hex
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::line;

    fn seen(bytes: &[u8]) -> Observed {
        Observed {
            session: "ses_1".into(),
            moment: Moment::Start("msg_1".into()),
            path: "/p/a".into(),
            named: None,
            at_us: 1,
            found: Found::Text(bytes.into()),
            exact: true,
            mark: "a1".into(),
            changed_us: None,
        }
    }

    fn clean(bytes: &[u8]) -> (String, bool) {
        let Observed { found: Found::Text(bytes), exact, .. } =
            Redactor::new("00").file(seen(bytes)).into_inner()
        else {
            panic!("a text")
        };
        (String::from_utf8(bytes).unwrap(), exact)
    }

    #[test]
    fn what_is_no_secret_stays_byte_for_byte() {
        let code = "\u{feff}fn main() {\r\n    let token = next();\r\n}\r\n";
        assert_eq!(clean(code.as_bytes()), (code.to_owned(), true));
    }

    #[test]
    fn a_blanked_file_has_as_many_lines_as_before_and_says_which_are_blanked() {
        let body = "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo".repeat(2);
        let kind = "PRIVATE KEY";
        let key = format!("-----BEGIN {kind}-----\n{body}\n{body}\n-----END {kind}-----\n");
        let text = format!("first\n{key}last\n");
        let (blanked, exact) = clean(text.as_bytes());
        assert!(!exact && !blanked.contains(&body), "{blanked}");
        let lines = line::lines(blanked.as_bytes(), exact);
        assert_eq!(lines.len(), text.lines().count());
        assert_eq!(lines[0], line::Line::of(b"first"));
        assert_eq!(lines[5], line::Line::of(b"last"));
        assert!(lines[2].is_blanked() && lines[3].is_blanked(), "{blanked}");
    }

    #[test]
    fn a_mark_says_nothing_outside_its_spool() {
        let mark = |salt: &str| Redactor::new(salt).file(seen(b"x")).into_inner().mark;
        assert_eq!(mark("00"), mark("00"));
        assert_ne!(mark("00"), mark("01"));
        assert!(!mark("00").contains("a1a1") && mark("00").len() == 32);
        let none = Observed { mark: String::new(), ..seen(b"x") };
        assert_eq!(Redactor::new("00").file(none).into_inner().mark, "");
    }
}
