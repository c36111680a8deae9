//! Devices that fail, futures that are dropped, and apps that stop polling. Each call ends with an error or a correct
//! result, within a bounded time. Afterwards the objects still work or return errors.

use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use hard_sigmoid::{
    Engine, Error, Gpu, HardSigmoid, Saturation, cpu,
    engine::{ExecutedOn, Fallback},
};

use crate::numbers::{Number, assert_bits, expected, gradients, numbers};
use crate::rig::wait;
use crate::subject::{Subject, Test};

pub(crate) const GPU_TESTS: &[Test] = &[
    ("faults_device_destroyed_after_each_poll", destroyed_after_each_poll),
    ("faults_device_destroyed_during_a_blocking_call", destroyed_meanwhile),
    ("faults_engine_finishes_what_a_destroyed_device_leaves", engine_takes_over),
    ("faults_future_dropped_after_each_poll", dropped_after_each_poll),
    ("faults_task_dropped_when_woken", dropped_when_woken),
    ("faults_owner_stops_polling", owner_stops_polling),
    ("faults_each_poll_works_on_one_window", one_window_per_poll),
    ("faults_ten_thousand_calls_leak_nothing", ten_thousand_calls),
];

const F: HardSigmoid = HardSigmoid::PYTORCH;

/// Ten windows on a device with buffers of at most 64 KiB: more than three times what is in flight.
const LEN: usize = 150_001;

/// How long a call may take after a failure.
const BOUND: Duration = Duration::from_secs(20);

type Call<'a> = Pin<Box<dyn Future<Output = Result<Saturation, Error>> + 'a>>;

/// The kinds of call. `Count` does not write to `data`, and the others use it as their target.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Apply,
    InPlace,
    Backward,
    Count,
}

const KINDS: [Kind; 4] = [Kind::Apply, Kind::InPlace, Kind::Backward, Kind::Count];

fn call<'a>(kind: Kind, gpu: &'a Gpu, x: &'a [f32], data: &'a mut [f32]) -> Call<'a> {
    let nothing = |result: Result<(), Error>| result.map(|()| Saturation::default());
    match kind {
        Kind::Apply => Box::pin(async move { nothing(gpu.apply(F, x, data).await) }),
        Kind::InPlace => Box::pin(async move { nothing(gpu.apply_in_place(F, data).await) }),
        Kind::Backward => Box::pin(async move { nothing(gpu.backward_in_place(F.backward(), x, data).await) }),
        Kind::Count => Box::pin(gpu.saturation(F, x)),
    }
}

/// The contents of `data` before and after a call.
fn before_and_after(kind: Kind, x: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let grad = gradients::<f32>(x.len());
    match kind {
        Kind::Apply => (vec![f32::WRONG; x.len()], expected(F, x)),
        Kind::InPlace => (x.to_vec(), expected(F, x)),
        Kind::Backward => {
            let after = x.iter().zip(&grad).map(|(&x, &g)| F.backward().eval(x, g)).collect();
            (grad, after)
        }
        Kind::Count => (x.to_vec(), x.to_vec()),
    }
}

/// Checks that finished elements have their results and that the others are unchanged.
fn check(
    kind: Kind,
    result: &Result<Saturation, Error>,
    data: &[f32],
    before: &[f32],
    after: &[f32],
    case: &dyn std::fmt::Debug,
) {
    match result {
        Ok(counts) => {
            assert_bits(data, after, case);
            if let Kind::Count = kind {
                // These are the counts for x, which `before` holds.
                assert_eq!(*counts, cpu::saturation(F, before), "{case:?}");
            }
        }
        Err(Error::Interrupted { finished, cause }) => {
            assert!(*finished < data.len() && !matches!(**cause, Error::Interrupted { .. }), "{case:?} {cause}");
            assert_bits(&data[..*finished], &after[..*finished], case);
            assert_bits(&data[*finished..], &before[*finished..], case);
        }
        Err(other) => panic!("{case:?} {other}"),
    }
}

fn small_windows(subject: &Subject) -> (wgpu::Device, wgpu::Queue) {
    subject.device(|limits| limits.max_buffer_size = 64 << 10)
}

fn once<T>(call: Pin<&mut (impl Future<Output = T> + ?Sized)>) -> Poll<T> {
    call.poll(&mut Context::from_waker(Waker::noop()))
}

/// Destroys the device after `k` polls of the call, for every `k`.
fn destroyed_after_each_poll(subject: &Subject) {
    let x = numbers::<f32>(LEN);
    for kind in KINDS {
        let (before, after) = before_and_after(kind, &x);
        let mut failed = 0;
        for k in 0.. {
            let (device, queue) = small_windows(subject);
            let gpu = Gpu::new(device.clone(), queue).unwrap();
            let mut data = before.clone();
            let started = Instant::now();
            let (mut polls, mut result) = (0, Poll::Pending);
            {
                let mut call = call(kind, &gpu, &x, &mut data);
                while result.is_pending() {
                    assert!(started.elapsed() < BOUND, "{kind:?} hangs after poll {k}");
                    if polls == k {
                        device.destroy();
                    }
                    result = once(call.as_mut());
                    polls += 1;
                    let lost = polls > k;
                    device.poll(if lost { wgpu::PollType::Poll } else { wgpu::PollType::wait_indefinitely() }).unwrap();
                }
            }
            let Poll::Ready(result) = result else { unreachable!() };
            check(kind, &result, &data, &before, &after, &(kind, k));
            if polls <= k {
                // The call finished before the device was destroyed.
                result.unwrap();
                break;
            }
            failed += usize::from(result.is_err());
            // Later calls return an error.
            assert!(matches!(gpu.apply_in_place_blocking(F, &mut data), Err(Error::Interrupted { finished: 0, .. })));
        }
        // At least one call was interrupted.
        assert!(failed > 0, "{kind:?}");
    }
}

fn destroyed_meanwhile(subject: &Subject) {
    let x = numbers::<f32>(3_000_000);
    let after = expected(F, &x);
    let mut failed = 0;
    for step in 0..20 {
        let (device, queue) = subject.device(|limits| limits.max_buffer_size = 1 << 20);
        let gpu = Gpu::new(device.clone(), queue).unwrap();
        let mut data = x.clone();
        let started = Instant::now();
        let result = std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_micros(500 * step));
                device.destroy();
            });
            gpu.apply_in_place_blocking(F, &mut data)
        });
        assert!(started.elapsed() < BOUND, "{:?}", started.elapsed());
        failed += usize::from(result.is_err());
        check(Kind::InPlace, &result.map(|()| Saturation::default()), &data, &x, &after, &step);
    }
    assert!(failed > 0);
}

/// The device is destroyed before or during a call, at different times. Every element is computed exactly once, because
/// in place, a second time would change the result.
fn engine_takes_over(subject: &Subject) {
    let x: Vec<f32> = (0..4_000_000).map(|i| (i % 6000) as f32 * 1e-3 - 3.0).collect();
    let right = expected(F, &x);
    let mut taken_over = 0;
    for step in 0..12 {
        let (device, queue) = subject.device(|_| {});
        let mut engine = Engine::with_gpu(Gpu::new(device.clone(), queue).unwrap());
        let mut data = x.clone();
        std::thread::scope(|scope| {
            if step == 0 {
                device.destroy();
            }
            scope.spawn(|| {
                std::thread::sleep(Duration::from_micros(step * 700));
                device.destroy();
            });
            engine.apply_in_place_blocking(F, &mut data).unwrap();
        });
        assert_bits(&data, &right, &step);
        if let Some(fallback) = engine.fallback() {
            taken_over += 1;
            assert!(matches!(fallback, Fallback::Failed { .. }), "{fallback}");
            assert!(matches!(engine.executed_on(), ExecutedOn::Cpu { .. }));
        }
        // The engine continues without the GPU.
        data.copy_from_slice(&x);
        engine.apply_in_place_blocking(F, &mut data).unwrap();
        assert_bits(&data, &right, &step);
    }
    assert!(taken_over > 0);
}

fn dropped_after_each_poll(subject: &Subject) {
    let (device, queue) = small_windows(subject);
    let gpu = Gpu::new(device.clone(), queue).unwrap();
    let x = numbers::<f32>(LEN);
    let right = expected(F, &x);
    let again = || {
        let mut data = x.clone();
        gpu.apply_in_place_blocking(F, &mut data).unwrap();
        assert_bits(&data, &right, &"after a dropped call");
    };
    again();
    let buffers = || device.get_internal_counters().hal.buffers.read();
    let at_rest = buffers();
    assert!(at_rest > 0);
    for kind in KINDS {
        let (before, after) = before_and_after(kind, &x);
        for k in 1.. {
            let mut result = Poll::Pending;
            let mut data = before.clone();
            {
                let mut call = call(kind, &gpu, &x, &mut data);
                for _ in 0..k {
                    result = once(call.as_mut());
                    wait(&device);
                    if result.is_ready() {
                        break;
                    }
                }
            }
            if let Poll::Ready(result) = result {
                check(kind, &Ok(result.unwrap()), &data, &before, &after, &kind);
                assert!(k > 1, "{kind:?} was never dropped");
                break;
            }
            // The finished elements are a prefix.
            let done = data.iter().zip(&after).take_while(|(a, b)| a.to_bits() == b.to_bits()).count();
            assert_bits(&data[done..], &before[done..], &(kind, k));
            again();
        }
    }
    wait(&device);
    assert_eq!(buffers(), at_rest);
}

/// While the app does not poll, the call stays pending without blocking. It continues when the app polls again.
fn owner_stops_polling(subject: &Subject) {
    let (device, queue) = small_windows(subject);
    let gpu = Gpu::new(device.clone(), queue).unwrap();
    let x = numbers::<f32>(LEN);
    let mut data = x.clone();
    {
        let mut call = pin!(gpu.apply_in_place(F, &mut data));
        let started = Instant::now();
        for _ in 0..1000 {
            assert!(once(call.as_mut()).is_pending());
        }
        assert!(started.elapsed() < BOUND);
        while once(call.as_mut()).is_pending() {
            wait(&device);
        }
    }
    assert_bits(&data, &expected(F, &x), &"polled again");
}

/// An executor that has ended drops a task instead of scheduling it: within the poll of the device that wakes it.
fn dropped_when_woken(subject: &Subject) {
    struct Task(Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>);
    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            // The task wakes itself, too, to yield.
            if let Ok(mut task) = self.0.try_lock() {
                *task = None;
            }
        }
    }
    let (device, queue) = small_windows(subject);
    let gpu = Gpu::new(device.clone(), queue).unwrap();
    let mut data = numbers::<f32>(LEN);
    let call = async move { gpu.apply_in_place(F, &mut data).await.unwrap() };
    let task = Arc::new(Task(Mutex::new(Some(Box::pin(call)))));
    let waker = Waker::from(task.clone());
    // It waits for a window then, since nobody polls the device.
    for _ in 0..1000 {
        let mut task = task.0.lock().unwrap();
        assert!(task.as_mut().unwrap().as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    wait(&device);
    assert!(task.0.lock().unwrap().is_none());
}

/// However fast the device is: an executor gets its thread back after each window.
fn one_window_per_poll(subject: &Subject) {
    let (device, queue) = small_windows(subject);
    let gpu = Gpu::new(device.clone(), queue).unwrap();
    let x = numbers::<f32>(LEN);
    let right = expected(F, &x);
    let mut y = vec![f32::WRONG; LEN];
    let window = (64 << 10) / 4;
    for polls in 1.. {
        let mut result = Poll::Pending;
        {
            let mut call = pin!(gpu.apply(F, &x, &mut y));
            for _ in 0..polls {
                result = once(call.as_mut());
                wait(&device);
            }
        }
        let written = y.iter().take_while(|y| y.to_bits() != f32::WRONG.to_bits()).count();
        assert!(written <= polls * window, "{written} elements in {polls} polls");
        if result.is_ready() {
            assert_bits(&y, &right, &polls);
            assert!(polls > LEN / window, "{polls}");
            break;
        }
        y.fill(f32::WRONG);
    }
}

fn ten_thousand_calls(subject: &Subject) {
    let Subject::Gpu { adapter, .. } = subject else { panic!("for GPUs only") };
    let gpu = &pollster::block_on(Gpu::open_adapter(adapter)).unwrap();
    let x = numbers::<f32>(300);
    let right = expected(F, &x);
    let mut data = x.clone();
    let mut call = |i: usize| {
        data.copy_from_slice(&x);
        match i % 4 {
            0 => gpu.apply_in_place_blocking(F, &mut data).unwrap(),
            1 => pollster::block_on(gpu.apply_in_place(F, &mut data)).unwrap(),
            2 => gpu.apply_blocking(F, &x, &mut data).unwrap(),
            _ => _ = gpu.apply_with_saturation_blocking(F, &x, &mut data).unwrap(),
        }
        assert_bits(&data, &right, &i);
    };
    (0..1000).for_each(&mut call);
    let buffers = || gpu.device().get_internal_counters().hal.buffers.read();
    let held = buffers();
    (1000..10_000).for_each(&mut call);
    assert!(held > 0);
    // tests/memory.rs checks the memory of the process.
    assert_eq!(buffers(), held);
}
