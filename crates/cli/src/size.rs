//! Numbers with a prefix of SI or IEC 80000-13, such as `16Mi`.

/// The greatest array length that is measured.
pub(crate) const MAX_ELEMENTS: u32 = 1 << 28;

const PREFIXES: [(&str, f64); 6] =
    [("ki", 1024.0), ("mi", 1_048_576.0), ("gi", 1_073_741_824.0), ("k", 1e3), ("m", 1e6), ("g", 1e9)];

/// Parses an array length from 1 to [`MAX_ELEMENTS`], in upper or lower case, and as `1e6`.
pub(crate) fn elements(text: &str) -> Result<u32, String> {
    let lower = text.to_ascii_lowercase();
    let (digits, factor) = PREFIXES
        .iter()
        .find_map(|&(prefix, factor)| Some((lower.strip_suffix(prefix)?, factor)))
        .unwrap_or((&lower, 1.0));
    let number = digits.parse::<f64>().ok().map(|number| number * factor);
    number
        .filter(|number| (1.0..=f64::from(MAX_ELEMENTS)).contains(number) && number.fract() == 0.0)
        .map(|number| number as u32)
        .ok_or_else(|| format!("use a number from 1 to {MAX_ELEMENTS} (256Mi), also with k, M, Ki or Mi, as in 16Mi"))
}

#[cfg(test)]
mod tests {
    use super::elements;

    #[test]
    fn prefixes_are_decimal_and_binary() {
        let cases = [
            ("1", 1),
            ("10", 10),
            ("3k", 3000),
            ("2Ki", 2048),
            ("16Mi", 1 << 24),
            ("5M", 5_000_000),
            ("64ki", 1 << 16),
            ("1e6", 1_000_000),
            ("1.5k", 1500),
        ];
        for (text, number) in cases {
            assert_eq!(elements(text), Ok(number), "{text}");
        }
        assert_eq!(elements("256Mi"), Ok(1 << 28));
        for text in
            ["", "0", "0Mi", "257Mi", "1Gi", "4Gi", "16 Mi", "16MiB", "-1", "1.5", "inf", "nan", "Mi", "99999999999"]
        {
            assert!(elements(text).is_err_and(|message| message.contains("16Mi")), "{text}");
        }
    }
}
