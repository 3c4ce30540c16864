//! The examples of controls: what an origin may say, and what is no instruction.

use std::fmt::Write as _;

use edge_session::sid::Sid;
use serde_json::{Map, Value, json};

use super::controls::Case;
use super::material::{
    ASSERTION, AUDIENCE, CONTROL, ISSUER, NEW, NOW, OLD, STRANGE, signed, unsigned,
};

fn req() -> String {
    Sid::from_entropy(&[3; 16]).as_str().to_owned()
}

fn sid() -> String {
    Sid::from_entropy(&[2; 16]).as_str().to_owned()
}

/// A payload in the order in which origins write it.
fn payload(name: &str, id: &str, members: &Value) -> String {
    let mut text = format!(
        r#"{{"iss":"{AUDIENCE}","aud":"{ISSUER}","{name}":"{id}","iat":{NOW},"exp":{}"#,
        NOW + 30
    );
    let empty = Map::new();
    let members = members.as_object().unwrap_or(&empty);
    // The operation comes first, as a reader expects it.
    let (first, rest): (Vec<_>, Vec<_>) = members.iter().partition(|(name, _)| *name == "op");
    for (name, value) in first.into_iter().chain(rest) {
        let name = Value::from(name.as_str());
        write!(text, ",{name}:{value}").unwrap();
    }
    text.push('}');
    text
}

fn answer(members: &Value) -> String {
    payload("req", &req(), members)
}

pub(crate) fn answers() -> Vec<Value> {
    let good =
        |name, members: Value| Case::new(name, &answer(&members)).example(Some(&req()), true);
    let update = answer(&json!({ "op": "update", "set": { "a": 1 } }));
    let kid = CONTROL.replace("k2", "k1");
    let older = signed(&OLD.1, &kid, &update);
    let skewed = |name, now| Case::new(name, &update).at(now).example(Some(&req()), true);
    let mut all = vec![
        good("create, a user", json!({ "op": "create", "sub": "user-17", "data": { "cart": 3 } })),
        good(
            "create, everything",
            json!({
                "op": "create", "sub": "jürgen@例え.example", "data": { "größe": "😀" }, "auth_time": NOW - 5, "amr": ["pwd", "otp"],
                "remember": true, "idle": 600, "absolute": 2_592_000, "end_others": true,
            }),
        ),
        good(
            "create, anonymous",
            json!({ "op": "create", "data": { "flash": { "info": ["Hello"] } } }),
        ),
        good("create, nothing", json!({ "op": "create" })),
        good(
            "update",
            json!({ "op": "update", "set": { "a": null, "b": [1, "x"] }, "unset": ["c", "größe"] }),
        ),
        good(
            "update, escaped characters",
            json!({ "op": "update", "set": { "text": "\"\\\n\u{1}\u{7f}</script>" } }),
        ),
        good("update, shorter", json!({ "op": "update", "idle": 60, "absolute": 600 })),
        good("update, nothing", json!({ "op": "update" })),
        good(
            "rotate",
            json!({ "op": "rotate", "set": { "role": "admin" }, "unset": ["pending"], "auth_time": NOW, "amr": ["hwk"], "end_others": true }),
        ),
        good("destroy", json!({ "op": "destroy" })),
        good("destroy_all of the session's subject", json!({ "op": "destroy_all" })),
        good("destroy_all of another subject", json!({ "op": "destroy_all", "sub": "user-18" })),
        good("with jti and nbf", json!({ "op": "destroy", "jti": "x", "nbf": NOW })),
        Case::made("under the older key", &kid, &update, older).example(Some(&req()), true),
        skewed("the origin's clock 30 s ahead", NOW - 30),
        skewed("the origin's clock 60 s ahead", NOW - 60),
        skewed("the origin's clock 30 s behind", NOW + 60),
        skewed("expired 60 s ago", NOW + 90),
    ];
    all.extend(bad_answers().into_iter().map(|case| case.example(Some(&req()), false)));
    all
}

fn bad_answers() -> Vec<Case> {
    let members = |name, members: Value| Case::new(name, &answer(&members));
    let update = answer(&json!({ "op": "update", "set": { "a": 1 } }));
    let token = signed(&NEW.1, CONTROL, &update);
    let (_, tag) = token.rsplit_once('.').unwrap();
    let header =
        |name, header: &str| Case::made(name, header, &update, signed(&NEW.1, header, &update));
    let text = |name, from: &str, to: &str| Case::new(name, &update.replacen(from, to, 1));
    let made = |name, token: String| Case::made(name, CONTROL, &update, token);
    let none = r#"{"alg":"none","typ":"edge-session-control+jwt","kid":"k2"}"#;
    let another = Sid::from_entropy(&[4; 16]);
    let deep = format!("{}1{}", "[".repeat(16), "]".repeat(16));
    let large = json!({ "op": "update", "set": { "text": "x".repeat(6200) } });
    vec![
        text("replayed for another request", &req(), another.as_str()),
        text("without req", &format!(r#""req":"{}","#, req()), ""),
        made("wrong key", signed(&STRANGE, CONTROL, &update)),
        made("the older key under the newer kid", signed(&OLD.1, CONTROL, &update)),
        Case::made("alg none", none, &update, format!("{}.", unsigned(none, &update))),
        Case::made(
            "alg none with a signature",
            none,
            &update,
            format!("{}.{tag}", unsigned(none, &update)),
        ),
        header("an assertion's typ", ASSERTION),
        header("typ JWT", r#"{"alg":"HS256","typ":"JWT","kid":"k2"}"#),
        header("unknown kid", &CONTROL.replace("k2", "k3")),
        header("no kid", r#"{"alg":"HS256","typ":"edge-session-control+jwt"}"#),
        header("a further header member", &CONTROL.replace('}', r#","cty":"x"}"#)),
        header("a header member twice", &CONTROL.replace('}', r#","kid":"k2"}"#)),
        text("wrong aud", ISSUER, "https://evil.example"),
        text("wrong iss", r#""iss":"origin""#, r#""iss":"another""#),
        text(
            "iss and aud not swapped",
            &format!(r#""iss":"{AUDIENCE}","aud":"{ISSUER}""#),
            &format!(r#""iss":"{ISSUER}","aud":"{AUDIENCE}""#),
        ),
        text("aud in a list", &format!(r#""aud":"{ISSUER}""#), &format!(r#""aud":["{ISSUER}"]"#)),
        Case::new("expired", &update).at(NOW + 91),
        Case::new("from the future", &update).at(NOW - 61),
        text("exp before iat", &format!(r#""exp":{}"#, NOW + 30), &format!(r#""exp":{}"#, NOW - 1)),
        text(
            "over 60 s of life",
            &format!(r#""exp":{}"#, NOW + 30),
            &format!(r#""exp":{}"#, NOW + 61),
        ),
        text("no exp", &format!(r#","exp":{}"#, NOW + 30), ""),
        text("a fractional iat", &format!(r#""iat":{NOW}"#), &format!(r#""iat":{NOW}.5"#)),
        members("nbf in the future", json!({ "op": "destroy", "nbf": NOW + 61 })),
        members("unknown op", json!({ "op": "promote" })),
        members("list, which only comes by itself", json!({ "op": "list", "sub": "user-17" })),
        members("no op", json!({})),
        members("an unknown member", json!({ "op": "destroy", "reason": "x" })),
        members("a member of another operation", json!({ "op": "update", "sub": "user-17" })),
        members("data in an update", json!({ "op": "update", "data": {} })),
        members("an empty sub", json!({ "op": "create", "sub": "" })),
        members("a sub that is a number", json!({ "op": "create", "sub": 17 })),
        members("a sub with a control character", json!({ "op": "create", "sub": "a\nb" })),
        members("a sub of 256 characters", json!({ "op": "create", "sub": "é".repeat(256) })),
        members("data that is a list", json!({ "op": "create", "data": [] })),
        members("a fractional absolute", json!({ "op": "create", "absolute": 1.5 })),
        members("an absolute of nothing", json!({ "op": "create", "absolute": 0 })),
        members("remember as a number", json!({ "op": "create", "remember": 1 })),
        members("unset as a text", json!({ "op": "update", "unset": "a" })),
        members(
            "amr of nine",
            json!({ "op": "create", "amr": ["a", "b", "c", "d", "e", "f", "g", "h", "i"] }),
        ),
        members("__proto__ in data", json!({ "op": "update", "set": { "a": { "__proto__": 1 } } })),
        text("seventeen levels", r#"{"a":1}"#, &format!(r#"{{"a":{deep}}}"#)),
        text("a member twice", r#"{"a":1}"#, r#"{"a":1,"a":2}"#),
        text("an integer beyond 64 bits", r#"{"a":1}"#, r#"{"a":100000000000000000000}"#),
        text("half a character", r#"{"a":1}"#, r#"{"a":"\ud800"}"#),
        text("a noncharacter", r#"{"a":1}"#, "{\"a\":\"\u{ffff}\"}"),
        members("over 8 KiB", large),
        made(
            "an altered payload",
            format!("{}.{tag}", unsigned(CONTROL, &update.replace(":1}", ":2}"))),
        ),
        made("two parts", unsigned(CONTROL, &update)),
        made("a padded signature", format!("{token}=")),
        made("two in one header", format!("{token}, {token}")),
        made("an empty text", String::new()),
    ]
}

pub(crate) fn out_of_band() -> Vec<Value> {
    let by_itself = |members: Value| payload("jti", "job-1", &members);
    let good = |name, members: Value| Case::new(name, &by_itself(members)).example(None, true);
    let bad = |name, members: Value| Case::new(name, &by_itself(members)).example(None, false);
    let destroy = by_itself(json!({ "op": "destroy_all", "sub": "user-17" }));
    let without_id = destroy.replacen(r#""jti":"job-1","#, "", 1);
    vec![
        good(
            "update of a user's session",
            json!({ "op": "update", "sub": "user-17", "sid": sid(), "set": { "a": 1 }, "unset": ["b"] }),
        ),
        good(
            "update of an anonymous session",
            json!({ "op": "update", "sid": sid(), "set": { "größe": null } }),
        ),
        good("destroy", json!({ "op": "destroy", "sub": "user-17", "sid": sid() })),
        good("destroy_all", json!({ "op": "destroy_all", "sub": "user-17" })),
        good("list", json!({ "op": "list", "sub": "user-17" })),
        Case::new("without jti", &without_id).example(None, false),
        Case::new("expired", &destroy).at(NOW + 91).example(None, false),
        bad("with req", json!({ "op": "destroy_all", "sub": "user-17", "req": req() })),
        bad("create", json!({ "op": "create", "sub": "user-17" })),
        bad("rotate", json!({ "op": "rotate", "sub": "user-17", "sid": sid() })),
        bad("destroy_all without sub", json!({ "op": "destroy_all" })),
        bad("update without sid", json!({ "op": "update", "sub": "user-17", "set": { "a": 1 } })),
        bad("a sid that is none", json!({ "op": "destroy", "sub": "user-17", "sid": "x" })),
    ]
}
