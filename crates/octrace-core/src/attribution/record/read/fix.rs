//! What does not hold what it should, field by field: mended or taken out, and remembered.

use serde_json::{Map, Value, json};

use super::SPEC_VERSION;
use crate::attribution::record::draft::LONGEST_MODEL;

/// What stood where something was changed, by JSON pointer.
#[derive(Default)]
pub(super) struct Originals {
    pub(super) all: Map<String, Value>,
}

impl Originals {
    /// Puts `new` in a field's place, or takes the field out. A `null` is no loss.
    pub(super) fn replace(&mut self, of: &mut Value, at: &str, field: &str, new: Option<Value>) {
        let Some(object) = of.as_object_mut() else { return };
        let old = match new {
            Some(new) => object.insert(field.to_owned(), new),
            None => object.remove(field),
        };
        if let Some(old) = old.filter(|old| !old.is_null()) {
            self.all.entry(format!("{at}/{field}")).or_insert(old);
        }
    }

    /// Takes a field out unless it is as it should be.
    fn keep(&mut self, of: &mut Value, at: &str, field: &str, good: impl Fn(&Value) -> bool) {
        if of.get(field).is_some_and(|value| !good(value)) {
            self.replace(of, at, field, None);
        }
    }

    /// Makes a field a list, with only those items that are as they should be.
    pub(super) fn keep_items(
        &mut self,
        of: &mut Value,
        at: &str,
        field: &str,
        good: impl Fn(&Value) -> bool,
    ) {
        match of.get(field).and_then(Value::as_array) {
            None => self.replace(of, at, field, Some(json!([]))),
            Some(items) if items.iter().all(&good) => {}
            Some(items) => {
                let kept = items.iter().filter(|item| good(item)).cloned().collect();
                self.replace(of, at, field, Some(Value::Array(kept)));
            }
        }
    }
}

/// Does something with each item of a list, and where it stands.
pub(super) fn each(of: &mut Value, at: &str, field: &str, mut act: impl FnMut(&mut Value, &str)) {
    let items = of.get_mut(field).and_then(Value::as_array_mut);
    for (place, item) in items.into_iter().flatten().enumerate() {
        act(item, &format!("{at}/{field}/{place}"));
    }
}

/// A whole record; that it has a time and files is known.
pub(super) fn record(record: &mut Value, originals: &mut Originals) {
    let is_version = |value: &Value| value.as_str().is_some_and(is_version);
    if !record.get("version").is_some_and(is_version) {
        originals.replace(record, "", "version", Some(json!(SPEC_VERSION)));
    }
    originals.keep(record, "", "vcs", |vcs| {
        let kind = vcs["type"].as_str().unwrap_or_default();
        ["git", "jj", "hg", "svn"].contains(&kind) && vcs["revision"].is_string()
    });
    originals.keep(record, "", "tool", Value::is_object);
    if let Some(tool) = record.get_mut("tool") {
        originals.keep(tool, "/tool", "name", Value::is_string);
        originals.keep(tool, "/tool", "version", Value::is_string);
    }
    originals.keep(record, "", "metadata", Value::is_object);
    originals.keep_items(record, "", "files", |file| file["path"].is_string());
    each(record, "", "files", |file, at| {
        originals.keep_items(file, at, "conversations", Value::is_object);
        each(file, at, "conversations", |one, at| conversation(one, at, originals));
    });
}

fn conversation(conversation: &mut Value, at: &str, originals: &mut Originals) {
    originals.keep(conversation, at, "url", is_uri);
    contributor(conversation, at, originals);
    originals.keep_items(conversation, at, "ranges", is_range);
    each(conversation, at, "ranges", |range, at| {
        originals.keep(range, at, "content_hash", Value::is_string);
        contributor(range, at, originals);
    });
    if conversation.get("related").is_some() {
        let good = |one: &Value| one["type"].is_string() && is_uri(&one["url"]);
        originals.keep_items(conversation, at, "related", good);
    }
}

/// The contributor of a conversation or range. Of a kind that nobody knows it is unknown.
fn contributor(of: &mut Value, at: &str, originals: &mut Originals) {
    originals.keep(of, at, "contributor", Value::is_object);
    let Some(contributor) = of.get_mut("contributor") else { return };
    let at = format!("{at}/contributor");
    let kind = contributor["type"].as_str().unwrap_or_default();
    if !["human", "ai", "mixed", "unknown"].contains(&kind) {
        originals.replace(contributor, &at, "type", Some(json!("unknown")));
    }
    originals.keep(contributor, &at, "model_id", |id| {
        id.as_str().is_some_and(|id| id.chars().count() <= LONGEST_MODEL)
    });
}

fn is_range(range: &Value) -> bool {
    let line = |field| range.get(field).and_then(Value::as_u64);
    matches!((line("start_line"), line("end_line")), (Some(start), Some(end)) if 1 <= start && start <= end)
}

/// `X.Y.Z`
fn is_version(version: &str) -> bool {
    version.split('.').count() == 3 && version.split('.').all(is_number)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A UUID of any version, in its usual form.
pub(super) fn is_uuid(id: &str) -> bool {
    let hex = |group: &str| group.bytes().all(|byte| byte.is_ascii_hexdigit());
    id.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && id.split('-').all(hex)
}

/// A point in time as RFC 3339 writes it.
pub(super) fn is_time(text: &str) -> bool {
    let number = |from: usize, until: usize, least: u32, most: u32| {
        let digits = text.get(from..until).filter(|digits| is_number(digits))?;
        let number: u32 = digits.parse().ok()?;
        (least..=most).contains(&number).then_some(number)
    };
    let sign =
        |at: usize, signs: &[u8]| text.as_bytes().get(at).is_some_and(|sign| signs.contains(sign));
    let moment = || -> Option<usize> {
        let (year, month) = (number(0, 4, 0, 9999)?, number(5, 7, 1, 12)?);
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        number(8, 10, 1, days)?;
        number(11, 13, 0, 23)?;
        number(14, 16, 0, 59)?;
        number(17, 19, 0, 59)?;
        let fraction = text
            .get(19..)?
            .strip_prefix('.')
            .map(|digits| digits.bytes().take_while(u8::is_ascii_digit).count());
        (fraction != Some(0)).then(|| fraction.map_or(19, |digits| 20 + digits))
    };
    let separated =
        sign(4, b"-") && sign(7, b"-") && sign(10, b"Tt") && sign(13, b":") && sign(16, b":");
    let Some(zone) = moment().filter(|_| separated) else { return false };
    let offset = || {
        let sound = sign(zone, b"+-") && sign(zone + 3, b":") && text.len() == zone + 6;
        sound
            && number(zone + 1, zone + 3, 0, 23).is_some()
            && number(zone + 4, zone + 6, 0, 59).is_some()
    };
    sign(zone, b"Zz") && text.len() == zone + 1 || offset()
}

/// A URI, in the forms that records have: no user and no numeric host of version 6 in it.
fn is_uri(value: &Value) -> bool {
    let Some((scheme, rest)) = value.as_str().and_then(|text| text.split_once(':')) else {
        return false;
    };
    let named = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let host =
        rest.strip_prefix("//").map_or("", |rest| rest.split(['/', '?']).next().unwrap_or(""));
    let (host, port) = host.split_once(':').unwrap_or((host, ""));
    named
        && !host.contains('@')
        && port.bytes().all(|byte| byte.is_ascii_digit())
        && [rest, fragment].into_iter().all(|text| {
            let mut parts = text.split('%');
            let plain = |part: &str| {
                part.bytes().all(|byte| {
                    byte.is_ascii_alphanumeric() || b"-._~:/?@!$&'()*+,;=".contains(&byte)
                })
            };
            parts.next().is_some_and(plain)
                && parts.all(|part| {
                    let mut hex = part.bytes().take(2).filter(u8::is_ascii_hexdigit);
                    hex.by_ref().count() == 2 && plain(part)
                })
        })
}
