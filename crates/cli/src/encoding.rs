//! Text as editors and shells of Windows save it.

/// The text in UTF-8 and without the mark of its encoding, if it has one. PowerShell writes UTF-16.
pub(crate) fn utf8(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    let (bytes, to_unit): (_, fn([u8; 2]) -> u16) = match &bytes[..] {
        [0xef, 0xbb, 0xbf, rest @ ..] => return Ok(rest.to_vec()),
        [0xff, 0xfe, rest @ ..] => (rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => (rest, u16::from_be_bytes),
        _ => return Ok(bytes),
    };
    let (pairs, odd) = bytes.as_chunks();
    let units: Vec<_> = pairs.iter().copied().map(to_unit).collect();
    match String::from_utf16(&units) {
        Ok(text) if odd.is_empty() => Ok(text.into_bytes()),
        _ => Err("is not valid UTF-16: save it as UTF-8".into()),
    }
}
