//! Many inputs, whose outputs go to one folder.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Instant;

use hard_sigmoid_files::STANDARD;
use rayon::prelude::*;

use crate::console::{self, Failure};
use crate::item::{Action, Item};
use crate::json;
use crate::output::{Output, PREFIX, is_pipe};
use crate::progress::Progress;
use crate::stop::Stop;
use crate::summary::{Computed, verdict};
use crate::threads;
use crate::transform::{Done, Run};

/// Files of less take longer to open and to create than to compute. Several threads do that at the same time.
const MAX_SMALL_BYTES: u64 = 1 << 20;

/// How many small files are computed before their results are reported.
const TOGETHER: usize = 256;

/// Computes the inputs, and reports them in their order.
pub(super) fn run(run: &mut Run<'_>, stop: &Stop, items: &[Item], folder: &Path, json: bool) -> Result<(), Failure> {
    run.opener.check()?;
    run.bar = Some(Progress::bytes(items.iter().map(|item| item.bytes).sum(), run.quiet));
    // All are refused with the same words, which are said once.
    let mut existing = Vec::new();
    let (started, opened) = (Instant::now(), run.opener.seconds);
    let (mut total, mut finished, mut end) = (Done::default(), 0_usize, 0_u64);
    let mut failed = Vec::new();
    let is_only = items.len() == 1;
    for items in items.chunk_by(|a, b| is_small(a) && is_small(b)).flat_map(|items| items.chunks(TOGETHER)) {
        let results = run.items(items, folder);
        for (item, result) in items.iter().zip(results) {
            end = end.saturating_add(item.bytes);
            if let Some(bar) = &mut run.bar {
                // Headers count, too, and so do inputs that failed.
                bar.set(end);
            }
            if json && !matches!(result, Err(Failure::Signal(..))) {
                print_json(run, &result, &item.path, &output(item, folder))?;
            }
            match (result, &run.bar) {
                (Ok(done), _) => {
                    finished = finished.saturating_add(1);
                    total.add(done);
                    continue;
                }
                (Err(failure), Some(bar)) if is_only => {
                    bar.clear();
                    return Err(failure);
                }
                (Err(Failure::Exists(message)), _) => {
                    existing.push(message);
                    continue;
                }
                (Err(Failure::Signal(..)), _) | (_, None) => {}
                (Err(failure), Some(bar)) => bar.above(|| console::error(failure.message())),
            }
            failed.push(item.path.as_path());
        }
        if stop.is_requested() {
            break;
        }
    }
    if let Some(bar) = &run.bar {
        bar.clear();
    }
    total.seconds = started.elapsed().as_secs_f64() - (run.opener.seconds - opened);
    let of_all = format!("{finished} of {} files", items.len());
    if stop.is_requested() && finished < items.len() {
        return Err(stop.failure(&format!("{of_all} were written")));
    }
    if items.is_empty() {
        console::log("this part has no files");
    } else if finished > 0 && !run.quiet && !json {
        console::log(&format!("{of_all}: {}", run.summary(&total)));
    }
    let existing = match existing.len() {
        0 | 1 => existing.pop(),
        n => Some(format!("{n} outputs already exist in {}: use --force to replace them", folder.display())),
    };
    match existing {
        Some(message) if failed.is_empty() => return Err(Failure::Runtime(message)),
        Some(message) => console::error(&message),
        None => {}
    }
    verdict(&failed, items.len())
}

/// What two names of one file have in common.
#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).ok().map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<same_file::Handle> {
    same_file::Handle::from_path(path).ok()
}

/// Checks that no output is an input, of any shard, which would be lost before it is read.
pub(super) fn check_outputs(items: &[Item], folder: &Path) -> Result<(), Failure> {
    let outputs = items.iter().filter_map(|item| Some(folder.join(item.path.file_name()?)));
    let existing: HashMap<_, _> = outputs.filter_map(|output| Some((identity(&output)?, output))).collect();
    if existing.is_empty() {
        return Ok(());
    }
    for Item { path, .. } in items {
        if let Some(output) = identity(path).and_then(|input| existing.get(&input)) {
            let input = path.display();
            return Err(Failure::file(output, format!("is the input {input}: choose another folder for the outputs")));
        }
    }
    Ok(())
}

const fn is_small(item: &Item) -> bool {
    item.bytes < MAX_SMALL_BYTES
}

fn output(item: &Item, folder: &Path) -> PathBuf {
    folder.join(item.path.file_name().unwrap_or_default())
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
            return Err(same_output(other, path));
        }
    }
    Ok(())
}

/// Creates the folder, and checks that its disk takes no two names for one. Most disks of Windows and macOS ignore
/// case, some take an accented letter for a letter with an accent, and Windows ignores dots at the end. The disk is
/// asked, since only it knows.
pub(super) fn create_folder(items: &[Item], folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder)
        .map_err(|error| Failure::file(folder, format!("cannot be created: {error}; choose another folder")))?;
    // No disk takes such a name for another one, except for the same name in another case.
    let is_plain = |name: &&str| name.is_ascii() && !name.contains('~') && !name.ends_with(['.', ' ']);
    let mut seen = HashSet::new();
    let mut is_unlike_others = |name: &str| seen.insert(name.to_ascii_lowercase());
    if names(items).all(|(name, _)| name.to_str().filter(is_plain).is_some_and(&mut is_unlike_others)) {
        return Ok(());
    }
    // Where nothing can be created, the first output says why.
    let Ok(trial) = tempfile::Builder::new().prefix(PREFIX).tempdir_in(folder) else { return Ok(()) };
    for (name, path) in names(items) {
        let created = trial.path().join(name);
        if File::create_new(&created).is_err_and(|error| error.kind() == ErrorKind::AlreadyExists) {
            let is_other = |other: &OsStr| same_file::is_same_file(trial.path().join(other), &created).unwrap_or(false);
            let other = names(items).find(|(other, _)| is_other(other)).map_or(path, |(_, other)| other);
            return Err(same_output(other, path));
        }
    }
    Ok(())
}

/// The names of the outputs, with the inputs.
fn names(items: &[Item]) -> impl Iterator<Item = (&OsStr, &Path)> {
    items.iter().filter_map(|item| Some((item.path.file_name()?, item.path.as_path())))
}

fn same_output(a: &Path, b: &Path) -> Failure {
    let (a, b) = (a.display(), b.display());
    let remedy = "pass them in different calls with different folders";
    Failure::Usage(format!("{a} and {b} would have the same output: {remedy}"))
}

/// Prints what happened to an input as JSON.
fn print_json(run: &Run<'_>, result: &Result<Done, Failure>, input: &Path, output: &Path) -> Result<(), Failure> {
    match result {
        Ok(done) => run.print_json(done, input, output),
        Err(failure) => json::print(&json::Failed { file: input.into(), error: failure.message() }),
    }
}

impl Run<'_> {
    /// Computes several files, at the same time if they are small.
    fn items(&mut self, items: &[Item], folder: &Path) -> Vec<Result<Done, Failure>> {
        if items.len() == 1 || !self.opener.is_small_on_cpu() || !threads::are_several() {
            return items.iter().map(|item| self.item(item, &output(item, folder))).collect();
        }
        let (operation, force, opener, stop) = (self.operation, self.force, &self.opener, &self.stop);
        let compute = |item: &Item| {
            let (opener, stop, bar) = (opener.again(), stop.clone(), Some(Progress::hidden()));
            Run { operation, force, quiet: true, opener, stop, bar }.item(item, &output(item, folder))
        };
        items.par_iter().map(compute).collect()
    }

    fn item(&mut self, item: &Item, output: &Path) -> Result<Done, Failure> {
        if let Some(stop) = &self.stop {
            stop.check()?;
        }
        if let Action::Fail(message) = &item.action {
            return Err(Failure::file(&item.path, message));
        }
        // They would wait, for longer than a signal.
        if let Some(pipe) = [item.path.as_path(), output].into_iter().find(|path| is_pipe(path)) {
            return Err(Failure::file(pipe, "is a pipe or a device: apply it alone, with INPUT and OUTPUT"));
        }
        match &item.action {
            Action::Compute(selection) => self.file(&item.path, output, selection),
            _ => self.copy(&item.path, output),
        }
    }

    /// Copies a file of which nothing is computed.
    fn copy(&self, input: &Path, output: &Path) -> Result<Done, Failure> {
        let unreadable = |error| Failure::file(input, format!("cannot be read: {error}; try again"));
        let mut file = File::open(input).map_err(unreadable)?;
        let extension = input.extension().unwrap_or_default().to_string_lossy();
        let output = Output::create(output, &extension, &[input], self.force)?;
        std::io::copy(&mut file, &mut output.file()?).map_err(|error| output.failure(&error))?;
        output.finish()?;
        Ok(Done { computed: Computed::of_copy(), ..Done::default() })
    }
}

impl Done {
    fn add(&mut self, other: Self) {
        self.computed.add(&other.computed);
        self.ran.add(other.ran);
    }
}
