//! A raw session ID is in no log, no store, no header to the origin, no error body, no debug output.

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

use serde_json::json;
use world::{Browser, Play, Trouble, World, foreign, page, read, write};

/// Everything that can happen to a session, faults included.
fn eventful() -> World {
    let mut world = World::with_isolates(&json!({}), 2);
    let mut browser = Browser::default();
    let say = |op: &str| Play::Say(json!({ "op": op, "set": { "a": 1 } }));
    world.go(&mut browser, write("/"), Play::Say(json!({ "op": "create", "data": { "cart": 1 } })));
    world.login(&mut browser, "alice");
    let old = browser.clone();
    for round in 0..4 {
        world.pass(900);
        let ask = page(&format!("/account/{round}")).with("X-Forwarded-For", "1.2.3.4");
        world.go_at(round % 2, &mut browser, ask, Play::Pass);
        world.go_at(
            round % 2,
            &mut browser,
            write("/"),
            say(if round == 2 { "rotate" } else { "update" }),
        );
    }
    for trouble in [Trouble::Fails, Trouble::ReplyLost, Trouble::Late] {
        for op in ["update", "rotate"] {
            world.store.troubles.extend([None, Some(trouble)]);
            let body = world.go(&mut browser.clone(), write("/"), say(op)).body;
            world.printed.push(body);
        }
    }
    world.store.land(world.now);
    for ask in
        [foreign(write("/")), page("/account/x"), write("/.edge-session/x"), read("/account/x")]
    {
        let reaction = world.go(&mut old.clone(), ask, Play::Pass);
        world.printed.push(format!("{:?} {}", reaction.headers, reaction.body));
    }
    let mut tossed = page("/account/x").with("Cookie", "__Host-session=x");
    for browser in [&browser, &old] {
        tossed = tossed.with("Cookie", &format!("__Host-session={}", browser.session().unwrap()));
    }
    let reaction = world.send(tossed, Play::Pass);
    world.printed.push(reaction.body);
    let reaction = world.go(&mut browser, write("/"), Play::Say(json!({ "op": "nonsense" })));
    world.printed.push(reaction.body);
    // The reuse above has ended the session and with it the record.
    world.login(&mut browser, "alice");
    for op in ["update", "rotate"] {
        world.go(&mut browser, write("/"), say(op));
    }
    world
}

#[test]
fn nothing_that_leaves_the_gate_but_cookies_holds_a_secret() {
    let world = eventful();
    assert!(world.secrets.len() > 20);
    assert!(world.lines.len() > 5 && !world.store.texts.is_empty());
    world.assert_no_secret_leaked();
}

#[test]
fn nothing_that_leaves_the_gate_but_cookies_holds_a_cookie_value() {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    let value = browser.session().unwrap().to_owned();
    world.go(&mut browser, page("/account/x"), Play::Pass);
    world.go(&mut browser, write("/"), Play::Say(json!({ "op": "update", "set": { "a": 1 } })));
    world.go(&mut browser, write("/.edge-session/logout"), Play::Pass);
    let texts = world.store.texts.values().chain(&world.lines).chain(&world.printed);
    assert!(texts.clone().count() > 10);
    for text in texts {
        assert!(!text.contains(&value[60..100]), "{text}");
    }
}

#[test]
fn logs_name_sessions_by_keyed_hashes_only() {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    let sid = world.login(&mut browser, "alice@example.com").seen.unwrap().jti().to_owned();
    world.go(&mut browser, write("/?query=1"), Play::Say(json!({ "op": "destroy" })));
    assert!(world.logged(&["session.created", "\"session\":"]));
    assert!(world.logged(&["session.ended", "destroy"]));
    for line in &world.lines {
        for text in [sid.as_str(), "alice", "query"] {
            assert!(!line.contains(text), "{line}");
        }
    }
}

#[test]
fn addresses_are_logged_only_where_that_is_configured() {
    for ip in [false, true] {
        let mut world = World::new(&json!({ "log": { "ip": ip } }));
        let ask = foreign(write("/")).with("CF-Connecting-IP", "192.0.2.7");
        world.send(ask, Play::Pass);
        assert_eq!(world.logged(&["192.0.2.7"]), ip);
    }
}

#[test]
fn what_is_said_of_a_cookie_has_its_senders_address_where_that_is_configured() {
    for ip in [false, true] {
        let mut world = World::new(&json!({ "log": { "ip": ip } }));
        let (mut alice, mut bob) = (Browser::default(), Browser::default());
        world.login(&mut alice, "alice");
        world.login(&mut bob, "bob");
        let both = [&alice, &bob].map(|one| format!("__Host-session={}", one.session().unwrap()));
        let old = format!("__Host-session=forged; {}", both[0]);
        world.pass(900);
        world.go(&mut alice, page("/account/x"), Play::Pass);
        world.go(&mut alice, write("/account/x"), Play::Pass);
        world.pass(300);
        for cookies in [&old, &both.join("; ")] {
            let ask = write("/account/x").with("Cookie", cookies);
            world.send(ask.with("CF-Connecting-IP", "192.0.2.7"), Play::Pass);
        }
        for event in ["token.forged", "token.ambiguous", "token.reuse"] {
            assert!(world.logged(&[event]), "{event}");
            assert_eq!(world.logged(&[event, "192.0.2.7"]), ip, "{event}");
        }
    }
}

#[test]
fn keys_and_entropy_do_not_print() {
    let world = World::new(&json!({}));
    let printed = format!("{:?}", world.site());
    for key in ["k1", "o1", "locator"] {
        let bytes = world::key_bytes(key);
        let text = edge_session::base64url::encode(&bytes);
        let list = bytes[..8].iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
        assert!(!printed.contains(&text[..20]) && !printed.contains(&list), "{printed}");
    }
}

#[test]
#[should_panic(expected = "a secret is in")]
fn a_leak_would_be_noticed() {
    let mut world = World::new(&json!({}));
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    world.lines.push(format!("{{\"event\":\"x\",\"cookie\":\"{}\"}}", browser.session().unwrap()));
    world.assert_no_secret_leaked();
}
