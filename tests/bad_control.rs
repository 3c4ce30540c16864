//! Bad controls, each kind with its own stable code, and never a panic or a 500: whatever an origin, or
//! somebody who takes its part, may get wrong in a response.

#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

#[path = "support/world.rs"]
mod world;

use edge_session::jws::Kind;
use serde_json::{Value, json};
use world::{
    Ask, Browser, Play, Reaction, World, envelope, extend, forge, key_bytes, page, read, response,
    sign, write,
};

fn logged_in() -> (World, Browser) {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    (world, browser)
}

fn assert_code(reaction: &Reaction, status: u16, code: &str, what: &str) {
    assert_eq!((reaction.status, reaction.code().as_str()), (status, code), "{what}");
    assert!(reaction.cookies.is_empty(), "{what}");
}

/// Lets the origin answer with this in its header, and says what the browser is told.
fn answer_with(
    world: &mut World,
    browser: &Browser,
    target: &str,
    make: impl Fn(&world::Seen) -> String + 'static,
) -> Reaction {
    let play = Play::With(Box::new(move |seen| {
        response(200, &[("Edge-Session-Control", &make(seen)), ("Set-Cookie", "a=1")])
    }));
    let mut flight = world.fly(0, browser, write(target), play);
    world.finish(&mut flight)
}

const HEADER: &str = r#"{"alg":"HS256","typ":"edge-session-control+jwt","kid":"o1"}"#;

#[test]
fn controls_that_were_not_signed_for_this_are_invalid() {
    type Make = Box<dyn Fn(&world::Seen) -> String>;
    let claims = |seen: &world::Seen| seen.answer(&json!({ "op": "destroy" })).to_string();
    let with_header = move |header: &'static str| -> Make {
        Box::new(move |seen| forge(&key_bytes("o1"), header, &claims(seen)))
    };
    let cases: Vec<(&str, Make)> = vec![
        ("empty", Box::new(|_| String::new())),
        ("no JWS", Box::new(|_| "destroy".to_owned())),
        (
            "unsigned",
            Box::new(move |seen| {
                let signed = forge(&key_bytes("o1"), HEADER, &claims(seen));
                format!("{}.", signed.rsplit_once('.').unwrap().0)
            }),
        ),
        ("another key", Box::new(move |seen| forge(&key_bytes("o2"), HEADER, &claims(seen)))),
        ("the cookie's key", Box::new(move |seen| forge(&key_bytes("k1"), HEADER, &claims(seen)))),
        ("alg none", with_header(r#"{"alg":"none","typ":"edge-session-control+jwt","kid":"o1"}"#)),
        (
            "typ of an assertion",
            with_header(r#"{"alg":"HS256","typ":"edge-session-assertion+jwt","kid":"o1"}"#),
        ),
        ("typ JWT", with_header(r#"{"alg":"HS256","typ":"JWT","kid":"o1"}"#)),
        ("no typ", with_header(r#"{"alg":"HS256","kid":"o1"}"#)),
        (
            "unknown kid",
            with_header(r#"{"alg":"HS256","typ":"edge-session-control+jwt","kid":"o9"}"#),
        ),
        (
            "further member",
            with_header(
                r#"{"alg":"HS256","typ":"edge-session-control+jwt","kid":"o1","b64":true}"#,
            ),
        ),
        ("the assertion sent back", Box::new(|seen| seen.assertion.clone())),
        (
            "doubled",
            Box::new(move |seen| {
                let signed = forge(&key_bytes("o1"), HEADER, &claims(seen));
                format!("{signed}, {signed}")
            }),
        ),
        (
            "four parts",
            Box::new(move |seen| format!("{}.x", forge(&key_bytes("o1"), HEADER, &claims(seen)))),
        ),
        (
            "padded",
            Box::new(move |seen| format!("{}=", forge(&key_bytes("o1"), HEADER, &claims(seen)))),
        ),
        (
            "a member twice",
            Box::new(move |seen| {
                let twice = claims(seen).replacen('{', r#"{"op":"destroy","#, 1);
                forge(&key_bytes("o1"), HEADER, &twice)
            }),
        ),
    ];
    for (name, make) in cases {
        let (mut world, browser) = logged_in();
        let reaction = answer_with(&mut world, &browser, "/", make);
        assert_code(&reaction, 502, "control_invalid", name);
        assert!(world.logged(&["control.invalid"]), "{name}");
        assert!(world.who(0, &mut browser.clone(), write("/account/x")).is_some(), "{name}");
    }
}

/// What comes of a control whose claims are changed like this.
fn answer_changed(members: &Value) -> Reaction {
    answer_changed_in(&mut logged_in(), members)
}

fn answer_changed_in((world, browser): &mut (World, Browser), members: &Value) -> Reaction {
    let members = members.clone();
    let keys = world.site().origin_keys.clone();
    let reaction = answer_with(world, browser, "/", move |seen| {
        sign(&keys, &extend(seen.answer(&json!({ "op": "update" })), &members))
    });
    if reaction.status != 200 {
        let seen = world.go(&mut browser.clone(), write("/account/x"), Play::Pass).seen.unwrap();
        assert_eq!(*seen.data(), json!({}), "nothing was changed: {}", reaction.body);
    }
    reaction
}

/// What the log's last line says is wrong.
fn told(world: &World) -> (String, Option<String>) {
    let line: Value = serde_json::from_str(world.lines.last().unwrap()).unwrap();
    let text = |name: &str| line[name].as_str().map(str::to_owned);
    (text("why").unwrap(), text("member"))
}

#[test]
fn the_log_says_what_is_wrong_and_with_which_member() {
    let now = world::START.secs();
    for (members, why, member) in [
        (json!({ "op": "create", "sub": 17 }), "it is not a text", Some("sub")),
        (json!({ "aud": ["https://app.example.com"] }), "it is not a text", Some("aud")),
        (json!({ "iat": 1.5 }), "it is not a whole number of 0 or more", Some("iat")),
        (
            json!({ "end_others": "yes", "op": "rotate" }),
            "it is not true or false",
            Some("end_others"),
        ),
        (json!({ "op": "rotate", "amr": "pwd" }), "it is not a list of texts", Some("amr")),
        (json!({ "set": [] }), "it is not an object", Some("set")),
        (json!({ "idle": 0 }), "it is at least 1 second", Some("idle")),
        (
            json!({ "iat": now + 70, "exp": now + 100 }),
            "its iat or nbf is over 60 s ahead of our clock",
            None,
        ),
        (
            json!({ "iat": now - 100, "exp": now - 70 }),
            "its exp is over 60 s behind our clock",
            None,
        ),
        (json!({ "set": { "a": "x".repeat(2050) } }), "its data is over limits.data", None),
        (
            json!({ "op": "create", "data": { "a": "x".repeat(2050) } }),
            "its data is over limits.data",
            None,
        ),
        (json!({ "set": { "a": "x".repeat(9000) } }), "it is over 8 KiB", None),
    ] {
        let mut at = logged_in();
        assert_eq!(answer_changed_in(&mut at, &members).status, 502, "{members}");
        assert_eq!(told(&at.0), (why.to_owned(), member.map(str::to_owned)), "{members}");
    }
}

#[test]
fn two_headers_in_one_answer_are_told_of_as_two() {
    let (mut world, browser) = logged_in();
    let keys = world.site().origin_keys.clone();
    let reaction = answer_with(&mut world, &browser, "/", move |seen| {
        let one = |op: &str| sign(&keys, &seen.answer(&json!({ "op": op })));
        format!("{}, {}", one("update"), one("destroy"))
    });
    assert_code(&reaction, 502, "control_invalid", "two");
    assert_eq!(told(&world), ("there are two of them: an answer carries one".to_owned(), None));
}

#[test]
fn controls_whose_claims_do_not_fit_are_invalid() {
    let now = world::START.secs();
    assert_eq!(answer_changed(&json!({})).status, 200);
    for members in [
        json!({ "iss": null }),
        json!({ "iss": "Origin" }),
        json!({ "iss": "https://app.example.com" }),
        json!({ "aud": null }),
        json!({ "aud": "origin" }),
        json!({ "aud": ["https://app.example.com"] }),
        json!({ "aud": "https://app.example.com/" }),
        json!({ "req": null }),
        json!({ "req": "AAAAAAAAAAAAAAAAAAAAAA" }),
        json!({ "req": 1 }),
        json!({ "iat": null }),
        json!({ "exp": null }),
        json!({ "iat": 1.5 }),
        json!({ "exp": "1" }),
        json!({ "iat": now + 30, "exp": now }),
        json!({ "iat": now, "exp": now + 61 }),
        json!({ "iat": now - 130, "exp": now - 100 }),
        json!({ "iat": now - 100, "exp": now - 61 }),
        json!({ "iat": now + 61, "exp": now + 90 }),
        json!({ "nbf": now + 61 }),
        json!({ "iat": now + 61, "exp": now + 90, "nbf": now }),
        json!({ "nbf": "x" }),
        json!({ "iat": -1, "exp": 1 }),
        json!({ "iat": u64::MAX, "exp": u64::MAX }),
        json!({ "jti": 5 }),
        json!({ "op": null }),
        json!({ "op": "" }),
        json!({ "op": "Update" }),
        json!({ "op": "list" }),
        json!({ "op": ["update"] }),
        json!({ "sub": "alice" }),
        json!({ "sid": "x" }),
        json!({ "extra": 1 }),
        json!({ "data": {} }),
        json!({ "end_others": true }),
        json!({ "set": [] }),
        json!({ "set": "x" }),
        json!({ "unset": "a" }),
        json!({ "unset": [1] }),
        json!({ "idle": 0 }),
        json!({ "idle": -5 }),
        json!({ "idle": 1.5 }),
        json!({ "absolute": "60" }),
        json!({ "absolute": 0 }),
        json!({ "set": { "__proto__": 1 } }),
        json!({ "set": { "a": [[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]] } }),
    ] {
        assert_code(&answer_changed(&members), 502, "control_invalid", &members.to_string());
    }
    for members in [
        json!({ "iat": now - 90, "exp": now - 60 }),
        json!({ "iat": now + 60, "exp": now + 90 }),
        json!({ "nbf": now + 60 }),
        json!({ "jti": "x" }),
    ] {
        assert_eq!(answer_changed(&members).status, 200, "{members}");
    }
}

#[test]
fn members_of_a_login_are_checked_too() {
    for members in [
        json!({ "sub": "" }),
        json!({ "sub": "a\nb" }),
        json!({ "sub": "x".repeat(256) }),
        json!({ "sub": 7 }),
        json!({ "sub": "a", "data": [] }),
        json!({ "sub": "a", "auth_time": "now" }),
        json!({ "sub": "a", "auth_time": -1 }),
        json!({ "sub": "a", "amr": "pwd" }),
        json!({ "sub": "a", "amr": [1] }),
        json!({ "sub": "a", "amr": [""] }),
        json!({ "sub": "a", "amr": ["x".repeat(65)] }),
        json!({ "sub": "a", "amr": vec!["x"; 9] }),
        json!({ "sub": "a", "remember": "yes" }),
        json!({ "sub": "a", "end_others": 1 }),
        json!({ "sub": "a", "set": {} }),
        json!({ "sub": "a", "unset": [] }),
    ] {
        let members = extend(json!({ "op": "create" }), &members);
        assert_code(&answer_changed(&members), 502, "control_invalid", &members.to_string());
    }
    let longest =
        json!({ "op": "create", "sub": "\u{e9}".repeat(255), "amr": vec!["x".repeat(64); 8] });
    assert_eq!(answer_changed(&longest).status, 200);
}

#[test]
fn a_message_of_8_kib_is_not_too_large() {
    let (mut world, _) = logged_in();
    let members = json!({ "op": "list", "jti": "1", "sub": "alice" });
    let claims = extend(envelope(world.now), &members).to_string();
    let mut lengths = Vec::new();
    for padding in 5800..6000 {
        let padded = claims.replacen('{', &format!("{{{}", " ".repeat(padding)), 1);
        let message = world.site().origin_keys.sign(Kind::Control, padded.as_bytes());
        let reaction = world.out_of_band_text(message.expose());
        let length = message.expose().len();
        assert_eq!(reaction.status, if length <= 8192 { 200 } else { 400 });
        lengths.push(length);
    }
    assert!(lengths.contains(&8192) && lengths.iter().any(|length| *length > 8192), "{lengths:?}");
}

#[test]
fn what_is_too_large_has_a_code_of_its_own() {
    let large = "x".repeat(2050);
    for members in [
        json!({ "set": { "a": large } }),
        json!({ "op": "create", "data": { "a": large } }),
        json!({ "op": "rotate", "set": { "a": large } }),
    ] {
        assert_code(&answer_changed(&members), 502, "control_too_large", "data");
    }
    for length in [9_000, 1_000_000] {
        let reaction = answer_changed(&json!({ "set": { "a": "x".repeat(length) } }));
        assert_code(&reaction, 502, "control_too_large", "the message itself");
    }
}

#[test]
fn a_control_counts_for_one_request_and_on_no_public_path_or_upgrade() {
    let (mut world, browser) = logged_in();
    let keys = world.site().origin_keys.clone();
    let seen = world.go(&mut browser.clone(), write("/"), Play::Pass).seen.unwrap();
    let old = sign(&keys, &seen.answer(&json!({ "op": "destroy" })));
    let reaction = answer_with(&mut world, &browser, "/", move |_| old.clone());
    assert_code(&reaction, 502, "control_invalid", "of another request");
    let destroy = json!({ "op": "destroy" });
    let reaction = world.go(&mut browser.clone(), read("/assets/x"), Play::Say(destroy.clone()));
    assert_code(&reaction, 502, "control_invalid", "public");
    let socket = Ask::new("GET", "/").with("Upgrade", "websocket").with("Origin", world::ISSUER);
    let reaction =
        world.go(&mut browser.clone(), socket, Play::SayOn(response(101, &[]), destroy.clone()));
    assert_code(&reaction, 502, "control_invalid", "101");
    // The platform could not make the response that says so.
    let play = Play::SayOn(response(600, &[]), json!({ "op": "create", "sub": "bob" }));
    let reaction = world.go(&mut browser.clone(), write("/"), play);
    assert_code(&reaction, 502, "control_invalid", "600");
    assert_eq!(world.store.texts.len(), 1, "bob is not logged in");
    for status in [200, 204, 302, 304, 404, 500, 503] {
        let (mut world, mut browser) = logged_in();
        let reaction =
            world.go(&mut browser, page("/"), Play::SayOn(response(status, &[]), destroy.clone()));
        assert_eq!(reaction.status, status);
        assert!(reaction.clears_cookie(), "{status}");
    }
}

#[test]
fn operations_on_a_session_need_one() {
    for (op, subject) in
        [("update", None), ("rotate", None), ("destroy_all", None), ("destroy_all", Some(()))]
    {
        let mut world = World::new(&json!({}));
        let mut browser = Browser::default();
        if subject.is_some() {
            world.go(&mut browser, write("/"), Play::Say(json!({ "op": "create" })));
        }
        let reaction = world.go(&mut browser, write("/"), Play::Say(json!({ "op": op })));
        assert_code(&reaction, 502, "control_invalid", op);
    }
}
