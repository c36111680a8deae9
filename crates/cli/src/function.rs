//! The options that select the function.

use std::ffi::OsStr;

use clap::builder::{EnumValueParser, PossibleValue, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Args, Command, ValueEnum};
use hard_sigmoid::HardSigmoid;

use super::console::Failure;

/// How a function is selected.
pub(crate) const SELECT: &str =
    "use --preset onnx (alpha 0.2, beta 0.5), --preset pytorch (alpha 1/6, beta 0.5), or --alpha A --beta B";

#[derive(Args)]
pub(crate) struct FunctionArgs {
    /// Use the parameters of a framework
    #[arg(short, long, conflicts_with_all = ["alpha", "beta"], value_parser = PresetParser)]
    preset: Option<Preset>,
    /// Set the slope (requires --beta)
    #[arg(long, requires = "beta", allow_hyphen_values = true, value_parser = HardSigmoid::parse_parameter)]
    alpha: Option<f64>,
    /// Set the value at x = 0 (requires --alpha)
    #[arg(long, requires = "alpha", allow_hyphen_values = true, value_parser = HardSigmoid::parse_parameter)]
    beta: Option<f64>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Preset {
    /// alpha = 0.2, beta = 0.5 (ONNX, Keras 1 and 2, TensorFlow.js, WebNN)
    #[value(aliases = ["keras1", "keras2", "tensorflowjs", "tfjs", "webnn"])]
    Onnx,
    /// alpha = 1/6, beta = 0.5 (PyTorch, Keras 3, JAX)
    #[value(aliases = ["torch", "keras3", "jax"])]
    Pytorch,
}

/// Parses a preset in upper or lower case, and says which is which of two that have one name.
#[derive(Clone)]
pub(crate) struct PresetParser;

impl TypedValueParser for PresetParser {
    type Value = Preset;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<Preset, clap::Error> {
        let lower = value.to_ascii_lowercase();
        if lower == "keras" {
            let message = "Keras 1 and 2 have the function of ONNX, and Keras 3 that of PyTorch: use onnx or pytorch\n";
            return Err(clap::Error::raw(ErrorKind::InvalidValue, message).with_cmd(command));
        }
        EnumValueParser::<Preset>::new().parse_ref(command, arg, &lower)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Preset::value_variants().iter().filter_map(Preset::to_possible_value)))
    }
}

impl From<Preset> for HardSigmoid {
    fn from(preset: Preset) -> Self {
        match preset {
            Preset::Onnx => Self::ONNX,
            Preset::Pytorch => Self::PYTORCH,
        }
    }
}

impl FunctionArgs {
    pub(crate) fn required(&self) -> Result<HardSigmoid, Failure> {
        self.optional()?.ok_or_else(|| Failure::Usage(format!("no function selected: {SELECT}")))
    }

    /// Returns `None` if none of the options is given.
    pub(crate) fn optional(&self) -> Result<Option<HardSigmoid>, Failure> {
        match (self.preset, self.alpha, self.beta) {
            (Some(preset), ..) => Ok(Some(preset.into())),
            (None, Some(alpha), Some(beta)) => new(alpha, beta).map(Some),
            _ => Ok(None),
        }
    }
}

pub(crate) fn new(alpha: f64, beta: f64) -> Result<HardSigmoid, Failure> {
    HardSigmoid::new(alpha, beta).map_err(|error| Failure::Usage(error.to_string()))
}

/// For example `onnx, clamp(0.2 x + 0.5, 0, 1)`.
pub(crate) fn name(f: HardSigmoid) -> String {
    let preset = f.preset().map_or(String::new(), |name| format!("{name}, "));
    let slope = match f.alpha() {
        _ if f == HardSigmoid::PYTORCH => "x/6".into(),
        1.0 => "x".into(),
        alpha => format!("{} x", number(alpha)),
    };
    let sign = if f.beta() < 0.0 { '-' } else { '+' };
    format!("{preset}clamp({slope} {sign} {}, 0, 1)", number(f.beta().abs()))
}

/// All digits of a number.
pub(crate) fn number(x: f64) -> String {
    if x == 0.0 || (1e-4..1e6).contains(&x.abs()) { format!("{}", x + 0.0) } else { format!("{x:e}") }
}
