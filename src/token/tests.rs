use super::*;
use proptest::prelude::*;

fn keys(bytes: &[u8], name: &str, issuer: &str) -> CookieKeys {
    let masters: Vec<MasterKey> = bytes
        .iter()
        .map(|byte| MasterKey {
            id: KeyId::parse(&format!("k{byte}")).unwrap(),
            mac: MacKey::new(&[*byte; 32]).unwrap(),
        })
        .collect();
    CookieKeys::new(&KeyList::of(masters).unwrap(), name, issuer)
}

fn site() -> CookieKeys {
    keys(&[1], "__Host-session", "https://app.example.com")
}

fn id() -> SessionId {
    SessionId::new(Locator::from_bytes([9; 16]), Secret::from_entropy([5; 32]))
}

fn stamp() -> Stamp {
    Stamp {
        root: Sid::from_entropy(&[7; 16]),
        generation: 3,
        sealed: Time::from_secs(1_799_000_000),
    }
}

const DEADLINE: Time = Time::from_secs(1_800_000_000);

#[test]
fn a_stamp_comes_back_from_a_stamped_cookie_and_the_two_kinds_are_not_taken_for_each_other() {
    let stamped = site().with_stamps(true);
    let sealed = stamped.seal(&id(), DEADLINE, &stamp());
    assert_eq!(stamped.open(sealed.expose()).unwrap().stamp, Some(stamp()));
    assert!(site().open(sealed.expose()).is_none());
    let plain = site().seal(&id(), DEADLINE, &stamp());
    assert!(stamped.open(plain.expose()).is_none());
    assert_eq!(site().open(plain.expose()).unwrap().stamp, None);
}

#[test]
fn the_format_of_the_cookie_is_pinned() {
    // A cookie outlives a deployment: a change here logs everyone out and needs a new version.
    assert_eq!(
        site().seal(&id(), DEADLINE, &stamp()).expose(),
        "AQJrMQAAAABrSdIACQkJCQkJCQkJCQkJCQkJCQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFQmMzOWSDi4wb-KPQDzB5jJ7a27oSBhNjEgT1rDYzaV0"
    );
}

#[test]
fn a_sealed_id_opens_to_itself_and_stays_under_200_bytes() {
    let sealed = site().seal(&id(), DEADLINE, &stamp());
    let token = site().open(sealed.expose()).unwrap();
    assert_eq!(token.hash, id().hash());
    assert_eq!(token.absolute, DEADLINE);
    let longest = MasterKey {
        id: KeyId::parse(&"k".repeat(32)).unwrap(),
        mac: MacKey::new(&[1; 32]).unwrap(),
    };
    let keys = CookieKeys::new(&KeyList::of(vec![longest]).unwrap(), "n", "i").with_stamps(true);
    let sealed = keys.seal(&id(), DEADLINE, &stamp());
    assert!(sealed.expose().len() < 200);
}

#[test]
fn a_value_truncated_at_any_length_does_not_open() {
    let sealed = site().seal(&id(), DEADLINE, &stamp());
    let text = sealed.expose();
    for length in 0..text.len() {
        assert!(site().open(text.get(..length).unwrap()).is_none(), "{length}");
    }
}

#[test]
fn a_value_with_any_byte_changed_does_not_open() {
    let sealed = site().seal(&id(), DEADLINE, &stamp());
    let bytes = base64url::decode(sealed.expose()).unwrap();
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut changed = bytes.clone();
            changed[place] ^= 1 << bit;
            assert!(site().open(&base64url::encode(&changed)).is_none(), "{place} {bit}");
        }
    }
}

#[test]
fn a_value_of_another_name_issuer_or_key_does_not_open() {
    let sealed = site().seal(&id(), DEADLINE, &stamp());
    let text = sealed.expose();
    assert!(keys(&[1], "__Host-other", "https://app.example.com").open(text).is_none());
    assert!(keys(&[1], "__Host-session", "https://b.example.com").open(text).is_none());
    assert!(keys(&[2], "__Host-session", "https://app.example.com").open(text).is_none());
}

#[test]
fn every_key_of_the_list_opens_and_the_first_one_seals() {
    let old = site().seal(&id(), DEADLINE, &stamp());
    let both = keys(&[2, 1], "__Host-session", "https://app.example.com");
    assert_eq!(both.open(old.expose()).unwrap().key.as_str(), "k1");
    assert_eq!(
        both.open(both.seal(&id(), DEADLINE, &stamp()).expose()).unwrap().key.as_str(),
        "k2"
    );
}

#[test]
fn a_successor_depends_on_the_key_the_predecessor_and_the_generation_alone() {
    let both = keys(&[2, 1], "n", "i");
    let one = keys(&[1], "n", "i");
    let k1 = KeyId::parse("k1").unwrap();
    let k2 = KeyId::parse("k2").unwrap();
    let hash = |keys: &CookieKeys, key, generation| {
        keys.successor(&id(), key, generation).map(|id| id.hash())
    };
    assert_eq!(hash(&both, &k1, 1), hash(&one, &k1, 1));
    assert_ne!(hash(&both, &k1, 1), hash(&both, &k2, 1));
    assert_ne!(hash(&both, &k1, 1), hash(&both, &k1, 2));
    assert_eq!(hash(&one, &k2, 1), None);
    assert_ne!(hash(&one, &k1, 1), Some(id().hash()));
}

#[test]
fn neither_ids_nor_sealed_values_print() {
    let token = site().open(site().seal(&id(), DEADLINE, &stamp()).expose()).unwrap();
    let printed = format!("{token:?} {:?} {:?}", id(), site().seal(&id(), DEADLINE, &stamp()));
    assert!(!printed.contains("5, 5"), "{printed}");
    assert!(printed.contains("Secret(..)") && printed.contains("Sealed(..)"), "{printed}");
}

proptest! {
    #[test]
    fn no_text_makes_opening_panic(text in ".{0,220}", bytes in proptest::collection::vec(any::<u8>(), 0..160)) {
        prop_assert!(site().open(&text).is_none());
        prop_assert!(site().open(&base64url::encode(&bytes)).is_none());
    }
}
