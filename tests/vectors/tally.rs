//! The tally: how many cases agree, and by what the others deviate.

use std::collections::BTreeMap;
use std::fmt;

use crate::case::Case;
use crate::deviations::Deviation;
use crate::run::Verdict;

#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Agreeing, deviating and failing, by category.
    categories: BTreeMap<String, [usize; 3]>,
    deviations: BTreeMap<Deviation, Vec<String>>,
    failures: Vec<String>,
}

impl Tally {
    pub(crate) fn count(&mut self, case: &Case, verdict: &Verdict) {
        let counts = self.categories.entry(case.category.clone()).or_default();
        match verdict {
            Verdict::Agrees => counts[0] += 1,
            Verdict::Deviates(deviations) => {
                counts[1] += 1;
                for deviation in deviations {
                    self.deviations.entry(*deviation).or_default().push(case.name.clone());
                }
            }
            Verdict::Fails(why) => {
                counts[2] += 1;
                self.failures.push(format!("{}: {why}", case.name));
            }
        }
    }

    pub(crate) fn total(&self) -> usize {
        self.categories.values().flatten().sum()
    }

    pub(crate) fn failures(&self) -> String {
        self.failures.join("\n")
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:18} {:>7} {:>9} {:>6}", "category", "agree", "deviate", "fail")?;
        for (category, [agree, deviate, fail]) in &self.categories {
            writeln!(f, "{category:18} {agree:7} {deviate:9} {fail:6}")?;
        }
        let sum =
            |index: usize| self.categories.values().map(|counts| counts[index]).sum::<usize>();
        writeln!(f, "{:18} {:7} {:9} {:6}\n", "all", sum(0), sum(1), sum(2))?;
        for listed in [true, false] {
            let title = if listed { "README's list" } else { "invariants behind it" };
            writeln!(f, "deviations, {title}")?;
            for (deviation, cases) in
                self.deviations.iter().filter(|(it, _)| it.is_listed() == listed)
            {
                writeln!(f, "  {:4}  {deviation:?}: {}", cases.len(), cases.join(", "))?;
            }
        }
        Ok(())
    }
}
