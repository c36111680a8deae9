//! The options that name the function.

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, ValueEnum};
use hard_sigmoid::HardSigmoid;

#[derive(Args)]
pub(crate) struct Function {
    /// A function under its common parameters: onnx (0.2, 0.5) or pytorch (1/6, 0.5).
    #[arg(long, conflicts_with_all = ["alpha", "beta"])]
    preset: Option<Preset>,
    /// The slope, together with --beta.
    #[arg(long, requires = "beta", allow_hyphen_values = true)]
    alpha: Option<f64>,
    /// The value at zero, together with --alpha.
    #[arg(long, requires = "alpha", allow_hyphen_values = true)]
    beta: Option<f64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Preset {
    /// alpha = 0.2, beta = 0.5: ONNX, Keras 1 and 2, TensorFlow.js, WebNN.
    Onnx,
    /// alpha = 1/6, beta = 0.5: PyTorch, Keras 3, JAX.
    Pytorch,
}

impl Function {
    /// Whether any of the options was given.
    pub(crate) fn is_named(&self) -> bool {
        self.preset.is_some() || self.alpha.is_some() || self.beta.is_some()
    }

    /// The function named. A missing or impossible one is a usage error and ends the process with exit code 2.
    pub(crate) fn named(&self) -> HardSigmoid {
        let refused = match (self.preset, self.alpha, self.beta) {
            (Some(Preset::Onnx), ..) => return HardSigmoid::ONNX,
            (Some(Preset::Pytorch), ..) => return HardSigmoid::PYTORCH,
            (None, Some(alpha), Some(beta)) => match HardSigmoid::new(alpha, beta) {
                Ok(f) => return f,
                Err(error) => (ErrorKind::ValueValidation, error.to_string()),
            },
            _ => (
                ErrorKind::MissingRequiredArgument,
                "which hard sigmoid? --preset onnx (alpha 0.2, beta 0.5), --preset pytorch (alpha 1/6, beta 0.5), \
                 or --alpha A --beta B"
                    .to_owned(),
            ),
        };
        super::Cli::command().error(refused.0, refused.1).exit()
    }
}
