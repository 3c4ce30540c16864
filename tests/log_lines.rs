//! What the log says of sessions and of instructions that do not count.

#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

#[path = "support/world.rs"]
mod world;

use serde_json::{Value, json};
use world::{Browser, Play, Trouble, World, page, read, write};

fn logged_in(members: &Value) -> (World, Browser) {
    let (mut world, mut alice) = (World::new(members), Browser::default());
    world.login(&mut alice, "alice");
    (world, alice)
}

fn say(world: &mut World, browser: &mut Browser, op: &Value) {
    world.go(browser, write("/account/x"), Play::Say(op.clone()));
}

/// The lines since then, as JSON without their times.
fn lines(world: &World, from: usize) -> Vec<Value> {
    let lines = world.lines[from..].iter().map(|line| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        line.as_object_mut().unwrap().remove("time");
        line
    });
    lines.collect()
}

#[test]
fn a_copied_id_is_told_of_with_what_came_of_it() {
    for (reuse, outcome, seconds) in
        [("end", "ended", 400), ("refuse", "refused", 400), ("end", "refused", 299)]
    {
        let (mut world, mut alice) = logged_in(&json!({ "rotation": { "reuse": reuse } }));
        let mut copy = alice.clone();
        say(&mut world, &mut alice, &json!({ "op": "rotate" }));
        world.who(0, &mut alice, write("/"));
        let from = world.lines.len();
        world.pass(seconds);
        world.go(&mut copy, read("/account/x"), Play::Pass);
        let said = lines(&world, from);
        let session = &said[0]["session"];
        assert!(session.is_string());
        assert_eq!(
            said[0],
            json!({ "event": "token.reuse", "outcome": outcome, "session": session, "count": 1 })
        );
        let ending =
            json!({ "event": "session.ended", "reason": "token_reuse", "session": session });
        assert_eq!(said.contains(&ending), outcome == "ended", "{said:?}");
    }
}

#[test]
fn what_an_instruction_did_is_told_of_with_session_and_reason() {
    let (mut world, mut alice) = logged_in(&json!({}));
    let mut other = Browser::default();
    world.login(&mut other, "alice");
    let sessions: Vec<Value> = lines(&world, 0).iter().map(|it| it["session"].clone()).collect();
    let from = world.lines.len();
    say(&mut world, &mut alice, &json!({ "op": "rotate", "end_others": true }));
    say(&mut world, &mut alice, &json!({ "op": "odd" }));
    say(&mut world, &mut alice, &json!({ "op": "destroy_all" }));
    let said = lines(&world, from);
    let becomes = &said[0]["becomes"];
    assert!(becomes.is_string() && !sessions.contains(becomes));
    let why = "its op is none that a response can carry";
    let expected = [
        json!({ "event": "session.rotated", "reason": "origin", "session": sessions[0], "becomes": becomes }),
        json!({ "event": "session.ended", "reason": "end_others", "session": sessions[1] }),
        json!({ "event": "control.invalid", "code": "control_invalid", "rule": "/account/*", "why": why, "count": 1 }),
        json!({ "event": "session.ended", "reason": "destroy_all", "session": becomes }),
    ];
    assert_eq!(said, expected);
}

#[test]
fn an_anonymous_session_becomes_no_other_with_a_new_id() {
    let (mut world, mut browser) = (World::new(&json!({})), Browser::default());
    world.go(&mut browser, write("/"), Play::Say(json!({ "op": "create" })));
    let from = world.lines.len();
    world.go(&mut browser, write("/"), Play::Say(json!({ "op": "rotate" })));
    let said = lines(&world, from);
    assert_eq!((said.len(), &said[0]["event"]), (1, &json!("session.rotated")));
    assert!(said[0].get("becomes").is_none(), "{said:?}");
}

#[test]
fn a_successor_that_cannot_be_prepared_is_told_of_as_a_fault_of_the_store() {
    let (mut world, mut alice) = logged_in(&json!({}));
    world.pass(901);
    world.store.troubles.extend([None, Some(Trouble::Fails)]);
    let reaction = world.go(&mut alice, page("/"), Play::Pass);
    assert_eq!((reaction.status, reaction.gives_cookie()), (200, false));
    assert!(world.logged(&["store.fault", "overloaded"]), "{:?}", world.lines);
}

#[test]
fn what_time_has_ended_is_not_told_of_as_ended_by_anybody() {
    let (mut world, _) = logged_in(&json!({}));
    let mut other = Browser::default();
    world.pass(1000);
    world.login(&mut other, "alice");
    world.pass(790);
    assert!(world.who(0, &mut other, write("/")).is_some(), "its use is written down");
    world.pass(11);
    let from = world.lines.len();
    say(&mut world, &mut other, &json!({ "op": "destroy_all" }));
    assert_eq!(lines(&world, from).len(), 1, "{:?}", world.lines);
}
