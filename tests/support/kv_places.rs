//! Three places of the world in front of one KV, and what browsers and the origin do there.

use serde_json::{Value, json};

use super::world::{Browser, Kv, Play, World, extend, write};

pub const ALICE: Option<&str> = Some("alice");

pub fn world(kv: Kv, members: &Value) -> World {
    let members = extend(json!({ "store": "kv" }), members);
    let mut world = World::with_isolates(&members, 3);
    world.kv = Some(kv);
    world
}

pub fn logged_in(kv: Kv) -> (World, Browser) {
    let mut world = world(kv, &json!({}));
    let mut browser = Browser::default();
    world.login(&mut browser, "alice");
    (world, browser)
}

pub fn kv(world: &mut World) -> &mut Kv {
    world.kv.as_mut().unwrap()
}

pub fn say(op: Value) -> Play {
    Play::Say(op)
}

/// Whom the origin takes a browser for, on a request that is answered by the store.
pub fn who(world: &mut World, at: usize, browser: &Browser) -> Option<String> {
    let mut flight = world.fly(at, browser, write("/"), Play::Pass);
    let seen = world.finish(&mut flight).seen.expect("it was forwarded");
    seen.subject().map(str::to_owned)
}
