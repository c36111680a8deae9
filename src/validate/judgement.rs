//! What a judge found, in words.

use std::fmt::{Display, Formatter, Result};

use super::pass::Pass;
use super::reference::FAR;
use super::report::Difference;
use crate::{Dtype, Element, HardSigmoid};

/// The most examples that a finding holds.
const MAX_EXAMPLES: usize = 3;

/// Which results pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// The bits of [`HardSigmoid::eval`] or [`Backward::eval`](crate::Backward::eval), NaN included.
    Bits,
    /// At most so many ULP from the number nearest to the exact result. Any NaN passes for another. In the forward
    /// pass, -0 does not pass for 0.
    Ulps(u32),
    /// At most this far from the exact result. In the backward pass, that is for a gradient with respect to y of 1 or
    /// less, and in proportion for a greater one. Any NaN passes for another.
    Absolute(f64),
}

impl Display for Tolerance {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Bits => f.write_str("the same bits"),
            Self::Ulps(ulps) => write!(f, "{ulps} ULP"),
            Self::Absolute(error) => write!(f, "{error:e} absolute"),
        }
    }
}

/// What is wrong with a result. Each wrong result has the first kind that applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// There are fewer or more results than inputs.
    Length,
    /// x or the gradient is NaN.
    Nan,
    /// x or the gradient is infinite.
    Infinity,
    /// The result is NaN, and the inputs are numbers.
    MadeNan,
    /// The result is -0 where 0 is right.
    MinusZero,
    /// The result is less than 0 or greater than 1. Forward only.
    Range,
    /// x is an edge, or within 2 ULP of it: α·x + β is 0 or 1 there, and the gradient jumps.
    Edge,
    /// An input or the right result is a subnormal number.
    Subnormal,
    /// x is beyond an edge, and the result is not the 0 or the 1 of that side.
    Late,
    /// x is between the edges, and the result is 0 or 1.
    Early,
    /// x is beyond an edge, and the gradient is not 0.
    Leak,
    /// x is between the edges, and the gradient is 0.
    Lost,
    /// x is between the edges, and the result is too far from the right one.
    Inside,
    /// A greater x has a lesser result, or the reverse if α < 0. The expected result is that of the x before.
    Descent,
}

impl Kind {
    /// A name, such as `NaN` or `leaking gradient`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.words().0
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Length => ("length", "results that are missing or too many"),
            Self::Nan => ("NaN", "wrong results for NaN"),
            Self::Infinity => ("infinities", "wrong results for infinite inputs"),
            Self::MadeNan => ("new NaN", "results that are NaN for numbers"),
            Self::MinusZero => ("-0", "results that are -0 instead of 0"),
            Self::Range => ("range", "results outside of 0 to 1"),
            Self::Edge => ("edges", "wrong results at an edge or within 2 ULP of it"),
            Self::Subnormal => ("subnormals", "wrong results for subnormal inputs or results"),
            Self::Late => ("clamped late", "results beyond an edge that are not the 0 or 1 of that side"),
            Self::Early => ("clamped early", "results between the edges that are 0 or 1"),
            Self::Leak => ("leaking gradient", "gradients beyond an edge that are not 0"),
            Self::Lost => ("lost gradient", "gradients between the edges that are 0"),
            Self::Inside => ("accuracy", "inaccurate results between the edges"),
            Self::Descent => ("monotony", "results that fall where they should rise, or the reverse"),
        }
    }
}

/// `NaN: wrong results for NaN`
impl Display for Kind {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let (name, what) = self.words();
        write!(f, "{name}: {what}")
    }
}

/// Results that are wrong in the same way.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Finding<T> {
    /// What is wrong.
    pub kind: Kind,
    /// How many results are.
    pub count: u64,
    /// Whether they are outside of the tolerance. Otherwise it is only worth knowing.
    pub fails: bool,
    /// Those with the least |x|, at most three.
    pub examples: Vec<Difference<T>>,
}

impl<T: Element> Finding<T> {
    pub(super) fn new(kind: Kind, fails: bool, example: Difference<T>) -> Self {
        Self { kind, count: 1, fails, examples: vec![example] }
    }

    /// Adds a finding of the same kind.
    pub(super) fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.fails |= other.fails;
        self.examples.extend(&other.examples);
        let size = |d: &Difference<T>| d.input.to_exact().abs();
        self.examples.sort_by(|a, b| size(a).total_cmp(&size(b)).then(a.index.cmp(&b.index)));
        self.examples.truncate(MAX_EXAMPLES);
    }
}

/// `NaN: wrong results for NaN (2)`
impl<T> Display for Finding<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { kind, count, fails, .. } = self;
        write!(f, "{kind} ({count}{})", if *fails { "" } else { ", within the tolerance" })
    }
}

/// What explains that results are wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Cause {
    /// They are those of this function. Its α and β are estimates if it is no preset.
    OtherFunction(HardSigmoid),
    /// They are those of the function in which α and β have changed places.
    Swapped,
    /// They are those of the function with α and β rounded to f32.
    RoundedToF32,
    /// They are as accurate as this type allows, and are numbers of this type.
    Narrow(Dtype),
    /// They are as accurate near 0 as near 1, in absolute terms, as those of `x * alpha + beta` are.
    Cancellation,
}

impl Display for Cause {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::OtherFunction(other) => match other.preset() {
                Some(name) => {
                    write!(f, "this is the other function: {name} (alpha {:.4}, beta {})", other.alpha(), other.beta())
                }
                None => {
                    let (alpha, beta) = (other.alpha(), other.beta());
                    write!(f, "this is another function: alpha is about {alpha:.7} and beta about {beta:.7}")
                }
            },
            Self::Swapped => f.write_str("alpha and beta have changed places"),
            Self::RoundedToF32 => f.write_str("alpha or beta is rounded to float32"),
            Self::Narrow(dtype) => write!(f, "the results are computed in {} or rounded to it", dtype.numpy_name()),
            Self::Cancellation => f.write_str(
                "cancellation near the lower edge: x * alpha + beta was evaluated; use (x + beta/alpha) * alpha",
            ),
        }
    }
}

/// What a judge found.
///
/// Its `Display` is a list in Markdown: the verdict, what explains it, the largest errors, and the findings with
/// examples.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Judgement<T> {
    /// What was to be computed.
    pub pass: Pass,
    /// Which results pass.
    pub tolerance: Tolerance,
    /// Results that were judged.
    pub checked: u64,
    /// The largest distance in ULP between a result and the number nearest to the exact result, where both are numbers.
    /// 2³² − 2 stands for this many or more. For f64, the rounding errors of the judge are included.
    pub max_ulp: u32,
    /// The result with this distance, and the number nearest to the exact one. `None` if the distance is 0.
    pub worst: Option<Difference<T>>,
    /// The largest difference between a result and the exact result, where both are numbers.
    pub max_abs_error: f64,
    /// What is wrong, by kind.
    pub findings: Vec<Finding<T>>,
    /// What explains the wrong results. Often nothing does.
    pub causes: Vec<Cause>,
}

impl<T: Element> Judgement<T> {
    /// Whether all results are within the tolerance.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        !self.findings.iter().any(|finding| finding.fails)
    }

    /// The finding of a kind.
    #[must_use]
    pub fn finding(&self, kind: Kind) -> Option<&Finding<T>> {
        self.findings.iter().find(|finding| finding.kind == kind)
    }
}

impl<T: Element> Display for Judgement<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let Self { pass, tolerance, checked, max_ulp, worst, max_abs_error, findings, causes } = self;
        let verdict = if self.is_ok() { "right" } else { "wrong" };
        let function = pass.function();
        let name = match function.preset() {
            Some(name) => name.to_owned(),
            None => format!("alpha {} beta {}", function.alpha(), function.beta()),
        };
        writeln!(f, "**{verdict}**: {name}, {}, {pass}; {checked} results; tolerance: {tolerance}\n", T::NAME)?;
        for cause in causes {
            writeln!(f, "- {cause}")?;
        }
        let at_least = if *max_ulp == FAR { "at least " } else { "" };
        // A gradient may be as large as an f32, and so is the absolute error of its product then.
        let absolute = if pass.has_gradient() { String::new() } else { format!("; {max_abs_error:.3e} absolute") };
        writeln!(f, "- largest error: {at_least}{max_ulp} ULP{absolute}")?;
        if let Some(worst) = worst {
            writeln!(f, "  - {worst}")?;
        }
        for finding in findings {
            writeln!(f, "- {finding}")?;
            for example in &finding.examples {
                writeln!(f, "  - {example}")?;
            }
        }
        Ok(())
    }
}
