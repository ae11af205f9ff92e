//! From what was typed to terms. One way through the text, from left to right.

use std::ops::{Range, RangeInclusive};

use super::{
    Field, Filter, Kinds, Problem, Search, Term, Test, Text,
    amount::{Amount, Comparison},
    fields::{FIELDS, Reads},
    needle::Needle,
    token::{Token, Tokens, Value, What},
};
use crate::search::{Query, Role};

/// Every role, in the order they are told.
const ROLES: [Role; 7] = [
    Role::System,
    Role::User,
    Role::Assistant,
    Role::ToolResult,
    Role::ToolDefinition,
    Role::Request,
    Role::Error,
];

pub(super) fn filter(typed: &str) -> Result<Filter, Problem> {
    let mut filter = Filter { typed: typed.to_owned(), ..Filter::default() };
    for Token { not, at, what } in Tokens::new(typed) {
        match what {
            What::Word(word) => {
                if let Some(problem) = blanks_around_a_sign(typed, &at) {
                    return Err(problem);
                }
                // Words may be parts of words anyway.
                let word = word.strip_suffix('*').filter(|word| !word.is_empty()).unwrap_or(word);
                if let Some(needle) = Needle::new(word) {
                    let test = Test::Text(Text::Shown, vec![needle]);
                    filter.terms.push(Term { not, test });
                }
            }
            What::Field { field, values, .. } if values.is_empty() => {
                if let Some(problem) = blanks_around_a_sign(typed, &at) {
                    return Err(problem);
                }
                let message = format!("{} needs a value: {}", field.name, field.means);
                return Err(Problem { at, message });
            }
            What::Field { field, comparison, values } => {
                let (comparison, not) = comparison.negated(not);
                let test = test(field, comparison, &values, &at, &mut filter.texts)?;
                filter.terms.push(Term { not, test });
            }
        }
    }
    Ok(filter)
}

pub(super) fn search(typed: &str) -> Result<Search, Problem> {
    let mut words = String::new();
    let mut copied = 0;
    let mut search = Search::default();
    let filter = &mut search.filter;
    typed.clone_into(&mut filter.typed);
    for Token { not, at, what } in Tokens::new(typed) {
        let What::Field { field, comparison, values } = what else { continue };
        if values.is_empty() {
            continue;
        }
        // What stands between fields is left as it is: a query has its own rules for it.
        words.push_str(typed.get(copied..at.start).unwrap_or_default());
        copied = at.end;
        let (comparison, not) = comparison.negated(not);
        match (field.reads, values.as_slice()) {
            (Reads::Recorded, [one]) if !not => words.push_str(one.raw),
            (Reads::Role, values) => {
                let roles = values.iter().map(|value| role(field, value));
                search.roles.push((not, roles.collect::<Result<_, _>>()?));
            }
            (_, values) => {
                let test = test(field, comparison, values, &at, &mut filter.texts)?;
                filter.terms.push(Term { not, test });
            }
        }
        words.push(' ');
    }
    words.push_str(typed.get(copied..).unwrap_or_default());
    search.query = Query::parse(&words);
    Ok(search)
}

fn test(
    field: &Field,
    comparison: Comparison,
    values: &[Value<'_>],
    at: &Range<usize>,
    texts: &mut Vec<Query>,
) -> Result<Test, Problem> {
    Ok(match field.reads {
        Reads::Kind => {
            let mut kinds = Kinds::NONE;
            for value in values {
                let kind = Kinds::parse(value.text).ok_or_else(|| impossible(field, value))?;
                kinds = kinds.with(kind, true);
            }
            Test::Kind(kinds)
        }
        Reads::Status => {
            let range = |value| statuses(value, comparison).ok_or_else(|| impossible(field, value));
            Test::Status(values.iter().map(range).collect::<Result<_, _>>()?)
        }
        Reads::Text(text) => {
            Test::Text(text, values.iter().filter_map(|value| Needle::new(value.text)).collect())
        }
        Reads::Amount(quantity, unit) => {
            let amount = |value: &Value<'_>| {
                Amount::parse(value.text, comparison, unit).ok_or_else(|| impossible(field, value))
            };
            Test::Amount(quantity, values.iter().map(amount).collect::<Result<_, _>>()?)
        }
        Reads::Recorded => {
            let first = texts.len();
            texts.extend(values.iter().filter_map(|value| Query::parse(value.raw)));
            Test::Recorded(first..texts.len())
        }
        Reads::Role => {
            let message = format!("{} is for `octrace search` only", field.name);
            return Err(Problem { at: at.clone(), message });
        }
    })
}

/// `404`, `5xx`, and with a comparison what is on that side of a number.
fn statuses(value: &Value<'_>, comparison: Comparison) -> Option<RangeInclusive<u16>> {
    let digits: [u8; 3] = value.text.as_bytes().try_into().ok()?;
    let hundreds = u16::from(digits[0].checked_sub(b'0').filter(|digit| (1..=9).contains(digit))?);
    let (first, last) = match digits {
        [b'6'..=b'9', b'x' | b'X', ..] => return None,
        [_, b'x' | b'X', b'x' | b'X'] => (hundreds * 100, hundreds * 100 + 99),
        _ => {
            let number = value.text.parse().ok()?;
            (number, number)
        }
    };
    Some(match comparison {
        Comparison::Equal | Comparison::Other => first..=last,
        Comparison::Less => 0..=first - 1,
        Comparison::AtMost => 0..=last,
        Comparison::AtLeast => first..=u16::MAX,
        Comparison::More => last + 1..=u16::MAX,
    })
}

fn role(field: &Field, value: &Value<'_>) -> Result<Role, Problem> {
    let fold = |word: &str| word.replace(['-', '_'], " ").to_ascii_lowercase();
    let wanted = fold(value.text);
    let role = ROLES.into_iter().find(|role| role.as_str() == wanted);
    role.ok_or_else(|| impossible(field, value))
}

fn impossible(field: &Field, value: &Value<'_>) -> Problem {
    let words: Vec<String> = match field.reads {
        Reads::Kind => Kinds::WORDS.iter().map(|(word, _)| (*word).to_owned()).collect(),
        Reads::Role => ROLES.iter().map(|role| role.as_str().replace(' ', "-")).collect(),
        _ => Vec::new(),
    };
    let typed = value.text.to_ascii_lowercase();
    let begun: Vec<&str> =
        words.iter().map(String::as_str).filter(|word| word.starts_with(&typed)).collect();
    if !begun.is_empty() {
        let meant = begun.join(" or ");
        let message = format!("did you mean {meant}? {} cannot be {}", field.name, value.raw);
        return Problem { at: value.at.clone(), message };
    }
    let right = match field.reads {
        Reads::Amount(_, unit) => unit.example(),
        Reads::Status => "a number or a class, as 404 or 5xx",
        _ => field.means,
    };
    let message = format!("{} cannot be {}: it is {right}", field.name, value.raw);
    Problem { at: value.at.clone(), message }
}

/// What is wrong with `cost > 0.1`, of which a word or a field without a value stands `at` a place. Blanks separate terms.
fn blanks_around_a_sign(typed: &str, at: &Range<usize>) -> Option<Problem> {
    let stands = typed.get(at.clone())?;
    let stands = stands.strip_prefix(['-', '!']).unwrap_or(stands);
    let end = stands.find(|char: char| !char.is_ascii_alphabetic()).unwrap_or(stands.len());
    let (name, sign) = stands.split_at_checked(end)?;
    Field::named(name).filter(|field| field.compares())?;
    let is_sign = |char: char| matches!(char, '<' | '>' | '=' | '!');
    let rest = typed.get(at.end..)?.trim_start();
    // A sign is there once.
    let signs = rest.len() - rest.trim_start_matches(is_sign).len();
    let (sign, rest) = match (sign.is_empty(), signs) {
        (true, 1 | 2) => rest.split_at_checked(signs)?,
        (false, 0) if sign.chars().all(|char| is_sign(char) || char == ':') => (sign, rest),
        _ => return None,
    };
    let rest = rest.trim_start();
    let value = rest.split_whitespace().next().filter(|_| sign != "!")?;
    let end = typed.len() - rest.len() + value.len();
    let message = format!("write {name}{sign}{value}, without blanks");
    Some(Problem { at: at.start..end, message })
}

/// Whether the last word may go on to be a field: it is the beginning of a field's name, or all of it with nothing but
/// blanks behind it, where a sign may come next.
pub(super) fn is_unfinished(typed: &str) -> bool {
    let Some(Token { at, what: What::Word(word), .. }) = Tokens::new(typed).last() else {
        return false;
    };
    let stands = typed.get(at.clone()).unwrap_or_default();
    if word.is_empty() || stands.contains('"') {
        return false;
    }
    if at.end < typed.len() {
        return Field::named(word).is_some_and(Field::compares);
    }
    let names = FIELDS.iter().flat_map(|field| field.also.iter().chain([&field.name]));
    let begins =
        |name: &&str| name.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word));
    names.into_iter().any(begins)
}
