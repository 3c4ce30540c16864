//! Writing the log.

use std::cell::RefCell;

use worker::web_sys::console;

use super::env;
use crate::config::Config;
use crate::event::{Event, Journal, Level, What};

thread_local! {
    static JOURNAL: RefCell<Journal> = RefCell::new(Journal::default());
}

/// Writes what is to be said of these events.
pub(super) fn write(config: &Config, events: &[Event]) {
    for event in events {
        line(config.log_level, event);
    }
}

/// Says what is wrong with the configuration, to the operator alone.
pub(super) fn misconfigured(problems: &[String]) {
    line(Level::Warn, &Event::new(What::ConfigInvalid).listing(problems));
}

fn line(level: Level, event: &Event) {
    let line = JOURNAL.with_borrow_mut(|journal| journal.line(level, event, env::now()));
    if let Some(line) = line {
        console::log_1(&line.into());
    }
}
