//! Controls that come by themselves: what they may not be, each kind with its own stable code, and what
//! they are answered.

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

use serde_json::{Value, json};
use world::{Ask, Browser, Play, Reaction, World, extend, read, write};

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

#[test]
fn messages_out_of_band_are_checked_in_the_same_way_and_answered_400() {
    let (mut world, mut browser) = logged_in();
    let seen = world.go(&mut browser, read("/"), Play::Pass).seen.unwrap();
    let sid = seen.sid().unwrap().to_owned();
    let good = json!({ "op": "update", "jti": "1", "sub": "alice", "sid": sid });
    for members in [
        json!({ "jti": null }),
        json!({ "jti": "" }),
        json!({ "jti": "x".repeat(129) }),
        json!({ "req": "x" }),
        json!({ "sid": null }),
        json!({ "sid": "short" }),
        json!({ "op": "create" }),
        json!({ "op": "rotate" }),
        json!({ "op": "destroy_all" }),
        json!({ "op": "list" }),
        json!({ "sub": "" }),
        json!({ "aud": "x" }),
        json!({ "exp": 1 }),
        json!({ "extra": 1 }),
    ] {
        let reaction = world.out_of_band(&extend(good.clone(), &members));
        assert_code(&reaction, 400, "control_invalid", &members.to_string());
    }
    for op in ["destroy_all", "list"] {
        let message = json!({ "op": op, "jti": "2" });
        assert_code(&world.out_of_band(&message), 400, "control_invalid", "without sub");
    }
    let assertion = seen.assertion.clone();
    for message in ["", "x", "a.b.c", &assertion] {
        assert_code(&world.out_of_band_text(message), 400, "control_invalid", message);
    }
    assert_code(&world.out_of_band_text(&"x".repeat(1_000_000)), 400, "control_too_large", "1 MB");
    let large = extend(good.clone(), &json!({ "set": { "a": "x".repeat(2050) } }));
    assert_code(&world.out_of_band(&large), 400, "control_too_large", "data");
    for members in [
        json!({ "sid": "AAAAAAAAAAAAAAAAAAAAAA" }),
        json!({ "sub": "bob" }),
        json!({ "sub": null }),
    ] {
        let reaction = world.out_of_band(&extend(good.clone(), &members));
        assert_code(&reaction, 404, "not_found", &members.to_string());
    }
    assert_eq!(world.out_of_band(&good).status, 204);
    let other = extend(good, &json!({ "set": { "a": 1 } }));
    assert_code(
        &world.out_of_band(&other),
        400,
        "control_invalid",
        "another message under a used jti",
    );
    for method in ["GET", "PUT", "DELETE"] {
        let reaction = world.send(Ask::new(method, "/.edge-session/control"), Play::Pass);
        assert_code(&reaction, 405, "method_not_allowed", method);
    }
}

#[test]
fn a_message_that_did_nothing_leaves_nothing_behind_and_is_tried_anew_when_repeated() {
    let (mut world, mut browser) = logged_in();
    let seen = world.go(&mut browser, read("/"), Play::Pass).seen.unwrap();
    let sid = seen.sid().unwrap().to_owned();
    let stored = world.store.texts.clone();
    for (sub, op) in [("bob", "destroy"), ("bob", "update"), ("alice", "destroy")] {
        let missing = json!({ "op": op, "jti": "1", "sub": sub, "sid": "AAAAAAAAAAAAAAAAAAAAAA" });
        for _ in 0..2 {
            assert_code(&world.out_of_band(&missing), 404, "not_found", op);
        }
    }
    let fill = |jti: &str, name: &str, length: usize| {
        let set = json!({ name: "x".repeat(length) });
        json!({ "op": "update", "jti": jti, "sub": "alice", "sid": sid, "set": set })
    };
    assert_eq!(world.store.texts, stored);
    assert_eq!(world.out_of_band(&fill("2", "a", 1500)).status, 204);
    let second = fill("3", "b", 1500);
    assert_code(&world.out_of_band(&second), 400, "control_too_large", "beside the first");
    assert_eq!(world.out_of_band(&fill("4", "a", 1)).status, 204);
    for _ in 0..2 {
        assert_eq!(world.out_of_band(&second).status, 204, "now it fits, and then it is done");
    }
    let unset = extend(fill("5", "a", 1), &json!({ "unset": ["b"], "set": null }));
    assert_eq!(world.out_of_band(&unset).status, 204);
    assert_eq!(world.out_of_band(&second).status, 204);
    let seen = world.go(&mut browser, write("/"), Play::Pass).seen.unwrap();
    assert_eq!(*seen.data(), json!({ "a": "x" }), "what was done is not done twice");
}

#[test]
fn more_messages_than_can_be_remembered_are_refused_only_until_the_first_ones_have_expired() {
    let (mut world, mut browser) = logged_in();
    let seen = world.go(&mut browser, read("/"), Play::Pass).seen.unwrap();
    let sid = seen.sid().unwrap().to_owned();
    let nth = |n: u32| json!({ "op": "update", "jti": n.to_string(), "sub": "alice", "sid": sid });
    for n in 0..256 {
        assert_eq!(world.out_of_band(&nth(n)).status, 204, "{n}");
    }
    let disable = json!({ "op": "destroy_all", "jti": "disable", "sub": "alice" });
    for message in [nth(256), disable.clone()] {
        assert_code(&world.out_of_band(&message), 503, "store_unavailable", "one too many");
    }
    assert_eq!(world.out_of_band(&nth(0)).status, 204, "a repeat needs no room");
    // The user is away: nothing else is written down meanwhile.
    world.pass(181);
    assert_eq!(world.out_of_band(&disable).status, 204);
    assert!(world.who(0, &mut browser, write("/account/x")).is_none());
}

#[test]
fn a_list_names_the_sessions_of_one_subject() {
    let (mut world, _) = logged_in();
    world.login(&mut Browser::default(), "alice");
    world.login(&mut Browser::default(), "bob");
    let reaction = world.out_of_band(&json!({ "op": "list", "jti": "1", "sub": "alice" }));
    assert_eq!(reaction.status, 200);
    let body: Value = serde_json::from_str(&reaction.body).unwrap();
    let sessions = body["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    for session in sessions {
        let names: Vec<&String> = session.as_object().unwrap().keys().collect();
        assert_eq!(names, ["absolute", "created", "idle", "sid"]);
    }
    let reaction = world.out_of_band(&json!({ "op": "list", "jti": "2", "sub": "carol" }));
    assert_eq!(reaction.body, r#"{"sessions":[]}"#);
}

#[test]
fn what_anyone_can_send_floods_no_log_and_hides_nothing_of_the_applications() {
    let (mut world, mut browser) = logged_in();
    for _ in 0..10 {
        world.out_of_band_text("x");
    }
    let lines = |world: &World| {
        let lines = world.lines.iter();
        lines.filter(|line| line.contains("control.invalid")).count()
    };
    assert_eq!(lines(&world), 1, "once a second, with a count");
    world.go(&mut browser, read("/"), Play::Say(json!({ "op": "x" })));
    assert_eq!(lines(&world), 2, "what the application got wrong is said all the same");
    world.pass(1);
    world.out_of_band_text("x");
    assert!(world.logged(&["control.invalid", "out_of_band", "\"count\":10"]));
}
