//! Doctors of a rank, or of those from it on.

use crate::consult::input::Title;

/// Which ranks a search takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rank {
    Any,
    Exactly(Title),
    /// This one and those above it.
    AtLeast(Title),
    /// Those below it.
    Below(Title),
}

impl Rank {
    /// At least this rank, where one is asked for.
    pub fn wanted(title: Option<Title>) -> Self {
        title.map_or(Self::Any, Self::AtLeast)
    }

    /// Exactly this rank, where one is asked for.
    pub fn exactly(title: Option<Title>) -> Self {
        title.map_or(Self::Any, Self::Exactly)
    }

    fn takes(self, title: Title) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(one) => title == one,
            Self::AtLeast(least) => title >= least,
            Self::Below(bound) => title < bound,
        }
    }

    /// The words of the four ranks, each in its place; those that are not taken are empty.
    pub fn words(self) -> [&'static str; 4] {
        let word = |title: Title| if self.takes(title) { title.as_str() } else { "" };
        [Title::Resident, Title::Attending, Title::AssociateChief, Title::Chief].map(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wanted_rank_takes_those_above_it_too() {
        assert_eq!(Rank::wanted(None).words(), Rank::Any.words());
        assert_eq!(Rank::wanted(Some(Title::AssociateChief)).words(), ["", "", "associate_chief", "chief"]);
        assert_eq!(Rank::exactly(Some(Title::AssociateChief)).words(), ["", "", "associate_chief", ""]);
        assert_eq!(Rank::Below(Title::Attending).words(), ["resident", "", "", ""]);
        assert_eq!(Rank::Below(Title::Resident).words(), [""; 4]);
    }

    #[test]
    fn every_rank_has_its_place() {
        assert!(Title::ALL.iter().map(|title| title.as_str()).eq(Rank::Any.words()));
    }
}
