//! In KV, what stands in for news that has not arrived: what a cookie proves, and what is written twice.

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
use world::{Browser, Kv, Play, Reaction, World, extend, page, read, write};

fn world_with(members: &Value) -> World {
    let mut world = World::with_isolates(&extend(json!({ "store": "kv" }), members), 3);
    world.kv = Some(Kv::late());
    world
}

/// Alice, where place 1 has just read her session and remembers it for a minute.
fn logged_in(members: &Value) -> (World, Browser) {
    let (mut world, mut alice) = (world_with(members), Browser::default());
    world.login(&mut alice, "alice");
    assert!(lives(&mut world, 1, &alice));
    (world, alice)
}

fn say(world: &mut World, at: usize, browser: &mut Browser, op: &Value) -> Reaction {
    world.go_at(at, browser, write("/"), Play::Say(op.clone()))
}

fn login_at(world: &mut World, at: usize, browser: &mut Browser) {
    let op = json!({ "op": "create", "sub": "alice" });
    assert!(say(world, at, browser, &op).gives_cookie());
}

/// Whether the store takes this browser for somebody.
fn lives(world: &mut World, at: usize, browser: &Browser) -> bool {
    world.who(at, &mut browser.clone(), write("/")).is_some()
}

fn writes(world: &World) -> usize {
    world.kv.as_ref().unwrap().writes
}

#[test]
fn an_id_that_nobody_remembers_any_more_proves_nothing() {
    let (mut world, mut alice) = logged_in(&json!({}));
    let old = alice.clone();
    for _ in 0..10 {
        world.pass(2);
        assert!(say(&mut world, 0, &mut alice, &json!({ "op": "rotate" })).gives_cookie());
    }
    world.pass(61);
    for at in 0..3 {
        assert!(!lives(&mut world, at, &old), "{at}");
        assert!(lives(&mut world, at, &alice), "{at}");
    }
}

#[test]
fn of_two_ids_with_one_number_one_counts() {
    let (mut world, mut alice) = logged_in(&json!({}));
    let mut thief = alice.clone();
    world.pass(16 * 60);
    assert!(lives(&mut world, 1, &alice));
    assert!(say(&mut world, 0, &mut alice, &json!({ "op": "rotate" })).gives_cookie());
    assert!(world.go_at(1, &mut thief, page("/"), Play::Pass).gives_cookie());
    assert!(say(&mut world, 1, &mut thief, &json!({ "op": "rotate" })).gives_cookie());
    world.pass(61);
    for at in [2, 0, 1, 2] {
        let both = [lives(&mut world, at, &alice), lives(&mut world, at, &thief)];
        assert_ne!(both, [true, true], "{at}");
        world.pass(61);
    }
}

#[test]
fn where_a_new_id_has_not_arrived_it_is_good_and_its_use_no_news() {
    let (mut world, mut alice) = logged_in(&json!({}));
    assert!(say(&mut world, 0, &mut alice, &json!({ "op": "rotate" })).gives_cookie());
    let before = writes(&world);
    world.pass(2);
    assert!(lives(&mut world, 1, &alice));
    assert_eq!(writes(&world), before);
}

#[test]
fn where_a_new_id_has_not_arrived_it_can_be_followed_by_another() {
    let rotate = || Play::Say(json!({ "op": "rotate" }));
    for (ask, play) in [(page("/"), Play::Pass), (write("/"), rotate())] {
        let (mut world, mut alice) = logged_in(&json!({ "rotation": { "every": "20s" } }));
        assert!(world.go(&mut alice, write("/"), rotate()).gives_cookie());
        world.pass(25);
        assert!(world.go_at(1, &mut alice, ask, play).gives_cookie());
        world.pass(61);
        assert!(lives(&mut world, 0, &alice));
    }
}

#[test]
fn where_a_new_id_has_not_arrived_its_cookie_is_cleared_with_the_end_of_everything() {
    let (mut world, mut alice) = logged_in(&json!({}));
    say(&mut world, 0, &mut alice, &json!({ "op": "rotate" }));
    assert!(say(&mut world, 1, &mut alice, &json!({ "op": "destroy_all" })).clears_cookie());
}

#[test]
fn a_session_that_no_list_shows_yet_ends_with_all_others() {
    for moments in [0, 1] {
        let (mut world, mut alice) = (world_with(&json!({})), Browser::default());
        let mut unlisted = Browser::default();
        // Place 1 remembers for a minute which sessions there are.
        login_at(&mut world, 1, &mut alice);
        world.login(&mut unlisted, "alice");
        world.pass_millis(moments);
        let op = json!({ "op": "rotate", "end_others": true });
        assert!(say(&mut world, 1, &mut alice, &op).gives_cookie());
        world.pass(61);
        for at in 0..3 {
            assert!(!lives(&mut world, at, &unlisted), "{moments} {at}");
            assert!(lives(&mut world, at, &alice), "{moments} {at}");
        }
    }
}

#[test]
fn of_two_sessions_that_end_each_other_neither_lives() {
    let (mut world, mut one) = logged_in(&json!({}));
    let mut other = Browser::default();
    world.login(&mut other, "alice");
    world.pass(61);
    assert!(lives(&mut world, 0, &one) && lives(&mut world, 1, &other));
    let op = json!({ "op": "rotate", "end_others": true });
    assert!(say(&mut world, 0, &mut one, &op).gives_cookie());
    assert!(world.logged(&["session.ended", "end_others"]));
    assert!(say(&mut world, 1, &mut other, &op).gives_cookie());
    world.pass(61);
    for at in 0..3 {
        assert!(!lives(&mut world, at, &one) && !lives(&mut world, at, &other), "{at}");
    }
}

#[test]
fn a_login_that_was_under_way_while_all_others_were_ended_is_refused() {
    let (mut world, mut alice) = logged_in(&json!({}));
    let op = json!({ "op": "create", "sub": "alice" });
    let mut flight = world.fly(0, &Browser::default(), write("/login"), Play::Say(op));
    world.until_at_origin(&mut flight);
    world.pass_millis(500);
    let op = json!({ "op": "rotate", "end_others": true });
    assert!(say(&mut world, 0, &mut alice, &op).gives_cookie());
    let late = world.finish(&mut flight);
    assert_eq!((late.status, late.code().as_str()), (503, "session_raced"));
}

#[test]
fn a_login_right_after_the_end_of_everything_is_not_taken_for_ended_where_it_has_not_arrived() {
    let (mut world, mut alice) = logged_in(&json!({}));
    // All within one second, which is all that a cookie tells of its time.
    world.pass_millis(2000 - world.now.millis() % 1000 + 500);
    say(&mut world, 0, &mut alice, &json!({ "op": "destroy_all" }));
    world.pass_millis(200);
    world.login(&mut alice, "alice");
    let kv = world.kv.as_mut().unwrap();
    let show = kv.hide(&['s']);
    let refused = world.go_at(1, &mut alice, read("/account/x"), Play::Pass);
    assert_eq!((refused.status, refused.code().as_str()), (503, "store_unavailable"));
    show(world.kv.as_mut().unwrap());
    assert!(lives(&mut world, 1, &alice));
}

#[test]
fn a_superseded_id_is_told_of() {
    let (mut world, mut alice) = logged_in(&json!({}));
    let mut old = alice.clone();
    assert!(say(&mut world, 0, &mut alice, &json!({ "op": "rotate" })).gives_cookie());
    world.pass(61);
    let refused = world.go(&mut old, read("/account/x"), Play::Pass);
    assert_eq!((refused.status, refused.code().as_str()), (401, "session_required"));
    assert!(world.logged(&["token.reuse"]), "{:?}", world.lines);
}

#[test]
fn when_a_session_began_is_told_the_same_from_the_first_request_on() {
    let (mut world, mut alice) = (world_with(&json!({})), Browser::default());
    let op = json!({ "op": "create", "sub": "alice" });
    let mut flight = world.fly(0, &alice, write("/login"), Play::Say(op));
    world.until_at_origin(&mut flight);
    world.pass(5);
    alice.take(&world.finish(&mut flight).cookies, world.now);
    let mut began = || {
        let seen = world.go(&mut alice, read("/"), Play::Pass).seen.unwrap();
        world.pass(20);
        seen.claims["session"]["created"].clone()
    };
    let (first, later) = (began(), began());
    assert_eq!(first, later);
}
