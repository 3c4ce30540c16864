//! All histories of a few requests in two places in front of one KV, whatever older values it shows,
//! held against what the README's table says of it. Random ones go further (`kv_model`, `kv_races`).
//!
//! `EXPLORE_FURTHER=1 cargo test --release --test kv_all_histories` makes one more move, in minutes.

#![allow(
    missing_docs,
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

#[path = "support/explorer.rs"]
#[allow(unreachable_pub, reason = "a module of this test alone")]
mod explorer;
#[path = "support/kv_known.rs"]
#[allow(unreachable_pub, reason = "a module of this test alone")]
mod known;
#[path = "support/places.rs"]
#[allow(unreachable_pub, reason = "a module of this test alone")]
mod places;
#[path = "support/requests.rs"]
#[allow(dead_code, unreachable_pub, reason = "every test file uses another part of it")]
mod requests;
#[path = "support/kv_versions.rs"]
#[allow(unreachable_pub, reason = "a module of this test alone")]
mod versions;
#[path = "support/visit.rs"]
#[allow(dead_code, unreachable_pub, reason = "every test file uses another part of it")]
mod visit;
#[path = "support/world.rs"]
mod world;

use explorer::explore;
use places::{Places, Rules};
use requests::Kind;

const MINUTE: u64 = 60_000;

/// One browser that has long been logged in, and one request at a time, none of which fails.
fn rules(kinds: &[Kind]) -> Rules {
    Rules {
        browsers: 1,
        kinds: kinds.to_vec(),
        passes: vec![MINUTE],
        faults: 0,
        holds: 0,
        thief: false,
        age: 100_000,
        every: "15m",
        flickers: false,
    }
}

fn all(rules: Rules, moves: usize, least: usize) {
    explore(Places::new(rules), moves, least);
}

#[test]
fn an_ending_counts_at_once_where_it_was_made_and_within_a_minute_elsewhere() {
    let rules = rules(&[Kind::Write, Kind::Update, Kind::Destroy, Kind::DestroyAll]);
    all(Rules { browsers: 2, ..rules }, 3, 1000);
}

#[test]
fn ending_all_others_ends_them_everywhere_and_spares_who_does_it() {
    let rules = rules(&[Kind::Write, Kind::Rotate { end_others: true }]);
    all(Rules { browsers: 2, ..rules }, 2, 50);
}

#[test]
fn a_session_that_has_just_begun_is_known_everywhere_and_so_is_its_ending() {
    let kinds = [
        Kind::Write,
        Kind::Create { end_others: false },
        Kind::DestroyAll,
        Kind::Logout,
        Kind::OutDestroy,
    ];
    all(Rules { age: 1, ..rules(&kinds) }, 3, 1000);
}

#[test]
fn a_new_id_is_good_everywhere_at_once_and_a_lost_answer_logs_nobody_out() {
    let rules = rules(&[Kind::Page, Kind::Rotate { end_others: false }]);
    all(Rules { every: "60s", faults: 1, ..rules }, 3, 1000);
}

#[test]
fn a_copied_cookie_is_dead_within_a_minute_or_when_the_new_one_is_next_used() {
    let passes = vec![30_000, MINUTE];
    let thief = |kinds: &[Kind], passes| Rules {
        browsers: 2,
        thief: true,
        every: "60s",
        passes,
        ..rules(kinds)
    };
    all(thief(&[Kind::Page, Kind::Rotate { end_others: false }], passes), 3, 500);
    all(thief(&[Kind::Page], vec![30_000]), 5, 500);
}

#[test]
fn of_requests_that_go_on_at_once_none_undoes_an_ending_or_logs_anybody_out() {
    let rules = rules(&[Kind::Write, Kind::Rotate { end_others: true }, Kind::DestroyAll]);
    all(Rules { browsers: 2, holds: 1, ..rules }, 2, 300);
}

#[test]
fn of_parallel_changes_of_one_session_the_last_one_wins_and_a_new_id_is_never_lost() {
    let rules = rules(&[Kind::Page, Kind::Rotate { end_others: false }]);
    all(Rules { every: "60s", holds: 1, ..rules }, 3, 1000);
}
