//! No request is forwarded as authenticated after the idle or the absolute deadline.

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
use world::{Ask, Browser, Isolate, Play, START, World, config, page, read, site, write};

/// What a session's deadlines are, as the origin is told.
fn told(world: &mut World, browser: &mut Browser) -> (u64, u64) {
    let seen = world.go(browser, write("/"), Play::Pass).seen.unwrap();
    let session = &seen.claims["session"];
    (session["idle"].as_u64().unwrap(), session["absolute"].as_u64().unwrap())
}

/// When the session ends without further activity; asking is none.
fn idle(world: &mut World, browser: &mut Browser) -> u64 {
    let seen = world.go(browser, write("/poll"), Play::Pass).seen.unwrap();
    seen.claims["session"]["idle"].as_u64().unwrap() - START.secs()
}

fn logged_in(members: &Value) -> (World, Browser) {
    let mut world = World::new(members);
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    (world, browser)
}

/// Every kind of request to a required path is refused.
fn assert_over(world: &mut World, browser: &mut Browser) {
    for ask in [
        page("/account/x"),
        read("/account/x"),
        write("/account/x"),
        Ask::new("HEAD", "/account/x"),
    ] {
        let forwarded = world.forwarded;
        let reaction = world.go(browser, ask, Play::Pass);
        assert!(matches!(reaction.status, 302 | 401), "{}", reaction.status);
        assert_eq!(world.forwarded, forwarded);
    }
    let seen = world.go(browser, read("/"), Play::Pass).seen.unwrap();
    assert_eq!((seen.subject(), seen.sid()), (None, None));
}

#[test]
fn a_longer_configuration_brings_no_session_back_and_counts_for_those_to_come() {
    let (mut world, mut browser) = logged_in(&json!({}));
    let (mut other, mut gone) = (Browser::default(), browser.clone());
    world.pass(1_799);
    world.login(&mut other, "bob");
    world.pass(1);
    let longer = config(&json!({ "lifetime": { "idle": "4h" } }));
    world.isolates = vec![Isolate::new(site(&longer, &["k1"]))];
    assert_over(&mut world, &mut gone);
    assert_eq!(idle(&mut world, &mut other), 1_799 + 1_800, "as it was given");
    world.login(&mut browser, "alice");
    assert_eq!(idle(&mut world, &mut browser), 1_800 + 4 * 3_600);
}

#[test]
fn a_session_lives_until_its_idle_deadline_and_not_a_moment_longer() {
    let (mut world, mut browser) = logged_in(&json!({}));
    world.pass_millis(1_799_999);
    assert!(world.who(0, &mut browser, page("/account/x")).is_some());
    world.pass(1800);
    assert_over(&mut world, &mut browser);
}

#[test]
fn memory_does_not_let_in_past_the_idle_deadline() {
    let (mut world, mut browser) = logged_in(&json!({}));
    world.pass(1795);
    browser.forget_freshness();
    // Polling does not slide, so the deadline stays where it is.
    assert!(world.who(0, &mut browser, read("/poll")).is_some());
    let asked = world.store.operations;
    world.pass_millis(4_999);
    assert!(world.who(0, &mut browser, read("/poll")).is_some());
    assert_eq!(world.store.operations, asked, "answered from memory");
    world.pass_millis(1);
    assert_over(&mut world, &mut browser);
}

#[test]
fn activity_slides_the_idle_deadline_but_never_past_the_absolute_one() {
    let (mut world, mut browser) = logged_in(&json!({}));
    let end = START.secs() + 12 * 3600;
    let mut now = START.secs();
    while now + 900 < end {
        world.pass(900);
        now += 900;
        assert!(world.who(0, &mut browser, read("/account/x")).is_some(), "{now}");
    }
    assert_eq!(told(&mut world, &mut browser), (end, end));
    world.pass_millis((end - now) * 1000 - 1);
    assert!(world.who(0, &mut browser, read("/account/x")).is_some());
    world.pass_millis(1);
    let asked = world.store.operations;
    assert_over(&mut world, &mut browser);
    assert_eq!(world.store.operations, asked, "past the absolute deadline nobody is asked");
}

#[test]
fn polling_and_prefetching_do_not_slide() {
    let (mut world, mut browser) = logged_in(&json!({}));
    for _ in 0..17 {
        world.pass(100);
        assert!(world.who(0, &mut browser, read("/poll")).is_some());
        let prefetch = page("/account/x").with("Sec-Purpose", "prefetch");
        assert!(world.who(0, &mut browser, prefetch).is_some());
    }
    world.pass(100);
    assert_over(&mut world, &mut browser);
}

#[test]
fn activity_is_written_at_most_once_a_minute() {
    let (mut world, mut browser) = logged_in(&json!({ "rotation": { "every": "0s" } }));
    let before = world.store.writes;
    for _ in 0..60 {
        world.pass(10);
        assert!(world.who(0, &mut browser, write("/account/x")).is_some());
    }
    assert_eq!(world.store.writes - before, 10);
}

#[test]
fn a_change_is_written_together_with_the_activity_that_it_answers() {
    for change in [json!({ "op": "update", "set": { "a": 1 } }), json!({ "op": "rotate" })] {
        let (mut world, mut browser) = logged_in(&json!({}));
        world.pass(50);
        world.go(&mut browser, write("/"), Play::Say(change));
        // A new ID is written once more, when it is first seen.
        assert!(world.who(0, &mut browser, write("/account/x")).is_some());
        let before = world.store.writes;
        world.pass(59);
        assert!(world.who(0, &mut browser, write("/account/x")).is_some());
        assert_eq!(world.store.writes, before, "the activity of a minute ago is written already");
        assert_eq!(idle(&mut world, &mut browser), 50 + 1800);
    }
}

#[test]
fn an_answer_that_takes_long_is_no_activity_of_its_own() {
    for change in [json!({ "op": "update", "set": { "a": 1 } }), json!({ "op": "rotate" })] {
        let (mut world, mut browser) = logged_in(&json!({}));
        world.pass(30);
        let mut slow = world.fly(0, &browser, write("/"), Play::Say(change));
        world.until_at_origin(&mut slow);
        world.pass(600);
        let reaction = world.finish(&mut slow);
        browser.take(&reaction.cookies, world.now);
        assert_eq!(idle(&mut world, &mut browser), 30 + 1800);
    }
}

#[test]
fn a_change_that_answers_no_activity_of_the_user_moves_no_deadline() {
    let (mut world, mut browser) = logged_in(&json!({}));
    let sid = world.go(&mut browser, read("/poll"), Play::Pass).seen.unwrap();
    let sid = sid.sid().unwrap().to_owned();
    let update = || Play::Say(json!({ "op": "update", "set": { "a": 1 } }));
    world.pass(100);
    assert_eq!(world.go(&mut browser, write("/poll"), update()).status, 200);
    let prefetch = write("/").with("Sec-Purpose", "prefetch");
    assert_eq!(world.go(&mut browser, prefetch, update()).status, 200);
    let job = json!({ "op": "update", "jti": "1", "sub": "alice", "sid": sid, "set": { "b": 1 } });
    assert_eq!(world.out_of_band(&job).status, 204);
    assert_eq!(idle(&mut world, &mut browser), 1800);
}

#[test]
fn an_idle_time_that_an_application_chooses_for_somebody_idle_moves_no_deadline_further() {
    let (mut world, mut browser) = logged_in(&json!({}));
    let sid = world.go(&mut browser, read("/poll"), Play::Pass).seen.unwrap();
    let sid = sid.sid().unwrap().to_owned();
    for (jti, op) in [("1", "update"), ("2", "rotate"), ("3", "update")] {
        world.pass(500);
        let job = json!({ "op": "update", "jti": jti, "sub": "alice", "sid": sid, "idle": 1790 });
        assert_eq!(world.out_of_band(&job).status, 204);
        let wish = json!({ "op": op, "idle": 1790 });
        assert_eq!(world.go(&mut browser, write("/poll"), Play::Say(wish)).status, 200);
        assert_eq!(idle(&mut world, &mut browser), 1800, "{jti}");
    }
}

#[test]
fn reads_that_memory_answers_keep_a_session_alive() {
    // Longer than the idle time without a single question that memory could not answer.
    let members = json!({ "lifetime": { "idle": "20s" }, "freshness": { "safe": "20s" } });
    let (mut world, mut browser) = logged_in(&members);
    browser.forget_freshness();
    for _ in 0..20 {
        world.pass(4);
        assert!(world.who(0, &mut browser, read("/account/x")).is_some());
    }
}

#[test]
fn an_anonymous_session_has_its_own_idle_time() {
    for minutes in [5, 45] {
        let anonymous = format!("{minutes}m");
        let mut world = World::new(&json!({ "lifetime": { "anonymous": anonymous } }));
        let mut browser = Browser::default();
        world.go(&mut browser, write("/"), Play::Say(json!({ "op": "create" })));
        world.pass(minutes * 60 - 1);
        assert!(world.go(&mut browser, read("/"), Play::Pass).seen.unwrap().sid().is_some());
        world.pass(minutes * 60);
        assert_over(&mut world, &mut browser);
    }
}

#[test]
fn a_remembered_session_outlives_the_browser_and_ends_at_its_absolute_deadline() {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    let play = Play::Say(json!({ "op": "create", "sub": "alice", "remember": true }));
    let reaction = world.go(&mut browser, write("/login"), play);
    assert!(reaction.cookies[0].ends_with("; Max-Age=2592000"));
    world.pass_millis(1);
    let reaction = world.go(&mut browser, write("/"), Play::Say(json!({ "op": "rotate" })));
    assert!(reaction.cookies[0].ends_with("; Max-Age=2591999"), "never longer than the session");
    world.now = START;
    browser.restart();
    world.pass(2_592_000 - 1);
    assert!(world.who(0, &mut browser, write("/account/x")).is_some());
    world.pass(1);
    assert_over(&mut world, &mut browser);
}

#[test]
fn what_is_not_remembered_is_for_this_run_of_the_browser_only() {
    let (mut world, mut browser) = logged_in(&json!({}));
    browser.restart();
    assert_over(&mut world, &mut browser);
}

#[test]
fn an_origin_can_shorten_a_life_and_not_lengthen_it() {
    let (mut world, mut browser) = logged_in(&json!({}));
    let update = |idle: u64, absolute: u64| {
        Play::Say(json!({ "op": "update", "idle": idle, "absolute": absolute }))
    };
    let now = START.secs();
    world.go(&mut browser, write("/"), update(60, 600));
    assert_eq!(told(&mut world, &mut browser), (now + 60, now + 600));
    world.go(&mut browser, write("/"), update(1_000_000, 1_000_000));
    assert_eq!(told(&mut world, &mut browser), (now + 600, now + 600));
    world.pass(600);
    assert_over(&mut world, &mut browser);
}

#[test]
fn reading_does_not_depend_on_the_alarm_and_the_alarm_leaves_nothing_behind() {
    let (mut world, mut browser) = logged_in(&json!({}));
    world.pass(1801);
    assert_eq!(world.store.texts.len(), 1, "the alarm has not run");
    assert_over(&mut world, &mut browser);
    world.pass(11 * 3600 + 1800);
    world.store.wake(world.now);
    assert!(world.store.texts.is_empty(), "{:?}", world.store.texts.keys());
    assert_over(&mut world, &mut browser);
}

#[test]
fn what_is_over_is_cleared_away_within_24_idle_times_and_at_most_half_a_day() {
    for (idle, within) in [("5s", 24 * 5), ("1h", 12 * 3600)] {
        let lifetime = json!({ "idle": idle, "anonymous": "5s", "absolute": "30d" });
        let (mut world, _) =
            logged_in(&json!({ "lifetime": lifetime, "freshness": { "safe": "1s" } }));
        world.pass(if idle == "5s" { 5 } else { 3600 } + within - 1);
        world.store.wake(world.now);
        assert_eq!(world.store.texts.len(), 1, "{idle}: not too early");
        world.pass(1);
        world.store.wake(world.now);
        assert!(world.store.texts.is_empty(), "{idle}");
    }
}

#[test]
fn what_is_over_is_cleared_away_beside_a_session_that_lives_for_long() {
    for remembered_first in [true, false] {
        let mut world = World::new(&json!({}));
        for remember in [remembered_first, !remembered_first] {
            let op = json!({ "op": "create", "sub": "alice", "remember": remember });
            world.go(&mut Browser::default(), write("/login"), Play::Say(op));
        }
        let stored = |world: &World| {
            let text = world.store.texts.values().next().unwrap();
            serde_json::from_str::<Value>(text).unwrap()["sessions"].as_array().unwrap().len()
        };
        assert_eq!(stored(&world), 2);
        world.pass(1800 + 12 * 3600);
        world.store.wake(world.now);
        assert_eq!(stored(&world), 1, "{remembered_first}");
    }
}

#[test]
fn a_clock_that_steps_back_revives_nothing_that_was_seen_to_have_ended() {
    let (mut world, mut browser) = logged_in(&json!({}));
    let mut other = Browser::default();
    world.pass(1800);
    // Something is written in the same object, at a time that is past the first one's deadline.
    world.login(&mut other, "alice");
    world.now = START;
    assert_over(&mut world, &mut browser);
}

#[test]
fn who_asks_shortly_before_the_deadline_is_nobody_when_the_answer_comes_after_it() {
    for cookie in [read("/account/x"), write("/account/x")] {
        let (mut world, mut browser) = logged_in(&json!({}));
        browser.forget_freshness();
        world.pass(1799);
        // It must not count as activity: that would move the deadline.
        let ask = cookie.with("Sec-Purpose", "prefetch");
        let mut flight = world.fly(0, &browser, ask, Play::Pass);
        for _step in ["the store is asked", "it answers"] {
            assert!(!world.advance(&mut flight));
        }
        world.pass(1);
        assert_eq!(world.finish(&mut flight).status, 401);
    }
}
