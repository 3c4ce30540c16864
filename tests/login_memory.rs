//! What an isolate remembers of a login's answer: the session that it made, for whoever carries the
//! login's mark, as if it had been asked for; and of no other change more than that there was one.

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

use proptest::prelude::*;
use serde_json::{Value, json};
use world::{Browser, Flight, Play, Trouble, World, page, read, write};

const ISOLATES: usize = 3;

fn world() -> World {
    World::with_isolates(&json!({}), ISOLATES)
}

fn login() -> Play {
    let data = json!({ "cart": [1] });
    Play::Say(json!({ "op": "create", "sub": "alice", "data": data, "amr": ["pwd"] }))
}

fn update(name: &str) -> Play {
    Play::Say(json!({ "op": "update", "set": { name: true } }))
}

/// A browser that logs in through the first isolate.
fn logged_in(world: &mut World) -> Browser {
    let mut browser = Browser::default();
    assert_eq!(world.go(&mut browser, write("/login"), login()).status, 200);
    browser
}

/// What the application is told, but for what names and dates the telling.
fn told(world: &mut World, browser: &Browser, isolate: usize) -> Value {
    let mut flight = world.fly(isolate, browser, page("/account/x"), Play::Pass);
    let mut claims = world.finish(&mut flight).seen.unwrap().claims;
    for name in ["iat", "exp", "jti"] {
        claims.remove(name);
    }
    Value::Object(claims)
}

/// How many questions that costs.
fn cost(world: &mut World, act: impl FnOnce(&mut World)) -> usize {
    let before = world.store.operations;
    act(world);
    world.store.operations - before
}

/// A login through the first isolate that has reached the store, whose answer is on its way.
fn underway(world: &mut World, browser: &Browser) -> Flight {
    let mut flight = world.fly(0, browser, write("/login"), login());
    world.until_commanding(&mut flight);
    world.advance(&mut flight);
    world.advance(&mut flight);
    flight
}

#[test]
fn the_request_after_a_login_asks_the_store_no_more_and_is_told_what_the_store_would_say() {
    let mut world = world();
    let browser = logged_in(&mut world);
    let mut here = Value::Null;
    assert_eq!(cost(&mut world, |world| here = told(world, &browser, 0)), 0);
    let mut elsewhere = Value::Null;
    assert_eq!(cost(&mut world, |world| elsewhere = told(world, &browser, 1)), 1);
    assert_eq!(here, elsewhere);
    assert_eq!((&here["sub"], &here["data"]), (&json!("alice"), &json!({ "cart": [1] })));
}

#[test]
fn a_login_over_another_session_leaves_the_new_one_and_nothing_of_the_old_one() {
    for old in [json!({ "op": "create" }), json!({ "op": "create", "sub": "alice" })] {
        let mut world = world();
        let mut browser = Browser::default();
        world.go(&mut browser, write("/"), Play::Say(old));
        let before = browser.clone();
        world.go(&mut browser, write("/login"), login());
        assert_eq!(cost(&mut world, |world| drop(told(world, &browser, 0))), 0);
        let seen = world.go(&mut before.clone(), read("/"), Play::Pass).seen.unwrap();
        assert_eq!(seen.sid(), None);
    }
}

#[test]
fn its_age_counts_from_the_moment_at_which_the_store_was_asked() {
    let mut world = world();
    let mut browser = Browser::default();
    let mut login = underway(&mut world, &browser);
    world.pass(4);
    let reaction = world.finish(&mut login);
    browser.take(&reaction.cookies, world.now);
    world.pass_millis(5999);
    assert_eq!(cost(&mut world, |world| drop(told(world, &browser, 0))), 0);
    world.pass_millis(1);
    assert_eq!(cost(&mut world, |world| drop(told(world, &browser, 0))), 1);
}

#[test]
fn it_is_not_kept_where_this_isolate_changed_the_subjects_sessions_meanwhile() {
    let mut world = world();
    let mut browser = Browser::default();
    let mut login = underway(&mut world, &browser);
    world.out_of_band(&json!({ "op": "destroy_all", "sub": "alice", "jti": "m1" }));
    let reaction = world.finish(&mut login);
    browser.take(&reaction.cookies, world.now);
    assert_eq!(world.who(0, &mut browser, read("/account/x")), None);
}

#[test]
fn whoever_carries_the_mark_of_another_change_asks() {
    let mut world = world();
    let browser = logged_in(&mut world);
    let mut changed = browser.clone();
    world.go_at(1, &mut changed, write("/"), update("a"));
    let other_tab = browser;
    assert_eq!(cost(&mut world, |world| drop(told(world, &other_tab, 0))), 0);
    assert_eq!(told(&mut world, &changed, 0)["data"]["a"], true);
}

#[test]
fn a_login_that_ran_out_of_time_or_whose_reply_was_lost_gives_no_cookie() {
    for trouble in [Trouble::Fails, Trouble::ReplyLost, Trouble::Late] {
        let mut world = world();
        let mut browser = Browser::default();
        world.store.troubles.push_back(Some(trouble));
        assert_eq!(world.go(&mut browser, write("/login"), login()).status, 503, "{trouble:?}");
        assert_eq!(browser.session(), None);
    }
    // One that is asked for again at once is a login like any other.
    let mut world = world();
    world.store.troubles.push_back(Some(Trouble::Broken));
    let browser = logged_in(&mut world);
    assert_eq!(cost(&mut world, |world| drop(told(world, &browser, 0))), 0);
}

#[test]
fn where_nothing_is_remembered_the_answer_to_a_login_does_not_show_the_session() {
    let mut world = World::new(&json!({ "freshness": { "safe": "0s" } }));
    let browser = logged_in(&mut world);
    assert!(!world.printed.iter().any(|text| text.contains("\"shown\"")));
    assert_eq!(cost(&mut world, |world| drop(told(world, &browser, 0))), 1);
}

#[test]
fn a_record_does_not_grow_by_what_its_answers_show() {
    let text = |members: &Value| {
        let mut world = World::new(members);
        logged_in(&mut world);
        world.store.texts.values().next().unwrap().clone()
    };
    assert_eq!(text(&json!({})), text(&json!({ "freshness": { "safe": "0s" } })));
}

/// Changes that one browser makes at once, and how they run: through which isolate each goes, in
/// which order they get further, and in which order their answers arrive.
fn changes() -> impl Strategy<Value = (Vec<usize>, Vec<usize>, Vec<usize>)> {
    prop::collection::vec(0..ISOLATES, 2..5).prop_flat_map(|isolates| {
        let count = isolates.len();
        let arrivals = Just((0..count).collect::<Vec<_>>()).prop_shuffle();
        (Just(isolates), prop::collection::vec(0..count, 0..30), arrivals)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Which is why no other change's answer is kept.
    #[test]
    fn a_browser_reads_all_that_it_changed_at_once_whichever_answer_arrives_last((isolates, order, arrivals) in changes()) {
        let mut world = world();
        let mut browser = logged_in(&mut world);
        let mut flights: Vec<Flight> = isolates
            .iter()
            .enumerate()
            .map(|(number, isolate)| world.fly(*isolate, &browser, write("/"), update(&format!("m{number}"))))
            .collect();
        for number in order {
            world.advance(&mut flights[number]);
        }
        let mut arrived = Vec::new();
        for number in arrivals {
            let reaction = world.finish(&mut flights[number]);
            browser.take(&reaction.cookies, world.now);
            arrived.push(format!("m{number}"));
            for isolate in 0..ISOLATES {
                let told = told(&mut world, &browser, isolate);
                for name in &arrived {
                    prop_assert_eq!(&told["data"][name], &json!(true), "isolate {}", isolate);
                }
            }
        }
    }
}
