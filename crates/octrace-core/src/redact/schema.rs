//! JSON schemas under names that announce secrets.
//!
//! A tool whose parameters are called `token` or `password` sends
//! `{"properties":{"token":{"type":"string","description":"…"}}}`: an object under a secret name that holds
//! no secret. Objects are told apart by one of their own members ([`Word::Type`], [`Word::Sign`]); in one that is a schema the
//! members with a schema's own words stay, and everything else, `default`, `const` and
//! `examples` among it, is as secret as the name says. `{"password":{"value":"x"}}` has no such sign, and
//! `{"password":{"type":"string","value":"x"}}` loses its `x`.

/// A member's name as this module sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// `type`: a sign when its value is the name of a JSON type.
    Type,
    /// A sign that the object is a schema; its value is described by the schema.
    Sign,
    /// Stays in a schema, and proves nothing.
    Annotation,
    /// No word of schemas.
    None,
}

/// What `name` (decoded) is in a schema.
pub(super) fn word(name: &[u8]) -> Word {
    match name {
        b"type" => Word::Type,
        b"description" | b"$ref" | b"anyOf" | b"oneOf" | b"allOf" | b"any_of" | b"enum"
        | b"properties" => Word::Sign,
        b"title" | b"format" | b"pattern" | b"required" | b"nullable" | b"$id" | b"$schema"
        | b"$comment" | b"minLength" | b"maxLength" | b"minimum" | b"maximum"
        | b"exclusiveMinimum" | b"exclusiveMaximum" | b"multipleOf" | b"minItems" | b"maxItems"
        | b"minProperties" | b"maxProperties" | b"contentEncoding" | b"contentMediaType"
        | b"propertyOrdering" => Word::Annotation,
        _ => Word::None,
    }
}

/// Whether `value` names a JSON type; Gemini writes them in capitals.
pub(super) fn is_type(value: &[u8]) -> bool {
    ["string", "object", "array", "number", "integer", "boolean", "null"]
        .iter()
        .any(|name| value.eq_ignore_ascii_case(name.as_bytes()))
}
