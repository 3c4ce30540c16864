//! The log says why a request lacked the session that its path needs; the answer is the same for all.

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

use edge_session::site::{Secrets, Site};
use serde_json::json;
use world::{Browser, Isolate, Play, World, write};

type Story = fn(&mut World, &mut Browser);

const STORIES: [(&str, Story); 6] = [
    ("not_presented", |_, browser| *browser = Browser::default()),
    ("expired", |world, _| world.pass(1800)),
    ("ended", |world, browser| does(world, &mut browser.clone(), "destroy")),
    ("superseded", |world, browser| does(world, &mut browser.clone(), "rotate")),
    ("anonymous", |world, browser| does(world, browser, "create")),
    ("misplaced", |world, _| {
        let secrets = Secrets {
            session: world::key_list(&["k1"]),
            origin: world::key_list(&["o1"]),
            locator: world::key_list(&["another"]).split_off("another:".len()),
        };
        let site = Site::new(&world::config(&json!({})), &secrets).unwrap();
        world.isolates = vec![Isolate::new(site)];
    }),
];

fn does(world: &mut World, browser: &mut Browser, op: &str) {
    world.go(browser, write("/"), Play::Say(json!({ "op": op })));
}

#[test]
fn the_log_says_why_there_was_no_session_and_the_answer_does_not() {
    let mut bodies = Vec::new();
    for (reason, story) in STORIES {
        let mut world = World::new(&json!({}));
        let mut browser = Browser::default();
        world.login(&mut browser, "alice");
        story(&mut world, &mut browser);
        let reaction = world.go(&mut browser, write("/account/x"), Play::Pass);
        assert_eq!((reaction.status, reaction.code().as_str()), (401, "session_required"));
        let said = format!("\"reason\":\"{reason}\"");
        assert!(world.logged(&["session.refused", "session_required", &said]), "{reason}");
        bodies.push(reaction.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1);
}
