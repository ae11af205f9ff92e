//! JSON laid out for reading, token by token: what was sent keeps its number spelling, its escapes, its
//! duplicate keys, and its depth costs no stack. What breaks off is shown up to there, and the rest as it is.

use octrace_core::json::{Scanner, Token, TokenKind};

use crate::text::{Paint, Style, figures, line::Line, safe};

/// Deeper levels are not indented further.
const INDENTED: usize = 40;

/// Writes `body` laid out. Strings longer than `limit` characters are shortened; says whether any was.
pub(super) fn pretty(body: &[u8], limit: Option<usize>, style: &Style, out: &mut String) -> bool {
    let mut shortened = false;
    let mut line = Line::new();
    let mut before: Option<Token> = None;
    let mut scanner = Scanner::new(body);
    for token in scanner.by_ref() {
        let opens = |kind| matches!(kind, TokenKind::ObjectStart | TokenKind::ArrayStart);
        let closes = matches!(token.kind, TokenKind::ObjectEnd | TokenKind::ArrayEnd);
        match before.map(|before| before.kind) {
            None => {}
            Some(TokenKind::Key) => line = line.layout(Paint::Plain, ": "),
            Some(kind) if opens(kind) && closes => {}
            Some(kind) => {
                if !opens(kind) && !closes {
                    line = line.layout(Paint::Plain, ",");
                }
                std::mem::take(&mut line).render(style, out);
                line = line.pad(2 * token.depth.min(INDENTED));
            }
        }
        let text = String::from_utf8_lossy(body.get(token.start..token.end).unwrap_or_default());
        let paint = match token.kind {
            TokenKind::Key => Paint::Accent,
            TokenKind::String => Paint::Good,
            TokenKind::Number | TokenKind::Word => Paint::Warn,
            _ => Paint::Plain,
        };
        let long = token.kind == TokenKind::String && limit.is_some_and(|limit| text.len() > limit);
        match limit.filter(|_| long).and_then(|limit| text.char_indices().nth(limit)) {
            Some((end, _)) => {
                shortened = true;
                let more = text.chars().count() as u64 - limit.unwrap_or_default() as u64;
                let kept = text.get(..end).unwrap_or_default();
                line = line.layout(paint, &strict(kept)).layout(paint, style.glyph("…\"", "...\""));
                let more = format!(" ({} more characters)", figures::grouped(more));
                line = line.layout(Paint::Dim, &more);
            }
            // Between the quotes of a well-formed string there are no control characters but hostile ones.
            None => line = line.layout(paint, &strict(&text)),
        }
        before = Some(token);
    }
    if before.is_some_and(|last| last.kind == TokenKind::Key) {
        line = line.layout(Paint::Plain, ":");
    }
    line.render(style, out);
    if let Some(at) = scanner.broken_at() {
        let rest = body.get(at..).unwrap_or_default();
        if !rest.is_empty() {
            out.push_str(&safe::block(&String::from_utf8_lossy(rest)));
            out.push('\n');
        }
        let note = format!("(from byte {} on this is not JSON)", figures::grouped(at as u64));
        Line::new().put(Paint::Warn, &note).render(style, out);
    }
    shortened
}

/// A token on one line. The scanner is tolerant: a string may hold line ends that JSON forbids.
fn strict(text: &str) -> String {
    let escaped = text.replace('\n', "\\n").replace('\r', "\\r").replace('\t', "\\t");
    safe::json(&escaped).into_owned()
}
