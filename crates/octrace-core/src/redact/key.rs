//! Which names announce a secret: members of JSON objects, parameters of URLs and forms.
//!
//! A table; the first rule that fits decides, so the names that must stay come first. Names are compared
//! folded: `apiKey`, `API_KEY`, `api-key` and `apikey` are one name.

/// What of a value under a secret name is secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Secret {
    /// Its strings. Numbers are counts: `"tokens": 17`.
    Strings,
    /// Its strings and numbers.
    Scalars,
}

/// How a rule's word must stand in a folded name.
enum Fit {
    /// It is the name.
    Whole,
    /// The name ends with it, at a word's beginning or not: `password` in `PGPASSWORD`.
    Ending,
    /// It is the last of several words: `pwd` in `db_pwd`, not in `PWD`.
    LastOfSeveral,
    /// It is one of the name's words: `secret` in `aws_secret_access_key`, not in `secretary`.
    Word,
}

/// A rule about names, with names that it must and must not fit.
struct Rule {
    fit: Fit,
    /// Folded, without separators.
    words: &'static [&'static str],
    /// `None`: the name is harmless, whatever later rules say.
    secret: Option<Secret>,
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests try them"))]
    hits: &'static [&'static str],
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests try them"))]
    misses: &'static [&'static str],
}

/// Rules, and with which two letters their words end: nearly all names end otherwise, and need not be compared.
struct Table {
    rules: &'static [Rule],
    /// By the last letter, a bit for each letter before it. Of words that need not stand at the end, there is nothing.
    endings: [u32; 32],
}

static RULES: Table = Table::of(&[
    Rule {
        // Whether they are sent along, or which.
        fit: Fit::Ending,
        words: &["withcredentials", "includecredentials"],
        secret: None,
        hits: &["withCredentials"],
        misses: &["credentials"],
    },
    Rule {
        fit: Fit::Ending,
        words: &[
            "pagetoken",
            "nexttoken",
            "continuationtoken",
            "paginationtoken",
            "synctoken",
            "cursortoken",
        ],
        secret: None,
        hits: &["nextToken", "next_page_token", "continuation_token", "sync-token"],
        misses: &["token", "context_token"],
    },
    Rule {
        fit: Fit::Ending,
        words: &[
            "maxtoken",
            "stoptoken",
            "eostoken",
            "bostoken",
            "padtoken",
            "unktoken",
            "septoken",
            "clstoken",
            "masktoken",
            "pertoken",
            "specialtoken",
        ],
        secret: None,
        hits: &["max_token", "eos_token", "cost_per_token"],
        misses: &["auth_token"],
    },
    Rule {
        fit: Fit::Ending,
        words: &["token", "jwt", "bearer"],
        secret: Some(Secret::Strings),
        hits: &[
            "token",
            "access_token",
            "refreshToken",
            "id-token",
            "GITHUB_TOKEN",
            "authtoken",
            "x-amz-security-token",
            "session_token",
            "csrfToken",
            "jwt",
        ],
        misses: &[
            "max_tokens",
            "input_tokens",
            "prompt_tokens",
            "total_tokens",
            "cached_tokens",
            "reasoning_tokens",
            "maxOutputTokens",
            "token_count",
            "token_type",
            "tokenizer",
            "completion_tokens_details",
            "token_logprobs",
        ],
    },
    Rule {
        fit: Fit::Whole,
        words: &["tokens"],
        secret: Some(Secret::Strings),
        hits: &["tokens", "Tokens"],
        misses: &["output_tokens"],
    },
    Rule {
        fit: Fit::Ending,
        words: &[
            "accesstokens",
            "refreshtokens",
            "authtokens",
            "apitokens",
            "bearertokens",
            "sessiontokens",
        ],
        secret: Some(Secret::Strings),
        hits: &["access_tokens", "apiTokens"],
        misses: &["tokens_per_second", "cache_read_input_tokens"],
    },
    Rule {
        fit: Fit::Ending,
        words: &[
            "apikey",
            "apikeys",
            "accesskey",
            "privatekey",
            "signingkey",
            "encryptionkey",
            "masterkey",
            "authkey",
            "accountkey",
            "secretkey",
        ],
        secret: Some(Secret::Scalars),
        hits: &[
            "api_key",
            "apiKey",
            "APIKey",
            "apikey",
            "x-api-key",
            "X-Goog-Api-Key",
            "OPENAI_API_KEY",
            "private_key",
            "sharedAccessKey",
            "secretKey",
        ],
        misses: &[
            "key",
            "public_key",
            "primary_key",
            "prompt_cache_key",
            "api_key_id",
            "private_key_id",
            "access_key_id",
            "keyboard",
            "monkey",
        ],
    },
    Rule {
        fit: Fit::Ending,
        words: &[
            "password",
            "passwords",
            "passwd",
            "passphrase",
            "passcode",
            "passwordhash",
            "dbpass",
            "mysqlpass",
            "postgrespass",
            "pgpass",
            "redispass",
            "mongopass",
            "smtppass",
            "imappass",
            "mailpass",
            "emailpass",
            "ftppass",
            "sshpass",
            "ldappass",
            "userpass",
            "adminpass",
            "rootpass",
            "loginpass",
            "authpass",
            "proxypass",
            "keypass",
            "storepass",
            "bindpw",
            "rootpw",
        ],
        secret: Some(Secret::Scalars),
        hits: &[
            "password",
            "PGPASSWORD",
            "db.password",
            "new-passwd",
            "passphrase",
            "DB_PASS",
            "redisPass",
            "bindpw",
            "olcRootPW",
        ],
        misses: &["pass", "passed", "compass", "passwordless", "password_reset_url", "bypass"],
    },
    Rule {
        // What Docker logs in to registries with.
        fit: Fit::Whole,
        words: &["auths"],
        secret: Some(Secret::Strings),
        hits: &["auths"],
        misses: &["auth", "authors"],
    },
    Rule {
        fit: Fit::Whole,
        words: &["pass"],
        // A number of tests that passed, too.
        secret: Some(Secret::Strings),
        hits: &["pass", "PASS"],
        misses: &["first_pass", "passes", "pass_rate", "render_pass"],
    },
    Rule {
        fit: Fit::LastOfSeveral,
        words: &["pwd", "pw"],
        secret: Some(Secret::Scalars),
        hits: &["db_pwd", "userPwd", "ADMIN_PW"],
        misses: &["pwd", "PWD", "OLDPWD", "pwd_hint"],
    },
    Rule {
        fit: Fit::Word,
        words: &["secret", "secrets"],
        secret: Some(Secret::Scalars),
        hits: &[
            "secret",
            "client_secret",
            "clientSecret",
            "secret_value",
            "aws_secret_access_key",
            "secretAccessKey",
            "secrets",
        ],
        misses: &["secretary", "secretive"],
    },
    Rule {
        fit: Fit::Ending,
        words: &["clientsecret", "authorization", "connectionstring"],
        secret: Some(Secret::Scalars),
        hits: &["Authorization", "proxy-authorization", "clientsecret", "connectionString"],
        misses: &["authorization_url", "authorized", "author", "authentication_method"],
    },
    Rule {
        fit: Fit::Ending,
        words: &["credential", "credentials", "creds", "cookie", "cookies"],
        secret: Some(Secret::Scalars),
        hits: &["credentials", "awsCredentials", "cookie", "set-cookie", "Cookies", "creds"],
        misses: &["cookie_policy", "credentialed", "cookiecutter"],
    },
]);

/// More rules for parameters of URLs and forms; as names in JSON these words are too ordinary.
static PARAMETER_RULES: Table = Table::of(&[
    Rule {
        fit: Fit::Whole,
        words: &[
            "key",
            "sig",
            "signature",
            "auth",
            "code",
            "codeverifier",
            "pass",
            "pwd",
            "sid",
            "sas",
            "assertion",
        ],
        secret: Some(Secret::Scalars),
        hits: &["key", "code", "code_verifier", "pwd"],
        misses: &["keys", "decode", "zipcode", "passive", "q"],
    },
    Rule {
        fit: Fit::LastOfSeveral,
        words: &["key", "sig", "signature", "assertion"],
        secret: Some(Secret::Scalars),
        hits: &["X-Amz-Signature", "subscription-key", "client_assertion"],
        misses: &["monkey", "key_id", "signature_version"],
    },
]);

/// Whether a member of this name holds a secret, and what of it. `name` is decoded.
pub(super) fn secret(name: &[u8]) -> Option<Secret> {
    // A package, as lists of dependencies name it: `@scope/token`, `node_modules/cookie`.
    let is_package =
        name.starts_with(b"node_modules/") || name.starts_with(b"@") && name.contains(&b'/');
    if is_package { None } else { folded(name, |name| RULES.decides(name)) }
}

/// Whether a parameter of this name, in a URL or a form, holds a secret. `name` is decoded.
pub(super) fn secret_parameter(name: &[u8]) -> bool {
    folded(name, |name| PARAMETER_RULES.decides(name)).or_else(|| secret(name)).is_some()
}

/// Whether a value under this name is secret if it looks drawn by a machine, and ordinary if it does not: a
/// variable such as `STRIPE_KEY` (`CACHE_KEY=users`), npm's `_auth`, Docker's `auth`, `client-key-data`.
/// `name` is decoded.
pub(super) fn is_of_drawn(name: &[u8]) -> bool {
    const ENDINGS: [&[u8]; 4] = [b"_KEY", b"_AUTH", b"_SIGNING", b"_PSK"];
    const NAMES: [&[u8]; 9] = [
        b"auth",
        b"_auth",
        b"pwd",
        b"psk",
        b"client-key-data",
        b"PresharedKey",
        b"presharedKey",
        b"pre_shared_key",
        b"preshared_key",
    ];
    if !matches!(name.last(), Some(b'Y' | b'H' | b'G' | b'K' | b'h' | b'd' | b'k' | b'a' | b'y')) {
        return false;
    }
    let in_variable =
        |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    let public = || {
        [&b"PUBLIC"[..], b"PUBLISHABLE", b"HOST_KEY"]
            .iter()
            .any(|word| name.windows(word.len()).any(|part| part == *word))
    };
    NAMES.contains(&name)
        || ENDINGS.iter().any(|ending| name.ends_with(ending))
            && name.iter().all(in_variable)
            && !public()
}

/// Whether a value only says where the secret is to be found: `${NAME}`, `{env:NAME}`, `{file:PATH}`.
pub(super) fn is_reference(value: &[u8]) -> bool {
    let inner = value
        .strip_prefix(b"${")
        .or_else(|| value.strip_prefix(b"{env:"))
        .or_else(|| value.strip_prefix(b"{file:"))
        .and_then(|rest| rest.strip_suffix(b"}"));
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-./~".contains(byte);
    inner.is_some_and(|name| !name.is_empty() && name.iter().all(plain))
}

impl Table {
    const fn of(rules: &'static [Rule]) -> Self {
        let mut endings = [0; 32];
        let mut rule = 0;
        while rule < rules.len() {
            let (words, mut word) = (rules[rule].words, 0);
            while word < words.len() && rules[rule].is_about_the_end() {
                let [.., before, last] = words[word].as_bytes() else { panic!("a letter alone") };
                endings[slot(*last)] |= 1 << slot(*before);
                word += 1;
            }
            rule += 1;
        }
        Self { rules, endings }
    }

    /// What the first rule says that fits.
    fn decides(&self, name: &[u8]) -> Option<Secret> {
        let ends = self.has_ending(name);
        let mut rules = self.rules.iter().filter(|rule| ends || !rule.is_about_the_end());
        rules.find(|rule| rule.fits(name)).and_then(|rule| rule.secret)
    }

    /// Whether one of the words may stand at the end of a folded name.
    fn has_ending(&self, name: &[u8]) -> bool {
        let mut letters = name.iter().rev().filter(|&&byte| byte != b'_');
        let (Some(&last), Some(&before)) = (letters.next(), letters.next()) else { return false };
        self.endings[slot(last)] & 1 << slot(before) != 0
    }
}

/// Letters have one each; what else there is shares theirs.
const fn slot(byte: u8) -> usize {
    (byte & 31) as usize
}

impl Rule {
    /// Whether its words must be at the end of a name, if not all of it.
    const fn is_about_the_end(&self) -> bool {
        !matches!(self.fit, Fit::Word)
    }

    fn fits(&self, name: &[u8]) -> bool {
        match self.fit {
            Fit::Whole => self.words.iter().any(|word| is(name, word)),
            Fit::Ending => self.words.iter().any(|word| before_ending(name, word).is_some()),
            Fit::LastOfSeveral => self
                .words
                .iter()
                .any(|word| before_ending(name, word).is_some_and(|rest| rest.ends_with(b"_"))),
            Fit::Word => {
                let mut words = name.split(|&byte| byte == b'_');
                words.any(|part| self.words.iter().any(|word| part == word.as_bytes()))
            }
        }
    }
}

fn is(name: &[u8], word: &str) -> bool {
    before_ending(name, word).is_some_and(|rest| rest.iter().all(|&byte| byte == b'_'))
}

/// What stands before `word` at the end of a folded name, where separators do not count.
fn before_ending<'a>(mut name: &'a [u8], word: &str) -> Option<&'a [u8]> {
    for expected in word.bytes().rev() {
        loop {
            let (&last, rest) = name.split_last()?;
            name = rest;
            if last == expected {
                break;
            }
            if last != b'_' {
                return None;
            }
        }
    }
    Some(name)
}

/// Calls `judge` with the name in lower case, its words separated by `_`: `x-apiKey` is `x_api_key`.
fn folded<T>(name: &[u8], judge: impl FnOnce(&[u8]) -> T) -> T {
    let mut stack = [0_u8; 128];
    let mut heap;
    let room = if name.len() * 2 <= stack.len() {
        &mut stack[..]
    } else {
        heap = vec![0; name.len() * 2];
        &mut heap[..]
    };
    let mut len = 0;
    let mut push = |byte| {
        room[len] = byte;
        len += 1;
    };
    for (at, &byte) in name.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| name[before]);
        let after = name.get(at + 1);
        if byte.is_ascii_uppercase() {
            // `aB` begins a word, and so does the last capital of `ABc`.
            let begins = before.is_some_and(|before| {
                before.is_ascii_lowercase()
                    || before.is_ascii_digit()
                    || before.is_ascii_uppercase() && after.is_some_and(u8::is_ascii_lowercase)
            });
            if begins {
                push(b'_');
            }
            push(byte.to_ascii_lowercase());
        } else if byte.is_ascii_alphanumeric() || !byte.is_ascii() {
            push(byte);
        } else {
            push(b'_');
        }
    }
    judge(&room[..len])
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The names that rules give as examples.
    pub(in crate::redact) fn secret_names() -> impl Iterator<Item = &'static str> {
        RULES.rules.iter().filter(|rule| rule.secret.is_some()).flat_map(|rule| rule.hits).copied()
    }

    #[test]
    fn every_rule_decides_its_examples() {
        for (table, rule) in [&RULES, &PARAMETER_RULES]
            .into_iter()
            .flat_map(|table| table.rules.iter().map(move |rule| (table, rule)))
        {
            assert!(!rule.hits.is_empty() && !rule.misses.is_empty());
            for name in rule.hits {
                let (fits, decided) =
                    folded(name.as_bytes(), |name| (rule.fits(name), table.decides(name)));
                assert!(fits, "{name} does not fit");
                assert_eq!(decided, rule.secret, "{name} is decided by another rule");
            }
            for name in rule.misses {
                assert!(!folded(name.as_bytes(), |name| rule.fits(name)), "{name} fits");
            }
        }
    }

    #[test]
    fn no_word_is_missed_at_the_end_of_a_name() {
        for table in [&RULES, &PARAMETER_RULES] {
            for word in table.rules.iter().flat_map(|rule| rule.words) {
                let apart: String = word.chars().flat_map(|letter| [letter, '_']).collect();
                for name in [word, &*format!("x_{word}_"), &apart, "x", "_", "", "é"] {
                    let name = name.as_bytes();
                    let first = table.rules.iter().find(|rule| rule.fits(name));
                    assert_eq!(table.decides(name), first.and_then(|rule| rule.secret), "{word}");
                }
            }
        }
    }

    #[test]
    fn names_needed_for_debugging_are_harmless() {
        for name in [
            "max_tokens",
            "input_tokens",
            "output_tokens",
            "prompt_tokens",
            "total_tokens",
            "cached_tokens",
            "completion_tokens_details",
            "reasoning_tokens",
            "token_count",
            "maxOutputTokens",
            "promptTokenCount",
            "token_type",
            "tokenizer",
            "sessionID",
            "callID",
            "tool_call_id",
            "request-id",
            "prompt_cache_key",
            "signature",
            "encrypted_content",
            "model",
            "key",
            "keys",
            "next_page_token",
            "",
            "_",
            "id",
            "cache_control",
            "@esfx/canceltoken",
            "node_modules/cookie",
        ] {
            assert_eq!(secret(name.as_bytes()), None, "{name}");
        }
    }

    #[test]
    fn parameters_have_names_of_their_own() {
        for name in ["key", "X-Amz-Signature", "code", "api_key", "access_token", "sig"] {
            assert!(secret_parameter(name.as_bytes()), "{name}");
        }
        for name in ["alt", "q", "page", "beta", "keys", "grant_type", "state", "api-version"] {
            assert!(!secret_parameter(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn some_names_are_of_what_a_machine_drew() {
        for name in ["STRIPE_KEY", "DD_APP_KEY", "_auth", "client-key-data", "PresharedKey"] {
            assert!(is_of_drawn(name.as_bytes()), "{name}");
            assert_eq!(secret(name.as_bytes()), None, "{name} is secret whatever its value");
        }
        for name in ["key", "cacheKey", "prompt_cache_key", "STRIPE_PUBLISHABLE_KEY", "KEY"] {
            assert!(!is_of_drawn(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn references_are_not_secrets() {
        for value in ["${OPENAI_API_KEY}", "{env:ANTHROPIC_API_KEY}", "{file:~/.keys/one}"] {
            assert!(is_reference(value.as_bytes()), "{value}");
        }
        for value in ["$ecret", "${a} and more", "{env:}", "{x}", "", "${a:-hunter2}"] {
            assert!(!is_reference(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn long_names_are_judged_too() {
        let name = format!("{}_password", "x".repeat(10_000));
        assert_eq!(secret(name.as_bytes()), Some(Secret::Scalars));
    }
}
