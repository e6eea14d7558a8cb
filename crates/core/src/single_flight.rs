//! One call where many ask for the same thing at once; without a runtime.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::future::{Future, poll_fn};
use std::hash::Hash;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

/// Shares one call among all callers that ask for the same key while it is under way. Each gets its
/// result, also a failure.
///
/// No result is cached: a caller after the end of the call starts another. The call goes on as long
/// as one caller waits for it, and is dropped with the last.
///
/// ```
/// use s3_credential_core::SingleFlight;
///
/// # async fn example() {
/// let flights = SingleFlight::<&str, u32>::default();
/// assert_eq!(flights.run("answer", || async { 42 }).await, 42);
/// # }
/// ```
pub struct SingleFlight<K, T>(Mutex<HashMap<K, Boarded<T>>>);

/// A call that is under way, and how many callers wait for it.
struct Boarded<T> {
    flight: Arc<Flight<T>>,
    seats: usize,
}

impl<K: Eq + Hash + Clone, T: Clone> SingleFlight<K, T> {
    /// Returns the result of the call for this key: the one that is under way, otherwise the one
    /// that `start` makes.
    pub async fn run<F>(&self, key: K, start: impl FnOnce() -> F) -> T
    where
        F: Future<Output = T> + Send + 'static,
    {
        let seat = self.board(key, start);
        poll_fn(|context| seat.flight.poll(seat.number, context)).await
    }

    fn board<F>(&self, key: K, start: impl FnOnce() -> F) -> Seat<'_, K, T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut flights = lock(&self.0);
        let flight = match flights.get_mut(&key) {
            Some(boarded) if boarded.flight.landed.get().is_none() => {
                boarded.seats += 1;
                Arc::clone(&boarded.flight)
            }
            _ => {
                let flight = Arc::new(Flight::new(Box::pin(start())));
                let boarded = Boarded { flight: Arc::clone(&flight), seats: 1 };
                flights.insert(key.clone(), boarded);
                flight
            }
        };
        Seat { flights: &self.0, number: flight.waiting.number(), key, flight }
    }
}

impl<K, T> Default for SingleFlight<K, T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// Neither keys nor results: both may be secret.
impl<K, T> fmt::Debug for SingleFlight<K, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SingleFlight({} under way)", lock(&self.0).len())
    }
}

type Call<T> = Pin<Box<dyn Future<Output = T> + Send>>;

struct Flight<T> {
    /// Polled by any caller that is awake.
    call: Mutex<Option<Call<T>>>,
    landed: OnceLock<T>,
    waiting: Arc<Waiting>,
}

impl<T: Clone> Flight<T> {
    fn new(call: Call<T>) -> Self {
        Self { call: Mutex::new(Some(call)), landed: OnceLock::new(), waiting: Arc::default() }
    }

    fn poll(&self, seat: u64, context: &mut Context<'_>) -> Poll<T> {
        // Before the call is polled: a wake that comes while another one polls must not be lost.
        self.waiting.wait(seat, context.waker());
        let mut call = lock(&self.call);
        if let Some(result) = self.landed.get() {
            return Poll::Ready(result.clone());
        }
        let waker = Waker::from(Arc::clone(&self.waiting));
        let Some(Poll::Ready(result)) =
            call.as_mut().map(|call| call.as_mut().poll(&mut Context::from_waker(&waker)))
        else {
            return Poll::Pending;
        };
        *call = None;
        let result = self.landed.get_or_init(|| result).clone();
        drop(call);
        waker.wake();
        Poll::Ready(result)
    }
}

/// One who waits.
struct Seat<'a, K: Eq + Hash, T> {
    flights: &'a Mutex<HashMap<K, Boarded<T>>>,
    key: K,
    flight: Arc<Flight<T>>,
    number: u64,
}

impl<K: Eq + Hash, T> Drop for Seat<'_, K, T> {
    fn drop(&mut self) {
        self.flight.waiting.leave(self.number);
        let mut flights = lock(self.flights);
        // Another flight may have taken the place of ours by now.
        if let Some(boarded) =
            flights.get_mut(&self.key).filter(|boarded| Arc::ptr_eq(&boarded.flight, &self.flight))
        {
            boarded.seats -= 1;
            if boarded.seats == 0 {
                flights.remove(&self.key);
            }
        }
    }
}

/// The wakers of all callers, for when the call can go on or has ended.
#[derive(Default)]
struct Waiting(Mutex<Wakers>);

#[derive(Default)]
struct Wakers {
    next: u64,
    by_seat: BTreeMap<u64, Waker>,
}

impl Waiting {
    fn number(&self) -> u64 {
        let mut wakers = lock(&self.0);
        wakers.next += 1;
        wakers.next
    }

    fn wait(&self, seat: u64, waker: &Waker) {
        lock(&self.0).by_seat.insert(seat, waker.clone());
    }

    fn leave(&self, seat: u64) {
        lock(&self.0).by_seat.remove(&seat);
    }
}

impl Wake for Waiting {
    fn wake(self: Arc<Self>) {
        let wakers = std::mem::take(&mut lock(&self.0).by_seat);
        wakers.into_values().for_each(Waker::wake);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change under these locks is one step: a poisoned one is as good as any.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
