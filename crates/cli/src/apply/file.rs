//! Computing a file.

use std::path::Path;
use std::time::Instant;

use hard_sigmoid::{Element, Engine, HardSigmoid};
use hard_sigmoid_files::{Data, Input, Layout, Section, Selection, with_type};
use serde::Serialize;

use super::verify::verify;
use crate::backend::Opener;
use crate::console::Failure;
use crate::container::Container;
use crate::json;
use crate::output::{Output, is_pipe};
use crate::pieces;
use crate::progress::Progress;
use crate::ran::Ran;
use crate::stop::Stop;
use crate::summary::Computed;

/// How much is copied at once of what is not computed.
const COPY_BYTES: usize = 1 << 18;

/// What the files of a call share.
pub(super) struct Run<'a> {
    pub(super) f: HardSigmoid,
    /// Whether every result is checked.
    pub(super) verify: bool,
    /// Whether outputs may be replaced.
    pub(super) force: bool,
    /// Whether there is no progress and no summary.
    pub(super) quiet: bool,
    pub(super) opener: Opener<'a>,
    /// None before the first file.
    pub(super) stop: Option<Stop>,
    /// None if there is only one file, which has its own.
    pub(super) bar: Option<Progress>,
}

/// What was done with a file.
#[derive(Default)]
pub(super) struct Done {
    pub(super) computed: Computed,
    /// Without the time in which a GPU was opened.
    pub(super) seconds: f64,
    pub(super) ran: Ran,
}

impl Run<'_> {
    /// Computes a file.
    pub(super) fn file(&mut self, input: &Path, output: &Path, selection: &Selection) -> Result<Done, Failure> {
        let started = Instant::now();
        let (mut data, header) = hard_sigmoid_files::open(input)?;
        let layout = header.layout(&data, selection)?;
        // Before the output is created, so that a signal removes it.
        let waits = data.is_stream() || is_pipe(output);
        let stop = self.stop.get_or_insert_with(|| if waits { Stop::by_default() } else { Stop::on_signals() });
        let output = Output::create(output, layout.format.extension(), &[input], self.force)?;
        let opening = self.opener.seconds;
        let engine = self.opener.engine(&data, &layout)?;
        let mut own_bar = None;
        let bar = match &mut self.bar {
            Some(bar) => bar,
            None => own_bar.insert(Progress::bytes(layout.bytes(), self.quiet)),
        };
        let mut work = Work { f: self.f, verify: self.verify, engine, stop, bar };
        let output = Container::new(output, &mut data, &layout)?;
        work.sections(&mut data, &layout, output)?;
        let ran = Ran::of(work.engine, &layout);
        if let Some(bar) = own_bar {
            bar.clear();
        }
        let seconds = started.elapsed().as_secs_f64() - (self.opener.seconds - opening);
        Ok(Done { computed: Computed::of(&layout), seconds, ran })
    }

    /// What was done, in a line.
    pub(super) fn summary(&self, done: &Done) -> String {
        let Done { computed, seconds, ran } = done;
        let verified = if self.verify { ", verified" } else { "" };
        let on = if ran.is_nowhere() { String::new() } else { format!(", on {ran}") };
        format!("{}{verified}{on}", computed.text(2, *seconds))
    }

    pub(super) fn print_json(&self, done: &Done, input: &Path, output: &Path) -> Result<(), Failure> {
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
        json::print(&Line {
            file: input.into(),
            output: output.to_str(),
            output_bytes: json::bytes(output),
            computed: &done.computed,
            f: self.f.into(),
            seconds: done.seconds,
            ran: done.ran.to_string(),
            verified: self.verify,
        })
    }
}

/// The work on a file.
struct Work<'a> {
    f: HardSigmoid,
    verify: bool,
    engine: &'a mut Engine,
    stop: &'a Stop,
    bar: &'a mut Progress,
}

impl Work<'_> {
    fn sections(&mut self, input: &mut Input, layout: &Layout<'_>, mut output: Container) -> Result<(), Failure> {
        for (i, section) in layout.sections.iter().enumerate() {
            self.stop.check()?;
            if !output.begin(input, i, section)? {
                self.bar.add(section.bytes);
                continue;
            }
            let mut data = input.data(i, section)?;
            match section.dtype {
                Some(dtype) => with_type!(dtype, T => self.compute::<T>(section, &mut data, &mut output))?,
                None => self.copy(section, &mut data, &mut output)?,
            }
            data.finish()?;
        }
        input.finish()?;
        output.finish()
    }

    fn compute<T: Element>(
        &mut self,
        section: &Section<'_>,
        data: &mut Data<'_>,
        output: &mut Container,
    ) -> Result<(), Failure> {
        let Self { f, verify: is_verified, engine, stop, bar } = self;
        let (mut y, mut done) = (Vec::<T>::new(), 0_u64);
        pieces::each(pieces::elements::<T>(engine), [section], [data], |data, [x]| {
            stop.check()?;
            y.resize(x.len(), T::zeroed());
            engine.apply_blocking(*f, x, &mut y).map_err(|error| data.failure(error))?;
            if *is_verified {
                verify(*f, &engine.executed_on_for::<T>(), x, &y, done, section.name.as_deref())
                    .map_err(|error| data.failure(error))?;
            }
            output.write(section, &mut y)?;
            done = done.saturating_add(y.len() as u64);
            bar.add(size_of_val(y.as_slice()) as u64);
            Ok(())
        })
    }

    fn copy(&mut self, section: &Section<'_>, data: &mut Data<'_>, output: &mut Container) -> Result<(), Failure> {
        pieces::each(COPY_BYTES, [section], [data], |_, [bytes]: &mut [Vec<u8>; 1]| {
            self.stop.check()?;
            output.write(section, bytes)?;
            self.bar.add(bytes.len() as u64);
            Ok(())
        })
    }
}
