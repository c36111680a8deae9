//! Processes that use a GPU end without a crash, in whichever way they end. This program starts itself as those
//! processes, several at a time, on every adapter of the machine.
//!
//! `HARD_SIGMOID_EXIT_RUNS` sets the number of processes for each way and adapter:
//! `HARD_SIGMOID_EXIT_RUNS=1000 scripts/test --test exit`.

#![allow(clippy::unwrap_used, clippy::exit, reason = "a test")]

use std::pin::{Pin, pin};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use hard_sigmoid::{
    Backend, Engine, Error, Gpu, HardSigmoid,
    adapter::{self, AdapterKind},
};
use libtest_mimic::{Arguments, Trial};

/// Processes for each way to end and each adapter. What crashes one process in 50, however it ends, shows on an
/// adapter: 0.98^180 is 0.03. What crashes in one way only needs the longer run.
const RUNS: usize = 20;

/// So many at a time that they disturb each other.
const AT_A_TIME: usize = 8;

/// How long a process may take.
const BOUND: Duration = Duration::from_secs(60);

/// A window and a part of one.
const LEN: usize = 1_200_000;

const F: HardSigmoid = HardSigmoid::ONNX;

const WAYS: &[(&str, fn())] = &[
    ("a_call_ends", a_call_ends),
    ("a_future_is_dropped", a_future_is_dropped),
    ("another_thread_drops_it", another_thread_drops_it),
    ("the_device_is_lost", the_device_is_lost),
    ("a_task_owns_it", a_task_owns_it),
    ("a_woken_task_drops_it", a_woken_task_drops_it),
    ("an_engine_ends", an_engine_ends),
    ("it_is_static", it_is_static),
    ("exit_is_called", exit_is_called),
];

fn main() {
    if let Some(way) = std::env::var_os("HARD_SIGMOID_EXIT_WAY") {
        let (_, run) = WAYS.iter().find(|(name, _)| way == *name).unwrap();
        return run();
    }
    let mut args = Arguments::from_args();
    // Each starts several processes at a time.
    args.test_threads = Some(1);
    let runs = std::env::var("HARD_SIGMOID_EXIT_RUNS").map_or(RUNS, |runs| runs.parse().unwrap());
    let mut adapters = pollster::block_on(adapter::enumerate()).unwrap();
    adapters.retain(|adapter| adapter::check(adapter).is_ok());
    assert!(!adapters.is_empty() || std::env::var_os("HARD_SIGMOID_REQUIRE").is_none(), "no GPU adapter");
    let mut trials = Vec::new();
    for info in adapters.iter().map(wgpu::Adapter::get_info) {
        for (way, _) in WAYS {
            let name = format!("{}::{way}", short_name(&info));
            let info = info.clone();
            trials.push(Trial::test(name, move || {
                let failures = end(&info, way, runs);
                let first = failures.first().ok_or(());
                first.map_or(Ok(()), |first| Err(format!("{} of {runs} failed: {first}", failures.len()).into()))
            }));
        }
    }
    libtest_mimic::run(&args, trials).exit();
}

fn short_name(info: &wgpu::AdapterInfo) -> String {
    let name = info.name.split([' ', '(']).next().unwrap_or_default().to_lowercase();
    format!("{}_{name}", info.backend.to_str())
}

/// Starts processes that end in one way. Returns what went wrong.
fn end(adapter: &wgpu::AdapterInfo, way: &str, runs: usize) -> Vec<String> {
    let (next, failures) = (AtomicUsize::new(0), Mutex::default());
    std::thread::scope(|scope| {
        for _ in 0..AT_A_TIME {
            scope.spawn(|| {
                while next.fetch_add(1, Ordering::Relaxed) < runs {
                    if let Err(failure) = process(adapter, way) {
                        Vec::push(&mut failures.lock().unwrap(), failure);
                    }
                }
            });
        }
    });
    failures.into_inner().unwrap()
}

fn process(adapter: &wgpu::AdapterInfo, way: &str) -> Result<(), String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .env("HARD_SIGMOID_EXIT_WAY", way)
        .env("WGPU_BACKEND", adapter.backend.to_str())
        .env("WGPU_ADAPTER_NAME", &adapter.name)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let started = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if started.elapsed() > BOUND {
            child.kill().unwrap();
            child.wait().unwrap();
            return Err("a process does not end".into());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(format!("{}: {said}", output.status)) }
}

fn open() -> Gpu {
    let gpu = Gpu::open_blocking(AdapterKind::Any).unwrap();
    let info = gpu.device().adapter_info();
    let wanted = ["WGPU_BACKEND", "WGPU_ADAPTER_NAME"].map(|name| std::env::var(name).unwrap());
    assert_eq!([info.backend.to_str(), &info.name], wanted);
    gpu
}

/// A call that waits for the thread that polls.
async fn call(gpu: &Gpu) -> Result<(), Error> {
    let mut data = vec![0.0_f32; LEN];
    gpu.apply_in_place(F, &mut data).await?;
    assert!(data.iter().all(|&y| y == 0.5));
    Ok(())
}

/// Polls a call until it waits for the GPU: each poll before that submits a window.
const WAITS: usize = 3;

fn begin(mut call: Pin<&mut impl Future<Output = Result<(), Error>>>) {
    for _ in 0..WAITS {
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
}

fn a_call_ends() {
    pollster::block_on(call(&open())).unwrap();
}

fn a_future_is_dropped() {
    let gpu = open();
    begin(pin!(call(&gpu)));
}

fn another_thread_drops_it() {
    let gpu = open();
    pollster::block_on(call(&gpu)).unwrap();
    std::thread::spawn(move || drop(gpu)).join().unwrap();
}

fn the_device_is_lost() {
    let gpu = open();
    let mut call = pin!(call(&gpu));
    begin(call.as_mut());
    gpu.device().destroy();
    assert!(matches!(pollster::block_on(call), Err(Error::Interrupted { .. })));
}

fn a_task_owns_it() {
    let gpu = open();
    let task = std::thread::spawn(|| pollster::block_on(async move { call(&gpu).await }));
    task.join().unwrap().unwrap();
}

/// A task that is dropped when the thread that polls wakes it, and the `Gpu` with it.
struct Dropped {
    task: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    main: ThreadId,
    done: mpsc::Sender<()>,
}

impl Wake for Dropped {
    fn wake(self: Arc<Self>) {
        // The task wakes itself, too, to yield. While it is polled, it cannot be dropped here, and is polled again.
        let task = self.task.try_lock().ok().filter(|_| std::thread::current().id() != self.main);
        if let Some(task) = task.and_then(|mut task| task.take()) {
            drop(task);
            let _ = self.done.send(());
        }
    }
}

fn a_woken_task_drops_it() {
    // If the GPU is faster than the polls, a task only ever wakes itself, and ends.
    assert!((0..10).any(|_| is_dropped_when_woken()), "no task was dropped");
}

fn is_dropped_when_woken() -> bool {
    let gpu = open();
    let task: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(async move { call(&gpu).await.unwrap() });
    let (done, dropped) = mpsc::channel();
    let task = Arc::new(Dropped { task: Mutex::new(Some(task)), main: std::thread::current().id(), done });
    let waker = Waker::from(task.clone());
    loop {
        let polled =
            task.task.lock().unwrap().as_mut().map(|task| task.as_mut().poll(&mut Context::from_waker(&waker)));
        match polled {
            Some(Poll::Ready(())) => return false,
            Some(Poll::Pending) if dropped.recv_timeout(Duration::from_millis(20)).is_err() => {}
            Some(Poll::Pending) => return true,
            None => return dropped.recv_timeout(BOUND).is_ok(),
        }
    }
}

fn an_engine_ends() {
    let mut engine = Engine::open_blocking(Backend::Gpu, LEN as u64).unwrap();
    let mut data = vec![0.0_f32; LEN];
    pollster::block_on(engine.apply_in_place(F, &mut data)).unwrap();
    assert!(data.iter().all(|&y| y == 0.5));
}

fn it_is_static() {
    static GPU: OnceLock<Gpu> = OnceLock::new();
    pollster::block_on(call(GPU.get_or_init(open))).unwrap();
}

fn exit_is_called() {
    let gpu = open();
    pollster::block_on(call(&gpu)).unwrap();
    std::process::exit(0);
}
