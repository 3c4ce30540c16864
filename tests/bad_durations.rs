//! Durations that are none, too short or too long, or contradict each other, are reported by the
//! option's full name, and none is adjusted in silence.

#![allow(
    missing_docs,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

#[path = "support/options.rs"]
mod options;

use edge_session::config::Config;
use edge_session::time::Span;
use options::{assert_problem, problems, with};
use serde_json::{Value, json};

#[test]
fn durations_of_another_form_are_errors() {
    let text =
        ["", "5", "-5s", "5.5s", "5ms", "s", " 5s", "5s ", "99999999999999999999s", "11y", "3651d"];
    let values = text.map(Value::from).into_iter().chain([json!(5), json!(null), json!({})]);
    for value in values {
        for (table, name) in [
            ("lifetime", "idle"),
            ("rotation", "every"),
            ("freshness", "safe"),
            ("assertion", "ttl"),
        ] {
            assert_problem(&format!("{table}.{name}"), &json!({ table: { name: value } }));
        }
        assert_problem("store_deadline", &json!({ "store_deadline": value }));
    }
    for value in [json!("1800"), json!(1800)] {
        let told = problems(&json!({ "lifetime": { "idle": value } }));
        assert!(told[0].contains("\"30m\""), "what one looks like: {told:?}");
    }
    for name in ["idle", "anonymous", "absolute", "remember", "touch"] {
        assert_problem(&format!("lifetime.{name}"), &json!({ "lifetime": { name: "0s" } }));
    }
    assert_problem("assertion.ttl", &json!({ "assertion": { "ttl": "901s" } }));
    assert_problem("store_deadline", &json!({ "store_deadline": "31s" }));
    assert_problem("store_deadline", &json!({ "store_deadline": "0s" }));
    for (table, name) in [("assertion", "ttl"), ("rotation", "grace"), ("rotation", "reuse_after")]
    {
        assert_problem(&format!("{table}.{name}"), &json!({ table: { name: "0s" } }));
    }
}

#[test]
fn durations_down_to_one_second_are_taken_as_they_are() {
    let config = Config::parse(&with(&json!({
        "lifetime": { "idle": "1s", "anonymous": "1s", "absolute": "1s", "remember": "1s", "touch": "1s" },
        "rotation": { "every": "1s", "grace": "1s", "reuse_after": "1s" },
        "freshness": { "safe": "0s" },
    })));
    assert_eq!(config.unwrap().lifetimes.idle, Span::from_secs(1));
}

#[test]
fn one_lifetime_or_one_duration_of_rotation_alone_is_never_a_contradiction() {
    for (table, name) in [
        ("lifetime", "idle"),
        ("lifetime", "anonymous"),
        ("lifetime", "absolute"),
        ("lifetime", "remember"),
        ("lifetime", "touch"),
        ("rotation", "every"),
        ("rotation", "grace"),
        ("rotation", "reuse_after"),
    ] {
        for value in ["1s", "1m", "1h", "300d"] {
            assert_eq!(problems(&json!({ table: { name: value } })), [""; 0], "{table}.{name}");
        }
    }
}

#[test]
fn activity_that_is_written_more_rarely_than_sessions_end_is_a_contradiction() {
    assert_problem("lifetime.touch", &json!({ "lifetime": { "idle": "1m", "touch": "2m" } }));
    assert_eq!(problems(&json!({ "lifetime": { "idle": "5s" } })), [""; 0]);
}
