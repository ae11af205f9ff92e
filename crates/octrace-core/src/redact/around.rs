//! What stands around a JSON member and changes what it means: `{"name": "X_TOKEN", "value": "secret"}`,
//! Docker's `"auth"`, and the `"token"` of log probabilities, which is a piece of an answer.

use super::{
    hit::Hit,
    key,
    text::value::{is_drawn, is_label},
};

/// The containers around the member at hand.
#[derive(Clone, Default)]
pub(super) struct Around {
    open: Vec<Container>,
    /// Containers open beyond [`DEEPEST`]. The last one stands for all of them, so that more is taken for
    /// a pair there than is one, and a body that opens millions costs no room.
    deeper: usize,
    /// What the next container is the value of.
    field: Field,
}

/// An object or an array.
#[derive(Clone, Default)]
struct Container {
    /// What the current member is; in an array, what the array is.
    field: Field,
    in_logprobs: bool,
    /// The name that a member of it says, if one that announces a secret.
    announced: Option<Vec<u8>>,
    /// A value that came before its name.
    value: Option<(Hit, Vec<u8>)>,
    is_key: bool,
    /// What is secret if the object turns out to be a key.
    private: Vec<Hit>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Field {
    /// `name` or `key`.
    Name,
    /// `value`.
    Value,
    /// A name for what a machine drew, such as Docker's `auth`.
    Drawn,
    /// A private number of a key, if the object says that it is one (a JWK): `d`, `p`, `q`.
    Private,
    /// `kty`, which says so.
    KeyType,
    Logprobs,
    #[default]
    Other,
}

/// Containers are told apart this deep.
const DEEPEST: usize = 256;

/// Longer values are no values of a pair that came before its name.
const LONGEST: usize = 4096;

impl Around {
    /// An object or an array begins.
    pub(super) fn begin(&mut self) {
        if self.open.len() == DEEPEST {
            self.deeper += 1;
            return;
        }
        let field = self.open.last().map_or(self.field, |outer| outer.field);
        let in_logprobs =
            field == Field::Logprobs || self.open.last().is_some_and(|outer| outer.in_logprobs);
        self.open.push(Container { in_logprobs, ..Container::default() });
    }

    /// It ends.
    pub(super) fn end(&mut self) {
        if self.deeper > 0 {
            self.deeper -= 1;
        } else {
            self.open.pop();
        }
    }

    /// Whether nothing read so far is needed for what follows.
    pub(super) fn is_settled(&self) -> bool {
        self.open.iter().all(|open| {
            open.announced.is_none()
                && open.value.is_none()
                && !open.is_key
                && open.private.is_empty()
        })
    }

    /// A member's name. `true` when it is harmless here, whatever it says.
    pub(super) fn name(&mut self, name: &[u8]) -> bool {
        let Some(object) = self.open.last_mut() else { return false };
        object.field = match name {
            b"name" | b"key" | b"Name" | b"Key" => Field::Name,
            b"value" | b"Value" => Field::Value,
            b"kty" => Field::KeyType,
            b"d" | b"p" | b"q" | b"dp" | b"dq" | b"qi" | b"k" => Field::Private,
            b"logprobs" | b"top_logprobs" | b"logprobsResult" => Field::Logprobs,
            name if key::is_of_drawn(name) => Field::Drawn,
            _ => Field::Other,
        };
        object.in_logprobs && matches!(name, b"token" | b"tokens")
    }

    /// The string at `hit`; what is secret, if it makes something so: itself or some before it.
    pub(super) fn string(&mut self, content: &[u8], hit: Hit) -> Vec<Hit> {
        let Some(object) = self.open.last_mut() else { return Vec::new() };
        let itself = match object.field {
            Field::Name if key::secret(content).is_some() => {
                object.announced = Some(content.to_owned());
                let before = object.value.take();
                return before
                    .filter(|(_, value)| is_secret(content, value))
                    .map(|(hit, _)| hit)
                    .into_iter()
                    .collect();
            }
            Field::Value => match &object.announced {
                Some(name) => is_secret(name, content),
                None => {
                    object.value = (content.len() <= LONGEST).then(|| (hit, content.to_owned()));
                    false
                }
            },
            Field::Drawn => is_drawn(content),
            Field::KeyType => {
                object.is_key = true;
                return std::mem::take(&mut object.private);
            }
            Field::Private if content.len() >= SHORTEST_PRIVATE => {
                if !object.is_key && object.private.len() < 8 {
                    object.private.push(hit);
                }
                object.is_key
            }
            Field::Name | Field::Private | Field::Logprobs | Field::Other => false,
        };
        if itself { vec![hit] } else { Vec::new() }
    }
}

/// Private numbers of keys have this many letters of base64 or more.
const SHORTEST_PRIVATE: usize = 16;

fn is_secret(name: &[u8], value: &[u8]) -> bool {
    !key::is_reference(value) && !is_label(name, value)
}

#[cfg(test)]
mod tests {
    use crate::redact::Redactor;

    fn json(text: &str) -> String {
        String::from_utf8(Redactor::new("").json(text.as_bytes()).into_inner()).unwrap()
    }

    #[test]
    fn a_pair_of_name_and_value() {
        for (text, clean) in [
            (
                r#"[{"name":"X_TOKEN","value":"secret"},{"name":"PATH","value":"/bin"}]"#,
                r#"[{"name":"X_TOKEN","value":"[REDACTED]"},{"name":"PATH","value":"/bin"}]"#,
            ),
            (
                r#"{"value":"secret","x":{"value":"y"},"key":"DB_PASSWORD"}"#,
                r#"{"value":"[REDACTED]","x":{"value":"y"},"key":"DB_PASSWORD"}"#,
            ),
            (
                r#"{"name":"password","value":"${PASSWORD}"}"#,
                r#"{"name":"password","value":"${PASSWORD}"}"#,
            ),
            (r#"{"name":"max_tokens","value":"17"}"#, r#"{"name":"max_tokens","value":"17"}"#),
        ] {
            assert_eq!(json(text), clean);
        }
    }

    #[test]
    fn pairs_are_found_at_any_depth_in_little_room() {
        let deep = 100_000;
        let nested = |pair: &str| format!("{}{pair}{}", "[".repeat(deep), "]".repeat(deep));
        let pair = r#"{"a":[{}],"name":"X_TOKEN","value":"secret"}"#;
        assert_eq!(json(&nested(pair)), nested(&pair.replace("secret", "[REDACTED]")));
        let mut around = super::Around::default();
        for _ in 0..deep {
            around.begin();
        }
        assert_eq!(around.open.len(), super::DEEPEST);
        for _ in 0..deep {
            around.end();
        }
        assert!(around.open.is_empty());
    }

    #[test]
    fn logins_of_registries() {
        let login = r#"{"auths":{"registry":{"auth":"bWU6aHVudGVyMg=="}}}"#;
        assert_eq!(json(login), r#"{"auths":{"registry":{"auth":"[REDACTED]"}}}"#);
        assert_eq!(json(r#"{"auth":"required"}"#), r#"{"auth":"required"}"#);
    }

    #[test]
    fn names_of_what_a_machine_draws() {
        let text =
            r#"{"STRIPE_KEY":"x7Gq2LmZ9tRkQw3pAbCd","CACHE_KEY":"users-by-name","pwd":"/home/x"}"#;
        let clean = r#"{"STRIPE_KEY":"[REDACTED]","CACHE_KEY":"users-by-name","pwd":"/home/x"}"#;
        assert_eq!(json(text), clean);
    }

    #[test]
    fn private_numbers_of_a_key() {
        let number = "x7Gq2LmZ".repeat(4);
        let text = format!(
            r#"[{{"d":"{number}","kty":"RSA","n":"{number}","e":"AQAB","qi":"{number}"}},{{"p":"{number}"}}]"#
        );
        let clean = format!(
            r#"[{{"d":"[REDACTED]","kty":"RSA","n":"{number}","e":"AQAB","qi":"[REDACTED]"}},{{"p":"{number}"}}]"#
        );
        assert_eq!(json(&text), clean);
    }

    #[test]
    fn tokens_of_log_probabilities_are_the_answer() {
        for text in [
            r#"{"logprobs":{"content":[{"token":"Hel","logprob":-0.1,"top_logprobs":[{"token":"Hal"}]}]}}"#,
            r#"{"logprobs":{"tokens":["a","b"],"token_logprobs":[-1,-2]}}"#,
            r#"{"logprobsResult":{"chosenCandidates":[{"token":"Hel","tokenId":5}]}}"#,
        ] {
            assert_eq!(json(text), text);
        }
        let text = r#"{"logprobs":{"content":[{"password":"x"}]},"token":"y"}"#;
        let clean = r#"{"logprobs":{"content":[{"password":"[REDACTED]"}]},"token":"[REDACTED]"}"#;
        assert_eq!(json(text), clean);
    }

    #[test]
    fn labels_of_user_interfaces_stay() {
        let text = r#"{"password":"Password","token":"Your access token","secret":"hunter"}"#;
        let clean = r#"{"password":"Password","token":"Your access token","secret":"[REDACTED]"}"#;
        assert_eq!(json(text), clean);
    }
}
