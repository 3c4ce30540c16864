//! Finding a name in a Cookie header, letter case ignored.
//!
//! Guarantees: every occurrence is found, wherever it stands. Headers grow to kilobytes that are not
//! ours, so most bytes are never looked at
//! ([Horspool](https://doi.org/10.1002/spe.4380100608)).

use core::ops::Range;

/// A name to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Search {
    name: String,
    /// How far to go on after a place that ends in this byte.
    skips: [u8; 256],
}

impl Search {
    /// A search for a name of ASCII characters, at most 255 of them.
    pub(super) fn new(name: &str) -> Self {
        let whole = u8::try_from(name.len()).unwrap_or(u8::MAX);
        let mut skips = [whole; 256];
        // The last one counts; the name's own end would lead nowhere.
        for (left, byte) in (1..whole).rev().zip(name.bytes()) {
            for byte in [byte.to_ascii_lowercase(), byte.to_ascii_uppercase()] {
                if let Some(skip) = skips.get_mut(usize::from(byte)) {
                    *skip = left;
                }
            }
        }
        Self { name: name.to_owned(), skips }
    }

    /// The first place of the name at or after `from`.
    pub(super) fn find(&self, text: &str, from: usize) -> Option<usize> {
        let mut at = from;
        loop {
            let end = at.checked_add(self.name.len())?;
            let window = text.as_bytes().get(at..end)?;
            if window.eq_ignore_ascii_case(self.name.as_bytes()) {
                return Some(at);
            }
            let skip = self.skips.get(usize::from(*window.last()?))?;
            at = at.checked_add(usize::from(*skip))?;
        }
    }

    /// The parts of a header between two `;` in which the name stands, in order.
    pub(super) fn segments<'header>(
        &'header self,
        header: &'header str,
    ) -> impl Iterator<Item = Range<usize>> + 'header {
        let mut from = 0;
        core::iter::from_fn(move || {
            let at = self.find(header, from)?;
            let before = header.get(..at).and_then(|before| before.rfind(';'));
            let start = before.map_or(0, |place| place.saturating_add(1));
            let after = header.get(at..).and_then(|after| after.find(';'));
            let end = after.map_or(header.len(), |place| at.saturating_add(place));
            from = end;
            Some(start..end)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_with_the_name_are_found_once_each() {
        let search = Search::new("__Host-s");
        let found = |header: &str| -> Vec<String> {
            search.segments(header).map(|range| header.get(range).unwrap().to_owned()).collect()
        };
        assert_eq!(found("a=1; __Host-s=v; b=2"), [" __Host-s=v"]);
        assert_eq!(found("__HOST-S=__host-s;;x__Host-s"), ["__HOST-S=__host-s", "x__Host-s"]);
        assert_eq!(found("__Host-"), [""; 0]);
        assert_eq!(found("é__Host-s;ü"), ["é__Host-s"]);
    }

    proptest! {
        #[test]
        fn no_occurrence_is_missed(text in "[_Hhs;x-]{0,40}") {
            let search = Search::new("_Hs-");
            let expected = text.to_ascii_lowercase().find("_hs-");
            prop_assert_eq!(search.find(&text, 0), expected);
        }
    }
}
