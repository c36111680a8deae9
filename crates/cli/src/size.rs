//! Numbers with a prefix of SI or IEC 80000-13, such as `16Mi`.

/// The greatest array length that is measured.
pub(crate) const MAX_ELEMENTS: u32 = 1 << 28;

const PREFIXES: [(&str, u32); 6] =
    [("Ki", 1 << 10), ("Mi", 1 << 20), ("Gi", 1 << 30), ("k", 1_000), ("M", 1_000_000), ("G", 1_000_000_000)];

/// Parses an array length from 1 to [`MAX_ELEMENTS`].
pub(crate) fn elements(text: &str) -> Result<u32, String> {
    let (digits, factor) =
        PREFIXES.iter().find_map(|&(prefix, factor)| Some((text.strip_suffix(prefix)?, factor))).unwrap_or((text, 1));
    let number = digits.parse::<u32>().ok().and_then(|number| number.checked_mul(factor));
    number
        .filter(|number| (1..=MAX_ELEMENTS).contains(number))
        .ok_or_else(|| format!("use a number from 1 to {MAX_ELEMENTS} (256Mi), also with k, M, Ki or Mi, as in 16Mi"))
}

#[cfg(test)]
mod tests {
    use super::elements;

    #[test]
    fn prefixes_are_decimal_and_binary() {
        let cases = [("1", 1), ("10", 10), ("3k", 3000), ("2Ki", 2048), ("16Mi", 1 << 24), ("5M", 5_000_000)];
        for (text, number) in cases {
            assert_eq!(elements(text), Ok(number), "{text}");
        }
        assert_eq!(elements("256Mi"), Ok(1 << 28));
        for text in ["", "0", "0Mi", "257Mi", "1Gi", "4Gi", "16 Mi", "16MiB", "-1", "1.5k", "Mi", "99999999999"] {
            assert!(elements(text).is_err_and(|message| message.contains("16Mi")), "{text}");
        }
    }
}
