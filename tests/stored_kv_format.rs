//! What is stored in Workers KV outlives a deployment: a change of these texts is a change of the format.

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

use edge_session::time::Span;
use serde_json::{Value, json};
use world::{Browser, Isolate, Kv, Play, World, config, site, write};

/// What is stored of a session that was used, changed and given new IDs; then of its end.
const PINNED: [&str; 2] =
    [include_str!("data/kv_session.txt"), include_str!("data/kv_ended_session.txt")];

fn does(world: &mut World, browser: &mut Browser, operation: &Value) {
    let reaction = world.go(browser, write("/"), Play::Say(operation.clone()));
    assert_eq!(reaction.status, 200, "{operation}");
}

fn used() -> (World, Browser) {
    let mut world = World::new(&json!({ "store": "kv" }));
    world.kv = Some(Kv::consistent());
    let mut browser = Browser::default();
    let data = json!({ "cart": [1, 2.5, "\u{e9}"] });
    let login = json!({ "op": "create", "sub": "alice", "amr": ["pwd"], "data": data });
    does(&mut world, &mut browser, &login);
    world.pass(100);
    does(&mut world, &mut browser, &json!({ "op": "update", "set": { "n": 1 }, "idle": 600 }));
    does(&mut world, &mut browser, &json!({ "op": "rotate", "set": { "n": 2 } }));
    world.pass(100);
    does(&mut world, &mut browser, &json!({ "op": "rotate", "end_others": true }));
    (world, browser)
}

/// A line for each key, with its value.
fn stored(world: &World) -> String {
    let kv = world.kv.as_ref().unwrap();
    let lines: Vec<String> = kv.stored().map(|(key, value)| format!("{key} {value}")).collect();
    lines.join("\n") + "\n"
}

fn pinned(text: &str) -> Vec<(&str, &str)> {
    text.lines().map(|line| line.split_once(' ').unwrap()).collect()
}

#[test]
fn what_is_stored_is_what_it_always_was() {
    let (mut world, mut browser) = used();
    assert_eq!(stored(&world), PINNED[0]);
    does(&mut world, &mut browser, &json!({ "op": "destroy" }));
    assert_eq!(stored(&world), PINNED[1]);
}

#[test]
fn what_an_earlier_version_stored_is_understood() {
    for (text, is_alive) in PINNED.into_iter().zip([true, false]) {
        let (mut world, browser) = used();
        world.kv = Some(Kv::holding(&pinned(text), world.now.plus(Span::from_secs(600))));
        world.isolates = vec![Isolate::new(site(&config(&json!({ "store": "kv" })), &["k1"]))];
        let seen = world.go(&mut browser.clone(), write("/"), Play::Pass).seen.unwrap();
        assert_eq!(seen.sid().is_some(), is_alive);
        if is_alive {
            assert_eq!(*seen.data(), json!({ "cart": [1, 2.5, "\u{e9}"], "n": 2 }));
            assert_eq!(seen.claims["amr"], json!(["pwd"]));
        }
    }
}

#[test]
fn a_cookie_says_which_of_its_sessions_ids_it_holds_and_since_when() {
    let (world, browser) = used();
    let token = world.site().cookie_keys.open(browser.session().unwrap()).unwrap();
    let stamp = token.stamp.unwrap();
    assert_eq!(stamp.generation, 4096, "two were issued at once after the first");
    assert_eq!(stamp.sealed.secs(), world.now.secs());
}
