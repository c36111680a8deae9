//! Many inputs, whose outputs go to one folder.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::Path;

use serde_json::json;

use super::file::{Done, Run};
use crate::console::{self, Failure};
use crate::input::STANDARD;
use crate::item::{Action, Item};
use crate::output::Output;
use crate::progress::Progress;
use crate::stop::Stop;
use crate::summary::{Computed, join, path_json};

/// How many of the inputs that failed the last line names.
const MAX_NAMED: usize = 8;

/// Computes the inputs one after another.
pub(super) fn run(run: &mut Run<'_>, items: &[Item], folder: &Path, json: bool) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::file(folder, format!("cannot be created: {error}; choose another folder")))?;

    run.stop = Some(Stop::on_signals());
    run.bar = Some(Progress::bytes(items.iter().map(|item| item.bytes).sum(), run.quiet));
    let (mut total, mut finished, mut end) = (Done::default(), 0_u64, 0_u64);
    let mut failed = Vec::new();
    for item in items {
        if run.stop.as_ref().is_some_and(Stop::is_requested) {
            break;
        }
        end = end.saturating_add(item.bytes);
        let output = folder.join(item.path.file_name().unwrap_or_default());
        let result = run.item(item, &output);
        if let Some(bar) = &mut run.bar {
            // Headers count, too, and so do inputs that failed.
            bar.set(end);
            report(run, &result, &item.path, &output, json)?;
        }
        match result {
            Ok(done) => {
                finished = finished.saturating_add(1);
                total.add(done);
            }
            Err(_) => failed.push(&item.path),
        }
    }
    if let Some(bar) = &run.bar {
        bar.clear();
    }
    let of_all = format!("{finished} of {} files", items.len());
    if !run.quiet && !json {
        console::log(&format!("{of_all}: {}", run.summary(&total)));
    }
    if finished == items.len() as u64 {
        return Ok(());
    }
    if run.stop.as_ref().is_some_and(Stop::is_requested) {
        return Err(Failure::Runtime(format!("stopped by a signal: {of_all} were written")));
    }
    let mut names: Vec<_> = failed.iter().take(MAX_NAMED).map(|path| path.display().to_string()).collect();
    if failed.len() > MAX_NAMED {
        names.push(format!("{} others, named above", failed.len().saturating_sub(MAX_NAMED)));
    }
    Err(Failure::Runtime(format!("{} of {} files failed: {}", failed.len(), items.len(), names.join(", "))))
}

/// Checks that each output has a name of its own, in all shards.
pub(super) fn check_names(items: &[Item]) -> Result<(), Failure> {
    let mut names: HashMap<&OsStr, &Path> = HashMap::new();
    for item in items {
        let path = item.path.as_path();
        if path.as_os_str() == STANDARD {
            return Err(Failure::Usage("- has no name for its output in --output-dir: pass - and OUTPUT".into()));
        }
        let Some(name) = path.file_name() else {
            return Err(Failure::Usage(format!("{} has no file name: pass files", path.display())));
        };
        if let Some(other) = names.insert(name, path) {
            let (other, path) = (other.display(), path.display());
            return Err(Failure::Usage(format!(
                "{other} and {path} would have the same output: pass them in different calls with different folders"
            )));
        }
    }
    Ok(())
}

/// Prints what happened to an input.
fn report(
    run: &Run<'_>,
    result: &Result<Done, Failure>,
    input: &Path,
    output: &Path,
    json: bool,
) -> Result<(), Failure> {
    if json {
        let json = match result {
            Ok(done) => run.json(done, input, output),
            Err(failure) => join(path_json("file", input), json!({ "error": failure.message() })),
        };
        console::print(&format!("{json}\n"))?;
    }
    if let (Err(failure), Some(bar)) = (result, &run.bar) {
        bar.above(|| console::error(failure.message()));
    }
    Ok(())
}

impl Run<'_> {
    fn item(&mut self, item: &Item, output: &Path) -> Result<Done, Failure> {
        match &item.action {
            Action::Compute(selection) => self.file(&item.path, output, selection),
            Action::Copy => self.copy(&item.path, output),
            Action::Fail(message) => Err(Failure::file(&item.path, message)),
        }
    }

    /// Copies a file of which nothing is computed.
    fn copy(&self, input: &Path, output: &Path) -> Result<Done, Failure> {
        let unreadable = |error| Failure::file(input, format!("cannot be read: {error}; try again"));
        let mut file = std::fs::File::open(input).map_err(unreadable)?;
        let extension = input.extension().unwrap_or_default().to_string_lossy();
        let output = Output::create(output, &extension, &[input], self.force)?;
        if let Some(mut target) = output.file()? {
            std::io::copy(&mut file, &mut target).map_err(|error| output.failure(&error))?;
        }
        output.finish()?;
        Ok(Done { computed: Computed::of_copy(), ..Done::default() })
    }
}

impl Done {
    fn add(&mut self, other: Self) {
        self.computed.add(&other.computed);
        self.seconds += other.seconds;
        if !other.executed_on.is_empty() {
            self.executed_on = other.executed_on;
        }
    }
}
