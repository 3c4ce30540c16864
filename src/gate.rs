//! The gate: what becomes of a request, decided in steps between which the shell does the I/O.
//!
//! Guarantees: a request is forwarded as somebody's only on the word of the store, or of a memory
//! young enough; whatever is not known for certain is a refusal; the browser is told only of what has
//! happened.
//!
//! ```text
//! open ──► Answer                       turned away: no store was asked, nothing was forwarded
//!   │ ───► Load(passage) ─ store ─┐
//!   └────► Forward(passage) ──────┴► resume ──► Answer
//!                                      └──────► Forward ─ origin ─► respond ─► Turn
//! Turn::Ask(call) ─ store ─► settle ─► Turn        Turn::Done(outcome): the browser's answer
//! ```

mod control;
mod cookies;
mod logout;
mod no_session;
mod open;
mod out_of_band;
mod passage;
mod respond;
mod resume;

pub use control::{Pending, settle};
pub use logout::Leaving;
pub use open::{Opened, open};
pub use out_of_band::{Asked, read as read_out_of_band};
pub use passage::{Context, Loaded, Passage};
pub use respond::respond;
pub use resume::{Entropy, Forward, Recalled, Resumed, recall, remember, resume};

use crate::verdict::{Call, Outcome};

/// What is to be done next.
#[derive(Debug)]
pub enum Turn {
    /// Ask the store, and go on with its answer.
    Ask(Box<Call>, Box<Pending>),
    /// Answer the browser.
    Done(Outcome),
}
