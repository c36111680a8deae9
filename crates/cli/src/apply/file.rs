//! Computing a file.

use std::path::Path;
use std::time::Instant;

use hard_sigmoid::{Element, Engine, ExecutedOn, HardSigmoid, cpu};
use hard_sigmoid_files::{Data, Header, Input, Layout, Section, Selection, npz, with_type};
use serde_json::{Value, json};

use super::verify::verify;
use crate::backend::{self, Opener, Ran};
use crate::console::Failure;
use crate::output::{Output, is_pipe};
use crate::progress::Progress;
use crate::stop::Stop;
use crate::summary::{Computed, join, path_json};

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
        let output = Output::create(output, layout.extension, &[input], self.force)?;
        let opening = self.opener.seconds;
        let engine = self.opener.engine(&data, &layout)?;
        let mut own_bar = None;
        let bar = match &mut self.bar {
            Some(bar) => bar,
            None => own_bar.insert(Progress::bytes(layout.bytes(), self.quiet)),
        };
        let mut work = Work { f: self.f, verify: self.verify, engine, stop, bar };
        match &header {
            Header::Npz(members) => work.archive(&mut data, members, selection, &layout, output)?,
            _ => work.sections(&mut data, &layout, output)?,
        }
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

    pub(super) fn json(&self, done: &Done, input: &Path, output: &Path) -> Value {
        let how = json!({
            "preset": self.f.preset(),
            "alpha": self.f.alpha(),
            "beta": self.f.beta(),
            "seconds": done.seconds,
            "ran": done.ran.to_string(),
            "verified": self.verify,
        });
        let paths = join(path_json("file", input), path_json("output", output));
        join(join(paths, done.computed.json()), how)
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
    fn sections(&mut self, input: &mut Input, layout: &Layout<'_>, mut output: Output) -> Result<(), Failure> {
        output.write(&layout.header)?;
        for (i, section) in layout.sections.iter().enumerate() {
            let mut data = input.data(i, section)?;
            let write = |bytes: &[u8]| output.write(bytes);
            match section.dtype {
                Some(dtype) => with_type!(dtype, T => self.compute::<T>(section, &mut data, write))?,
                None => self.copy(section, &mut data, write)?,
            }
        }
        input.finish()?;
        output.finish()
    }

    fn archive(
        &mut self,
        input: &mut Input,
        members: &[npz::Member],
        selection: &Selection,
        layout: &Layout<'_>,
        output: Output,
    ) -> Result<(), Failure> {
        let fail = |error| output.failure(&error);
        let mut writer = npz::Writer::new(output.file()?, input.archive()?);
        for (i, (section, member)) in layout.sections.iter().zip(members).enumerate() {
            self.stop.check()?;
            let Some(dtype) = section.dtype else {
                writer.copy(input.archive()?, i).map_err(fail)?;
                self.bar.add(section.bytes);
                continue;
            };
            let header = npz::array(member, selection).map_err(|message| input.failure(message))?;
            writer.start(input.archive()?, i, &header.header).map_err(fail)?;
            let mut data = input.data(i, section)?;
            let write = |bytes: &[u8]| writer.write(bytes).map_err(fail);
            with_type!(dtype, T => self.compute::<T>(section, &mut data, write))?;
            data.finish()?;
        }
        writer.finish().map_err(fail)?;
        output.finish()
    }

    fn compute<T: Element>(
        &mut self,
        section: &Section<'_>,
        data: &mut Data<'_>,
        mut write: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let (mut x, mut y) = (Vec::<T>::new(), Vec::<T>::new());
        let mut done = 0_u64;
        for len in backend::pieces(self.engine, section.elements()) {
            x.resize(len, T::zeroed());
            y.resize(len, T::zeroed());
            data.read(section, &mut x)?;
            self.stop.check()?;
            self.engine.apply_blocking(self.f, &x, &mut y).map_err(|error| data.failure(error))?;
            if self.verify {
                let cpu = ExecutedOn::Cpu { threads: cpu::threads() };
                let executed_on = if T::ON_GPU { self.engine.executed_on() } else { cpu };
                verify(self.f, &executed_on, &x, &y, done, section.name.as_deref())
                    .map_err(|error| data.failure(error))?;
            }
            section.swap_bytes(&mut y);
            write(bytemuck::cast_slice(&y))?;
            done = done.saturating_add(len as u64);
            self.bar.add(size_of_val(y.as_slice()) as u64);
        }
        Ok(())
    }

    fn copy(
        &mut self,
        section: &Section<'_>,
        data: &mut Data<'_>,
        mut write: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut buffer = Vec::new();
        for len in backend::pieces(self.engine, section.bytes) {
            buffer.resize(len, 0_u8);
            data.read(section, &mut buffer)?;
            self.stop.check()?;
            write(&buffer)?;
            self.bar.add(len as u64);
        }
        Ok(())
    }
}
