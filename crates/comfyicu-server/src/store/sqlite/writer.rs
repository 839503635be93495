//! The one writer: whatever waits is written in one transaction, and synced once.
//!
//! SQLite has one writer at a time, and a commit waits for the disk. So operations queue up here, and while
//! one batch is being synced the next one gathers. An operation that fails takes nobody with it: the batch is
//! then rolled back, and each of its operations is written alone.

use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::TaskTracker;

use super::connection;
use crate::store::{Committed, Observer, StoreError};

/// The most operations of one transaction: as many as are answered together.
const MAX_BATCH: usize = 256;
/// How many operations may wait; whoever brings more waits with it.
const CAPACITY: usize = 4096;

/// Something that is to be written: on disk as a whole, or not at all.
pub(super) trait Operation: Debug + Send + 'static {
    /// What whoever asked for it is answered.
    type Output: Debug + Send + 'static;

    /// Writes. It can be called again, after what it wrote was rolled back.
    fn apply(&self, changes: &mut Changes<'_>) -> Result<Self::Output, StoreError>;
}

/// A transaction that is open, and what is to be told of it.
#[derive(Debug)]
pub(super) struct Changes<'c> {
    pub(super) connection: &'c Connection,
    committed: Vec<Committed>,
}

impl Changes<'_> {
    /// Notes what the observer hears of once it is committed.
    pub(super) fn tell(&mut self, change: Committed) {
        self.committed.push(change);
    }
}

/// Where operations are brought. Clones share one writer.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    messages: mpsc::Sender<Message>,
    thread: TaskTracker,
}

/// What the writer is told.
#[derive(Debug)]
enum Message {
    Write(Box<dyn Job>),
    Close,
}

impl Writer {
    /// Starts to write, on a thread of its own: a transaction is written from its begin to its end without a word
    /// to anybody.
    pub(super) fn start(file: &Path, observer: Arc<dyn Observer>) -> Result<Self, StoreError> {
        let database = Database { file: file.to_owned(), connection: Some(connection::open(file)?) };
        let (messages, waiting) = mpsc::channel(CAPACITY);
        let tracker = TaskTracker::new();
        let running = tracker.token();
        let work = move || {
            work(database, &*observer, waiting);
            drop(running);
        };
        thread::Builder::new().name("store-writer".to_owned()).spawn(work).map_err(StoreError::Thread)?;
        tracker.close();
        Ok(Self { messages, thread: tracker })
    }

    /// Writes. It is on disk when this returns; when the future is dropped, it is written all the same.
    pub(super) async fn write<O: Operation>(&self, operation: O) -> Result<O::Output, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job = Pending { operation, result: None, answer };
        self.messages.send(Message::Write(Box::new(job))).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Writes what waits, and lets go of the file.
    pub(super) async fn close(&self) {
        // It fails where it was closed before.
        self.messages.send(Message::Close).await.ok();
        self.thread.wait().await;
    }
}

/// An operation, and who waits for it.
#[derive(Debug)]
struct Pending<O: Operation> {
    operation: O,
    result: Option<O::Output>,
    answer: oneshot::Sender<Result<O::Output, StoreError>>,
}

trait Job: Debug + Send {
    fn apply(&mut self, changes: &mut Changes<'_>) -> Result<(), StoreError>;
    /// It is on disk.
    fn succeed(self: Box<Self>);
    /// It is not.
    fn fail(self: Box<Self>, error: StoreError);
}

impl<O: Operation> Job for Pending<O> {
    fn apply(&mut self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        self.result = Some(self.operation.apply(changes)?);
        Ok(())
    }

    // Whoever asked may have gone away; that changes nothing.
    fn succeed(self: Box<Self>) {
        let Self { result, answer, .. } = *self;
        let _gone = result.map(|result| answer.send(Ok(result)));
    }

    fn fail(self: Box<Self>, error: StoreError) {
        let _gone = self.answer.send(Err(error));
    }
}

fn work(mut database: Database, observer: &dyn Observer, mut waiting: mpsc::Receiver<Message>) {
    let (mut messages, mut batch) = (Vec::with_capacity(MAX_BATCH), Vec::with_capacity(MAX_BATCH));
    while waiting.blocking_recv_many(&mut messages, MAX_BATCH) > 0 {
        for message in messages.drain(..) {
            match message {
                Message::Write(job) => batch.push(job),
                // What was brought before is still written.
                Message::Close => waiting.close(),
            }
        }
        if !batch.is_empty() {
            write_batch(&mut database, observer, &mut batch);
        }
    }
}

/// Writes a batch, and answers each of its operations.
fn write_batch(database: &mut Database, observer: &dyn Observer, batch: &mut Vec<Box<dyn Job>>) {
    match database.transact(batch) {
        Ok(committed) => settle(observer, committed, batch),
        Err(error) if batch.len() == 1 => fail(batch, error),
        Err(_) => {
            for job in std::mem::take(batch) {
                let mut alone = vec![job];
                match database.transact(&mut alone) {
                    Ok(committed) => settle(observer, committed, &mut alone),
                    Err(error) => fail(&mut alone, error),
                }
            }
        }
    }
}

fn fail(alone: &mut Vec<Box<dyn Job>>, error: StoreError) {
    if let Some(job) = alone.pop() {
        job.fail(error);
    }
}

fn settle(observer: &dyn Observer, committed: Vec<Committed>, batch: &mut Vec<Box<dyn Job>>) {
    for change in committed {
        observer.committed(change);
    }
    batch.drain(..).for_each(Job::succeed);
}

/// The file, and the connection to it while there is one.
#[derive(Debug)]
struct Database {
    file: PathBuf,
    connection: Option<Connection>,
}

impl Database {
    /// Writes all of it, or nothing. After a failure the connection is closed: a commit for which the disk had no
    /// room can leave the transaction open, and whatever came after would be lost in it.
    fn transact(&mut self, batch: &mut [Box<dyn Job>]) -> Result<Vec<Committed>, StoreError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => connection::open(&self.file)?,
        };
        let committed = transact(&mut connection, batch)?;
        self.connection = Some(connection);
        Ok(committed)
    }
}

fn transact(connection: &mut Connection, batch: &mut [Box<dyn Job>]) -> Result<Vec<Committed>, StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut changes = Changes { connection: &transaction, committed: Vec::new() };
    for job in batch {
        job.apply(&mut changes)?;
    }
    let committed = changes.committed;
    transaction.commit()?;
    Ok(committed)
}

/// Leaves as good as no room for what is written next, as on a full disk.
#[cfg(test)]
#[derive(Debug)]
pub(super) struct LimitSize;

#[cfg(test)]
impl Operation for LimitSize {
    type Output = ();

    fn apply(&self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        let pages: i64 = super::statement::value(changes.connection, "PRAGMA max_page_count = 100", ())?;
        assert!(pages < 1000);
        Ok(())
    }
}
