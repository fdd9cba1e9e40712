//! The variables of the environment that begin as this program's do and mean nothing to it: misspelt ones, most likely.

use std::collections::BTreeSet;

use clap::CommandFactory as _;

use crate::cli::Cli;
use crate::cli_keeping::PASSPHRASE;

/// How this program's variables begin.
const PREFIX: &str = "SANBAO_";
/// How those of its tests begin, which a shell may well have.
const OF_TESTS: &str = "SANBAO_TEST_";
/// How many letters may be wrong, left out, doubled or swapped in a name that is still taken for a known one.
const LETTERS_WRONG_MAX: usize = 3;

/// A variable that means nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    pub name: String,
    /// The known one that it is most like.
    pub like: Option<String>,
}

/// The variables that some command reads.
fn known() -> BTreeSet<String> {
    fn of(command: &clap::Command, into: &mut BTreeSet<String>) {
        into.extend(
            command.get_arguments().filter_map(|a| a.get_env()).map(|name| name.to_string_lossy().into_owned()),
        );
        command.get_subcommands().for_each(|command| of(command, into));
    }
    let mut names = BTreeSet::from([PASSPHRASE.to_owned()]);
    of(&Cli::command(), &mut names);
    names
}

/// Those of `names` that begin as this program's do and that no command reads.
pub fn unknown(names: impl Iterator<Item = String>) -> Vec<Unknown> {
    let known = known();
    let strange = names.filter(|name| name.starts_with(PREFIX) && !name.starts_with(OF_TESTS) && !known.contains(name));
    let like = |name: &str| {
        let nearest = known.iter().map(|known| (strsim::osa_distance(known, name), known)).min()?;
        (nearest.0 <= LETTERS_WRONG_MAX).then(|| nearest.1.clone())
    };
    let mut found: Vec<_> = strange.map(|name| Unknown { like: like(&name), name }).collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

/// Those of this process's environment.
pub fn unknown_here() -> Vec<Unknown> {
    unknown(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_variable_is_named_with_the_one_that_is_meant() {
        let names =
            ["SANBAO_LISTN", "SANBAO_LISTEN", "SANBAO_TEST_CHROMIUM", "PATH", "SANBAO_DATABSE_ULR", "SANBAO_COLOUR"];
        let found: Vec<_> =
            unknown(names.map(str::to_owned).into_iter()).into_iter().map(|u| (u.name, u.like)).collect();
        assert_eq!(
            found,
            [
                ("SANBAO_COLOUR".to_owned(), None),
                ("SANBAO_DATABSE_ULR".to_owned(), Some("SANBAO_DATABASE_URL".to_owned())),
                ("SANBAO_LISTN".to_owned(), Some("SANBAO_LISTEN".to_owned())),
            ]
        );
    }
}
