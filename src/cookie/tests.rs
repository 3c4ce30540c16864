use super::*;
use proptest::prelude::*;

const NAME: &str = "__Host-session";

fn names() -> CookieNames {
    CookieNames::new(NAME, SameSite::Lax)
}

fn values(header: &str) -> Vec<String> {
    names().find(header).values.into_iter().map(str::to_owned).collect()
}

fn without(header: &str) -> Forwarded {
    names().forwarded(header, None)
}

fn replaced(text: &str) -> Forwarded {
    Forwarded::Replace(text.to_owned())
}

#[test]
fn the_cookie_is_found_by_its_exact_name() {
    assert_eq!(values("a=1; __Host-session=v; b=2"), ["v"]);
    assert_eq!(values("\t__Host-session\t=\tv "), ["v"]);
    assert_eq!(values("__Host-session=a=b"), ["a=b"]);
    assert_eq!(values("__Host-session=\"v\""), ["\"v\""]);
    for header in [
        "",
        "=",
        ";;",
        "__host-session=v",
        "__Host-session2=v",
        "x__Host-session=v",
        "__Host-session",
        "\u{a0}__Host-session=v",
        "\"__Host-session=v\"",
    ] {
        assert!(values(header).is_empty(), "{header}");
    }
}

#[test]
fn at_most_eight_values_are_looked_at() {
    let header = vec!["__Host-session=v"; 50].join("; ");
    assert_eq!(values(&header).len(), 8);
    assert_eq!(without(&header), Forwarded::Remove);
}

#[test]
fn a_cookie_behind_a_comma_is_removed_but_never_accepted() {
    assert!(values("a=1, __Host-session=v").is_empty());
    assert!(names().find("a=1, __Host-session=v").presented);
    assert_eq!(without("a=1, __Host-session=v; b=2"), replaced("a=1; b=2"));
    assert_eq!(values("__Host-session=v, a=1"), ["v"]);
    assert_eq!(without("__Host-session=v, a=1"), replaced("a=1"));
}

#[test]
fn removing_takes_the_separator_along_and_leaves_the_rest_as_sent() {
    assert_eq!(without("a=1; __Host-session=v; b=2"), replaced("a=1; b=2"));
    assert_eq!(without("__Host-session=v; b=\"x, y\" "), replaced("b=\"x, y\" "));
    assert_eq!(without("a=1;__Host-session=v"), replaced("a=1"));
    assert_eq!(without("__Host-session=v"), Forwarded::Remove);
    assert_eq!(without("__Host-session=v; __Host-session-fresh=1;"), Forwarded::Remove);
    assert_eq!(without("a=1;; b;=2; \u{e9}=\u{fffd}"), Forwarded::Keep);
    // No parser reads these as cookies of ours.
    for header in
        ["c=[\"__Host-session\",\"_ga\"]; a=b", "n=my __Host-session; a=b", "l=/__host-session-x="]
    {
        assert_eq!(without(header), Forwarded::Keep, "{header}");
    }
    assert_eq!(without("a=x__Host-session=v; b=__Host-session"), Forwarded::Keep);
    assert_eq!(without("my__Host-session=v"), Forwarded::Keep);
    assert_eq!(without("a=__Host-session=v; b =__Host-session=w"), Forwarded::Keep);
}

#[test]
fn the_handle_takes_the_place_of_the_value_once() {
    let sid = Sid::from_entropy(&[0; 16]);
    let handle = format!("__Host-session={}", sid.as_str());
    let forwarded = |header| names().forwarded(header, Some(&sid));
    assert_eq!(forwarded("a=1; __Host-session=v; b=2"), replaced(&format!("a=1; {handle}; b=2")));
    assert_eq!(forwarded("__Host-session=v; __Host-session=w"), replaced(&handle));
    let joined = "a=1, __Host-session=v; b=2; __Host-session=w";
    assert_eq!(forwarded(joined), replaced(&format!("a=1; b=2; {handle}")), "who was believed");
}

#[test]
fn whatever_a_generous_parser_could_read_as_ours_is_removed() {
    for header in [
        "\u{a0}__Host-session=v",
        "\u{3000}__Host-session\u{a0}=v",
        "=__Host-session=v",
        "__HOST-SESSION=v",
        "\u{feff}__Host-session=v",
        "\u{b}__Host-session=v",
        "\u{1f}__Host-session\u{1c}=v",
        "__Host-session",
        "__Host-session-fresh=1",
        "x=1,\u{a0}__Host-session=v",
        "\u{fffd}__Host-session=v",
        "x=1 __Host-session=v",
        "x=1\t__HOST-session=v; y=2",
        "x=\"1\"__Host-session=v",
        "x=\"a __Host-session-fresh=1\"",
        "x=\u{e9}__Host-session=v",
        "x=1= __Host-session=v",
        "x==\t__Host-session-fresh=1; y=2",
        "(=__Host-session=v",
        "x=1\u{b}__Host-session\u{c}=v",
        // Python's http.cookies takes the first value for an empty one.
        "b= __Host-session=\"v\"",
        "b =\t__Host-session-fresh=\"v\"; y=2",
        // A byte that is no UTF-8: a blank of Latin-1 (`\xa0`, `\x85`), for all the gate can tell.
        "__Host-session\u{fffd}=v",
        "a=1; __host-session-fresh\u{fffd} =v",
        "x=1 __Host-session\u{fffd}=v",
    ] {
        let kept = match without(header) {
            Forwarded::Keep => header.to_owned(),
            Forwarded::Replace(text) => text,
            Forwarded::Remove => String::new(),
        };
        assert!(!kept.to_lowercase().contains("__host-session"), "{header}");
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "how long it takes is what is tested")]
fn a_long_header_takes_no_longer_than_others_of_its_length() {
    // Looked at anew for every place of our name, the first half would take minutes.
    let header = format!("{}={}", "x".repeat(500_000), "__Host-session\"=".repeat(30_000));
    let begun = std::time::Instant::now();
    assert_eq!(without(&header), Forwarded::Keep);
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
}

#[test]
fn cookies_are_set_and_cleared_with_the_same_attributes() {
    let attributes = "; Path=/; Secure; HttpOnly; SameSite=Lax";
    let cleared = names().clear();
    assert_eq!(cleared[0].expose(), format!("__Host-session={attributes}; Max-Age=0"));
    assert_eq!(
        names().mark_fresh(Mark::from_bytes([0; 9]), Span::from_millis(9001)).expose(),
        format!("__Host-session-fresh=AAAAAAAAAAAA{attributes}; Max-Age=10")
    );
    let strict = CookieNames::new(NAME, SameSite::Strict);
    assert!(strict.clear()[0].expose().contains("; SameSite=Strict;"));
}

#[test]
fn a_browser_that_leaves_is_told_of_more_changes_than_a_login_makes() {
    let cleared = names().clear();
    assert!(cleared.len() > 1 + 2, "a login sets two");
    let others = cleared.iter().skip(1).map(SetCookie::expose);
    for (place, other) in (1..).zip(others) {
        let expected = format!("__Host-session-fresh={place}; Path=/; Secure; HttpOnly");
        assert!(other.starts_with(&expected) && other.ends_with("; Max-Age=1"), "{other}");
    }
}

#[test]
fn an_origin_cannot_set_our_cookies() {
    for text in [
        "__Host-session=x",
        "__host-SESSION=x; Path=/",
        " \t__Host-session =x",
        "=__Host-session=x",
        "= =__Host-session-fresh=1",
        "__Host-session",
        "__Host-session;",
        "\u{feff}__Host-session\u{200b}=x",
    ] {
        assert!(names().is_shadowed_by(text), "{text}");
    }
    for text in ["a=1", "a=__Host-session=x", "__Host-sessions=1", "", "a; __Host-session=1"] {
        assert!(!names().is_shadowed_by(text), "{text}");
    }
}

#[test]
fn set_cookies_do_not_print() {
    assert_eq!(format!("{:?}", names().clear()[0]), "SetCookie(..)");
}

proptest! {
    #[test]
    fn nothing_of_ours_reaches_the_origin_and_others_are_kept(
        parts in proptest::collection::vec("( ?__Host-session=x|, __Host-session=y| ?[a-c]=[0-9,\" ]{0,3}|[=;, ]{0,2}|\u{a0}__Host-session=z|(d= )?\"?__Host-session[\u{fffd} ]?=\"w)", 0..8)
    ) {
        let header = parts.join(";");
        let kept = match without(&header) {
            Forwarded::Keep => header.clone(),
            Forwarded::Replace(text) => text,
            Forwarded::Remove => String::new(),
        };
        prop_assert!(!kept.contains("__Host-session"));
        for name in ["a=", "b=", "c="] {
            prop_assert_eq!(header.matches(name).count(), kept.matches(name).count());
        }
    }
}
