//! The messages between gate and origin as shared examples: `tests/vectors/vectors.json` is made here
//! and read by every kit in `origins/`, so that the implementations cannot drift apart.
//!
//! This test fails when the file is not what the core makes; `EDGE_SESSION_BLESS=1 cargo test --test
//! vectors` writes it. `tests/vectors/README.md` says what is in it.

#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::too_many_lines,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

#[path = "vectors/assertions.rs"]
mod assertions;
#[path = "vectors/controls.rs"]
mod controls;
#[path = "vectors/data.rs"]
mod data;
#[path = "vectors/instructions.rs"]
mod instructions;
#[path = "vectors/material.rs"]
mod material;

use std::path::PathBuf;

use serde_json::{Value, json};

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/vectors.json")
}

fn made() -> Value {
    json!({
        "format": 1,
        "about": "Made by tests/vectors.rs; see README.md beside this file.",
        "issuer": material::ISSUER,
        "audience": material::AUDIENCE,
        "keys": material::key_list(),
        "now": material::NOW,
        "assertions": assertions::all(),
        "controls": instructions::answers(),
        "out_of_band": instructions::out_of_band(),
        "data": data::values(),
        "changes": data::changes(),
    })
}

fn read() -> Value {
    serde_json::from_str(&std::fs::read_to_string(file()).unwrap_or_default()).unwrap_or_default()
}

fn list<'a>(vectors: &'a Value, name: &str) -> &'a [Value] {
    let list = vectors[name].as_array().unwrap();
    assert!(list.len() > 5, "{name}");
    list
}

#[test]
fn the_file_is_what_the_core_makes() {
    let made = made();
    if std::env::var_os("EDGE_SESSION_BLESS").is_some() {
        let mut text = serde_json::to_string_pretty(&made).unwrap();
        text.push('\n');
        std::fs::write(file(), text).unwrap();
    }
    let read = read();
    for (name, value) in made.as_object().unwrap() {
        assert!(
            read[name] == *value,
            "{name} differs: EDGE_SESSION_BLESS=1 cargo test --test vectors"
        );
    }
    assert_eq!(read.as_object().unwrap().len(), made.as_object().unwrap().len());
}

#[test]
fn every_example_has_a_name_of_its_own() {
    let vectors = read();
    for kind in ["assertions", "controls", "out_of_band", "data", "changes"] {
        let mut names = std::collections::HashSet::new();
        for vector in list(&vectors, kind) {
            assert!(names.insert(vector["name"].as_str().unwrap()), "{vector}");
        }
    }
}

#[test]
fn assertions_are_judged_by_a_careful_origin_as_the_file_says() {
    let vectors = read();
    for vector in list(&vectors, "assertions") {
        let token = vector["token"].as_str().unwrap();
        let claims = assertions::judge(token, vector["now"].as_u64().unwrap());
        assert_eq!(claims.is_some(), vector["accept"], "{}", vector["name"]);
        assert_eq!(claims.unwrap_or_default(), vector["claims"], "{}", vector["name"]);
    }
}

#[test]
fn controls_are_judged_by_the_core_as_the_file_says() {
    let vectors = read();
    for vector in list(&vectors, "controls") {
        let judged = controls::judge_answer(
            vector["token"].as_str().unwrap(),
            vector["req"].as_str().unwrap(),
            vector["now"].as_u64().unwrap(),
        );
        controls::assert_judged(vector, &judged);
    }
    for vector in list(&vectors, "out_of_band") {
        let judged = controls::judge_out_of_band(
            vector["token"].as_str().unwrap(),
            vector["now"].as_u64().unwrap(),
        );
        controls::assert_judged(vector, &judged);
    }
}

#[test]
fn data_counts_and_changes_as_the_file_says() {
    let vectors = read();
    for vector in list(&vectors, "data") {
        data::assert_value(vector);
    }
    for vector in list(&vectors, "changes") {
        data::assert_change(vector);
    }
}
