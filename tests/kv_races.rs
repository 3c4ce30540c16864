//! Random histories on a late KV of commands that go on at once: each reads, decides and makes its
//! writes one by one, and others go on in between; writes fail, or are made and their answer is lost.
//!
//! Whatever happens, what was acknowledged as ended stays so, nobody gets another one's session, and
//! nobody is logged out by what others, or their own other tabs, do at the same time.

#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

#[path = "support/races.rs"]
#[allow(unreachable_pub, reason = "a module of this test alone")]
mod races;
#[path = "support/races_steps.rs"]
#[allow(unreachable_pub, reason = "a module of this test alone")]
mod steps;
#[path = "support/world.rs"]
mod world;

use proptest::prelude::*;
use races::History;
use steps::{Kind, SLOTS, Step};
use world::Trouble;

fn step() -> impl Strategy<Value = Step> {
    let kind = prop_oneof![
        6 => Just(Kind::Open),
        4 => Just(Kind::Write),
        3 => (0..2_usize, prop::bool::weighted(0.3))
            .prop_map(|(who, end_others)| Kind::Create { who, end_others }),
        6 => Just(Kind::Update),
        3 => prop::bool::weighted(0.3).prop_map(|end_others| Kind::Rotate { end_others }),
        2 => Just(Kind::Destroy),
        1 => Just(Kind::DestroyAll),
        1 => Just(Kind::Logout),
    ];
    let trouble = prop_oneof![Just(Trouble::Fails), Just(Trouble::ReplyLost)];
    prop_oneof![
        8 => (0..SLOTS, 0..3_usize, 0..3_usize, kind)
            .prop_map(|(slot, place, browser, kind)| Step::Begin(slot, place, browser, kind)),
        14 => (0..SLOTS, 1..4_usize).prop_map(|(slot, steps)| Step::Advance(slot, steps)),
        4 => (0..SLOTS, prop::bool::weighted(0.8))
            .prop_map(|(slot, arrives)| Step::Finish(slot, arrives)),
        5 => prop_oneof![5 => 0..3_u64, 3 => 3..20_u64, 2 => 20..70_u64, 2 => 300..1000_u64]
            .prop_map(Step::Pass),
        2 => (0..3_usize, 0..3_usize).prop_map(|(from, to)| Step::Copy(from, to)),
        1 => (0..4_usize, trouble).prop_map(|(after, trouble)| Step::Trouble(after, trouble)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn of_commands_that_go_on_at_once_none_undoes_an_ending_or_logs_anybody_out(history in prop::collection::vec(step(), 1..150)) {
        let mut all = History::new();
        for step in &history {
            all.live(step);
        }
        all.end();
    }
}
