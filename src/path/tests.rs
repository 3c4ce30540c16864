use super::*;
use proptest::prelude::*;

fn rules(list: &[(&str, Access)]) -> Vec<Rule> {
    list.iter().map(|(path, access)| Rule::parse(path, *access, true).unwrap()).collect()
}

fn access(list: &[(&str, Access)], path: &str) -> Access {
    decide(&rules(list), Access::Optional, path).access
}

#[test]
fn a_prefix_matches_what_is_below_it_and_itself_without_the_slash() {
    let list = [("/admin/*", Access::Required)];
    for path in ["/admin", "/admin/", "/admin/x", "/admin/x/y"] {
        assert_eq!(access(&list, path), Access::Required, "{path}");
    }
    for path in ["/administrator", "/adm", "/", "/x/admin"] {
        assert_eq!(access(&list, path), Access::Optional, "{path}");
    }
}

#[test]
fn an_exact_rule_matches_one_path_only() {
    let list = [("/health", Access::Public)];
    assert_eq!(access(&list, "/health"), Access::Public);
    for path in ["/health/", "/healthz", "/health/x"] {
        assert_eq!(access(&list, path), Access::Optional, "{path}");
    }
}

#[test]
fn an_exact_rule_that_protects_covers_the_slash_that_many_servers_ignore() {
    let list = [("/admin", Access::Required), ("/vault/", Access::Required)];
    for path in ["/admin", "/admin/", "/ADMIN/", "/vault", "/vault/"] {
        assert_eq!(access(&list, path), Access::Required, "{path}");
    }
    for path in ["/admin/x", "/vault/x", "/"] {
        assert_eq!(access(&list, path), Access::Optional, "{path}");
    }
}

#[test]
fn the_first_match_wins() {
    let list = [("/a/b", Access::Public), ("/a/*", Access::Required)];
    assert_eq!(access(&list, "/a/b"), Access::Public);
    assert_eq!(access(&list, "/a/c"), Access::Required);
}

#[test]
fn protecting_rules_ignore_letter_case_and_weaker_ones_do_not() {
    let list = [
        ("/Admin/*", Access::Required),
        ("/caf%C3%89", Access::Required),
        ("/open/*", Access::Public),
    ];
    for path in ["/admin/x", "/ADMIN", "/aDmIn/", "/caf%c3%a9", "/CAF%C3%A9"] {
        assert_eq!(access(&list, path), Access::Required, "{path}");
    }
    assert_eq!(access(&list, "/open/x"), Access::Public);
    assert_eq!(access(&list, "/OPEN/x"), Access::Optional);
}

#[test]
fn no_path_that_servers_read_in_two_ways_is_weaker_than_required() {
    let list = [("/*", Access::Public)];
    for path in [
        "//",
        "//admin",
        "/a//b",
        "/a;b",
        "/a;/b",
        "/a%3bb",
        "/a%3B",
        "/%61dmin",
        "/a%2fb",
        "/a%2Fb",
        "/a%5cb",
        "/a%5C",
        "/%2e%2e/x",
        "/%2E",
        "/a%25b",
        "/a%252f",
        "/a%00",
        "/a%0a",
        "/a%1f",
        "/a%7f",
        "/a%c2%80",
        "/a%C2%9f",
        "/a%",
        "/a%2",
        "/a%zz",
        "/a%ff",
        "/a%c3",
        "/%41",
        "/%7e",
        "/%2d",
        "/%5f",
        "",
        "a",
        "/a\u{e9}",
        "/a\\b",
        "/a b",
        "/a\u{7f}",
    ] {
        assert_eq!(access(&list, path), Access::Required, "{path}");
    }
    for path in [
        "/",
        "/a",
        "/a/",
        "/a.b/c-d_e~f",
        "/caf%C3%A9",
        "/a%20b",
        "/a|b",
        "/a'b",
        "/a[1]",
        "/a:b@c",
        "/a,b",
    ] {
        assert_eq!(access(&list, path), Access::Public, "{path}");
    }
}

#[test]
fn rules_that_could_never_match_are_refused() {
    for path in [
        "", "a", "*", "/a*", "/*/b", "/a/**", "/a//b", "/a;b", "/a b", "/é", "/a?b", "/a#b",
        "/a/../b", "/./a", "/%61", "/a\\b", "/{x}",
    ] {
        assert!(Rule::parse(path, Access::Public, true).is_err(), "{path}");
    }
}

#[test]
fn a_rule_says_whether_it_counts_as_activity() {
    let rules = [Rule::parse("/poll", Access::Required, false).unwrap()];
    let matched = decide(&rules, Access::Optional, "/poll");
    assert_eq!((matched.activity, matched.rule), (false, Some("/poll")));
}

/// How a server reads a path: what it does before and after it has resolved the escapes.
struct Reader {
    cuts_query_after: bool,
    reads_backslashes: bool,
    drops_ends: bool,
}

impl Reader {
    /// The names on the way to what it answers.
    fn reads(&self, path: &str) -> Vec<String> {
        let without_parameters: Vec<&str> =
            path.split('/').map(|segment| segment.split(';').next().unwrap()).collect();
        let joined = without_parameters.join("/");
        let decoded = decode_leniently(&joined);
        let mut text = String::from_utf8_lossy(&decoded).to_lowercase();
        if self.cuts_query_after {
            text = before_query(&text).to_owned();
        }
        if self.reads_backslashes {
            text = text.replace('\\', "/");
        }
        let mut names = Vec::new();
        for name in text.split('/') {
            let name = if self.drops_ends { name.trim_end_matches(' ') } else { name };
            match name {
                "" | "." => {}
                ".." => drop(names.pop()),
                _ if self.drops_ends => names.push(name.trim_end_matches(['.', ' ']).to_owned()),
                _ => names.push(name.to_owned()),
            }
        }
        names
    }
}

proptest! {
    // An origin that decodes once, drops parameters and merges slashes is as generous as they come.
    #[test]
    fn what_a_generous_origin_reads_as_protected_is_required(path in "/(x|/|\\.)?(a|A|%61)(d|D|%64|%)m?(in|IN|%69n|i%6E|;in)(/|;|%2f|%5C|%|%25|\\.|0|x){0,4}") {
        let list = [("/admin/*", Access::Required), ("/*", Access::Public)];
        let decoded = String::from_utf8_lossy(&decode_leniently(&path)).to_lowercase();
        let without_parameters: Vec<&str> = decoded.split('/').map(|segment| segment.split(';').next().unwrap()).collect();
        let mut segments = Vec::new();
        for segment in without_parameters.iter().flat_map(|segment| segment.split('\\')) {
            match segment {
                "" | "." => {}
                ".." => { segments.pop(); }
                _ => segments.push(segment),
            }
        }
        if segments.first() == Some(&"admin") {
            prop_assert_eq!(access(&list, &path), Access::Required);
        }
    }

    #[test]
    fn what_any_kind_of_server_reads_as_protected_is_required(
        path in "/(admin|ADMIN|Admin|x|/|/|/|\\.|\\.\\.|%|%20|%3f|%23|%2e|%2f|%5c|;|;admin|%3b){1,9}",
        cuts_query_after: bool, reads_backslashes: bool, drops_ends: bool,
    ) {
        let list = [("/x/open/*", Access::Public), ("/admin/*", Access::Required), ("/X/admin", Access::Required), ("/*", Access::Public)];
        let names = Reader { cuts_query_after, reads_backslashes, drops_ends }.reads(&path);
        if names.first().is_some_and(|name| name == "admin") || names == ["x", "admin"] {
            prop_assert_eq!(access(&list, &path), Access::Required);
        }
    }
}
