//! Memory lets in, or says that an ID has ended; whatever else it would say is asked of the store.

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

use edge_session::memory::Memory;
use serde_json::{Value, json};
use world::{Ask, Browser, Flight, Play, Reaction, World, page, read, write};

/// A session that is remembered, of this user or of nobody.
fn remembered(members: &Value, subject: Option<&str>) -> (World, Browser) {
    let mut world = World::new(members);
    let mut browser = Browser::default();
    let login = json!({ "op": "create" });
    let login = subject.map_or(login.clone(), |sub| world::extend(login, &json!({ "sub": sub })));
    world.go(&mut browser, write("/login"), Play::Say(login));
    browser.forget_freshness();
    world.go(&mut browser, read("/"), Play::Pass);
    assert_eq!(questions(&mut world, &mut browser, read("/")).1, 0, "memory answers");
    (world, browser)
}

/// What the request is answered, and how much the store was asked for that.
fn questions(world: &mut World, browser: &mut Browser, ask: Ask) -> (Reaction, usize) {
    let before = world.store.operations;
    let reaction = world.go(browser, ask, Play::Pass);
    (reaction, world.store.operations - before)
}

#[test]
fn that_nobody_is_signed_in_is_asked_where_somebody_has_to_be() {
    let (mut world, mut browser) = remembered(&json!({}), None);
    let (reaction, asked) = questions(&mut world, &mut browser, read("/account/x"));
    assert_eq!((reaction.status, asked), (401, 1));
}

#[test]
fn a_new_id_is_offered_on_the_word_of_the_store_alone() {
    let members = json!({ "rotation": { "every": "5s" } });
    let (mut world, mut browser) = remembered(&members, Some("alice"));
    world.pass(5);
    assert_eq!(questions(&mut world, &mut browser, read("/")).1, 0, "no page, so none is due");
    let (reaction, asked) = questions(&mut world, &mut browser, page("/"));
    assert_eq!((reaction.cookies.len(), asked), (1, 2), "whether it lives, and whether it may");
}

#[test]
fn an_answer_that_is_younger_than_the_clock_allows_is_not_relied_on() {
    let (mut world, mut browser) = remembered(&json!({}), Some("alice"));
    world.now = world.now.minus(edge_session::time::Span::from_secs(1));
    assert_eq!(questions(&mut world, &mut browser, read("/")).1, 1);
}

#[test]
fn a_session_that_a_copied_id_has_ended_is_let_in_no_more() {
    let members = json!({ "rotation": { "every": "1m", "reuse_after": "1m" }, "freshness": { "safe": "20m" } });
    let (mut world, mut browser) = remembered(&members, Some("alice"));
    let copy = browser.clone();
    world.pass(60);
    assert!(world.go(&mut browser, page("/"), Play::Pass).gives_cookie());
    assert!(world.who(0, &mut browser, write("/account/x")).is_some(), "the new ID is seen");
    world.pass(59);
    assert!(world.who(0, &mut browser, read("/account/x")).is_some(), "and remembered");
    world.pass(1);
    assert!(world.who(0, &mut copy.clone(), write("/account/x")).is_none());
    assert!(world.logged(&["session.ended", "token_reuse"]));
    assert!(world.who(0, &mut browser, read("/account/x")).is_none());
}

#[test]
fn a_change_whose_outcome_is_never_heard_leaves_nothing_from_before_it_in_memory() {
    let (mut world, mut browser) = remembered(&json!({}), Some("alice"));
    let update = Play::Say(json!({ "op": "update", "set": { "n": 1 } }));
    let mut flight = world.fly(0, &browser, write("/"), update);
    world.until_commanding(&mut flight);
    for _ in ["the store is asked", "it has done it"] {
        assert!(!world.advance(&mut flight));
    }
    drop(flight);
    let seen = world.go(&mut browser, read("/"), Play::Pass).seen.unwrap();
    assert_eq!(seen.data(), &json!({ "n": 1 }));
}

#[test]
fn an_answer_is_not_relied_on_where_too_much_has_changed_since_it_was_asked_for() {
    let (mut world, mut browser) = remembered(&json!({}), Some("alice"));
    world.pass(10);
    let mut slow = asked(&mut world, &browser);
    let copy = browser.clone();
    world.go(&mut browser, write("/.edge-session/logout"), Play::Pass);
    for number in 0..1000 {
        let jti = number.to_string();
        let sid = "AAAAAAAAAAAAAAAAAAAAAA";
        world.out_of_band(&json!({ "op": "destroy", "jti": jti, "sid": sid, "sub": jti }));
    }
    world.finish(&mut slow);
    let seen = world.go(&mut copy.clone(), read("/"), Play::Pass).seen.unwrap();
    assert!(seen.sid().is_none(), "the session has ended");
}

#[test]
fn an_instance_remembers_as_many_sessions_as_it_may() {
    let (mut world, mut alice) =
        remembered(&json!({ "freshness": { "entries": 1 } }), Some("alice"));
    world.isolates[0].memory = Memory::new(world.site().config.memory);
    let mut bob = Browser::default();
    world.login(&mut bob, "bob");
    bob.forget_freshness();
    for browser in [&mut alice, &mut bob] {
        assert_eq!(questions(&mut world, browser, read("/")).1, 1);
        assert_eq!(questions(&mut world, browser, read("/")).1, 0);
    }
    assert_eq!(questions(&mut world, &mut alice, read("/")).1, 1, "bob has taken the place");
}

#[test]
fn that_an_id_has_ended_is_asked_once_and_for_all() {
    let (mut world, mut browser) = remembered(&json!({}), Some("alice"));
    let mut copy = browser.clone();
    world.go(&mut browser, write("/.edge-session/logout"), Play::Pass);
    assert_eq!(questions(&mut world, &mut copy, read("/")).1, 1);
    world.pass(600);
    world.login(&mut Browser::default(), "alice");
    for ask in [read("/"), page("/"), write("/account/x")] {
        assert_eq!(questions(&mut world, &mut copy, ask).1, 0);
    }
}

#[test]
fn what_a_login_has_shown_is_remembered_for_a_browser_without_its_mark_too() {
    let (mut world, mut browser) = (World::new(&json!({})), Browser::default());
    world.login(&mut browser, "alice");
    browser.forget_freshness();
    assert_eq!(questions(&mut world, &mut browser, read("/")).1, 0);
}

/// A read that the store has answered, and that has not heard so yet.
fn asked(world: &mut World, browser: &Browser) -> Flight {
    let mut slow = world.fly(0, browser, read("/"), Play::Pass);
    for _step in ["the store is asked", "it answers"] {
        assert!(!world.advance(&mut slow));
    }
    slow
}

#[test]
fn what_others_change_meanwhile_is_no_reason_to_ask_again() {
    let (mut world, mut alice) = remembered(&json!({}), Some("alice"));
    world.pass(10);
    let mut slow = asked(&mut world, &alice);
    world.login(&mut Browser::default(), "bob");
    world.finish(&mut slow);
    assert_eq!(questions(&mut world, &mut alice, read("/")).1, 0);
    for number in 0..1001 {
        let jti = number.to_string();
        let sid = "AAAAAAAAAAAAAAAAAAAAAA";
        world.out_of_band(&json!({ "op": "destroy", "jti": jti, "sid": sid, "sub": jti }));
    }
    world.pass(10);
    assert_eq!(questions(&mut world, &mut alice, read("/")).1, 1);
    assert_eq!(questions(&mut world, &mut alice, read("/")).1, 0, "however many there were");
}
