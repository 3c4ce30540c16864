//! A response that finishes after logout does not bring the session back; one to a request from before a
//! login does not clear or replace the new cookie, unless it is itself a login or a logout that took effect.

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
use world::{Browser, Flight, Play, Reaction, World, page, read, write};

const OPS: [&str; 4] = ["update", "rotate", "destroy", "destroy_all"];

fn say(members: &Value) -> Play {
    Play::Say(members.clone())
}

fn logged_in() -> (World, Browser) {
    let mut world = World::with_isolates(&json!({}), 2);
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    browser.forget_freshness();
    (world, browser)
}

/// A request that is at the origin, on the other isolate, when the rest happens.
fn slow(world: &mut World, browser: &Browser, play: Play) -> Flight {
    let mut flight = world.fly(1, browser, page("/account/x"), play);
    world.until_at_origin(&mut flight);
    flight
}

fn land(world: &mut World, flight: &mut Flight, browser: &mut Browser) -> Reaction {
    let reaction = world.finish(flight);
    browser.take(&reaction.cookies, world.now);
    reaction
}

#[test]
fn an_answer_after_logout_brings_no_session_back() {
    for op in [None, Some("update"), Some("rotate"), Some("destroy"), Some("destroy_all")] {
        for wait in [0, 900] {
            let (mut world, mut browser) = logged_in();
            world.pass(wait);
            let play = op.map_or(Play::Pass, |op| say(&json!({ "op": op })));
            let old = browser.clone();
            let mut late = slow(&mut world, &browser, play);
            world.go(&mut browser, write("/.edge-session/logout"), Play::Pass);
            assert_eq!(browser.session(), None);
            let reaction = land(&mut world, &mut late, &mut browser);
            assert_eq!(reaction.status, 200, "{op:?}");
            assert!(!reaction.gives_cookie(), "{op:?}");
            for mut browser in [browser, old] {
                assert_eq!(world.who(0, &mut browser, write("/account/x")), None, "{op:?}");
            }
        }
    }
}

#[test]
fn an_answer_from_before_a_login_leaves_the_new_cookie_alone() {
    for before in [None, Some(None), Some(Some("alice")), Some(Some("bob"))] {
        for op in [None, Some("update"), Some("rotate"), Some("destroy")] {
            let mut world = World::with_isolates(&json!({}), 2);
            let mut browser = Browser::default();
            if let Some(subject) = before {
                world.go(&mut browser, write("/"), say(&json!({ "op": "create", "sub": subject })));
            }
            world.pass(900);
            let is_nobody = before.is_none();
            let play = match op {
                Some(op) if !is_nobody || op == "destroy" => say(&json!({ "op": op })),
                _ => Play::Pass,
            };
            let mut late = world.fly(1, &browser, page("/"), play);
            world.until_at_origin(&mut late);
            world.login(&mut browser, "alice");
            let cookie = browser.session().map(str::to_owned);
            let reaction = land(&mut world, &mut late, &mut browser);
            assert_eq!(reaction.status, 200);
            assert!(reaction.keeps_cookie(), "{before:?} {op:?}");
            assert_eq!(browser.session().map(str::to_owned), cookie);
            assert!(world.who(0, &mut browser, write("/account/x")).is_some());
        }
    }
}

#[test]
fn a_late_destroy_all_that_took_effect_ends_the_new_session_too() {
    let (mut world, mut browser) = logged_in();
    let mut late = slow(&mut world, &browser, say(&json!({ "op": "destroy_all" })));
    world.login(&mut browser, "alice");
    let reaction = land(&mut world, &mut late, &mut browser);
    assert!(reaction.keeps_cookie(), "the presented session was not one of them");
    assert_eq!(world.who(0, &mut browser, write("/account/x")), None);
}

#[test]
fn a_late_login_is_a_login() {
    let (mut world, mut browser) = logged_in();
    let mut late = slow(&mut world, &browser, say(&json!({ "op": "create", "sub": "alice" })));
    world.go(&mut browser, write("/.edge-session/logout"), Play::Pass);
    assert!(land(&mut world, &mut late, &mut browser).gives_cookie());
    assert!(world.who(0, &mut browser, write("/account/x")).is_some());
}

#[test]
fn a_double_clicked_login_ends_in_a_working_session_whatever_arrives_last() {
    for order in [[0, 1], [1, 0]] {
        let (mut world, browser) = logged_in();
        let login = || say(&json!({ "op": "create", "sub": "alice", "data": { "x": 1 } }));
        let mut flights =
            [slow(&mut world, &browser, login()), slow(&mut world, &browser, login())];
        let mut browser = browser.clone();
        for place in order {
            assert!(land(&mut world, &mut flights[place], &mut browser).gives_cookie());
        }
        assert!(world.who(0, &mut browser, write("/account/x")).is_some());
    }
}

#[test]
fn a_double_clicked_rotate_ends_in_a_working_session_whatever_arrives_last() {
    for order in [[0, 1], [1, 0]] {
        let (mut world, browser) = logged_in();
        let rotate = || say(&json!({ "op": "rotate" }));
        let mut flights =
            [slow(&mut world, &browser, rotate()), slow(&mut world, &browser, rotate())];
        let reactions: Vec<Reaction> =
            flights.iter_mut().map(|flight| world.finish(flight)).collect();
        let mut browser = browser.clone();
        for place in order {
            browser.take(&reactions[place].cookies, world.now);
        }
        assert!(world.who(0, &mut browser, write("/account/x")).is_some());
    }
}

#[test]
fn a_late_periodic_rotation_never_takes_a_rotates_place() {
    let (mut world, mut browser) = logged_in();
    world.pass(900);
    let mut late = slow(&mut world, &browser, Play::Pass);
    world.go(&mut browser, write("/"), say(&json!({ "op": "rotate" })));
    let cookie = browser.session().map(str::to_owned);
    assert!(land(&mut world, &mut late, &mut browser).keeps_cookie());
    assert_eq!(browser.session().map(str::to_owned), cookie);
}

#[test]
fn a_destroy_that_ended_nothing_changes_nothing() {
    let (mut world, mut browser) = logged_in();
    let old = browser.clone();
    world.go(&mut browser, write("/"), say(&json!({ "op": "destroy" })));
    for mut browser in [old, Browser::default()] {
        let reaction = world.go(&mut browser, write("/"), say(&json!({ "op": "destroy" })));
        assert_eq!(reaction.status, 200);
        assert!(reaction.cookies.is_empty());
    }
}

#[test]
fn a_dead_cookie_is_left_alone() {
    for op in OPS {
        let (mut world, mut browser) = logged_in();
        let mut old = browser.clone();
        world.go(&mut browser, write("/"), say(&json!({ "op": op })));
        world.pass(20_000);
        for ask in [page("/"), read("/"), page("/account/x")] {
            assert!(world.go(&mut old, ask, Play::Pass).cookies.is_empty());
        }
    }
}

#[test]
fn an_end_of_everything_clears_nobody_elses_cookie() {
    let mut world = World::new(&json!({}));
    let all = Play::Say(json!({ "op": "destroy_all", "sub": "alice" }));
    let reaction = world.send(write("/"), all);
    assert_eq!((reaction.status, reaction.clears_cookie()), (200, false));
}
