//! The functions to draw, the range of x, and how both are written.

use std::str::FromStr;

use clap::{ArgMatches, Args, Command, Error, FromArgMatches, ValueEnum};
use hard_sigmoid::HardSigmoid;

use super::super::console::Failure;
use super::super::function::{self, Preset, PresetParser, number};

/// The range that is drawn unless a ramp extends beyond it.
const DEFAULT_RANGE: (f64, f64) = (-6.0, 6.0);

/// The greatest number in a range, and the least width. Beyond, there is no room for ticks.
const RANGE_LIMITS: (f64, f64) = (1e30, 1e-6);

/// The options, from which [`FunctionsArgs`] are made.
#[derive(Args)]
struct Options {
    /// Draw the function of a framework (can be repeated)
    #[arg(short, long, value_parser = PresetParser)]
    preset: Vec<Preset>,
    /// Draw the function with this slope (can be repeated, each with its --beta)
    #[arg(long, allow_hyphen_values = true, value_parser = function::parse)]
    alpha: Vec<f64>,
    /// Set its value at x = 0 (can be repeated, each with its --alpha)
    #[arg(long, allow_hyphen_values = true, value_parser = function::parse)]
    beta: Vec<f64>,
}

/// The functions in the order in which they are given, or what is wrong with them.
pub(crate) struct FunctionsArgs(Result<Vec<HardSigmoid>, String>);

impl FunctionsArgs {
    pub(crate) fn all(&self) -> Result<Vec<HardSigmoid>, Failure> {
        self.0.clone().map_err(Failure::Usage)
    }
}

impl Options {
    /// `places` gives the positions of an option among the arguments.
    fn functions<I: Iterator<Item = usize>>(self, places: impl Fn(&str) -> I) -> Result<Vec<HardSigmoid>, String> {
        let Self { preset, alpha, beta } = self;
        let (alphas, betas) = (alpha.len(), beta.len());
        if alphas != betas {
            return Err(format!("{alphas} --alpha and {betas} --beta given: give one --beta for each --alpha"));
        }
        let pair = |(alpha, beta)| HardSigmoid::new(alpha, beta).map_err(|error| error.to_string());
        let pairs = alpha.into_iter().zip(beta).map(pair).collect::<Result<Vec<_>, _>>()?;
        // A pair is where its alpha is.
        let presets = places("preset").zip(preset.into_iter().map(HardSigmoid::from));
        let mut all: Vec<_> = presets.chain(places("alpha").zip(pairs)).collect();
        all.sort_by_key(|&(place, _)| place);
        Ok(all.into_iter().map(|(_, f)| f).collect())
    }
}

impl Args for FunctionsArgs {
    fn augment_args(command: Command) -> Command {
        Options::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Options::augment_args_for_update(command)
    }
}

impl FromArgMatches for FunctionsArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let places = |id: &str| matches.indices_of(id).into_iter().flatten();
        Ok(Self(Options::from_arg_matches(matches)?.functions(places)))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

pub(crate) fn presets() -> Vec<HardSigmoid> {
    Preset::value_variants().iter().map(|&preset| preset.into()).collect()
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
