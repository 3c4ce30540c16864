//! A configuration with some options set, and what is wrong with it.

use edge_session::config::Config;
use serde_json::{Value, json};

pub(crate) fn base() -> Value {
    json!({ "issuer": "https://app.example.com", "origin": "https://origin.internal" })
}

pub(crate) fn with(members: &Value) -> Value {
    let mut config = base();
    config.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    config
}

pub(crate) fn problems(members: &Value) -> Vec<String> {
    Config::parse(&with(members)).err().unwrap_or_default()
}

/// There is exactly one problem, and it is this option's.
pub(crate) fn assert_problem(option: &str, members: &Value) {
    let problems = problems(members);
    assert_eq!(problems.len(), 1, "{members}: {problems:?}");
    assert!(problems[0].starts_with(&format!("{option}: ")), "{members}: {problems:?}");
}
