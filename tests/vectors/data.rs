//! What may be in a session's data, how large it counts, and how two states of it differ.

use edge_session::data::{Change, Data};
use edge_session::ijson;
use serde_json::{Value, json};

fn parsed(text: &str) -> Option<Data> {
    match ijson::parse(text)? {
        Value::Object(members) => Data::parse(members),
        _ => None,
    }
}

pub(crate) fn values() -> Vec<Value> {
    let levels = |count: usize| format!("{}1{}", r#"{"a":"#.repeat(count), "}".repeat(count));
    let cases = [
        ("nothing", "{}".to_owned()),
        ("null", r#"{"a":null}"#.to_owned()),
        ("nested", r#"{"cart":[{"id":17,"price":9.5,"gift":false}]}"#.to_owned()),
        ("characters beyond ASCII", r#"{"größe":"Straße 日本語 😀"}"#.to_owned()),
        ("escaped characters", r#"{"a":"\"\\\b\f\n\r\t\u0001\u007f/</script>"}"#.to_owned()),
        ("an empty name", r#"{"":1}"#.to_owned()),
        (
            "names of an object's own members",
            r#"{"constructor":1,"toString":2,"prototype":{}}"#.to_owned(),
        ),
        ("2048 bytes", format!(r#"{{"a":"{}"}}"#, "x".repeat(2040))),
        ("2049 bytes", format!(r#"{{"a":"{}"}}"#, "x".repeat(2041))),
        ("2048 bytes of umlauts", format!(r#"{{"a":"{}"}}"#, "ü".repeat(1020))),
        ("sixteen levels", levels(16)),
        (
            "the largest integers of all languages",
            r#"{"a":9007199254740991,"b":-9007199254740991}"#.to_owned(),
        ),
        ("a float", r#"{"a":0.1,"b":-2.5}"#.to_owned()),
        ("seventeen levels", levels(17)),
        ("__proto__", r#"{"__proto__":{"admin":true}}"#.to_owned()),
        ("__proto__ below", r#"{"a":[{"__proto__":1}]}"#.to_owned()),
        ("an integer beyond 64 bits", r#"{"a":1000000000000000000000000000000}"#.to_owned()),
        ("half a character", r#"{"a":"\ud83d"}"#.to_owned()),
        ("half a character in a name", r#"{"\ud83d":1}"#.to_owned()),
        ("a noncharacter", "{\"a\":\"\u{fffe}\"}".to_owned()),
        ("a list", "[]".to_owned()),
    ];
    let value = |(name, text): &(&str, String)| match parsed(text) {
        Some(data) => json!({ "name": name, "json": text, "accept": true, "bytes": data.size() }),
        None => json!({ "name": name, "json": text, "accept": false }),
    };
    cases.iter().map(value).collect()
}

pub(crate) fn changes() -> Vec<Value> {
    let case = |name: &str, before: Value, after: Value, set: Value, unset: &[&str]| json!({ "name": name, "before": before, "after": after, "set": set, "unset": unset });
    vec![
        case(
            "nothing",
            json!({ "a": 1, "b": { "c": [1] } }),
            json!({ "a": 1, "b": { "c": [1] } }),
            json!({}),
            &[],
        ),
        case(
            "a new member",
            json!({ "a": 1 }),
            json!({ "a": 1, "b": "ü" }),
            json!({ "b": "ü" }),
            &[],
        ),
        case(
            "a changed member",
            json!({ "a": 1, "b": 2 }),
            json!({ "a": 1, "b": 3 }),
            json!({ "b": 3 }),
            &[],
        ),
        case(
            "a member is removed",
            json!({ "a": 1, "b": 2 }),
            json!({ "a": 1 }),
            json!({}),
            &["b"],
        ),
        case("null is a value", json!({ "a": 1 }), json!({ "a": null }), json!({ "a": null }), &[]),
        case("null is not the lack of one", json!({ "a": null }), json!({}), json!({}), &["a"]),
        case(
            "deep inside",
            json!({ "a": { "b": { "c": 1, "d": 2 } } }),
            json!({ "a": { "b": { "c": 1, "d": 3 } } }),
            json!({ "a": { "b": { "c": 1, "d": 3 } } }),
            &[],
        ),
        case(
            "another type",
            json!({ "a": 1, "b": [], "c": false }),
            json!({ "a": "1", "b": {}, "c": null }),
            json!({ "a": "1", "b": {}, "c": null }),
            &[],
        ),
        case(
            "everything",
            json!({ "a": 1, "b": 2 }),
            json!({ "c": 3 }),
            json!({ "c": 3 }),
            &["a", "b"],
        ),
    ]
}

pub(crate) fn assert_value(vector: &Value) {
    let data = parsed(vector["json"].as_str().unwrap());
    assert_eq!(data.is_some(), vector["accept"], "{}", vector["name"]);
    assert_eq!(
        data.map_or(Value::Null, |data| data.size().into()),
        vector["bytes"],
        "{}",
        vector["name"]
    );
}

pub(crate) fn assert_change(vector: &Value) {
    let data = |name: &str| parsed(&vector[name].to_string()).unwrap();
    let change = Change {
        set: data("set"),
        unset: serde_json::from_value(vector["unset"].clone()).unwrap(),
    };
    assert_eq!(data("before").changed(&change), data("after"));
}
