//! `POST /.edge-session/logout`: the browser's own way out, without the origin.
//!
//! Guarantees: the answer says that the session has ended only when the store has ended it; without
//! a session it is the same, but that no cookie is cleared.

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
    tokens: Vec<Token>,
    is_navigation: bool,
}

/// `tokens` is every ID that is presented. None may be used where there are several, but whoever
/// leaves wants none of them to live on.
pub(super) const fn leave(tokens: Vec<Token>, is_navigation: bool) -> Leaving {
    Leaving { tokens, is_navigation }
}

impl Leaving {
    /// What to ask the store after these replies to what was asked before; `None` when the answer
    /// is known. After a fault it is: nobody waits for one deadline after the other.
    #[must_use]
    pub fn question(&self, site: &Site, replies: &[Result<Reply, Fault>]) -> Option<Call> {
        if replies.iter().any(Result::is_err) {
            return None;
        }
        let token = self.tokens.get(replies.len())?;
        let command = Command::Destroy { which: Which::Id(token.hash), operation: None };
        Some(call_about(site, token, command))
    }

    /// The answer, with what the store said to each question.
    #[must_use]
    pub fn answer(
        &self,
        site: &Site,
        replies: Vec<Result<Reply, Fault>>,
        events: &mut Vec<Event>,
    ) -> Answer {
        let (mut has_ended, mut fault) = (false, None);
        for reply in replies {
            if let Ok(Reply::Ended { ended, .. }) = reply {
                note_ended(site, &ended, "logout", events);
                has_ended |= !ended.is_empty();
            } else {
                fault = Some(reply.err().unwrap_or(Fault::Unreadable));
            }
        }
        if let Some(fault) = fault {
            events.push(Event::store_fault(fault));
            let said = "You are still logged in: the session is alive. Try again in a moment.";
            return Code::StoreUnavailable.problem_saying(said).into();
        }
        let mut answer = if self.is_navigation {
            Answer::redirect(303, site.config.logout_url.clone())
        } else {
            Answer::new(204)
        };
        if has_ended {
            answer.cookies = site.config.cookie.clear();
        }
        answer.with("clear-site-data", "\"cache\"")
    }
}
