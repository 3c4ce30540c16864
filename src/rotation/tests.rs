use super::*;
use crate::locator::Locator;
use crate::token::{Secret, SessionId};

const NOW: Time = Time::from_secs(1_700_000_000);

fn rules() -> Rules {
    Rules { grace: Span::from_secs(30), reuse_after: Span::from_secs(300) }
}

fn hash(byte: u8) -> IdHash {
    SessionId::new(Locator::from_bytes([0; 16]), Secret::from_entropy([byte; 32])).hash()
}

fn sid(byte: u8) -> Sid {
    Sid::from_entropy(&[byte; 16])
}

fn candidate(from: u8, to: u8, generation: u32) -> Candidate {
    let by = Derivation { key: KeyId::parse("k").unwrap(), generation };
    Candidate { from: hash(from), hash: hash(to), by }
}

fn first() -> Ids {
    Ids::first(hash(0), sid(0), NOW)
}

fn at(seconds: u64) -> Time {
    NOW.plus(Span::from_secs(seconds))
}

fn standing(ids: &Ids, byte: u8, seconds: u64) -> Option<Standing> {
    ids.standing(&hash(byte), &rules(), at(seconds))
}

#[test]
fn until_the_successor_is_seen_the_predecessor_stays_good() {
    let mut ids = first();
    assert!(ids.succeed(&candidate(0, 1, 1), NOW));
    let by = candidate(0, 1, 1).by;
    assert_eq!(standing(&ids, 0, 1_000_000), Some(Standing::Preceding(Some(by))));
    assert_eq!(standing(&ids, 1, 0), Some(Standing::Current));
    // And no further rotation happens: the same successor is offered again, no other.
    assert!(ids.succeed(&candidate(0, 1, 1), at(5)));
    assert!(!ids.succeed(&candidate(0, 9, 2), at(5)));
}

#[test]
fn once_the_successor_is_seen_the_predecessor_has_its_grace_and_then_is_refused() {
    let mut ids = first();
    ids.succeed(&candidate(0, 1, 1), NOW);
    assert!(ids.see(at(10)));
    assert!(!ids.see(at(11)));
    assert!(matches!(standing(&ids, 0, 39), Some(Standing::Preceding(Some(_)))));
    assert_eq!(standing(&ids, 0, 40), Some(Standing::Superseded { reused: false }));
    assert_eq!(standing(&ids, 0, 309), Some(Standing::Superseded { reused: false }));
    assert_eq!(standing(&ids, 0, 310), Some(Standing::Superseded { reused: true }));
}

#[test]
fn a_rotation_behind_a_rotation_leaves_each_predecessor_its_own_grace() {
    let mut ids = first();
    ids.succeed(&candidate(0, 1, 1), NOW);
    ids.see(at(10));
    assert!(ids.succeed(&candidate(1, 2, 2), at(20)));
    assert_eq!(standing(&ids, 0, 30), Some(Standing::Preceding(None)));
    assert_eq!(standing(&ids, 0, 41), Some(Standing::Superseded { reused: false }));
    assert!(matches!(standing(&ids, 1, 41), Some(Standing::Preceding(Some(_)))));
}

#[test]
fn an_id_taken_at_once_leaves_everything_before_it_dead() {
    let mut ids = first();
    ids.succeed(&candidate(0, 1, 1), NOW);
    assert_eq!(ids.replace(&candidate(0, 2, 2), Some(&sid(2)), &rules(), NOW), Replaced::New);
    for old in [0, 1] {
        assert_eq!(standing(&ids, old, 0), Some(Standing::Superseded { reused: false }));
    }
    assert_eq!(ids.sid(), &sid(2));
    assert!(ids.knows_sid(&sid(0)));
}

#[test]
fn of_two_that_replace_the_same_id_the_second_is_given_the_first_ones() {
    let mut ids = first();
    let one = candidate(0, 1, 1);
    assert_eq!(ids.replace(&one, None, &rules(), NOW), Replaced::New);
    assert_eq!(ids.replace(&candidate(0, 1, 1), None, &rules(), NOW), Replaced::Same(one.by));
    assert_eq!(ids.current(), &hash(1));
}

#[test]
fn who_presents_an_id_that_was_just_replaced_by_another_ones_holder_is_overtaken() {
    let mut ids = first();
    ids.succeed(&candidate(0, 1, 1), NOW);
    ids.see(NOW);
    assert_eq!(ids.replace(&candidate(0, 2, 2), None, &rules(), NOW), Replaced::New);
    assert_eq!(ids.replace(&candidate(1, 3, 2), None, &rules(), NOW), Replaced::Overtaken);
    // From the new ID a further one can be taken.
    assert_eq!(ids.replace(&candidate(2, 4, 3), None, &rules(), NOW), Replaced::New);
}

#[test]
fn an_id_that_died_a_while_ago_is_given_no_new_one() {
    let mut ids = first();
    ids.replace(&candidate(0, 1, 1), None, &rules(), NOW);
    let late = ids.replace(&candidate(0, 1, 1), None, &rules(), at(30));
    assert_eq!(late, Replaced::Overtaken);
    // A periodic successor in between makes no difference.
    ids.succeed(&candidate(1, 2, 2), at(40));
    let late = ids.replace(&candidate(0, 3, 3), None, &rules(), at(50));
    assert_eq!(late, Replaced::Overtaken);
    assert_eq!(ids.current(), &hash(2));
}

#[test]
fn whoever_comes_second_knows_the_session_by_its_own_handle_as_well() {
    let mut ids = first();
    ids.succeed(&candidate(0, 1, 1), NOW);
    ids.replace(&candidate(0, 2, 2), Some(&sid(2)), &rules(), NOW);
    let same = ids.replace(&candidate(0, 2, 2), Some(&sid(3)), &rules(), NOW);
    let overtaken = ids.replace(&candidate(1, 4, 2), Some(&sid(4)), &rules(), NOW);
    assert_eq!((same, overtaken), (Replaced::Same(candidate(0, 2, 2).by), Replaced::Overtaken));
    assert_eq!(ids.sid(), &sid(2), "the first one's is the session's");
    assert!([0, 2, 3, 4].iter().all(|handle| ids.knows_sid(&sid(*handle))));
    assert!(!ids.knows_sid(&sid(5)));
}

#[test]
fn eight_handles_of_those_who_came_second_are_remembered() {
    let mut ids = first();
    ids.replace(&candidate(0, 1, 1), Some(&sid(1)), &rules(), NOW);
    for handle in 2..=10 {
        for _ in 0..2 {
            ids.replace(&candidate(0, 1, 1), Some(&sid(handle)), &rules(), NOW);
        }
    }
    let known: Vec<u8> = (0..=10).filter(|handle| ids.knows_sid(&sid(*handle))).collect();
    assert_eq!(known, [0, 1, 3, 4, 5, 6, 7, 8, 9, 10]);
}

#[test]
fn a_number_is_used_once() {
    let mut ids = first();
    ids.succeed(&candidate(0, 1, 1), NOW);
    assert_eq!(ids.replace(&candidate(0, 2, 1), None, &rules(), NOW), Replaced::Taken { after: 1 });
}

#[test]
fn a_successor_of_anything_but_the_current_id_is_not_taken() {
    let mut ids = first();
    assert!(!ids.succeed(&candidate(7, 1, 1), NOW));
    assert!(!ids.succeed(&candidate(0, 1, 2), NOW));
    ids.replace(&candidate(0, 1, 1), None, &rules(), NOW);
    assert!(!ids.succeed(&candidate(0, 1, 1), NOW), "an ID taken at once is never offered");
}

#[test]
fn eight_superseded_ids_are_remembered() {
    let mut ids = first();
    for number in 1..=10_u8 {
        assert!(ids.succeed(&candidate(number - 1, number, number.into()), NOW));
        ids.see(NOW);
    }
    assert_eq!(standing(&ids, 1, 0), None);
    assert!(standing(&ids, 2, 0).is_some());
}
