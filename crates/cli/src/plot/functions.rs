//! The functions to draw, the range of x, and how both are written.

use std::str::FromStr;

use clap::{ArgMatches, Args};
use hard_sigmoid::HardSigmoid;

use super::super::console::Failure;
use super::super::function::{self, Preset, PresetParser, number};

/// The range that is drawn unless a ramp extends beyond it.
const DEFAULT_RANGE: (f64, f64) = (-6.0, 6.0);

/// The greatest number in a range, and the least width. Beyond, there is no room for ticks.
const RANGE_LIMITS: (f64, f64) = (1e30, 1e-6);

#[derive(Args)]
pub(crate) struct FunctionsArgs {
    /// Draw the function of a framework (can be repeated)
    #[arg(short, long, value_parser = PresetParser)]
    preset: Vec<Preset>,
    /// Draw the function with this slope (can be repeated, each with its --beta)
    #[arg(long, allow_hyphen_values = true, value_parser = HardSigmoid::parse_parameter)]
    alpha: Vec<f64>,
    /// Set its value at x = 0 (can be repeated, each with its --alpha)
    #[arg(long, allow_hyphen_values = true, value_parser = HardSigmoid::parse_parameter)]
    beta: Vec<f64>,
}

impl FunctionsArgs {
    /// The functions in the order in which they are given. `matches` has the positions of the arguments.
    pub(crate) fn all(&self, matches: &ArgMatches) -> Result<Vec<HardSigmoid>, Failure> {
        let Self { preset, alpha, beta } = self;
        let (alphas, betas) = (alpha.len(), beta.len());
        if alphas != betas {
            let remedy = "give one --beta for each --alpha";
            return Err(Failure::Usage(format!("{alphas} --alpha and {betas} --beta given: {remedy}")));
        }
        let pairs = alpha.iter().zip(beta).map(|(&alpha, &beta)| function::new(alpha, beta));
        let pairs = pairs.collect::<Result<Vec<_>, _>>()?;
        let places = |id| matches.indices_of(id).into_iter().flatten();
        let presets = places("preset").zip(preset.iter().map(|&preset| preset.into()));
        // A pair is where its alpha is.
        let mut all: Vec<_> = presets.chain(places("alpha").zip(pairs)).collect();
        all.sort_by_key(|&(place, _)| place);
        Ok(all.into_iter().map(|(_, f)| f).collect())
    }
}

/// Where 0 < αx + β < 1. None if α is 0.
pub(crate) fn ramp(f: HardSigmoid) -> Option<(f64, f64)> {
    let at = |y: f64| (y - f.beta()) / f.alpha();
    (f.alpha() != 0.0).then(|| (at(0.0).min(at(1.0)), at(0.0).max(at(1.0))))
}

/// Four digits of a number.
pub(crate) fn rounded(x: f64) -> String {
    number(format!("{x:.3e}").parse().unwrap_or(x))
}

/// A range of x.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    pub(crate) from: f64,
    pub(crate) to: f64,
}

impl Range {
    pub(crate) fn of_ramps(functions: &[HardSigmoid]) -> Self {
        let (from, to) = DEFAULT_RANGE;
        // A margin shows that the function is constant there.
        let with = |range: Self, (lower, upper): (f64, f64)| {
            let margin = 0.25 * (upper - lower);
            Self {
                from: if lower < from { range.from.min(lower - margin) } else { range.from },
                to: if upper > to { range.to.max(upper + margin) } else { range.to },
            }
        };
        functions.iter().filter_map(|&f| ramp(f)).fold(Self { from, to }, with)
    }

    pub(crate) fn contains(self, x: f64) -> bool {
        (self.from..=self.to).contains(&x)
    }
}

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = || {
            let (from, to) = text.split_once(':')?;
            Some((from.trim().parse::<f64>().ok()?, to.trim().parse::<f64>().ok()?))
        };
        let (from, to) = numbers().ok_or("not a range: give two numbers with a colon between them, as in -6:6")?;
        let (greatest, least_width) = RANGE_LIMITS;
        let in_order = from < to;
        if !in_order {
            return Err("the first number must be less than the second, as in -6:6".into());
        }
        if from.abs().max(to.abs()) > greatest || to - from < least_width.max(least_width * from.abs().max(to.abs())) {
            return Err(
                "too wide or too narrow for ticks: choose numbers further apart and nearer to 0, as in -6:6".into()
            );
        }
        Ok(Self { from, to })
    }
}
