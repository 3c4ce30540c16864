//! The session's data: a JSON object that the origin keeps in the session.
//!
//! Guarantees: at most 16 deep, no member named `__proto__`; an update replaces top-level members one
//! by one, so that parallel updates of different members lose nothing. It does not print: it is the
//! user's. Its limit in bytes is the store's to keep, which alone knows the data after a change.

use core::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The deepest nesting; the object itself is the first level.
const DEEPEST: u32 = 16;

/// A name that would change what objects are in an origin written in JavaScript.
const POISON: &str = "__proto__";

/// A session's data.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Data(Map<String, Value>);

/// A change of data: names to remove, and members to replace after that.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Names to remove.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unset: Vec<String>,
    /// Members that replace those of the same names, `null` included.
    #[serde(default, skip_serializing_if = "Data::is_empty")]
    pub set: Data,
}

impl Change {
    /// Whether it changes nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.unset.is_empty() && self.set.is_empty()
    }
}

impl Data {
    /// Takes an object that came from an origin; `None` when it is too deep or poisoned.
    #[must_use]
    pub fn parse(members: Map<String, Value>) -> Option<Self> {
        let fits = members.iter().all(|(name, value)| name != POISON && fits(value, DEEPEST - 1));
        fits.then_some(Self(members))
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its size in bytes, as compact JSON in UTF-8.
    #[must_use]
    pub fn size(&self) -> usize {
        serde_json::to_string(&self.0).map_or(usize::MAX, |text| text.len())
    }

    /// The data after a change.
    #[must_use]
    pub fn changed(mut self, change: &Change) -> Self {
        for name in &change.unset {
            self.0.remove(name);
        }
        self.0.extend(change.set.0.clone());
        self
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Data(..)")
    }
}

fn fits(value: &Value, levels: u32) -> bool {
    let below = levels.checked_sub(1);
    match value {
        Value::Array(list) => {
            below.is_some_and(|levels| list.iter().all(|item| fits(item, levels)))
        }
        Value::Object(members) => below.is_some_and(|levels| {
            members.iter().all(|(name, value)| name != POISON && fits(value, levels))
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn data(value: &Value) -> Option<Data> {
        Data::parse(value.as_object().unwrap().clone())
    }

    #[test]
    fn sixteen_levels_are_the_deepest() {
        let nested = |levels: usize| {
            let text = format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
            serde_json::from_str::<Value>(&text).unwrap()
        };
        assert!(data(&nested(16)).is_some());
        assert!(data(&nested(17)).is_none());
        assert!(data(&json!({"a": [[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]})).is_some());
        assert!(data(&json!({"a": [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]})).is_none());
    }

    #[test]
    fn proto_is_refused_at_every_level() {
        assert!(data(&json!({"__proto__": 1})).is_none());
        assert!(data(&json!({"a": [{"__proto__": 1}]})).is_none());
        assert!(data(&json!({"a": "__proto__"})).is_some());
    }

    #[test]
    fn unset_comes_before_set_and_null_is_a_value() {
        let before = data(&json!({"a": 1, "b": 2, "c": {"d": 1}})).unwrap();
        let change = Change {
            unset: vec!["a".to_owned(), "b".to_owned(), "missing".to_owned()],
            set: data(&json!({"b": null, "c": {"e": 2}})).unwrap(),
        };
        assert_eq!(before.changed(&change), data(&json!({"b": null, "c": {"e": 2}})).unwrap());
    }

    #[test]
    fn size_is_that_of_compact_utf_8() {
        assert_eq!(data(&json!({})).unwrap().size(), 2);
        assert_eq!(data(&json!({"é": "ü"})).unwrap().size(), 11);
    }
}
