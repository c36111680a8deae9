//! Functions as text: a preset's name, or α and β. And backends.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

#[cfg(feature = "wgpu")]
use crate::Backend;
use crate::HardSigmoid;
use crate::error::ParameterError;

impl HardSigmoid {
    /// The name of the preset that this function is: `onnx` or `pytorch`.
    #[must_use]
    pub fn preset(self) -> Option<&'static str> {
        Self::PRESETS.into_iter().find(|&(_, f)| f == self).map(|(name, _)| name)
    }

    /// α or β as people write it: a decimal, with or without an exponent, or a fraction such as `1/6`. Its minus signs
    /// need not be hyphens, and it may have blanks around its numbers.
    ///
    /// The result need not be finite: [`new`](Self::new) decides that.
    ///
    /// # Errors
    ///
    /// [`ParseError::Number`] if it is neither.
    pub fn parse_parameter(text: &str) -> Result<f64, ParseError> {
        let number = |text: &str| text.trim().replace('−', "-").parse::<f64>().ok();
        let number = match text.split_once('/') {
            Some((dividend, divisor)) => number(dividend).zip(number(divisor)).map(|(a, b)| a / b),
            None => number(text),
        };
        number.ok_or_else(|| ParseError::Number { text: text.to_owned() })
    }
}

/// The name of a preset, or α and β with a comma between them, from which [`FromStr`] gives the same function.
impl fmt::Display for HardSigmoid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.preset() {
            Some(name) => formatter.pad(name),
            None => formatter.pad(&format!("{},{}", self.alpha(), self.beta())),
        }
    }
}

/// ```
/// use hard_sigmoid::HardSigmoid;
///
/// assert_eq!("onnx".parse(), Ok(HardSigmoid::ONNX));
/// assert_eq!("0.25,0.5".parse(), Ok(HardSigmoid::new(0.25, 0.5)?));
/// assert_eq!("1/6,1/2".parse(), Ok(HardSigmoid::PYTORCH));
/// assert_eq!(HardSigmoid::new(0.25, -1.0)?.to_string(), "0.25,-1");
/// # Ok::<(), hard_sigmoid::ParameterError>(())
/// ```
impl FromStr for HardSigmoid {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if let Some((_, f)) = Self::PRESETS.into_iter().find(|&(name, _)| name == text) {
            return Ok(f);
        }
        let numbers = text
            .split_once(',')
            .and_then(|(alpha, beta)| Some((Self::parse_parameter(alpha).ok()?, Self::parse_parameter(beta).ok()?)));
        let (alpha, beta) = numbers.ok_or_else(|| ParseError::Unknown { text: text.to_owned() })?;
        Ok(Self::new(alpha, beta)?)
    }
}

/// `auto`, `gpu` or `cpu`.
#[cfg(feature = "wgpu")]
impl FromStr for Backend {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        match text {
            "auto" => Ok(Self::Auto),
            "gpu" => Ok(Self::Gpu),
            "cpu" => Ok(Self::Cpu),
            other => Err(ParseError::Backend { text: other.to_owned() }),
        }
    }
}

/// Text that is no function, or no backend.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ParseError {
    /// It is neither a preset nor two numbers.
    #[error("{text:?} is no function: use onnx, pytorch, or alpha and beta as in 0.25,0.5")]
    Unknown {
        /// The text.
        text: String,
    },
    /// It is no number.
    #[error("{text:?} is not a number: write it as a decimal or as a fraction, such as 0.25 or 1/6")]
    Number {
        /// The text.
        text: String,
    },
    /// It is no backend.
    #[cfg(feature = "wgpu")]
    #[error("{text:?} is no backend: use auto, gpu or cpu")]
    Backend {
        /// The text.
        text: String,
    },
    /// [`HardSigmoid::new`] refuses the numbers.
    #[error(transparent)]
    Parameters(#[from] ParameterError),
}

/// As text.
#[cfg(feature = "serde")]
impl serde::Serialize for HardSigmoid {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// From text.
#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for HardSigmoid {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_that_is_no_function_is_refused() {
        for text in ["", "ONNX", "relu", "0.2", "0.2;0.5", "0.2,0.5,1", "a,b", ","] {
            assert_eq!(text.parse::<HardSigmoid>(), Err(ParseError::Unknown { text: text.to_owned() }), "{text}");
        }
        let not_finite = "inf,0".parse::<HardSigmoid>().unwrap_err();
        assert_eq!(not_finite.to_string(), "alpha is inf: it must be a finite number");
        assert_eq!(" 0.25 , 0.5 ".parse(), HardSigmoid::new(0.25, 0.5).map_err(ParseError::from));
    }

    #[test]
    fn parameters_are_decimals_or_fractions() {
        for (text, number) in [
            ("0.25", 0.25),
            ("-.5", -0.5),
            ("+2.", 2.0),
            ("−1e−3", -1e-3),
            ("2E+3", 2e3),
            (" 1 / 6 ", 1.0 / 6.0),
            ("−1/−0.5", 2.0),
            ("1/0", f64::INFINITY),
            ("inf", f64::INFINITY),
        ] {
            assert_eq!(HardSigmoid::parse_parameter(text), Ok(number), "{text}");
        }
        for text in ["", " ", "-", "1e", "1/", "/6", "1/2/3", "0,5", "1 6", "0x10", "½"] {
            assert_eq!(HardSigmoid::parse_parameter(text), Err(ParseError::Number { text: text.to_owned() }), "{text}");
        }
    }

    #[test]
    fn presets_have_names() {
        assert_eq!(HardSigmoid::ONNX.to_string(), "onnx");
        assert_eq!(format!("{:>8}|", HardSigmoid::PYTORCH), " pytorch|");
        assert_eq!(HardSigmoid::new(0.2, 0.5).unwrap().preset(), Some("onnx"));
        assert_eq!(HardSigmoid::new(0.3, 0.5).unwrap().preset(), None);
    }

    proptest! {
        /// No bit is lost.
        #[test]
        fn text_gives_the_same_function(alpha in proptest::num::f32::NORMAL, shift in -1e30..1e30, error in 0.0..1e-8) {
            if let Ok(f) = HardSigmoid::new(f64::from(alpha) * (1.0 + error), f64::from(alpha) * shift) {
                let read: HardSigmoid = f.to_string().parse().unwrap();
                prop_assert_eq!(
                    (read.alpha().to_bits(), read.beta().to_bits()), (f.alpha().to_bits(), f.beta().to_bits())
                );
            }
        }

        #[test]
        fn ordinary_text_gives_the_same_function(alpha in -10.0..10.0, beta in -10.0..10.0) {
            if let Ok(f) = HardSigmoid::new(alpha, beta) {
                prop_assert_eq!(f.to_string().parse(), Ok(f));
            }
        }
    }

    #[cfg(feature = "serde")]
    #[test]
    fn serde_writes_and_reads_text() {
        for f in [HardSigmoid::ONNX, HardSigmoid::new(0.25, -1.5).unwrap()] {
            let json = serde_json::to_string(&f).unwrap();
            assert_eq!(json, format!("\"{f}\""));
            assert_eq!(serde_json::from_str::<HardSigmoid>(&json).unwrap(), f);
            assert_eq!(serde_json::from_reader::<_, HardSigmoid>(json.as_bytes()).unwrap(), f);
        }
        let refused = serde_json::from_str::<HardSigmoid>("\"tanh\"").unwrap_err();
        assert!(refused.to_string().starts_with("\"tanh\" is no function: use onnx"), "{refused}");
    }
}
