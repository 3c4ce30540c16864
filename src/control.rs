//! `Edge-Session-Control`: what an origin tells the gate to do with a session, as a JWT
//! ([RFC 7519](https://www.rfc-editor.org/rfc/rfc7519)).
//!
//! Guarantees: an instruction counts only when it was signed by the origin, for this site, in answer
//! to this very request (or, out of band, under an identifier of its own) and just now; a header
//! injected by an attacker or relayed from another response is none. What parses is complete and
//! well typed: a member that the operation does not have makes it invalid, never ignored.

mod fields;

use sha2::{Digest, Sha256};

use crate::base64url;
use crate::data::{Change, Data};
use crate::jws::{Kind, OriginKeys};
use crate::lifetime::Shorter;
use crate::sid::Sid;
use crate::store::Operation;
use crate::subject::Subject;
use crate::time::Time;

use fields::Fields;

/// The longest message in bytes.
pub const LONGEST: usize = 8 * 1024;

/// How far apart `iat` and `exp` may be, in seconds.
const LONGEST_LIFE: u64 = 60;

/// How far the origin's clock may be from ours, in seconds.
const LEEWAY: u64 = 60;

/// Why a message is no instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlError {
    /// It is not valid; the words are for the log.
    Invalid(&'static str),
    /// This member of it is not what it should be; the words are for the log.
    Member(&'static str, &'static str),
    /// It is longer than allowed.
    TooLong,
    /// The data in it, or after it, is larger than allowed.
    TooLarge,
}

/// The site and the origin that a message is between.
#[derive(Clone, Copy, Debug)]
pub struct Parties<'site> {
    /// The origin's name: who must have sent it.
    pub audience: &'site str,
    /// The site: whom it must be for.
    pub issuer: &'site str,
}

/// A new session, as the origin wants it.
#[derive(Clone, Debug, PartialEq)]
pub struct Create {
    /// Whose it is.
    pub subject: Option<Subject>,
    /// What it holds.
    pub data: Data,
    /// When the user authenticated.
    pub auth_time: Option<u64>,
    /// How.
    pub amr: Option<Vec<String>>,
    /// Whether it is to outlast the browser.
    pub remember: bool,
    /// How its life is to be shorter than configured.
    pub shorter: Shorter,
    /// Whether every other session of the subject is to end.
    pub end_others: bool,
}

/// A new ID for the session, as the origin wants it.
#[derive(Clone, Debug, PartialEq)]
pub struct Rotate {
    /// What changes in the data.
    pub change: Change,
    /// When the user authenticated again.
    pub auth_time: Option<u64>,
    /// How.
    pub amr: Option<Vec<String>>,
    /// How its life gets shorter.
    pub shorter: Shorter,
    /// Whether every other session of the subject is to end.
    pub end_others: bool,
}

/// An instruction that came with a response.
#[derive(Clone, Debug, PartialEq)]
pub enum Instruction {
    /// Begin a session.
    Create(Box<Create>),
    /// Change the session's data, or shorten its life.
    Update(Change, Shorter),
    /// Give the session a new ID at once.
    Rotate(Box<Rotate>),
    /// End the session.
    Destroy,
    /// End every session of the subject: of this one, or of the session's.
    DestroyAll(Option<Subject>),
}

/// Which session a message out of band is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Addressed {
    /// Whose sessions; `None` for an anonymous one.
    pub subject: Option<Subject>,
    /// The session's public handle.
    pub sid: Sid,
}

/// An instruction that came by itself.
#[derive(Clone, Debug, PartialEq)]
pub enum OutOfBand {
    /// Change a session's data, or shorten its life.
    Update(Addressed, Change, Shorter),
    /// End a session.
    Destroy(Addressed),
    /// End every session of the subject.
    DestroyAll(Subject),
    /// List the subject's sessions.
    List(Subject),
}

/// Reads the instruction in a response's header.
///
/// # Errors
/// [`ControlError`], when it is none in answer to the request named `req`.
pub fn read_answer(
    keys: &OriginKeys,
    parties: Parties<'_>,
    message: &str,
    req: &Sid,
    now: Time,
) -> Result<(Instruction, Operation), ControlError> {
    // Headers of one name arrive as one, joined by commas, and no part of a JWT has one.
    if message.contains(',') {
        return Err(ControlError::Invalid("there are two of them: an answer carries one"));
    }
    let (mut fields, until) = verified(keys, parties, message, now)?;
    if fields.text("req")?.as_deref() != Some(req.as_str()) {
        return Err(ControlError::Invalid("it does not answer this request"));
    }
    let _ = fields.text("jti")?;
    let instruction = match fields.text("op")?.as_deref() {
        Some("create") => Instruction::Create(Box::new(create(&mut fields, now)?)),
        Some("update") => Instruction::Update(fields.change()?, fields.shorter()?),
        Some("rotate") => Instruction::Rotate(Box::new(Rotate {
            change: fields.change()?,
            auth_time: fields.integer("auth_time")?,
            amr: fields.amr()?,
            shorter: fields.shorter()?,
            end_others: fields.flag("end_others")?,
        })),
        Some("destroy") => Instruction::Destroy,
        Some("destroy_all") => Instruction::DestroyAll(fields.subject()?),
        _ => {
            return Err(ControlError::Invalid("its op is none that a response can carry"));
        }
    };
    fields.finish()?;
    Ok((instruction, operation(req.as_str(), message, until, false)))
}

/// Reads an instruction that came by itself.
///
/// # Errors
/// [`ControlError`], when it is none.
pub fn read_out_of_band(
    keys: &OriginKeys,
    parties: Parties<'_>,
    message: &str,
    now: Time,
) -> Result<(OutOfBand, Operation), ControlError> {
    let (mut fields, until) = verified(keys, parties, message, now)?;
    let id = fields
        .text("jti")?
        .filter(|id| (1..=128).contains(&id.len()))
        .ok_or(ControlError::Invalid("it has no jti of 1 to 128 bytes"))?;
    let instruction = match fields.text("op")?.as_deref() {
        Some("update") => {
            OutOfBand::Update(addressed(&mut fields)?, fields.change()?, fields.shorter()?)
        }
        Some("destroy") => OutOfBand::Destroy(addressed(&mut fields)?),
        Some("destroy_all") => OutOfBand::DestroyAll(named(&mut fields)?),
        Some("list") => OutOfBand::List(named(&mut fields)?),
        _ => {
            return Err(ControlError::Invalid("its op is none that can come by itself"));
        }
    };
    fields.finish()?;
    Ok((instruction, operation(&id, message, until, true)))
}

/// The members of a message that was signed by the origin, for us, just now; those that every
/// message has are taken out. With them, until when a repeat of the message would count.
fn verified(
    keys: &OriginKeys,
    parties: Parties<'_>,
    message: &str,
    now: Time,
) -> Result<(Fields, Time), ControlError> {
    if message.len() > LONGEST {
        return Err(ControlError::TooLong);
    }
    let claims = keys.verify(Kind::Control, message).map_err(ControlError::Invalid)?;
    let mut fields = Fields::new(claims);
    if fields.text("iss")?.as_deref() != Some(parties.audience) {
        return Err(ControlError::Invalid("its iss is not the configured audience"));
    }
    if fields.text("aud")?.as_deref() != Some(parties.issuer) {
        return Err(ControlError::Invalid("its aud is not the configured issuer"));
    }
    let missing = ControlError::Invalid("it has no integer iat and exp");
    let issued = fields.integer("iat")?.ok_or(missing)?;
    let expires = fields.integer("exp")?.ok_or(missing)?;
    if issued > expires || expires.saturating_sub(issued) > LONGEST_LIFE {
        return Err(ControlError::Invalid("iat and exp are out of order or over 60 s apart"));
    }
    let starts = fields.integer("nbf")?.map_or(issued, |starts| starts.max(issued));
    let (from, until) = (starts.saturating_sub(LEEWAY), expires.saturating_add(LEEWAY));
    if now.secs() < from {
        return Err(ControlError::Invalid("its iat or nbf is over 60 s ahead of our clock"));
    }
    if now.secs() > until {
        return Err(ControlError::Invalid("its exp is over 60 s behind our clock"));
    }
    Ok((fields, Time::from_secs(until.saturating_add(1))))
}

fn create(fields: &mut Fields, now: Time) -> Result<Create, ControlError> {
    let subject = fields.subject()?;
    let auth_time = fields.integer("auth_time")?;
    Ok(Create {
        auth_time: auth_time.or_else(|| subject.is_some().then(|| now.secs())),
        subject,
        data: fields.data("data")?,
        amr: fields.amr()?,
        remember: fields.flag("remember")?,
        shorter: fields.shorter()?,
        end_others: fields.flag("end_others")?,
    })
}

fn addressed(fields: &mut Fields) -> Result<Addressed, ControlError> {
    let sid = fields
        .text("sid")?
        .as_deref()
        .and_then(Sid::parse)
        .ok_or(ControlError::Member("sid", "it is missing or none"))?;
    Ok(Addressed { subject: fields.subject()?, sid })
}

fn named(fields: &mut Fields) -> Result<Subject, ControlError> {
    fields.subject()?.ok_or(ControlError::Invalid("it has no sub"))
}

fn operation(id: &str, message: &str, until: Time, out_of_band: bool) -> Operation {
    // Half of the hash tells two messages of one signer apart.
    let hash = Sha256::digest(message.as_bytes());
    let digest = base64url::encode(hash.get(..16).unwrap_or_default());
    Operation { id: id.to_owned(), digest, until, out_of_band }
}
