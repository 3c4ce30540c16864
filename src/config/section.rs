//! Reading a configuration table without stopping at the first mistake.
//!
//! Guarantees: every mistake is reported, each with the option's full name; a key that nobody asked
//! for is a mistake too; no value is repeated in a message, for it may be a secret in the wrong place.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Map, Value};

use crate::time::Span;

/// What is wrong with a configuration, shared by all of its tables.
pub(super) type Problems = Rc<RefCell<Vec<String>>>;

/// One table of the configuration.
pub(super) struct Section {
    prefix: String,
    members: Map<String, Value>,
    problems: Problems,
}

impl Section {
    pub(super) const fn root(members: Map<String, Value>, problems: Problems) -> Self {
        Self { prefix: String::new(), members, problems }
    }

    /// The table of this name; an empty one when there is none.
    pub(super) fn table(&mut self, name: &str) -> Self {
        let members = match self.members.remove(name) {
            None => Map::new(),
            Some(Value::Object(members)) => members,
            Some(_) => {
                self.report(name, "must be a table");
                Map::new()
            }
        };
        Self {
            prefix: format!("{}{name}.", self.prefix),
            members,
            problems: Rc::clone(&self.problems),
        }
    }

    /// The list of tables of this name.
    pub(super) fn tables(&mut self, name: &str) -> Vec<Self> {
        let list = match self.members.remove(name) {
            None => return Vec::new(),
            Some(Value::Array(list)) => list,
            Some(_) => {
                self.report(name, "must be a list of tables");
                return Vec::new();
            }
        };
        let mut tables = Vec::new();
        for (place, item) in (1_u32..).zip(list) {
            let prefix = format!("{}{name}[{place}].", self.prefix);
            if let Value::Object(members) = item {
                tables.push(Self { prefix, members, problems: Rc::clone(&self.problems) });
            } else {
                self.report(&format!("{name}[{place}]"), "must be a table");
            }
        }
        tables
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        if let Value::String(text) = self.members.remove(name)? {
            return Some(text);
        }
        self.report(name, "must be text");
        None
    }

    pub(super) fn texts(&mut self, name: &str) -> Vec<String> {
        let list = match self.members.remove(name) {
            None => return Vec::new(),
            Some(Value::Array(list)) => list,
            Some(_) => {
                self.report(name, "must be a list of texts");
                return Vec::new();
            }
        };
        let mut texts = Vec::new();
        for item in list {
            match item {
                Value::String(text) => texts.push(text),
                _ => self.report(name, "must be a list of texts"),
            }
        }
        texts
    }

    pub(super) fn flag(&mut self, name: &str, default: bool) -> bool {
        match self.members.remove(name) {
            None => default,
            Some(Value::Bool(flag)) => flag,
            Some(_) => {
                self.report(name, "must be true or false");
                default
            }
        }
    }

    pub(super) fn number(&mut self, name: &str, default: usize, most: usize) -> usize {
        let Some(value) = self.members.remove(name) else {
            return default;
        };
        let number = value
            .as_u64()
            .and_then(|number| usize::try_from(number).ok())
            .filter(|number| (1..=most).contains(number));
        number.unwrap_or_else(|| {
            self.report(name, &format!("must be a whole number from 1 to {most}"));
            default
        })
    }

    /// A duration; `None` when it is not set.
    pub(super) fn span(&mut self, name: &str, least: Span, most: Option<Span>) -> Option<Span> {
        // A number is told what a duration looks like, as text that is none.
        match Span::parse(self.members.remove(name)?.as_str().unwrap_or_default()) {
            Err(problem) => self.report(name, problem),
            Ok(span) if span < least => {
                self.report(name, &format!("must be at least {} s", least.secs()));
            }
            Ok(span) if most.is_some_and(|most| span > most) => {
                let most = most.unwrap_or_default().secs();
                self.report(name, &format!("must be at most {most} s"));
            }
            Ok(span) => return Some(span),
        }
        None
    }

    /// One of several words.
    pub(super) fn choice<T: Copy>(&mut self, name: &str, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(name)?;
        let found = choices.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice);
        if found.is_none() {
            let words: Vec<String> = choices.iter().map(|(word, _)| format!("{word:?}")).collect();
            self.report(name, &format!("must be {}", words.join(" or ")));
        }
        found
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    pub(super) fn report(&self, name: &str, problem: &str) {
        self.problems.borrow_mut().push(format!("{}{name}: {problem}", self.prefix));
    }

    /// Reports every key that nobody has asked for.
    pub(super) fn finish(self) {
        for name in self.members.keys() {
            self.report(name, "is not an option");
        }
    }
}
