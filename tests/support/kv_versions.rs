//! A KV that may answer with anything that it says it may: for a minute after a write every place but
//! the one where it was made may be shown what was there before, key by key and read by read. What
//! was not there before is shown nowhere unless somebody had asked for it, but in lists.

use std::collections::BTreeMap;
use std::hash::Hasher;
use std::rc::Rc;

use edge_session::kv::{Errand, Need, Write};
use edge_session::store::{Fault, Reply};
use edge_session::time::{Span, Time};
use edge_session::verdict::Call;

use crate::explorer::Choices;

pub const LAG: Span = Span::from_secs(60);

#[derive(Clone)]
struct Version {
    value: Option<Rc<str>>,
    written: Time,
    until: Time,
}

#[derive(Clone)]
struct Key {
    versions: Vec<Version>,
    /// The oldest version that a place may be shown: the last one written there.
    least: Vec<usize>,
    asked_too_early: bool,
}

#[derive(Clone)]
pub struct Versions {
    keys: BTreeMap<Rc<str>, Rc<Key>>,
    places: usize,
    /// What a request has been shown is shown to it again, where a place has one cache.
    cached: Option<BTreeMap<String, Option<String>>>,
}

impl Key {
    fn new(places: usize) -> Self {
        let never = Version { value: None, written: Time::default(), until: Time::default() };
        Self { versions: vec![never], least: vec![0; places], asked_too_early: false }
    }

    /// What a place may be shown.
    fn shown(&self, place: usize, now: Time, in_list: bool) -> Vec<Option<&Rc<str>>> {
        let mut shown = Vec::new();
        for (number, version) in self.versions.iter().enumerate() {
            let next = self.versions.get(number + 1);
            let is_old = next.is_some_and(|next| now.since(next.written) >= LAG);
            let was_never = number == 0 && next.is_some() && !self.asked_too_early && !in_list;
            if is_old || was_never || number < self.least[place] {
                continue;
            }
            let value = version.value.as_ref().filter(|_| now < version.until);
            let is_known = |known: Option<&Rc<str>>| match (known, value) {
                (Some(one), Some(two)) => in_list || one == two,
                (one, two) => one.is_none() && two.is_none(),
            };
            if !shown.iter().any(|known| is_known(*known)) {
                shown.push(value);
            }
        }
        // The newest first.
        shown.reverse();
        shown
    }
}

impl Versions {
    pub fn new(places: usize, has_caches: bool) -> Self {
        Self { keys: BTreeMap::new(), places, cached: has_caches.then(BTreeMap::new) }
    }

    /// Another request comes.
    pub fn forget(&mut self) {
        if let Some(cached) = &mut self.cached {
            cached.clear();
        }
    }

    /// Reads what a command needs and decides it.
    pub fn decide(
        &mut self,
        place: usize,
        call: &Call,
        now: Time,
        choices: &mut Choices,
    ) -> Result<(Reply, Vec<Write>), Fault> {
        let mut errand = Errand::new(call);
        loop {
            match errand.need() {
                Need::Nothing => return errand.decide(now),
                Need::Names(prefix) => {
                    let keys = self.keys.iter().filter(|(key, _)| key.starts_with(prefix.as_str()));
                    let mut names = Vec::new();
                    for (name, key) in keys {
                        let shown = key.shown(place, now, true);
                        if shown[choices.pick(shown.len())].is_some() {
                            names.push(name.to_string());
                        }
                    }
                    errand.learn_names(&names);
                }
                Need::Values(keys) => {
                    for name in keys {
                        if let Some(value) =
                            self.cached.as_ref().and_then(|cached| cached.get(&name))
                        {
                            errand.learn(name, value.clone());
                            continue;
                        }
                        let places = self.places;
                        let new = || Rc::new(Key::new(places));
                        let key = self.keys.entry(name.as_str().into()).or_insert_with(new);
                        let shown = key.shown(place, now, false);
                        let value = shown[choices.pick(shown.len())].map(ToString::to_string);
                        let is_there = key.versions.last().is_some_and(|last| last.value.is_some());
                        if !is_there && key.versions.len() == 1 && !key.asked_too_early {
                            Rc::make_mut(key).asked_too_early = true;
                        }
                        if let Some(cached) = &mut self.cached {
                            cached.insert(name.clone(), value.clone());
                        }
                        errand.learn(name, value);
                    }
                }
            }
        }
    }

    pub fn make(&mut self, place: usize, write: &Write, now: Time) {
        let places = self.places;
        let key =
            self.keys.entry(write.key.as_str().into()).or_insert_with(|| Rc::new(Key::new(places)));
        let key = Rc::make_mut(key);
        let until = now.plus(Span::from_secs(write.seconds));
        let value = write.value.as_deref().map(Rc::from);
        if let Some(cached) = &mut self.cached {
            cached.remove(&write.key);
        }
        key.versions.push(Version { value, written: now, until });
        key.least[place] = key.versions.len() - 1;
    }

    /// What may ever be shown again.
    pub fn print(&self, now: Time, into: &mut impl Hasher) {
        use std::hash::Hash;
        for (name, key) in &self.keys {
            (name, key.asked_too_early).hash(into);
            for (number, version) in key.versions.iter().enumerate() {
                let next = key.versions.get(number + 1);
                if next.is_some_and(|next| now.since(next.written) >= LAG) {
                    continue;
                }
                let least: Vec<bool> = key.least.iter().map(|least| *least > number).collect();
                (&version.value, version.written, version.until, least).hash(into);
            }
        }
    }
}
