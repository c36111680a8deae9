//! `.npz` archives: zip files whose members are `.npy` files.

use std::borrow::Cow;
use std::io::{ErrorKind, Read};
use std::path::Path;

use zip::CompressionMethod;
use zip::result::ZipResult;

use crate::archive::Archive;
use crate::layout::{Layout, Section};
use crate::npy;
use crate::selection::Selection;

/// The extension of these files.
pub(crate) const EXTENSION: &str = "npz";

/// The most bytes of headers in an archive, all of which are held. NumPy's take 128 bytes each.
const MAX_HEADERS: usize = 1 << 26;

const AGAIN: &str = "save or copy it again";

/// A member of an archive.
#[derive(Debug)]
pub(crate) struct Member {
    /// Without `.npy`, as NumPy has it.
    name: String,
    content: Content,
    /// The size of what follows the header, or the size in the archive of another file.
    bytes: u64,
}

#[derive(Debug)]
enum Content {
    /// A `.npy` file with this header.
    Array(Vec<u8>),
    /// A `.npy` file whose header cannot be read, and why.
    Unreadable(String),
    Other,
}

/// Reads the headers of the members of an archive.
pub(crate) fn members(archive: &mut Archive) -> Result<Vec<Member>, String> {
    let len = archive.zip().len();
    if len == 0 {
        return Err("is an empty archive: save arrays in it with numpy.savez".into());
    }
    let (mut members, mut headers) = (Vec::new(), 0_usize);
    for i in 0..len {
        let member = Member::read(archive, i);
        let member = member.map_err(|error| format!("cannot be read as a .npz archive: {error}; {AGAIN}"))?;
        if let Content::Array(header) = &member.content {
            headers = headers.saturating_add(header.len());
        }
        if headers > MAX_HEADERS {
            return Err(format!("has more than {} MiB of headers: divide it into several archives", MAX_HEADERS >> 20));
        }
        members.push(member);
    }
    if members.iter().all(|member| matches!(member.content, Content::Other)) {
        return Err("is a zip archive without arrays of NumPy: extract the .safetensors files from it".into());
    }
    Ok(members)
}

impl Member {
    /// As for NumPy, what begins like a `.npy` file is an array, whatever its name.
    fn read(archive: &mut Archive, i: usize) -> ZipResult<Self> {
        let raw = archive.zip().by_index_raw(i)?;
        let (full, method) = (String::from_utf8_lossy(raw.name_raw()).into_owned(), raw.compression());
        let size = raw.compressed_size();
        drop(raw);
        let named = full.strip_suffix(".npy");
        let name = named.unwrap_or(&full).to_owned();
        let may_be_array = named.is_some() || Path::new(&full).extension().is_none();
        let mut start = [0; npy::MAGIC.len()];
        let opened = archive.zip().by_index(i).map_err(std::io::Error::from);
        let content = match opened.and_then(|mut file| file.read_exact(&mut start).map(|()| file)) {
            Ok(mut file) if start == *npy::MAGIC => match npy::read_header(&mut start.chain(&mut file)) {
                Ok(header) => {
                    let bytes = file.size().saturating_sub(header.len() as u64);
                    return Ok(Self { name, content: Content::Array(header), bytes });
                }
                Err(message) => Content::Unreadable(message),
            },
            // What is named like text, say, is no array.
            Err(error) if may_be_array && error.kind() != ErrorKind::UnexpectedEof => {
                let cause = name_of(method).map_or(error.to_string(), |name| format!("{name} is not supported"));
                Content::Unreadable(format!("cannot be read: {cause}; save it with numpy.savez_compressed"))
            }
            _ => Content::Other,
        };
        // Of what is no array, the whole name counts.
        let name = if matches!(content, Content::Other) { full } else { name };
        Ok(Self { name, content, bytes: size })
    }

    /// The header, if it is an array.
    pub(crate) fn header(&self) -> Option<&[u8]> {
        if let Content::Array(header) = &self.content { Some(header) } else { None }
    }

    /// The part of the archive that it is, and the header of its output. It has no dtype if it is not computed.
    fn section(&self, selection: &Selection) -> Result<(Section<'_>, Cow<'_, [u8]>), String> {
        let Self { name, content, bytes } = self;
        let copied = Section { name: Some(name.into()), bytes: *bytes, ..Section::default() };
        let copied = Ok((copied, Cow::default()));
        let header = match content {
            _ if !selection.includes(name) => return copied,
            Content::Other => return copied,
            Content::Array(header) if selection.tensor.is_empty() && npy::is_of_another_type(header) => return copied,
            Content::Array(header) => header,
            Content::Unreadable(message) => return Err(format!("array {name:?} {message}")),
        };
        // Not all arrays need to be told what their elements are.
        let element = selection.element.filter(|dtype| npy::void_bytes(header) == Some(dtype.size()));
        let layout =
            npy::layout(header, Some(*bytes), element).map_err(|message| format!("array {name:?} {message}"))?;
        let array = layout.sections.into_iter().next().unwrap_or_default();
        Ok((Section { name: Some(name.into()), start: header.len() as u64, ..array }, layout.header))
    }
}

/// Checks the headers of the members. Those that are not computed have no dtype.
pub(crate) fn layout<'a>(members: &'a [Member], selection: &Selection) -> Result<Layout<'a>, String> {
    let members = members.iter().map(|member| member.section(selection));
    let (sections, headers) = members.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
    let layout = Layout { extension: EXTENSION, headers, sections, ..Layout::default() };
    layout.check_selected(selection, "array", "pass an archive with an array of float16, float32 or float64")?;
    Ok(layout)
}

/// What a method of compression that is not supported is called.
fn name_of(method: CompressionMethod) -> Option<&'static str> {
    // By their numbers in the specification of zip: 4.4.5 of APPNOTE.TXT.
    #[allow(deprecated, reason = "there is another way only for those that this build supports")]
    match method {
        CompressionMethod::Unsupported(9) => Some("Deflate64"),
        CompressionMethod::Unsupported(12) => Some("bzip2"),
        CompressionMethod::Unsupported(14) => Some("LZMA"),
        CompressionMethod::Unsupported(93) => Some("Zstandard"),
        CompressionMethod::Unsupported(95) => Some("xz"),
        _ => None,
    }
}
