//! `.npz` archives: zip files whose members are `.npy` files.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};

use zip::read::ZipFile;
use zip::result::ZipResult;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::dtype::Dtype;
use crate::layout::{Layout, Section};
use crate::npy;
use crate::safetensors::check_selected;
use crate::selection::Selection;

/// The extension of these files.
pub const EXTENSION: &str = "npz";

/// The most bytes of headers in an archive, all of which are held. NumPy's take 128 bytes each.
const MAX_HEADERS: usize = 1 << 26;

const AGAIN: &str = "save or copy it again";

/// An open archive.
#[derive(Debug)]
pub struct Archive(ZipArchive<BufReader<File>>);

/// A member of an archive.
#[derive(Debug)]
pub struct Member {
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

/// Opens an archive and reads the headers of its members.
pub fn open(file: File) -> Result<(Archive, Vec<Member>), String> {
    let unreadable = |error| format!("cannot be read as a .npz archive: {error}; {AGAIN}");
    let mut zip = ZipArchive::new(BufReader::new(file)).map_err(unreadable)?;
    if zip.has_duplicate_names() {
        return Err(format!("has two members of the same name: {AGAIN}"));
    }
    if zip.is_empty() {
        return Err("is an empty archive: save arrays in it with numpy.savez".into());
    }
    let (mut members, mut headers) = (Vec::new(), 0_usize);
    for i in 0..zip.len() {
        let member = Member::read(&mut zip, i).map_err(unreadable)?;
        if let Content::Array(header) = &member.content {
            headers = headers.saturating_add(header.len());
        }
        if headers > MAX_HEADERS {
            return Err(format!("has more than {} MiB of headers: divide it into several archives", MAX_HEADERS >> 20));
        }
        members.push(member);
    }
    if members.iter().all(|member| matches!(member.content, Content::Other)) {
        return Err("is a zip archive without .npy files: extract the .safetensors files from it".into());
    }
    Ok((Archive(zip), members))
}

impl Member {
    fn read(zip: &mut ZipArchive<BufReader<File>>, i: usize) -> ZipResult<Self> {
        let raw = zip.by_index_raw(i)?;
        let name = String::from_utf8_lossy(raw.name_raw()).into_owned();
        let size = raw.compressed_size();
        drop(raw);
        let Some(array) = name.strip_suffix(".npy") else {
            return Ok(Self { name, content: Content::Other, bytes: size });
        };
        let opened = zip.by_index(i).map_err(|error| format!("cannot be read: {error}; save it with numpy.savez"));
        let read = opened.and_then(|mut file| Ok((file.size(), npy::read_header(&mut file)?)));
        let name = array.to_owned();
        Ok(match read {
            Ok((bytes, header)) => {
                let bytes = bytes.saturating_sub(header.len() as u64);
                Self { name, content: Content::Array(header), bytes }
            }
            Err(message) => Self { name, content: Content::Unreadable(message), bytes: size },
        })
    }
}

/// Checks the headers of the members. Those that are not computed have no dtype.
pub fn layout<'a>(members: &'a [Member], selection: &Selection) -> Result<Layout<'a>, String> {
    let sections: Result<Vec<_>, _> = members.iter().map(|member| section(member, selection)).collect();
    let sections = sections?;
    check_selected(&sections, &selection.tensor, "array")?;
    if sections.iter().all(|section| section.dtype.is_none()) {
        let remedy = "pass an archive with an array of float16, float32 or float64";
        return Err(format!("has no array to compute: {remedy}"));
    }
    Ok(Layout { extension: EXTENSION, shape: String::new(), header: (&[][..]).into(), sections })
}

fn section<'a>(member: &'a Member, selection: &Selection) -> Result<Section<'a>, String> {
    let name = &member.name;
    let copied = Section { name: Some(name.into()), start: 0, bytes: member.bytes, dtype: None, swapped: false };
    let is_selected = selection.tensor.contains(name) || selection.tensor.is_empty();
    let is_copied = match &member.content {
        Content::Other => true,
        Content::Array(header) => selection.tensor.is_empty() && npy::is_of_another_type(header),
        Content::Unreadable(_) => false,
    };
    if is_copied || !is_selected {
        return Ok(copied);
    }
    let array = array(member, selection).map_err(|message| format!("array {name:?} {message}"))?;
    Ok(array.sections.into_iter().next().map_or(copied, |array| Section { name: Some(name.into()), ..array }))
}

/// The layout of a member that is computed.
fn array<'a>(member: &'a Member, selection: &Selection) -> Result<Layout<'a>, String> {
    let header = match &member.content {
        Content::Array(header) => header,
        Content::Unreadable(message) => return Err(message.clone()),
        Content::Other => return Err("is not a .npy file: save it with numpy.savez".into()),
    };
    array_layout(header, member.bytes, selection.element)
}

/// The layout of an array. `element` is for those that do not say what their elements are.
fn array_layout(header: &[u8], bytes: u64, element: Option<Dtype>) -> Result<Layout<'_>, String> {
    let layout = |element| npy::layout(header, Some(bytes), element);
    layout(None).or_else(|message| layout(element).map_err(|_| message))
}

impl Archive {
    /// Opens member `i`, and reads its header if it is computed.
    pub fn data(&mut self, i: usize) -> Result<ZipFile<'_, BufReader<File>>, String> {
        let mut file = self.0.by_index(i).map_err(|error| error.to_string())?;
        npy::read_header(&mut file)?;
        Ok(file)
    }
}

/// An archive that is being written.
#[derive(Debug)]
pub struct Writer(ZipWriter<BufWriter<File>>);

impl Writer {
    /// Begins an archive with the comment of another.
    pub fn new(file: File, of: &Archive) -> Self {
        let mut zip = ZipWriter::new(BufWriter::new(file)).set_auto_large_file();
        let _ = zip.set_raw_comment(of.0.comment().into());
        Self(zip)
    }

    /// Starts the array of `section`, which takes the place of member `i`, with the same name, compression and date.
    pub fn start(&mut self, archive: &mut Archive, i: usize, section: &Section<'_>) -> std::io::Result<()> {
        let member = archive.0.by_index_raw(i)?;
        let (name, options): (_, SimpleFileOptions) = (member.name()?.into_owned(), member.options());
        drop(member);
        let header = npy::read_header(&mut archive.0.by_index(i)?).map_err(std::io::Error::other)?;
        let layout = array_layout(&header, section.bytes, section.dtype).map_err(std::io::Error::other)?;
        self.0.start_file(name, options)?;
        self.0.write_all(&layout.header)
    }

    /// Copies member `i` as it is, still compressed.
    pub fn copy(&mut self, archive: &mut Archive, i: usize) -> std::io::Result<()> {
        let end = archive.0.central_directory_start();
        let member = archive.0.by_index_raw(i)?;
        let start = member.data_start().unwrap_or(end);
        if start.saturating_add(member.compressed_size()) > end {
            return Err(std::io::Error::other("a member of the archive is longer than the archive"));
        }
        Ok(self.0.raw_copy_file(member)?)
    }

    /// Appends to the array that was started last.
    pub fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write_all(bytes)
    }

    /// Writes the directory.
    pub fn finish(self) -> std::io::Result<()> {
        self.0.finish()?.flush()
    }
}
