//! I-JSON ([RFC 7493](https://www.rfc-editor.org/rfc/rfc7493)): JSON that every reader reads alike.
//!
//! Guarantees: a text with a member named twice, a string with a surrogate or noncharacter, an integer
//! beyond 64 bits or a number beyond a double is refused, never repaired. Other numbers are doubles,
//! as RFC 7493 has them: one with more digits than a double holds is rounded.

use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Reads a text; `None` when it is not I-JSON.
#[must_use]
pub fn parse(text: &str) -> Option<Value> {
    let Strict(value) = serde_json::from_str(text).ok()?;
    // Only after the text is known to be JSON can its numbers be found by looking at its bytes.
    integers_fit(text).then_some(value)
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Strict)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("I-JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        characters(value).map(|text| Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(value)) = seq.next_element()? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let Strict(value) = members.next_value()?;
            if map.insert(characters(&name)?.to_owned(), value).is_some() {
                return Err(A::Error::custom("a member appears twice"));
            }
        }
        Ok(Value::Object(map))
    }
}

fn characters<E: Error>(text: &str) -> Result<&str, E> {
    let is_noncharacter = |character: char| {
        let code = u32::from(character);
        (0xfdd0..=0xfdef).contains(&code) || code & 0xfffe == 0xfffe
    };
    if text.chars().any(is_noncharacter) { Err(E::custom("a noncharacter")) } else { Ok(text) }
}

/// Whether every integer of a JSON text fits 64 bits: a larger one would be read as a float and
/// come back as another number.
fn integers_fit(json: &str) -> bool {
    let mut outside = String::with_capacity(json.len());
    let mut in_string = false;
    let mut escaped = false;
    for character in json.chars() {
        if in_string {
            in_string = escaped || character != '"';
            escaped = !escaped && character == '\\';
        } else {
            in_string = character == '"';
            outside.push(character);
        }
    }
    outside
        .split(|character: char| !character.is_ascii_alphanumeric() && !"+-.".contains(character))
        .filter(|token| token.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-'))
        .all(|token| {
            token.is_empty() || token.parse::<i64>().is_ok() || token.parse::<u64>().is_ok()
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn json_of_one_reading_is_read() {
        for text in [
            "null",
            "[1,-1,1.5,1e3,\"a\\\"b\",{\"a\":{\"b\":null}}]",
            "18446744073709551615",
            "-9223372036854775808",
            "\"99999999999999999999 \\\\\"",
            "{\"a\":1,\"b\":1}",
            "-0",
            "\"é\\u00e9\\ud83d\\ude00\"",
        ] {
            assert_eq!(parse(text), serde_json::from_str(text).ok(), "{text}");
            assert!(parse(text).is_some(), "{text}");
        }
    }

    #[test]
    fn json_of_two_readings_is_refused() {
        for text in [
            "",
            "{",
            "nul",
            "{\"a\":1,\"a\":1}",
            "{\"a\":{\"b\":1,\"b\":2}}",
            "{\"a\":1,\"\\u0061\":2}",
            "18446744073709551616",
            "-9223372036854775809",
            "[1000000000000000000000000000000]",
            "1e400",
            "NaN",
            "01",
            "\"\\ud800\"",
            "\"\u{ffff}\"",
            "\"\\ufdd0\"",
            "{\"\\uffff\":1}",
            "1 2",
            "'a'",
            "[1,]",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_text_too_deep_to_read_is_refused() {
        assert_eq!(parse(&"[".repeat(100_000)), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_panic(text in "[\\[\\]{}\",:0-9a-z\\\\.eE+-]{0,40}") {
            let _ = parse(&text);
        }

        #[test]
        fn what_is_read_is_written_back_the_same(float in any::<f64>().prop_filter("finite", |float| float.is_finite()), integer in any::<i64>()) {
            let text = format!("[{},{integer}]", Number::from_f64(float).unwrap());
            prop_assert_eq!(parse(&text).unwrap().to_string(), text);
        }
    }
}
