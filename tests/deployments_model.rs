//! Random histories of one object, under configurations that change between commands, a clock that
//! steps back, and alarms that ring too early, too late, twice, or in vain.
//!
//! Whatever happens, nobody is let in past a deadline that a session ever had, or after its ending;
//! nobody is logged out for another reason; and whatever is stored is cleared away some time.

#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

#[path = "support/object.rs"]
#[allow(unreachable_pub, reason = "a module of this test alone")]
mod object;
#[path = "support/object_steps.rs"]
#[allow(unreachable_pub, reason = "a module of this test alone")]
mod steps;
#[path = "support/world.rs"]
mod world;

use object::Object;
use proptest::prelude::*;
use steps::{LIVES, Step};

fn step() -> impl Strategy<Value = Step> {
    let wish = || prop_oneof![4 => Just(None), 1 => (1..900_u64).prop_map(Some)];
    prop_oneof![
        4 => (any::<bool>(), prop::bool::weighted(0.2), wish(), wish()).prop_map(
            |(remember, end_others, idle, absolute)| Step::Create { remember, end_others, idle, absolute }
        ),
        10 => (0..4_usize, 0..3_usize, prop::bool::weighted(0.8))
            .prop_map(|(session, age, slide)| Step::Validate { session, age, slide }),
        2 => (0..4_usize, wish(), wish())
            .prop_map(|(session, idle, absolute)| Step::Update { session, idle, absolute }),
        2 => (0..4_usize, prop::bool::weighted(0.2))
            .prop_map(|(session, end_others)| Step::Rotate { session, end_others }),
        3 => (0..4_usize).prop_map(|session| Step::Succeed { session }),
        1 => (0..4_usize).prop_map(|session| Step::Destroy { session }),
        1 => Just(Step::DestroyAll),
        8 => prop_oneof![6 => 0..15_000_u64, 2 => 15_000..300_000_u64, 1 => 300_000..4_000_000_u64]
            .prop_map(Step::Pass),
        1 => (0..30_000_u64).prop_map(Step::Rewind),
        2 => (0..LIVES.len()).prop_map(Step::Deploy),
        4 => Just(Step::Ring),
        1 => Just(Step::RingEarly),
        1 => Just(Step::RingInVain),
        1 => Just(Step::RingTwice),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_deployment_clock_or_alarm_breaks_a_guarantee(history in prop::collection::vec(step(), 1..100)) {
        let mut object = Object::new();
        for step in &history {
            object.live(step);
        }
        object.leave();
    }
}
