//! What the decisions alone cost: no platform, no store, no crossing between JavaScript and Wasm.
//! `cargo bench`, or `scripts/bench --core`.

#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a benchmark fails by panicking"
)]

#[path = "../tests/support/world.rs"]
mod world;

use std::hint::black_box;

use criterion::{BatchSize, Bencher, Criterion, criterion_group, criterion_main};
use edge_session::gate::{self, Entropy, Loaded, Opened, Resumed};
use edge_session::request::Facts;
use edge_session::verdict::ResponseFacts;
use serde_json::json;
use world::{Ask, Browser, Isolate, Play, World, foreign, read, write};

const ENTROPY: Entropy = Entropy { jti: [7; 16], secret: [9; 32] };

/// A world in whose memory Alice's session is, and her browser.
fn world() -> (World, Browser) {
    let mut world = World::new(&json!({ "default_access": "required", "paths": [
        { "path": "/login", "access": "optional" },
        { "path": "/assets/*", "access": "public" },
    ] }));
    let mut alice = Browser::default();
    world.login(&mut alice, "alice");
    alice.forget_freshness();
    let seen = world.go(&mut alice, read("/page"), Play::Pass).seen;
    assert_eq!(seen.unwrap().subject(), Some("alice"));
    (world, alice)
}

/// Opens a request, recalls its session and makes what the origin gets. `None` where it is refused.
fn pass(world: &World, isolate: &Isolate, facts: Facts) -> Option<gate::Forward> {
    let (site, mut events) = (&isolate.site, Vec::new());
    let (passage, loaded) = match gate::open(site, facts, world.now, &mut events) {
        Opened::Load(passage) => {
            let recalled = gate::recall(site, &passage, &isolate.memory, world.now)?;
            (passage, Loaded::FromMemory(recalled.reply))
        }
        Opened::Forward(passage) => (passage, Loaded::Nothing),
        _ => return None,
    };
    match gate::resume(site, *passage, loaded, world.now, &ENTROPY, &mut events) {
        Resumed::Forward(forward) => Some(*forward),
        Resumed::Answer(_) => None,
    }
}

fn passes(bencher: &mut Bencher<'_>, world: &World, ask: &Ask, is_forwarded: bool) {
    let (isolate, facts) = (&world.isolates[0], ask.facts());
    assert_eq!(
        pass(world, isolate, facts.clone()).is_some(),
        is_forwarded,
        "it is what it says it is"
    );
    bencher.iter_batched(
        || facts.clone(),
        |facts| black_box(pass(world, isolate, facts)),
        BatchSize::SmallInput,
    );
}

fn decisions(criterion: &mut Criterion) {
    let (world, alice) = world();
    let dressed = |ask: Ask| alice.dress(ask, world.now);
    let mut stranger = Browser::default();
    stranger.plant(&"A".repeat(138));
    let forty = (0..40).fold(dressed(read("/page")), |ask, i| {
        ask.with("Cookie", &format!("preference_{i}=value-{i}"))
    });
    let cases = [
        ("open and resume, from memory", dressed(read("/page")), true),
        ("open and resume, 40 other cookies", forty, true),
        ("open and resume, public path", read("/assets/logo"), true),
        ("open, forged cookie", stranger.dress(read("/page"), world.now), false),
        ("open, cross-site", dressed(foreign(write("/page"))), false),
    ];
    for (name, ask, is_forwarded) in &cases {
        criterion.bench_function(name, |bencher| passes(bencher, &world, ask, *is_forwarded));
    }

    let isolate = &world.isolates[0];
    let forward = pass(&world, isolate, dressed(read("/page")).facts()).unwrap();
    let response = ResponseFacts { status: 200, ..ResponseFacts::default() };
    criterion.bench_function("respond, nothing to say", |bencher| {
        bencher.iter(|| {
            let mut events = Vec::new();
            black_box(gate::respond(
                &isolate.site,
                &forward.context,
                &response,
                world.now,
                &mut events,
            ))
        });
    });
}

criterion_group!(benches, decisions);
criterion_main!(benches);
