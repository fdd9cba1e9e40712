//! The threads that hash: a few of their own, each with one working memory that it uses again and gives back when there is
//! nothing to do.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use argon2::Block;

/// How many hashes run at once at most; each takes a core and its memory.
const THREADS_MAX: usize = 2;

/// How many hashes run at once on this machine: at most half of its cores, so that pages always find one free.
fn threads_max() -> usize {
    static HALF: LazyLock<usize> = LazyLock::new(|| {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        (cores / 2).clamp(1, THREADS_MAX)
    });
    *HALF
}

/// After this long without work a thread ends, and its memory goes back to the system: to take it anew costs a fraction of a
/// hash, and a process that hashes nothing should hold nothing for it.
const IDLE: Duration = Duration::from_millis(100);
/// How nice a hashing thread is to others: at ten it gets about a tenth of what another busy thread gets, so that log-ins go
/// on even where all cores are taken.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;
/// A block that the GNU allocator never keeps: more than its `DEFAULT_MMAP_THRESHOLD_MAX` of 32 MiB.
const RETURNED_BYTES_MIN: usize = 33 * 1024 * 1024;

/// A piece of work in the thread's memory.
type Job = Box<dyn FnOnce(&mut Memory) + Send>;

/// A thread's working memory.
///
/// The GNU allocator keeps what was freed for its thread, up to blocks of 32 MiB. A larger one goes back to the system at
/// once; what is not touched of it costs nothing.
#[derive(Default)]
pub(super) struct Memory(Vec<Block>);

impl Memory {
    /// So many blocks, with whatever was written to them before.
    pub(super) fn blocks(&mut self, number: usize) -> &mut [Block] {
        if self.0.len() < number {
            self.0 = Vec::with_capacity(number.max(RETURNED_BYTES_MIN / Block::SIZE));
            self.0.resize(number, Block::default());
        }
        &mut self.0[..number]
    }
}

/// The queue of the threads; clones share it.
#[derive(Clone, Default)]
pub(super) struct Hashing(Arc<Shared>);

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    work: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

impl std::fmt::Debug for Hashing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let queue = self.0.queue();
        write!(f, "Hashing({} threads, {} waiting)", queue.threads, queue.jobs.len())
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next job, or nothing after a while without one; the thread is counted out then.
    fn next(&self) -> Option<Job> {
        let mut queue = self.queue();
        queue.idle += 1;
        let waited = self.work.wait_timeout_while(queue, IDLE, |queue| queue.jobs.is_empty());
        let (mut queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        queue.idle -= 1;
        let job = queue.jobs.pop_front();
        if job.is_none() {
            queue.threads -= 1;
        }
        job
    }
}

/// Counts a thread out that a panic has ended.
struct Panicked<'a>(&'a Shared);

impl Drop for Panicked<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.queue().threads -= 1;
        }
    }
}

/// Lets everything else of this process go first: a hash may take its time, and pages are waited for meanwhile. On Linux a
/// thread has a priority of its own, which it may always lower; elsewhere this would slow the whole process.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE) {
        tracing::debug!(%error, "hashing goes on at the priority of all else");
    }
}

fn work(shared: &Shared) {
    give_way();
    let mut memory = Memory::default();
    let _panicked = Panicked(shared);
    while let Some(job) = shared.next() {
        job(&mut memory);
    }
}

impl Hashing {
    /// Puts a job into the queue, and sees to it that somebody takes it. How many may wait is the caller's to bound.
    pub(super) fn submit(&self, job: Job) -> std::io::Result<()> {
        let mut queue = self.0.queue();
        if queue.jobs.len() >= queue.idle && queue.threads < threads_max() {
            let shared = Arc::clone(&self.0);
            std::thread::Builder::new().name("hashing".to_owned()).spawn(move || work(&shared))?;
            queue.threads += 1;
        }
        queue.jobs.push_back(job);
        self.0.work.notify_one();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::collections::HashSet;
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn few_threads_do_all_and_each_uses_its_memory_again() {
        let (hashing, (told, heard)) = (Hashing::default(), channel());
        // Nothing is begun before all is there, so that no thread is ever without work.
        let gate = Arc::new(Mutex::new(()));
        let closed = gate.lock().unwrap();
        for _ in 0..200 {
            let (told, gate) = (told.clone(), Arc::clone(&gate));
            let job = move |memory: &mut Memory| {
                drop(gate.lock().unwrap());
                let place = std::ptr::from_ref(&memory.blocks(19 * 1024)[0]).addr();
                told.send((std::thread::current().id(), place)).unwrap();
            };
            hashing.submit(Box::new(job)).unwrap();
        }
        drop(closed);
        let seen: Vec<_> = (0..200).map(|_| heard.recv().unwrap()).collect();
        let threads: HashSet<_> = seen.iter().map(|(thread, _)| *thread).collect();
        let places: HashSet<_> = seen.iter().collect();
        assert!(threads.len() <= threads_max(), "{threads:?}");
        assert_eq!(places.len(), threads.len(), "one memory a thread");
    }

    #[test]
    fn a_job_that_panics_takes_no_thread_away_for_good() {
        let (hashing, (told, heard)) = (Hashing::default(), channel());
        for _ in 0..3 * THREADS_MAX {
            hashing.submit(Box::new(|_| panic!("a job"))).unwrap();
        }
        // The queue goes on as soon as somebody submits again.
        while hashing.0.queue().threads > 0 || !hashing.0.queue().jobs.is_empty() {
            hashing.submit(Box::new(|_| {})).unwrap();
            std::thread::yield_now();
            if hashing.0.queue().jobs.is_empty() {
                break;
            }
        }
        hashing.submit(Box::new(move |_| told.send(()).unwrap())).unwrap();
        heard.recv().unwrap();
    }

    #[test]
    fn working_memory_is_more_than_an_allocator_keeps() {
        let mut memory = Memory::default();
        assert_eq!(memory.blocks(19 * 1024).len(), 19 * 1024);
        assert_eq!(memory.0.capacity(), 33 * 1024);
    }
}
