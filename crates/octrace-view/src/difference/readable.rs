//! A part as text that people can compare: each value on its line under its name, and what strings say in lines of
//! their own, without JSON's escapes.

use octrace_core::json::{Scanner, TokenKind, decode};

/// Deeper levels are not indented further.
const INDENTED: usize = 20;

/// What `json` says. What is not JSON, or no longer, stands as it is.
pub(super) fn readable(json: &[u8]) -> String {
    let mut writer =
        Writer { out: String::new(), label: String::new(), dashes: 0, lists: Vec::new() };
    let mut scanner = Scanner::new(json);
    // A container that was just opened: what closes it at once is said on its line.
    let mut opened = None;
    let mut end = 0;
    for token in scanner.by_ref() {
        let closes = matches!(token.kind, TokenKind::ObjectEnd | TokenKind::ArrayEnd);
        end = token.end;
        let text = json.get(token.start..token.end).unwrap_or_default();
        if let Some(depth) = opened.take() {
            if closes {
                writer.lists.pop();
                writer.line(depth, if token.kind == TokenKind::ObjectEnd { "{}" } else { "[]" });
                continue;
            }
            writer.open(depth);
        }
        match token.kind {
            TokenKind::Key => writer.label = decode(text).into_owned() + ":",
            TokenKind::ObjectStart | TokenKind::ArrayStart => {
                writer.element();
                writer.lists.push(token.kind == TokenKind::ArrayStart);
                opened = Some(token.depth);
            }
            TokenKind::ObjectEnd | TokenKind::ArrayEnd => {
                writer.lists.pop();
            }
            TokenKind::String => {
                writer.element();
                writer.text(token.depth, &decode(text));
            }
            TokenKind::Number | TokenKind::Word => {
                writer.element();
                writer.line(token.depth, &String::from_utf8_lossy(text));
            }
        }
    }
    if scanner.broken_at().is_some() {
        if let Some(depth) = opened {
            writer.open(depth);
        }
        writer.out.push_str(&String::from_utf8_lossy(json.get(end..).unwrap_or_default()));
    }
    writer.out
}

struct Writer {
    out: String,
    /// What the next value is called, with its colon.
    label: String,
    /// How many lists begin an element on the next line.
    dashes: usize,
    /// Of what is open: whether it is a list.
    lists: Vec<bool>,
}

impl Writer {
    fn in_list(&self) -> bool {
        self.lists.last() == Some(&true)
    }

    /// A value begins.
    fn element(&mut self) {
        self.dashes += usize::from(self.in_list());
    }

    /// Writes what stands before a value; gives the column that it stands at.
    fn begin(&mut self, depth: usize, in_list: bool) -> usize {
        let dashes = std::mem::take(&mut self.dashes);
        let level = if in_list { depth } else { depth.saturating_sub(1) };
        let column = 2 * level.min(INDENTED);
        self.space(column.saturating_sub(2 * dashes));
        self.out.extend(std::iter::repeat_n("- ", dashes));
        self.out.push_str(&std::mem::take(&mut self.label));
        column
    }

    fn space(&mut self, columns: usize) {
        self.out.extend(std::iter::repeat_n(' ', columns));
    }

    fn line(&mut self, depth: usize, text: &str) {
        let space = if self.label.is_empty() || text.is_empty() { "" } else { " " };
        self.begin(depth, self.in_list());
        self.out.extend([space, text, "\n"]);
    }

    /// A container that is not empty, inside of what is open around it. Without a name, what is in it begins on the line
    /// of its dash.
    fn open(&mut self, depth: usize) {
        if !self.label.is_empty() {
            self.begin(depth, false);
            self.out.push('\n');
        }
    }

    fn text(&mut self, depth: usize, text: &str) {
        if depth == 0 {
            return self.out.extend([text, "\n"]);
        }
        if !text.contains('\n') {
            return self.line(depth, text);
        }
        let has_name = !self.label.is_empty();
        let mut column = self.begin(depth, self.in_list());
        let mut lines = text.lines();
        if has_name {
            column += 2;
        } else {
            self.out.push_str(lines.next().unwrap_or_default());
        }
        self.out.push('\n');
        for line in lines {
            self.space(column);
            self.out.extend([line, "\n"]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn each_value_on_its_line_and_strings_in_lines() {
        insta::assert_snapshot!(
            readable(br#"{"role":"user","content":[{"type":"text","text":"a\nb"},{"x":{},"y":[]}],"n":[1,[2,"two\nlines"],{"k":{"d":null}}]}"#),
            @"
role: user
content:
  - type: text
    text:
      a
      b
  - x: {}
    y: []
n:
  - 1
  - - 2
    - two
      lines
  - k:
      d: null
"
        );
        assert_eq!(readable(br#""just \u00e4\ntext""#), "just ä\ntext\n");
        assert_eq!(
            readable(br#"{"a":{"b":1},"c":"d\ne","f":"g"}"#),
            "a:\n  b: 1\nc:\n  d\n  e\nf: g\n"
        );
        assert_eq!(readable(b"[[[1]],2]"), "- - - 1\n- 2\n");
        assert_eq!(readable(b"no JSON \xff"), "no JSON \u{fffd}");
        assert_eq!(readable(br#"{"a":1,"b":{"c"#), "a: 1\nb:\n\"c");
    }
}
