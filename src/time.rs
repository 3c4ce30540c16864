//! Points in time and lengths of time, as plain numbers that callers pass in.
//!
//! Guarantees: nothing here reads a clock, and no operation overflows or goes below zero; sums and
//! differences saturate, so that a clock that steps backwards can never turn a deadline into the
//! far future.

use serde::{Deserialize, Serialize};

/// A point in time: whole milliseconds since the Unix epoch, UTC.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Time(u64);

/// A length of time in whole milliseconds.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Span(u64);

/// The longest length of time that a configuration may name: ten years.
const LONGEST: Span = Span::from_secs(3650 * 86_400);

impl Time {
    /// The time that is `millis` milliseconds after the epoch.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// The time that is `seconds` seconds after the epoch.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down: a `NumericDate` of RFC 7519.
    #[must_use]
    pub const fn secs(self) -> u64 {
        self.0 / 1000
    }

    /// This time, moved later by `span`.
    #[must_use]
    pub const fn plus(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// This time, moved earlier by `span`, not before the epoch.
    #[must_use]
    pub const fn minus(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }

    /// How long ago `earlier` was; zero when it has not come yet.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A length of `seconds` seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// A length of `millis` milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// The length in milliseconds.
    #[must_use]
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// The length in whole seconds, rounded down.
    #[must_use]
    pub const fn secs(self) -> u64 {
        self.0 / 1000
    }

    /// The length in whole seconds, rounded up.
    #[must_use]
    pub const fn secs_up(self) -> u64 {
        self.0.div_ceil(1000)
    }

    /// Whether this is no time at all.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Both lengths together.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left of the length.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The length so many times over.
    #[must_use]
    pub const fn times(self, count: u64) -> Self {
        Self(self.0.saturating_mul(count))
    }

    /// A quarter of the length.
    #[must_use]
    pub const fn quarter(self) -> Self {
        Self(self.0 / 4)
    }

    /// Reads the form that configurations use: a whole number and one of `s`, `m`, `h`, `d`, as in
    /// `"30m"`. Zero is written `"0s"`.
    ///
    /// # Errors
    /// Says in words what is wrong, without repeating the text.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const FORM: &str =
            "must be a whole number and a unit, like \"45s\", \"30m\", \"12h\" or \"30d\"";
        let unit = match text.as_bytes().last() {
            Some(b's') => 1,
            Some(b'm') => 60,
            Some(b'h') => 3600,
            Some(b'd') => 86_400,
            _ => return Err(FORM),
        };
        let digits = text.get(..text.len().saturating_sub(1)).unwrap_or_default();
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(FORM);
        }
        let number: u64 = digits.parse().map_err(|_| "must be at most ten years")?;
        let span = Self::from_secs(number.saturating_mul(unit));
        if span > LONGEST {
            return Err("must be at most ten years");
        }
        Ok(span)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        assert_eq!(Span::parse("45s"), Ok(Span::from_secs(45)));
        assert_eq!(Span::parse("30m"), Ok(Span::from_secs(1800)));
        assert_eq!(Span::parse("12h"), Ok(Span::from_secs(43_200)));
        assert_eq!(Span::parse("30d"), Ok(Span::from_secs(2_592_000)));
        assert_eq!(Span::parse("0s"), Ok(Span::ZERO));
    }

    #[test]
    fn durations_of_another_form_are_refused() {
        for text in [
            "",
            "s",
            "5",
            "-5s",
            "+5s",
            "5 s",
            "5.5s",
            "5ms",
            "s5",
            "5S",
            "99999999999999999999s",
            "3651d",
            "５s",
        ] {
            assert!(Span::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        let last = Time::from_millis(u64::MAX);
        assert_eq!(last.plus(Span::from_secs(1)), last);
        assert_eq!(Time::from_millis(5).minus(Span::from_secs(1)), Time::from_millis(0));
        assert_eq!(Time::from_millis(5).since(Time::from_millis(9)), Span::ZERO);
    }
}
