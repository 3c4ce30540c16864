//! What is decided over the requests of real browsers, kind by kind: `tests/data/browser_requests.json`
//! has their headers as Chromium, Firefox and `WebKit` send them, and says how it was recorded.
//!
//! What a page of the site or the user does passes, and what a person sees as a page counts as one;
//! what another origin does is refused, but for links and for reads that present nothing. Where a
//! browser itself says something else, the kind is named below with the reason.

#![allow(
    missing_docs,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking"
)]

use edge_session::csrf::{CrossSite, Decision};
use edge_session::origin::WebOrigin;
use edge_session::request::Facts;
use serde_json::Value;

/// Kinds that a person sees as a page of its own, where they are a GET.
const PAGES: [&str; 25] = [
    "address-bar",
    "address-bar-by-cross-302",
    "back-from-blank",
    "bookmark",
    "duplicate-tab",
    "form-get",
    "link",
    "link-by-cross-302",
    "link-noreferrer",
    "link-own-cross-own",
    "location",
    "open",
    "open-noopener",
    "pdf",
    "post-303-own",
    "post-cross-303-own",
    "preload-address-bar",
    "preload-link",
    "preload-reload",
    "reload",
    "reload-after-link",
    "view-source",
    "worker-address-bar",
    "worker-link",
    "worker-reload",
];

/// Kinds that pass for a page and are none: what tells them apart is not sent.
const LIKE_PAGES: [(&str, &str); 2] = [
    ("download", "a link that is followed, but for what becomes of the answer"),
    ("worker-iframe", "a service worker that hands a frame's page on takes its destination away"),
];

/// What a page of the site sets off and nevertheless comes as another's, in every browser or in some.
const NOT_AS_OWN: [(&str, &str); 12] = [
    ("data-frame-form", "a page of no origin"),
    ("fetch-own-cross-own-post", "another site has sent it on"),
    ("fragment-sandbox-iframe-top", "a page of no origin"),
    ("img-own-cross-own", "another site has sent it on"),
    ("link-by-cross-302", "another site has sent it on"),
    ("link-own-cross-own", "another site has sent it on"),
    ("post-by-cross-307", "another site has sent it on"),
    ("post-by-same-307", "another origin of the site has sent it on"),
    ("post-own-cross-own-307", "another site has sent it on"),
    ("sandbox-frame-form", "a page of no origin"),
    ("sandbox-iframe", "a page of no origin"),
    ("sandbox-img", "a page of no origin"),
];

/// What another origin sets off and nevertheless comes as the site's own, in these browsers. The gate
/// cannot know; beside each is what stands against it.
const AS_OWN: [(&str, &str, &str); 12] = [
    ("back-to-post-no-referrer", "webkit", "no refused form is in its history"),
    ("history-of-a-frame-no-referrer", "webkit", "no refused form is in its history"),
    ("css-image", "firefox", "it is the site's own style sheet that asks"),
    ("cursor", "firefox", "it is the site's own style sheet that asks"),
    ("import", "firefox", "it is the site's own style sheet that asks"),
    ("worker-form-post", "firefox", "README, Limits: the service worker leaves forms alone"),
    ("worker-form-post-no-referrer", "firefox", "the same"),
    ("worker-form-post-no-referrer", "webkit", "the same"),
    ("worker-iframe", "firefox", "X-Frame-Options is the application's"),
    ("preload-iframe", "firefox", "the same"),
    ("worker-iframe", "chromium", "the same; it passes for a page"),
    ("worker-iframe", "webkit", "the same; it passes for a page"),
];

struct Row {
    browsers: String,
    kind: String,
    from: String,
    facts: Facts,
    presented: bool,
}

impl Row {
    fn read(row: &Value) -> Self {
        let text = |at: usize| row[at].as_str().unwrap().to_owned();
        let header = |at: usize| Some(text(at)).filter(|text| !text.is_empty());
        let facts = Facts {
            method: text(3),
            fetch_site: header(4),
            fetch_mode: header(5),
            fetch_dest: header(6),
            origin: header(7),
            accept: header(8),
            purpose: header(9),
            upgrade: header(10),
            requested_method: header(11),
            ..Facts::default()
        };
        let presented = row[12] == 1;
        Self { browsers: text(0), kind: text(1), from: text(2), facts, presented }
    }

    fn is_page(&self) -> bool {
        self.facts.method == "GET" && PAGES.contains(&self.kind.as_str())
    }

    /// Whether it is a link that is followed otherwise than to show a page, now or at once.
    fn is_link(&self) -> bool {
        ["download", "speculative-prefetch", "speculative-prerender"].contains(&self.kind.as_str())
    }

    /// Whether the site or the user did this, and the browser says so.
    fn is_own(&self) -> bool {
        matches!(self.from.as_str(), "own" | "user")
            && !NOT_AS_OWN.iter().any(|(kind, _)| *kind == self.kind)
    }

    fn comes_as_own(&self) -> bool {
        let looks_own = self.facts.fetch_site() == Some("same-origin")
            || LIKE_PAGES.iter().any(|(kind, _)| *kind == self.kind);
        looks_own
            && AS_OWN.iter().any(|(kind, browser, _)| {
                *kind == self.kind && self.browsers.split(' ').any(|one| one == *browser)
            })
    }

    fn decision(&self, own: &WebOrigin) -> Decision {
        let rules = CrossSite {
            trusted_origins: Vec::new(),
            exempt_paths: Vec::new(),
            resource_isolation: true,
        };
        rules.decide(own, &self.facts, "/account/x", self.presented, true)
    }

    fn name(&self) -> String {
        let (facts, Self { browsers, kind, from, .. }) = (&self.facts, self);
        let headers = [&facts.fetch_site, &facts.fetch_mode, &facts.fetch_dest, &facts.origin];
        format!("{browsers}: {kind} ({from}) {} {headers:?}", facts.method)
    }
}

fn table() -> (WebOrigin, Vec<Row>) {
    let table: Value = serde_json::from_str(include_str!("data/browser_requests.json")).unwrap();
    let own = WebOrigin::parse(table["own"].as_str().unwrap()).unwrap();
    (own, table["rows"].as_array().unwrap().iter().map(Row::read).collect())
}

fn has_row(rows: &[Row], kind: &str, browser: &str) -> bool {
    rows.iter().any(|row| row.kind == kind && row.browsers.contains(browser))
}

#[test]
fn what_the_site_or_the_user_does_passes_in_every_browser() {
    let (own, rows) = table();
    for row in rows.iter().filter(|row| row.is_own()) {
        assert_eq!(row.decision(&own), Decision::Pass, "{}", row.name());
    }
}

#[test]
fn what_another_origin_does_is_refused_but_for_links_and_reads_that_present_nothing() {
    let (own, rows) = table();
    for row in rows.iter().filter(|row| !row.is_own() && !row.comes_as_own()) {
        let is_harmless =
            !row.facts.is_unsafe() && (row.is_page() || row.is_link() || !row.presented);
        let passes = row.decision(&own) == Decision::Pass;
        assert_eq!(passes, is_harmless || row.facts.method == "OPTIONS", "{}", row.name());
    }
}

#[test]
fn what_a_person_sees_as_a_page_counts_as_one_and_nothing_else() {
    let (_, rows) = table();
    for row in rows.iter().filter(|row| row.facts.method == "GET") {
        if !LIKE_PAGES.iter().any(|(kind, _)| *kind == row.kind) {
            assert_eq!(row.facts.is_top_level_navigation(), row.is_page(), "{}", row.name());
        }
    }
}

#[test]
fn what_is_fetched_ahead_is_known_by_its_header() {
    let (_, rows) = table();
    for row in &rows {
        let is_ahead = ["prefetch", "speculative-prefetch", "speculative-prerender"];
        let expected = is_ahead.contains(&row.kind.as_str());
        assert_eq!(row.facts.is_prefetch(), expected, "{}", row.name());
    }
}

#[test]
fn every_kind_that_is_named_is_in_the_table_and_is_as_it_says() {
    let (own, rows) = table();
    for kind in PAGES.iter().chain(LIKE_PAGES.iter().map(|(kind, _)| kind)) {
        assert!(has_row(&rows, kind, ""), "{kind}");
    }
    for (kind, _) in NOT_AS_OWN {
        let foreign =
            |row: &Row| row.from == "own" && row.facts.fetch_site() != Some("same-origin");
        assert!(rows.iter().any(|row| row.kind == kind && foreign(row)), "{kind}");
    }
    for (kind, browser, _) in AS_OWN {
        let passes = |row: &Row| {
            !matches!(row.from.as_str(), "own" | "user") && row.decision(&own) == Decision::Pass
        };
        let is_it = |row: &&Row| row.kind == kind && row.browsers.contains(browser);
        assert!(rows.iter().filter(is_it).any(passes), "{kind} {browser}");
    }
}
