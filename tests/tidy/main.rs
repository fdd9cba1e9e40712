//! The rules of the house that a program can see: the tree, the code's shape, both engines' schemas and statements.

#![expect(clippy::unwrap_used, reason = "a test that cannot read what it checks has failed")]

mod asvs;
mod engines;
mod names;
mod pages;
mod personal;
mod rules;
mod schema;
mod statements;
mod third_party;
mod tokens;
mod tree;
mod words;

use rules::RULES;
use tree::File;

/// Fails with all findings at once.
fn assert_tidy(findings: &[String]) {
    assert!(findings.is_empty(), "{} findings:\n{}\n", findings.len(), findings.join("\n"));
}

#[test]
fn the_repository_keeps_its_rules() {
    let files = tree::files();
    let mut findings = Vec::new();
    for rule in RULES {
        findings.extend((rule.check)(&files).into_iter().map(|f| format!("{f}  [{}]", rule.name)));
    }
    assert_tidy(&findings);
}

#[test]
fn every_rule_can_fail() {
    let tree = |sample: &[(&str, &str)]| sample.iter().map(|(path, text)| File::new(path, text)).collect::<Vec<_>>();
    for rule in RULES {
        let long = rules::long_samples().into_iter().filter(|(name, ..)| *name == rule.name);
        let (mut bad, mut good): (Vec<_>, Vec<_>) = long.map(|(_, bad, good)| (bad, good)).unzip();
        bad.extend(rule.bad.iter().map(|s| tree(s)));
        good.extend(rule.good.iter().map(|s| tree(s)));
        assert!(!bad.is_empty() && !good.is_empty(), "{}: no sample", rule.name);
        for sample in bad {
            assert!(!(rule.check)(&sample).is_empty(), "{}: lets pass {sample:?}", rule.name);
        }
        for sample in good {
            assert_eq!((rule.check)(&sample), Vec::<String>::new(), "{}: refuses {sample:?}", rule.name);
        }
    }
}
