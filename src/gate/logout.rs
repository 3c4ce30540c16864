//! `POST /.edge-session/logout`: the browser's own way out, without the origin.
//!
//! Guarantees: the answer says that the session has ended only when the store has ended it; without
//! a session the answer is the same, so that it tells nobody whether there was one.

use super::control::note_ended;
use super::passage::call_about;
use crate::error::Code;
use crate::event::Event;
use crate::site::Site;
use crate::store::{Command, Fault, Reply, Which};
use crate::token::Token;
use crate::verdict::{Answer, Call};

/// A browser on its way out.
#[derive(Debug)]
pub struct Leaving {
    token: Option<Token>,
    is_navigation: bool,
}

pub(super) const fn leave(token: Option<Token>, is_navigation: bool) -> Leaving {
    Leaving { token, is_navigation }
}

impl Leaving {
    /// What to ask the store; nothing when no session is presented.
    #[must_use]
    pub fn question(&self, site: &Site) -> Option<Call> {
        let token = self.token.as_ref()?;
        let command = Command::Destroy { which: Which::Id(token.hash), operation: None };
        Some(call_about(site, token, command))
    }

    /// The answer, with the store's; nothing where it was not asked.
    #[must_use]
    pub fn answer(
        &self,
        site: &Site,
        reply: Option<Result<Reply, Fault>>,
        events: &mut Vec<Event>,
    ) -> Answer {
        let ended = match reply {
            None => false,
            Some(Ok(Reply::Ended { ended, .. })) => {
                note_ended(site, &ended, "logout", events);
                !ended.is_empty()
            }
            Some(other) => {
                let fault = other.err().unwrap_or(Fault::Unreadable);
                events.push(Event::store_fault(fault));
                let said = "You are still logged in: the session is alive. Try again in a moment.";
                return Code::StoreUnavailable.problem_saying(said).into();
            }
        };
        let mut answer = if self.is_navigation {
            Answer::redirect(303, site.config.logout_url.clone())
        } else {
            Answer::new(204)
        };
        if ended {
            answer.cookies.push(site.config.cookie.clear());
        }
        answer.with("clear-site-data", "\"cache\"")
    }
}
