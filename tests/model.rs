//! Random histories against a small reference model: parallel requests that are interleaved wherever
//! the gate waits for somebody, clocks that step, a change of keys in progress, store faults,
//! commands that ran out of time but landed, lost responses and disconnects.
//!
//! Whatever happens, nobody is let in past a deadline or after an ending, nobody gets another one's
//! session or data, no session rotates twice for one race, what was acknowledged is there, and no
//! secret is anywhere but in cookies.

#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

#[path = "support/reference.rs"]
#[allow(unreachable_pub, reason = "a module of this test alone")]
mod reference;
#[path = "support/world.rs"]
mod world;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use reference::{Kind, Reached, Reference, Under};
use world::Trouble;

#[derive(Clone, Debug)]
enum Step {
    /// A request goes out of one of the browsers.
    Begin(usize, usize, usize, Kind),
    /// A request gets a few steps further.
    Advance(usize, usize),
    /// A request is finished, and its answer arrives or is lost.
    Finish(usize, bool),
    Pass(u64),
    Rewind(u64),
    Trouble(usize, Trouble),
    Land,
    Wake,
    Deploy(usize),
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        4 => Just(Kind::Read),
        6 => Just(Kind::Page),
        3 => Just(Kind::Write),
        5 => (0..3_usize, any::<bool>(), prop::bool::weighted(0.2))
            .prop_map(|(who, remember, end_others)| Kind::Create { who, remember, end_others }),
        4 => Just(Kind::Update),
        3 => any::<bool>().prop_map(|end_others| Kind::Rotate { end_others }),
        1 => Just(Kind::Destroy),
        1 => Just(Kind::DestroyAll),
        1 => Just(Kind::Logout),
    ]
}

fn trouble() -> impl Strategy<Value = Trouble> {
    prop_oneof![Just(Trouble::Fails), Just(Trouble::ReplyLost), Just(Trouble::Late)]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => (0..4_usize, 0..3_usize, 0..3_usize, kind())
            .prop_map(|(slot, isolate, browser, kind)| Step::Begin(slot, isolate, browser, kind)),
        10 => (0..4_usize, 1..3_usize).prop_map(|(slot, steps)| Step::Advance(slot, steps)),
        6 => (0..4_usize, prop::bool::weighted(0.8)).prop_map(|(slot, arrives)| Step::Finish(slot, arrives)),
        5 => prop_oneof![6 => 0..3000_u64, 4 => 3000..25_000_u64, 1 => 25_000..70_000_u64].prop_map(Step::Pass),
        1 => (0..2000_u64).prop_map(Step::Rewind),
        1 => (0..6_usize, trouble()).prop_map(|(after, trouble)| Step::Trouble(after, trouble)),
        1 => Just(Step::Land),
        1 => Just(Step::Wake),
        1 => (0..3_usize).prop_map(Step::Deploy),
    ]
}

fn live(history: &[Step]) -> Reached {
    let mut reference = Reference::new();
    let mut slots: Vec<Option<Under>> = (0..4).map(|_| None).collect();
    let finish = |reference: &mut Reference, slot: Option<Under>, arrives: bool| {
        let Some(mut under) = slot else { return };
        while !reference.advance(&mut under) {}
        if arrives {
            reference.deliver(&under);
        }
    };
    for (browser, who) in [(0, 1), (1, 1), (2, 2)] {
        let login = Kind::Create { who, remember: false, end_others: false };
        let under = reference.begin(browser, browser, login);
        finish(&mut reference, Some(under), true);
    }
    for step in history {
        match *step {
            Step::Begin(slot, isolate, browser, kind) => {
                let before = slots[slot].take();
                finish(&mut reference, before, true);
                slots[slot] = Some(reference.begin(isolate, browser, kind));
            }
            Step::Advance(slot, steps) => {
                if let Some(under) = &mut slots[slot] {
                    for _ in 0..steps {
                        reference.advance(under);
                    }
                }
            }
            Step::Finish(slot, arrives) => finish(&mut reference, slots[slot].take(), arrives),
            Step::Pass(millis) => reference.pass(millis),
            Step::Rewind(millis) => reference.step_back(millis),
            Step::Trouble(after, trouble) => {
                let troubles = &mut reference.world.store.troubles;
                troubles.extend(std::iter::repeat_n(None, after));
                troubles.push_back(Some(trouble));
            }
            Step::Land => reference.land(),
            Step::Wake => {
                let now = reference.world.now;
                reference.world.store.wake(now);
            }
            Step::Deploy(isolate) => reference.deploy(isolate),
        }
    }
    for slot in slots {
        finish(&mut reference, slot, true);
    }
    reference.world.assert_no_secret_leaked();
    reference.reached
}

/// What happens between two moments at which everything has arrived or is lost.
#[derive(Clone, Debug)]
struct Round {
    requests: Vec<(usize, Kind, bool)>,
    order: Vec<usize>,
    passes: u64,
    deploys: usize,
}

fn round() -> impl Strategy<Value = Round> {
    let kind = prop_oneof![
        Just(Kind::Read),
        Just(Kind::Page),
        Just(Kind::Page),
        Just(Kind::Write),
        Just(Kind::Update),
    ];
    let requests = prop::collection::vec((0..3_usize, kind, any::<bool>()), 1..5);
    let order = prop::collection::vec(0..5_usize, 0..20);
    (requests, order, 500..25_000_u64, 0..6_usize)
        .prop_map(|(requests, order, passes, deploys)| Round { requests, order, passes, deploys })
}

fn stay(history: &[Round]) {
    let mut reference = Reference::new();
    let login = Kind::Create { who: 1, remember: false, end_others: false };
    let mut under = reference.begin(0, 0, login);
    while !reference.advance(&mut under) {}
    reference.deliver(&under);
    let mut passed = 0;
    for round in history {
        passed += round.passes;
        if passed >= 199_000 {
            return;
        }
        reference.pass(round.passes);
        reference.deploy(round.deploys % 3);
        let mut flights: Vec<Under> = round
            .requests
            .iter()
            .map(|(isolate, kind, _)| reference.begin(*isolate, 0, *kind))
            .collect();
        let count = flights.len();
        for place in &round.order {
            reference.advance(&mut flights[place % count]);
        }
        for (under, (.., arrives)) in flights.iter_mut().zip(&round.requests) {
            while !reference.advance(under) {}
            let seen = under.flight.seen.as_ref();
            let subject = seen.and_then(|seen| seen.subject());
            assert_eq!(subject, Some("alice"), "somebody was logged out: {:?}", under.flight.ask);
            if *arrives {
                reference.deliver(under);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_history_breaks_a_guarantee(history in prop::collection::vec(step(), 1..120)) {
        let _ = live(&history);
    }

    #[test]
    fn lost_responses_parallel_requests_and_new_keys_log_nobody_out(history in prop::collection::vec(round(), 1..40)) {
        stay(&history);
    }
}

#[test]
fn histories_reach_what_they_are_about() {
    let mut runner = TestRunner::deterministic();
    let mut all = Reached::default();
    for _ in 0..40 {
        let tree = prop::collection::vec(step(), 80..120).new_tree(&mut runner).unwrap();
        let one = live(&tree.current());
        all.let_in += one.let_in;
        all.from_memory += one.from_memory;
        all.acknowledged += one.acknowledged;
        all.periodic += one.periodic;
        all.rotated += one.rotated;
        all.ended += one.ended;
        all.expired += one.expired;
        all.faults += one.faults;
    }
    let Reached { let_in, from_memory, acknowledged, periodic, rotated, ended, expired, faults } =
        all;

    for count in [let_in, from_memory, acknowledged, periodic, rotated, ended, expired, faults] {
        assert!(count >= 10, "{all:?}");
    }
}
