//! All histories of a few moves in front of one Durable Object, wherever requests wait for somebody and
//! whatever fails on the way. Random ones go further (`model`); what takes some steps in exactly this
//! order is found here. Each answer of the object is held against a second telling of its rules.
//!
//! `EXPLORE_FURTHER=2 cargo test --release --test all_histories` makes two more moves, in minutes.

#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

#[path = "support/durable.rs"]
#[allow(unreachable_pub, reason = "a module of this test alone")]
mod durable;
#[path = "support/explorer.rs"]
#[allow(unreachable_pub, reason = "a module of this test alone")]
mod explorer;
#[path = "support/requests.rs"]
#[allow(dead_code, unreachable_pub, reason = "every test file uses another part of it")]
mod requests;
#[path = "support/durable_spec.rs"]
#[allow(unreachable_pub, reason = "a module of this test alone")]
mod spec;
#[path = "support/visit.rs"]
#[allow(dead_code, unreachable_pub, reason = "every test file uses another part of it")]
mod visit;
#[path = "support/world.rs"]
mod world;

use durable::{Durable, Rules};
use explorer::explore;
use requests::Kind;

/// One browser, two isolates that remember nothing, two requests at once, and one fault.
fn rules(kinds: &[Kind]) -> Rules {
    Rules {
        browsers: 1,
        isolates: 2,
        kinds: kinds.to_vec(),
        passes: vec![],
        at_once: 2,
        faults: 1,
        new_keys: false,
        thief: false,
        lawful: false,
        fresh: false,
    }
}

fn all(rules: Rules, moves: usize, least: usize) {
    explore(Durable::new(rules), moves, least);
}

#[test]
fn no_parallel_requests_lost_answers_or_new_keys_log_anybody_out() {
    let rules = rules(&[Kind::Page, Kind::Write]);
    let passes = vec![1000, 5000, 20_000];
    all(Rules { lawful: true, new_keys: true, passes, ..rules }, 5, 9000);
}

#[test]
fn a_copied_cookie_is_good_for_as_long_as_the_rules_of_rotation_say_and_no_longer() {
    let rules = rules(&[Kind::Page, Kind::Write]);
    let passes = vec![4999, 1, 20_000];
    all(Rules { browsers: 2, isolates: 1, thief: true, passes, ..rules }, 5, 6000);
}

#[test]
fn a_change_of_privilege_leaves_everything_before_it_dead_and_loses_no_data() {
    let rules = rules(&[Kind::Page, Kind::Update, Kind::Rotate { end_others: false }]);
    all(Rules { isolates: 1, passes: vec![20_000], ..rules }, 5, 1000);
}

#[test]
fn an_ending_counts_at_once_and_for_good_whatever_fails_or_comes_late() {
    let kinds = [
        Kind::Write,
        Kind::Create { end_others: false },
        Kind::Create { end_others: true },
        Kind::Rotate { end_others: true },
        Kind::Destroy,
        Kind::DestroyAll,
        Kind::Logout,
        Kind::OutDestroy,
        Kind::OutDestroyAll,
    ];
    all(Rules { browsers: 2, isolates: 1, ..rules(&kinds) }, 3, 1000);
    // A login that is under way meanwhile.
    let kinds = [Kind::Create { end_others: false }, Kind::OutDestroyAll];
    all(Rules { isolates: 1, ..rules(&kinds) }, 6, 100);
}

#[test]
fn memory_lets_nobody_in_after_an_ending_that_its_isolate_made_or_that_is_old() {
    let rules = rules(&[Kind::Read, Kind::Logout]);
    all(Rules { isolates: 1, fresh: true, faults: 0, ..rules }, 11, 500);
}

#[test]
fn memory_shows_a_browser_what_it_has_changed() {
    let rules = rules(&[Kind::Read, Kind::Update]);
    all(Rules { fresh: true, at_once: 1, faults: 0, ..rules }, 14, 400);
}

#[test]
fn nothing_moves_a_deadline_later() {
    let rules = rules(&[Kind::Page, Kind::Shorten, Kind::Rotate { end_others: false }]);
    let passes = vec![1000, 29_000, 59_999, 1];
    all(Rules { isolates: 1, at_once: 1, faults: 0, passes, ..rules }, 6, 1000);
}
