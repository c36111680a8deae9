//! Files that are read, computed and written.

use std::path::Path;
use std::time::Instant;

use hard_sigmoid::{Backward, Dtype, Element, Engine, HardSigmoid, with_type};
use hard_sigmoid_files::{Data, Header, Input, Layout, Section, Selection};
use serde::Serialize;

use super::backend::Opener;
use super::console::Failure;
use super::container::Container;
use super::json;
use super::output::{Output, is_pipe};
use super::pieces;
use super::progress::Progress;
use super::ran::Ran;
use super::stop::Stop;
use super::summary::Computed;
use super::verify::verify;

/// How much is copied at once of what is not computed.
const COPY_BYTES: usize = 1 << 18;

/// What is computed of each element.
#[derive(Clone, Copy)]
pub(crate) enum Operation<'a> {
    Apply {
        f: HardSigmoid,
        /// Whether every result is checked.
        verify: bool,
    },
    Backward {
        backward: Backward,
        /// The file with what the forward pass saved. The input has the gradients.
        saved: &'a Path,
    },
}

/// What the files of a call share.
pub(crate) struct Run<'a> {
    pub(crate) operation: Operation<'a>,
    /// Whether outputs may be replaced.
    pub(crate) force: bool,
    /// Whether there is no progress.
    pub(crate) quiet: bool,
    pub(crate) opener: Opener<'a>,
    /// None before the first file.
    pub(crate) stop: Option<Stop>,
    /// None if there is only one file, which has its own.
    pub(crate) bar: Option<Progress>,
}

/// What was done with a file.
#[derive(Default)]
pub(crate) struct Done {
    pub(crate) computed: Computed,
    /// Without the time in which a GPU was opened.
    pub(crate) seconds: f64,
    pub(crate) ran: Ran,
}

impl Run<'_> {
    /// Computes a file.
    pub(crate) fn file(&mut self, input: &Path, output: &Path, selection: &Selection) -> Result<Done, Failure> {
        let started = Instant::now();
        let saved = match self.operation {
            Operation::Apply { .. } => None,
            Operation::Backward { saved, .. } => Some(saved),
        };
        let mut saved_file = saved.map(hard_sigmoid_files::open).transpose()?;
        let (mut data, header) = hard_sigmoid_files::open(input)?;
        let layout = data.layout(&header, selection)?;
        let saved_data = saved_file.as_mut().map(|(data, header)| Saved::new(data, header, selection)).transpose()?;
        if let (Some(saved), Some(path)) = (&saved_data, saved) {
            saved.check(path, &data, &layout)?;
        }
        // Before the output is created, so that a signal removes it.
        let is_stream = saved_data.as_ref().is_some_and(|saved| saved.data.is_stream()) || data.is_stream();
        let waits = is_stream || is_pipe(output);
        let stop = self.stop.get_or_insert_with(|| Stop::on_signals(waits));
        let inputs: Vec<_> = saved.into_iter().chain([input]).collect();
        let output = Output::create(output, layout.extension, &inputs, self.force)?;
        let mut output = Container::new(output, &mut data)?;
        let opening = self.opener.seconds;
        let engine = self.opener.engine(&data, &layout)?;
        let mut own_bar = None;
        let bar = match &mut self.bar {
            Some(bar) => bar,
            None => own_bar.insert(Progress::bytes(layout.bytes(), self.quiet)),
        };
        // The header goes to a pipe only when nothing else is missing.
        output.start(&layout)?;
        let mut work = Work { operation: self.operation, engine, stop, bar, output };
        work.sections(saved_data, &mut data, &layout)?;
        work.output.finish()?;
        let ran = Ran::of(work.engine, &layout);
        if let Some(bar) = own_bar {
            bar.clear();
        }
        let seconds = started.elapsed().as_secs_f64() - (self.opener.seconds - opening);
        Ok(Done { computed: Computed::of(&layout), seconds, ran })
    }

    /// Prints a JSON object for an input.
    pub(crate) fn print_json(&self, done: &Done, input: &Path, output: &Path) -> Result<(), Failure> {
        #[derive(Serialize)]
        struct Line<'a> {
            #[serde(flatten)]
            file: json::File<'a>,
            output: Option<&'a str>,
            output_bytes: Option<&'a [u8]>,
            #[serde(flatten)]
            computed: &'a Computed,
            #[serde(flatten)]
            f: json::Function,
            seconds: f64,
            ran: String,
            verified: bool,
        }
        let (f, verified) = match self.operation {
            Operation::Apply { f, verify } => (f, verify),
            Operation::Backward { backward, .. } => (backward.function(), false),
        };
        json::print(&Line {
            file: input.into(),
            output: output.to_str(),
            output_bytes: json::bytes(output),
            computed: &done.computed,
            f: f.into(),
            seconds: done.seconds,
            ran: done.ran.text(true),
            verified,
        })
    }

    /// What was done, in a line.
    pub(crate) fn summary(&self, done: &Done) -> String {
        let Done { computed, seconds, ran } = done;
        let (arrays, verified) = match self.operation {
            Operation::Apply { verify, .. } => (2, if verify { ", verified" } else { "" }),
            Operation::Backward { .. } => (3, ""),
        };
        let on = if ran.is_nowhere() { String::new() } else { format!(", on {}", ran.text(self.opener.is_verbose())) };
        format!("{}{verified}{on}", computed.text(arrays, *seconds))
    }
}

/// What the forward pass saved.
struct Saved<'a> {
    data: &'a mut Input,
    layout: Layout<'a>,
    /// How many sections have been read or skipped.
    done: usize,
}

impl<'a> Saved<'a> {
    fn new(data: &'a mut Input, header: &'a Header, selection: &Selection) -> Result<Self, Failure> {
        let layout = data.layout(header, selection)?;
        Ok(Self { data, layout, done: 0 })
    }

    /// The next section that is computed, and its data.
    fn next(&mut self) -> Result<Option<(&Section<'a>, Data<'_>)>, Failure> {
        let next = self.data.next_computed(&self.layout, &mut self.done)?;
        Ok(next.map(|(_, section, data)| (section, data)))
    }

    /// Checks that the file at this path has what the gradients have.
    fn check(&self, path: &Path, gradients: &Input, of: &Layout<'_>) -> Result<(), Failure> {
        let path = path.display();
        if of.extension != self.layout.extension {
            let message = format!("is not a .{} file, as {path} is: pass files of one format", self.layout.extension);
            return Err(gradients.failure(message).into());
        }
        fn kind<'s>(section: &'s Section<'_>) -> (Option<&'s str>, Option<Dtype>, u64, u64) {
            (section.name.as_deref(), section.dtype, section.bytes, section.form)
        }
        if self.layout.computed().map(kind).eq(of.computed().map(kind)) {
            return Ok(());
        }
        let described = |layout: &Layout<'_>| {
            let types = layout.computed().filter_map(|section| Some(section.dtype?.name()));
            let order = if layout.is_fortran { " in Fortran order" } else { "" };
            format!("{} elements in shape {:?}{order}", types.collect::<String>(), layout.shape)
        };
        let is_array = of.sections.iter().all(|section| section.name.is_none());
        let message = if is_array {
            let [of_x, of_grad] = [&self.layout, of].map(described);
            format!("has {of_grad}, but {path} has {of_x}: pass arrays of one type, shape and order")
        } else {
            format!(
                "has other arrays or tensors than {path}: save both with the same names, types, shapes and orders of \
                 elements, one after the other as in the other file, or select some with --tensor"
            )
        };
        Err(gradients.failure(message).into())
    }
}

/// The work on a file.
struct Work<'a> {
    operation: Operation<'a>,
    engine: &'a mut Engine,
    stop: &'a Stop,
    bar: &'a mut Progress,
    output: Container,
}

impl Work<'_> {
    fn sections(
        &mut self,
        mut saved: Option<Saved<'_>>,
        input: &mut Input,
        layout: &Layout<'_>,
    ) -> Result<(), Failure> {
        for (i, section) in layout.sections.iter().enumerate() {
            self.stop.check()?;
            if !self.output.begin(input, layout, i)? {
                self.bar.add(section.bytes);
                continue;
            }
            let mut data = input.data(i, section)?;
            match section.dtype {
                Some(dtype) => {
                    let saved = saved.as_mut().map(Saved::next).transpose()?.flatten();
                    with_type!(dtype, T => self.compute::<T>(saved, section, &mut data))?;
                }
                None => self.copy(section, &mut data)?,
            }
            data.finish()?;
        }
        if let Some(mut saved) = saved {
            // What follows the last one that is computed.
            saved.next()?;
            saved.data.finish()?;
        }
        Ok(input.finish()?)
    }

    fn compute<'d, T: Element>(
        &mut self,
        saved: Option<(&Section<'_>, Data<'d>)>,
        section: &Section<'_>,
        data: &mut Data<'d>,
    ) -> Result<(), Failure> {
        let most = pieces::elements::<T>(self.engine);
        let (mut done, mut before) = (0_u64, Vec::new());
        let mut piece = |data: &Data<'_>, saved: &[T], x: &mut Vec<T>| {
            self.stop.check()?;
            match self.operation {
                Operation::Apply { f, verify: is_verified } => {
                    if is_verified {
                        before.clone_from(x);
                    }
                    self.engine.apply_in_place_blocking(f, x).map_err(|error| data.failure(error))?;
                    if is_verified {
                        let (on, name) = (self.engine.executed_on_for::<T>(), section.name.as_deref());
                        verify(f, &on, &before, x, done, name).map_err(|error| data.failure(error))?;
                    }
                }
                Operation::Backward { backward, .. } => {
                    let computed = self.engine.backward_in_place_blocking(backward, saved, x);
                    computed.map_err(|error| data.failure(error))?;
                }
            }
            self.output.write(section, x)?;
            done = done.saturating_add(x.len() as u64);
            self.bar.add(size_of_val(x.as_slice()) as u64);
            Ok(())
        };
        match saved {
            Some((of_saved, mut saved)) => {
                pieces::each(most, [of_saved, section], [&mut saved, data], |data, [saved, x]| piece(data, saved, x))?;
                Ok(saved.finish()?)
            }
            None => pieces::each(most, [section], [data], |data, [x]| piece(data, &[], x)),
        }
    }

    fn copy(&mut self, section: &Section<'_>, data: &mut Data<'_>) -> Result<(), Failure> {
        pieces::each(COPY_BYTES, [section], [data], |_, [bytes]: &mut [Vec<u8>; 1]| {
            self.stop.check()?;
            self.output.write(section, bytes)?;
            self.bar.add(bytes.len() as u64);
            Ok(())
        })
    }
}
