//! A small world for tests: browsers, a few isolates of the gate, one store and one origin, under a
//! clock that the test moves. A request is a [`Flight`] that can be stopped at every point at which
//! the real gate waits for somebody.

#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    missing_debug_implementations,
    clippy::format_collect,
    clippy::wildcard_enum_match_arm,
    reason = "every test file uses another part of it"
)]

mod browser;
mod flight;
mod kv;
mod origin;
mod reaction;
mod store;

use serde_json::{Value, json};

use edge_session::base64url;
use edge_session::event::{Event, Journal, Level};
use edge_session::gate::Entropy;
use edge_session::memory::Memory;
use edge_session::site::{Secrets, Site};
use edge_session::time::{Span, Time};

pub use browser::{Ask, Browser, COOKIE, HOST, ISSUER, foreign, page, read, write};
pub use flight::Flight;
pub use kv::{Kv, LAG};
pub use origin::{Play, Seen, envelope, extend, forge, response, sign};
pub use reaction::Reaction;
pub use store::{Store, Trouble};

/// When the world begins.
pub const START: Time = Time::from_secs(1_700_000_000);

/// One instance of the gate.
pub struct Isolate {
    pub site: Site,
    pub memory: Memory,
    journal: Journal,
}

pub struct World {
    pub now: Time,
    pub isolates: Vec<Isolate>,
    pub store: Store,
    /// The store of sites that are configured for KV; every isolate is in another place of the world.
    pub kv: Option<Kv>,
    /// Requests that reached the origin.
    pub forwarded: usize,
    /// The log.
    pub lines: Vec<String>,
    /// Whatever else left the gate or could be printed by it.
    pub printed: Vec<String>,
    /// Secrets that must be nowhere but in cookies.
    pub secrets: Vec<[u8; 32]>,
    draws: u64,
}

/// A configuration with paths of all kinds, and these members beside it or in its place.
pub fn config(members: &Value) -> Value {
    let paths = json!([
        { "path": "/account/*", "access": "required" },
        { "path": "/assets/*", "access": "public" },
        { "path": "/poll", "access": "optional", "activity": false },
    ]);
    let base = json!({
        "issuer": ISSUER, "origin": "https://origin.internal:8443", "default_access": "optional",
        "login_url": "/login", "paths": paths,
    });
    extend(base, members)
}

/// The 32 bytes of the key with this id.
pub fn key_bytes(id: &str) -> Vec<u8> {
    id.bytes().cycle().take(32).collect()
}

/// A key list with these ids, newest first.
pub fn key_list(ids: &[&str]) -> String {
    let entry = |id: &&str| format!("{id}:{}", base64url::encode(&key_bytes(id)));
    ids.iter().map(entry).collect::<Vec<_>>().join(",")
}

/// A site with these cookie keys.
pub fn site(config: &Value, keys: &[&str]) -> Site {
    let secrets = Secrets {
        session: key_list(keys),
        origin: key_list(&["o1"]),
        locator: base64url::encode(&key_bytes("locator")),
    };
    Site::new(config, &secrets).unwrap()
}

impl Isolate {
    pub fn new(site: Site) -> Self {
        Self { site, memory: Memory::default(), journal: Journal::default() }
    }
}

impl World {
    /// A world of one isolate, whose configuration has these members.
    pub fn new(members: &Value) -> Self {
        Self::of(vec![site(&config(members), &["k1"])])
    }

    /// A world of one isolate for each of these sites.
    pub fn of(sites: Vec<Site>) -> Self {
        Self {
            now: START,
            isolates: sites.into_iter().map(Isolate::new).collect(),
            store: Store::default(),
            kv: None,
            forwarded: 0,
            lines: Vec::new(),
            printed: Vec::new(),
            secrets: Vec::new(),
            draws: 0,
        }
    }

    /// A world of several isolates that are all configured alike.
    pub fn with_isolates(members: &Value, count: usize) -> Self {
        let site = site(&config(members), &["k1"]);
        Self::of(vec![site; count])
    }

    pub fn site(&self) -> &Site {
        &self.isolates[0].site
    }

    pub fn pass(&mut self, seconds: u64) {
        self.now = self.now.plus(Span::from_secs(seconds));
    }

    pub fn pass_millis(&mut self, millis: u64) {
        self.now = self.now.plus(Span::from_millis(millis));
    }

    /// Sends a request to the first isolate and lets the browser take the answer.
    pub fn go(&mut self, browser: &mut Browser, ask: Ask, play: Play) -> Reaction {
        self.go_at(0, browser, ask, play)
    }

    pub fn go_at(
        &mut self,
        isolate: usize,
        browser: &mut Browser,
        ask: Ask,
        play: Play,
    ) -> Reaction {
        let mut flight = self.fly(isolate, browser, ask, play);
        let reaction = self.finish(&mut flight);
        browser.take(&reaction.cookies, self.now);
        reaction
    }

    /// A request with the browser's cookies that has not reached the gate yet.
    pub fn fly(&self, isolate: usize, browser: &Browser, ask: Ask, play: Play) -> Flight {
        Flight::new(isolate, browser.dress(ask, self.now), play)
    }

    /// Sends a request as it is.
    pub fn send(&mut self, ask: Ask, play: Play) -> Reaction {
        let mut flight = Flight::new(0, ask, play);
        self.finish(&mut flight)
    }

    /// Logs somebody in.
    pub fn login(&mut self, browser: &mut Browser, subject: &str) -> Reaction {
        let play = Play::Say(json!({ "op": "create", "sub": subject }));
        let reaction = self.go(browser, write("/login"), play);
        assert_eq!(reaction.status, 200, "{}", reaction.body);
        assert!(browser.session().is_some(), "the login brought a cookie");
        reaction
    }

    /// Sends a control out of band, with these members beside the common ones.
    pub fn out_of_band(&mut self, members: &Value) -> Reaction {
        self.out_of_band_at(0, members)
    }

    /// The same to another isolate.
    pub fn out_of_band_at(&mut self, isolate: usize, members: &Value) -> Reaction {
        let claims = extend(envelope(self.now), members);
        let message = sign(&self.site().origin_keys, &claims);
        self.out_of_band_text_at(isolate, &message)
    }

    pub fn out_of_band_text(&mut self, message: &str) -> Reaction {
        self.out_of_band_text_at(0, message)
    }

    fn out_of_band_text_at(&mut self, isolate: usize, message: &str) -> Reaction {
        let mut flight =
            Flight::new(isolate, Ask::new("POST", "/.edge-session/control"), Play::Pass);
        flight.body = Some(message.to_owned());
        self.finish(&mut flight)
    }

    /// Whom a required page is shown to now, if anyone.
    pub fn who(&mut self, isolate: usize, browser: &mut Browser, ask: Ask) -> Option<String> {
        let reaction = self.go_at(isolate, browser, ask, Play::Pass);
        let seen = reaction.seen?;
        seen.subject().map(str::to_owned)
    }

    pub(crate) fn draw(&mut self) -> Entropy {
        let mut word = || {
            self.draws += 1;
            let mut mixed = self.draws.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            mixed ^= mixed >> 29;
            mixed.wrapping_mul(0xbf58_476d_1ce4_e5b9).to_be_bytes()
        };
        let mut jti = [0; 16];
        jti.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&word()));
        let mut secret = [0; 32];
        secret.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&word()));
        self.secrets.push(secret);
        Entropy { jti, secret }
    }

    pub(crate) fn log(&mut self, isolate: usize, events: &[Event]) {
        for event in events {
            self.printed.push(format!("{event:?}"));
            let line = self.isolates[isolate].journal.line(Level::Info, event, self.now);
            self.lines.extend(line);
        }
    }

    /// Whether the log has a line with all of these in it.
    pub fn logged(&self, parts: &[&str]) -> bool {
        self.lines.iter().any(|line| parts.iter().all(|part| line.contains(part)))
    }

    /// Takes note of the secret in a cookie that was set.
    pub(crate) fn note_secret(&mut self, set_cookie: &str) {
        if let Some(secret) = secret_in(set_cookie) {
            self.secrets.push(secret);
        }
    }

    /// Everything that left the gate by another way than a cookie, together with what is stored.
    pub fn assert_no_secret_leaked(&self) {
        let texts = self
            .store
            .texts
            .values()
            .chain(self.kv.iter().flat_map(Kv::texts))
            .chain(&self.lines)
            .chain(&self.printed);
        let texts: Vec<&String> = texts.collect();
        for secret in &self.secrets {
            for spelling in spellings(secret) {
                for text in &texts {
                    assert!(!text.contains(&spelling), "a secret is in: {text}");
                }
            }
        }
    }
}

/// The secret in the value of a session cookie that is being set.
pub fn secret_in(set_cookie: &str) -> Option<[u8; 32]> {
    let value = set_cookie.strip_prefix(COOKIE)?.strip_prefix('=')?.split(';').next()?;
    let bytes = base64url::decode(value)?;
    // Before the MAC, which is as long as the secret.
    let end = bytes.len().checked_sub(32)?;
    bytes.get(end.checked_sub(32)?..end)?.try_into().ok()
}

/// How a secret could be spelled: base64url at every alignment, hexadecimal, a list of numbers.
fn spellings(secret: &[u8; 32]) -> Vec<String> {
    let mut spellings: Vec<String> = (0..3)
        .map(|shift| {
            let shifted: Vec<u8> = vec![0; shift].into_iter().chain(*secret).collect();
            base64url::encode(&shifted).get(4..40).unwrap().to_owned()
        })
        .collect();
    spellings.push(secret.iter().map(|byte| format!("{byte:02x}")).collect());
    spellings.push(secret[..16].iter().map(u8::to_string).collect::<Vec<_>>().join(", "));
    spellings
}
