//! Workers KV for tests, as consistent as the local one is or as late as the real one can be.
//!
//! The late one has a cache in every place of the world: what was read there is answered for a
//! minute, "not found" included; a write shows at once where it was made, and elsewhere when the
//! cache has forgotten. The last of two writers wins. The command is driven as the shell drives it.

use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use edge_session::kv::{Errand, Need, Write};
use edge_session::store::{Fault, Reply, Request};
use edge_session::time::{Span, Time};
use edge_session::verdict::Call;

use super::Trouble;

/// How late KV can be, whatever the code under test takes it for.
pub const LAG: Span = Span::from_secs(60);

#[derive(Clone)]
struct Entry {
    value: String,
    until: Time,
}

/// What is remembered in one place, and until when.
#[derive(Default)]
struct Place {
    values: HashMap<String, (Option<Entry>, Time)>,
    names: HashMap<String, (Vec<String>, Time)>,
}

#[derive(Default)]
pub struct Kv {
    entries: BTreeMap<String, Entry>,
    places: HashMap<usize, Place>,
    is_late: bool,
    /// A second write of one key within a second is refused, as the real one may do.
    pub refuses_haste: bool,
    /// What goes wrong with the next writes that are not removals; `None` for nothing.
    pub troubles: VecDeque<Option<Trouble>>,
    /// Whatever is asked fails.
    pub is_down: bool,
    /// Values read, billed one by one.
    pub reads: usize,
    /// Values written.
    pub writes: usize,
    /// Keys asked for and not found.
    pub missed: HashSet<String>,
    /// Keys that came to exist after they had been asked for in vain.
    pub asked_too_early: HashSet<String>,
    /// Decided commands whose writes are still under way, where they are held up.
    pub held: Option<Vec<(usize, Vec<Write>)>>,
    /// The writes of the command decided last, where whoever drives it makes them one by one.
    pub stepwise: Option<VecDeque<Write>>,
    written: HashMap<String, Time>,
}

impl Kv {
    /// One that shows every write at once everywhere.
    pub fn consistent() -> Self {
        Self::default()
    }

    /// One that shows everything as late as it can.
    pub fn late() -> Self {
        Self { is_late: true, ..Self::default() }
    }

    /// Everything that is stored now, by key.
    pub fn stored(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(key, entry)| (key.as_str(), entry.value.as_str()))
    }

    /// One that holds nothing but these, and shows every write at once.
    pub fn holding(values: &[(&str, &str)], until: Time) -> Self {
        let entry = |value: &str| Entry { value: value.to_owned(), until };
        let entries = values.iter().map(|(key, value)| ((*key).to_owned(), entry(value))).collect();
        Self { entries, ..Self::default() }
    }

    /// Carries a command out.
    pub fn ask(&mut self, place: usize, call: &Call, now: Time) -> Result<Reply, Fault> {
        let (reply, writes) = self.decide(place, call, now)?;
        if let Some(steps) = &mut self.stepwise {
            steps.extend(writes);
            return Ok(reply);
        }
        match &mut self.held {
            Some(held) if !writes.is_empty() => held.push((place, writes)),
            _ => self.land(place, &writes, now)?,
        }
        Ok(reply)
    }

    /// Carries out what was held up, in this order.
    pub fn release(&mut self, order: &[usize], now: Time) {
        let held = self.held.take().unwrap();
        assert_eq!(held.len(), order.len(), "what is held up");
        for number in order {
            let (place, writes) = &held[*number];
            self.land(*place, writes, now).unwrap();
        }
    }

    /// Reads what a command needs and decides it.
    fn decide(
        &mut self,
        place: usize,
        call: &Call,
        now: Time,
    ) -> Result<(Reply, Vec<Write>), Fault> {
        if self.is_down {
            return Err(Fault::Failed);
        }
        let wire = serde_json::to_string(&call.request).unwrap();
        let request: Request = serde_json::from_str(&wire).unwrap();
        assert_eq!(request, call.request, "a command changed on its way");
        let mut errand = Errand::new(call);
        let mut rounds = 0;
        loop {
            rounds += 1;
            assert!(rounds < 5, "it never has enough");
            match errand.need() {
                Need::Nothing => break,
                Need::Names(prefix) => errand.learn_names(&self.list(place, &prefix, now)),
                Need::Values(keys) => {
                    for key in keys {
                        let value = self.get(place, &key, now);
                        errand.learn(key, value);
                    }
                }
            }
        }
        errand.decide(now)
    }

    /// Carries a command's writes out.
    fn land(&mut self, place: usize, writes: &[Write], now: Time) -> Result<(), Fault> {
        writes.iter().try_for_each(|write| self.make(place, write, now))
    }

    /// Makes one write. A command that depends on it has failed without it.
    pub fn make(&mut self, place: usize, write: &Write, now: Time) -> Result<(), Fault> {
        let done = match &write.value {
            None => {
                self.remove(place, &write.key, now);
                Ok(())
            }
            Some(value) => self.put(place, &write.key, value, write.seconds, now),
        };
        if write.required { done } else { Ok(()) }
    }

    /// Everything that is stored.
    pub fn texts(&self) -> impl Iterator<Item = &String> {
        self.entries.values().map(|entry| &entry.value)
    }

    /// The keys of this kind that have not run out.
    pub fn keys(&self, kind: char, now: Time) -> Vec<String> {
        let entries = self.entries.iter();
        entries
            .filter(|(key, entry)| key.starts_with(kind) && now < entry.until)
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// Changes the values of these kinds, everywhere at once.
    pub fn rewrite(&mut self, kinds: &[char], change: impl Fn(&str) -> String) {
        self.places.clear();
        for (key, entry) in &mut self.entries {
            if key.starts_with(kinds) {
                entry.value = change(&entry.value);
            }
        }
    }

    /// Hides these kinds, as if they had not arrived anywhere yet. What comes back shows them.
    pub fn hide(&mut self, kinds: &[char]) -> impl FnOnce(&mut Self) + use<> {
        self.places.clear();
        let all = std::mem::take(&mut self.entries);
        let (hidden, rest) = all.into_iter().partition(|(key, _)| key.starts_with(kinds));
        self.entries = rest;
        let hidden: BTreeMap<String, Entry> = hidden;
        move |kv| {
            kv.places.clear();
            kv.entries.extend(hidden);
        }
    }

    fn get(&mut self, place: usize, key: &str, now: Time) -> Option<String> {
        assert!(key.len() <= 512, "KV takes no such key");
        self.reads += 1;
        let stored = self.entries.get(key).cloned();
        let cache = &mut self.places.entry(place).or_default().values;
        let found = match cache.get(key) {
            Some((found, until)) if now < *until => found.clone(),
            _ => {
                if self.is_late {
                    cache.insert(key.to_owned(), (stored.clone(), now.plus(LAG)));
                }
                stored
            }
        };
        let found = found.filter(|entry| now < entry.until);
        if found.is_none() {
            self.missed.insert(key.to_owned());
        }
        found.map(|entry| entry.value)
    }

    fn list(&mut self, place: usize, prefix: &str, now: Time) -> Vec<String> {
        let stored: Vec<String> = self
            .entries
            .iter()
            .filter(|(key, entry)| key.starts_with(prefix) && now < entry.until)
            .map(|(key, _)| key.clone())
            .collect();
        let cache = &mut self.places.entry(place).or_default().names;
        match cache.get(prefix) {
            Some((names, until)) if now < *until => names.clone(),
            _ => {
                if self.is_late {
                    cache.insert(prefix.to_owned(), (stored.clone(), now.plus(LAG)));
                }
                stored
            }
        }
    }

    fn put(
        &mut self,
        place: usize,
        key: &str,
        value: &str,
        seconds: u64,
        now: Time,
    ) -> Result<(), Fault> {
        assert!(seconds >= 60, "KV refuses a life of {seconds} s for {key}");
        let trouble = self.troubles.pop_front().flatten();
        let last = self.written.get(key);
        let hasty = last.is_some_and(|last| now.since(*last) < Span::from_secs(1));
        if trouble == Some(Trouble::Fails) || (self.refuses_haste && hasty) {
            return Err(Fault::Failed);
        }
        self.writes += 1;
        self.written.insert(key.to_owned(), now);
        if self.missed.contains(key) && !self.entries.contains_key(key) {
            self.asked_too_early.insert(key.to_owned());
        }
        let until = now.plus(Span::from_secs(seconds));
        let value = value.to_owned();
        let entry = Entry { value, until };
        self.entries.insert(key.to_owned(), entry.clone());
        self.show(place, key, Some(entry), now);
        match trouble {
            Some(_) => Err(Fault::Deadline),
            None => Ok(()),
        }
    }

    fn remove(&mut self, place: usize, key: &str, now: Time) {
        self.entries.remove(key);
        self.show(place, key, None, now);
    }

    /// Shows a write where it was made.
    fn show(&mut self, place: usize, key: &str, entry: Option<Entry>, now: Time) {
        if !self.is_late {
            return;
        }
        let cache = self.places.entry(place).or_default();
        let is_there = entry.is_some();
        cache.values.insert(key.to_owned(), (entry, now.plus(LAG)));
        for (prefix, (names, _)) in &mut cache.names {
            if key.starts_with(prefix.as_str()) {
                names.retain(|name| name != key);
                names.extend(is_there.then(|| key.to_owned()));
            }
        }
    }
}
