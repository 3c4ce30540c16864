//! The members of a message, taken out one by one.
//!
//! Guarantees: a member of another type than the operation's is an error and not a default, and so
//! is one that nobody has taken out in the end.

use serde_json::{Map, Value};

use super::ControlError;
use crate::data::{Change, Data};
use crate::lifetime::Shorter;
use crate::subject::Subject;
use crate::time::Span;

/// How many methods of authentication a message may list, and how long their names may be.
const MOST_METHODS: usize = 8;
const LONGEST_METHOD: usize = 64;

/// The members that are left.
pub(super) struct Fields(Map<String, Value>);

type Taken<T> = Result<T, ControlError>;

impl Fields {
    pub(super) const fn new(members: Map<String, Value>) -> Self {
        Self(members)
    }

    pub(super) fn text(&mut self, name: &'static str) -> Taken<Option<String>> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(ControlError::Member(name, "it is not a text")),
        }
    }

    pub(super) fn integer(&mut self, name: &'static str) -> Taken<Option<u64>> {
        let Some(value) = self.0.remove(name) else {
            return Ok(None);
        };
        let error = ControlError::Member(name, "it is not a whole number of 0 or more");
        value.as_u64().map(Some).ok_or(error)
    }

    pub(super) fn flag(&mut self, name: &'static str) -> Taken<bool> {
        let Some(value) = self.0.remove(name) else {
            return Ok(false);
        };
        let error = ControlError::Member(name, "it is not true or false");
        value.as_bool().ok_or(error)
    }

    pub(super) fn subject(&mut self) -> Taken<Option<Subject>> {
        let Some(text) = self.text("sub")? else {
            return Ok(None);
        };
        let error = ControlError::Member("sub", "it is empty, too long or has control characters");
        Subject::parse(&text).map(Some).ok_or(error)
    }

    pub(super) fn data(&mut self, name: &'static str) -> Taken<Data> {
        match self.0.remove(name) {
            None => Ok(Data::default()),
            Some(Value::Object(members)) => Data::parse(members)
                .ok_or(ControlError::Member(name, "it is too deep or has a member __proto__")),
            Some(_) => Err(ControlError::Member(name, "it is not an object")),
        }
    }

    pub(super) fn change(&mut self) -> Taken<Change> {
        Ok(Change { unset: self.texts("unset")?.unwrap_or_default(), set: self.data("set")? })
    }

    pub(super) fn amr(&mut self) -> Taken<Option<Vec<String>>> {
        let Some(methods) = self.texts("amr")? else {
            return Ok(None);
        };
        let fits = methods.len() <= MOST_METHODS
            && methods.iter().all(|method| (1..=LONGEST_METHOD).contains(&method.len()));
        fits.then_some(Some(methods)).ok_or(ControlError::Member("amr", "it is too long"))
    }

    pub(super) fn shorter(&mut self) -> Taken<Shorter> {
        let mut span = |name: &'static str| match self.integer(name)? {
            None => Ok(None),
            Some(value) => seconds(value)
                .map(Some)
                .ok_or(ControlError::Member(name, "it is at least 1 second")),
        };
        Ok(Shorter { idle: span("idle")?, absolute: span("absolute")? })
    }

    pub(super) fn finish(self) -> Taken<()> {
        let error = ControlError::Invalid("it has a member that its op does not have");
        if self.0.is_empty() { Ok(()) } else { Err(error) }
    }

    fn texts(&mut self, name: &'static str) -> Taken<Option<Vec<String>>> {
        let error = ControlError::Member(name, "it is not a list of texts");
        let list = match self.0.remove(name) {
            None => return Ok(None),
            Some(Value::Array(list)) => list,
            Some(_) => return Err(error),
        };
        let texts = list.into_iter().map(|value| match value {
            Value::String(text) => Ok(text),
            _ => Err(error),
        });
        texts.collect::<Result<_, _>>().map(Some)
    }
}

/// Seconds as an origin gives them: at least one.
fn seconds(value: u64) -> Option<Span> {
    (value > 0).then(|| Span::from_secs(value))
}
