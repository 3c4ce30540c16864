//! Parallel `update`s of different members of the session data lose nothing, and a browser reads its own
//! writes.

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
use world::{Browser, Flight, Play, World, page, read, write};

fn logged_in() -> (World, Browser) {
    let mut world = World::with_isolates(&json!({}), 3);
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    browser.forget_freshness();
    (world, browser)
}

fn update(members: &Value) -> Play {
    Play::Say(members.clone())
}

/// What the session holds, as the store says.
fn data(world: &mut World, browser: &Browser) -> Value {
    let mut flight = world.fly(0, browser, write("/"), Play::Pass);
    world.finish(&mut flight).seen.unwrap().data().clone()
}

#[test]
fn parallel_updates_of_different_members_lose_nothing() {
    let (mut world, browser) = logged_in();
    let mut flights: Vec<Flight> = (0..30)
        .map(|number| {
            let name = format!("m{number}");
            let set = json!({ "op": "update", "set": { name: number } });
            world.fly(number % 3, &browser, write("/"), update(&set))
        })
        .collect();
    world.interleave(&mut flights);
    assert!(flights.iter().all(|flight| flight.reaction().unwrap().status == 200));
    let data = data(&mut world, &browser);
    assert_eq!(data.as_object().unwrap().len(), 30);
    assert!((0..30).all(|number| data[format!("m{number}")] == number));
}

#[test]
fn of_two_updates_of_one_member_the_last_wins_and_unset_comes_first() {
    let (mut world, browser) = logged_in();
    let mut go = |members: &Value| world.go(&mut browser.clone(), write("/"), update(members));
    go(&json!({ "op": "update", "set": { "a": 1, "b": [1, { "c": null }], "d": 1 } }));
    go(&json!({ "op": "update", "set": { "a": null }, "unset": ["a", "d", "missing"] }));
    assert_eq!(data(&mut world, &browser), json!({ "a": null, "b": [1, { "c": null }] }));
}

#[test]
fn a_browser_reads_its_own_writes_on_every_isolate() {
    let (mut world, mut browser) = logged_in();
    for round in 0..6 {
        for isolate in 0..3 {
            // Every isolate remembers what was before.
            world.go_at(isolate, &mut browser.clone(), read("/"), Play::Pass);
        }
        let set = json!({ "op": "update", "set": { "round": round } });
        let reaction = world.go_at(round % 3, &mut browser, write("/"), update(&set));
        assert!(reaction.cookies.iter().any(|cookie| {
            cookie.starts_with("__Host-session-fresh=")
                && cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=10")
        }));
        for isolate in 0..3 {
            let seen = world.go_at(isolate, &mut browser, read("/"), Play::Pass).seen.unwrap();
            assert_eq!(seen.data()["round"], round, "isolate {isolate}");
            assert_eq!(seen.header("cookie").unwrap().matches("fresh").count(), 0, "stripped too");
        }
        world.pass(11);
    }
}

#[test]
fn a_browser_that_does_not_say_what_it_has_changed_reads_nothing_older() {
    for fresh in [
        "__Host-session-fresh=1",
        "__Host-session-fresh=AAAAAAAAAAAA; __Host-session-fresh=BBBBBBBBBBBB",
    ] {
        let (mut world, browser) = logged_in();
        world.go_at(0, &mut browser.clone(), read("/"), Play::Pass);
        let set = json!({ "op": "update", "set": { "a": 1 } });
        world.go_at(1, &mut browser.clone(), write("/"), update(&set));
        let seen = world.go_at(0, &mut browser.clone(), read("/"), Play::Pass).seen.unwrap();
        assert_eq!(*seen.data(), json!({}), "memory has what was before");
        let ask = read("/").with("Cookie", fresh);
        let seen = world.go_at(0, &mut browser.clone(), ask, Play::Pass).seen.unwrap();
        assert_eq!(*seen.data(), json!({ "a": 1 }), "{fresh}");
    }
}

#[test]
fn an_answer_that_was_under_way_while_this_isolate_changed_the_data_is_not_remembered() {
    let (mut world, browser) = logged_in();
    let mut slow = world.fly(0, &browser, read("/"), Play::Pass);
    world.advance(&mut slow);
    world.advance(&mut slow);
    world.go(
        &mut browser.clone(),
        write("/"),
        update(&json!({ "op": "update", "set": { "a": 1 } })),
    );
    world.finish(&mut slow);
    // Another browser tab, without the mark of freshness.
    let seen = world.go(&mut browser.clone(), read("/"), Play::Pass).seen.unwrap();
    assert_eq!(*seen.data(), json!({ "a": 1 }));
}

#[test]
fn data_comes_back_as_it_was_sent() {
    let (mut world, browser) = logged_in();
    let sent = json!({
        "float": 0.1, "small": 5e-324, "large": u64::MAX, "negative": i64::MIN, "text": "é\u{1f600}\u{0}\"\\", "empty": {}, "list": [], "": null,
        "deep": [[[[[[[[[[[[[[[1]]]]]]]]]]]]]]],
    });
    world.go(&mut browser.clone(), write("/"), update(&json!({ "op": "update", "set": sent })));
    assert_eq!(data(&mut world, &browser), sent);
}

#[test]
fn an_update_that_would_be_too_large_changes_nothing() {
    let (mut world, mut browser) = logged_in();
    let set = |length: usize| json!({ "op": "update", "set": { "a": "x".repeat(length) } });
    // {"a":""} is eight bytes.
    assert_eq!(world.go(&mut browser, write("/"), update(&set(2040))).status, 200);
    let reaction = world.go(&mut browser, write("/"), update(&set(2041)));
    assert_eq!((reaction.status, reaction.code().as_str()), (502, "control_too_large"));
    assert_eq!(data(&mut world, &browser), json!({ "a": "x".repeat(2040) }));
}

#[test]
fn a_login_can_carry_data_over_because_the_origin_has_it_in_the_assertion() {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    world.go(
        &mut browser,
        write("/"),
        update(&json!({ "op": "create", "data": { "cart": [1, 2] } })),
    );
    let play = Play::With(Box::new(|seen| {
        let members = json!({ "op": "create", "sub": "alice", "data": seen.data() });
        let keys = world::site(&world::config(&json!({})), &["k1"]).origin_keys;
        let control = world::sign(&keys, &seen.answer(&members));
        world::response(200, &[("Edge-Session-Control", &control)])
    }));
    world.go(&mut browser, write("/login"), play);
    assert_eq!(data(&mut world, &browser), json!({ "cart": [1, 2] }));
}

#[test]
fn a_browser_reads_its_own_write_where_anothers_rotation_was_first() {
    let (mut world, mut browser) = logged_in();
    world.pass(900);
    let old = browser.clone();
    assert!(world.go(&mut browser, page("/"), Play::Pass).gives_cookie());
    let rotate = |name: &str| Play::Say(json!({ "op": "rotate", "set": { name: true } }));
    let mut flights =
        [(&browser, "a"), (&old, "b")].map(|(by, name)| world.fly(0, by, write("/"), rotate(name)));
    for flight in &mut flights {
        world.until_commanding(flight);
    }
    let [first, second] = flights.each_mut().map(|flight| world.finish(flight));
    assert!(first.gives_cookie() && !second.gives_cookie());
    browser.take(&first.cookies, world.now);
    assert_eq!(data(&mut world, &browser), json!({ "a": true, "b": true }));
    // Its ID is dead, and no isolate may tell it from memory what was before.
    assert!(second.cookies.iter().any(|cookie| cookie.starts_with("__Host-session-fresh=")));
}

#[test]
fn every_change_marks_its_browser_where_anybody_remembers_anything() {
    for (safe, marks) in [("10s", true), ("0s", false)] {
        let (mut world, mut browser) =
            (World::new(&json!({ "freshness": { "safe": safe } })), Browser::default());
        for op in [
            json!({ "op": "create", "sub": "alice" }),
            json!({ "op": "update", "set": { "a": 1 } }),
            json!({ "op": "rotate" }),
            json!({ "op": "destroy_all", "sub": "bob" }),
        ] {
            let reaction = world.go(&mut browser, write("/"), update(&op));
            let is_mark = |cookie: &String| cookie.starts_with("__Host-session-fresh=");
            assert_eq!(reaction.cookies.iter().any(is_mark), marks, "{safe} {op}");
        }
    }
}
