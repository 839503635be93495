//! The one writer: whatever waits is written in one transaction, and synced once.
//!
//! SQLite has one writer at a time, and a commit waits for the disk. So operations queue up here, and while
//! one batch is being synced the next one gathers. An operation that fails takes nobody with it: the batch is
//! then rolled back, and each of its operations is written alone.

use std::fmt::Debug;
use std::sync::Arc;

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnection, SqlitePool};
use sqlx::{Connection as _, Sqlite, pool::PoolConnection};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::store::{Committed, Observer, StoreError};

/// The most operations of one transaction: as many as are answered together.
const MAX_BATCH: usize = 256;
/// How many operations may wait; whoever brings more waits with it.
const CAPACITY: usize = 4096;

/// Something that is to be written: on disk as a whole, or not at all.
#[async_trait]
pub(super) trait Operation: Debug + Send + Sync + 'static {
    /// What whoever asked for it is answered.
    type Output: Debug + Send + 'static;

    /// Writes. It can be called again, after what it wrote was rolled back.
    async fn apply(&self, changes: &mut Changes<'_>) -> Result<Self::Output, StoreError>;
}

/// A transaction that is open, and what is to be told of it.
#[derive(Debug)]
pub(super) struct Changes<'c> {
    pub(super) connection: &'c mut SqliteConnection,
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
    jobs: mpsc::Sender<Box<dyn Job>>,
    closing: CancellationToken,
    task: TaskTracker,
}

impl Writer {
    /// Starts to write. The pool has one connection.
    pub(super) fn start(pool: SqlitePool, observer: Arc<dyn Observer>) -> Self {
        let (jobs, waiting) = mpsc::channel(CAPACITY);
        let (closing, task) = (CancellationToken::new(), TaskTracker::new());
        task.spawn(work(pool, observer, waiting, closing.clone()));
        task.close();
        Self { jobs, closing, task }
    }

    /// Writes. It is on disk when this returns; when the future is dropped, it is written all the same.
    pub(super) async fn write<O: Operation>(&self, operation: O) -> Result<O::Output, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job = Pending { operation, result: None, answer };
        self.jobs.send(Box::new(job)).await.map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Writes what waits, and lets go of the file.
    pub(super) async fn close(&self) {
        self.closing.cancel();
        self.task.wait().await;
    }
}

/// An operation, and who waits for it.
#[derive(Debug)]
struct Pending<O: Operation> {
    operation: O,
    result: Option<O::Output>,
    answer: oneshot::Sender<Result<O::Output, StoreError>>,
}

#[async_trait]
trait Job: Debug + Send {
    async fn apply(&mut self, changes: &mut Changes<'_>) -> Result<(), StoreError>;
    /// It is on disk.
    fn succeed(self: Box<Self>);
    /// It is not.
    fn fail(self: Box<Self>, error: StoreError);
}

#[async_trait]
impl<O: Operation> Job for Pending<O> {
    async fn apply(&mut self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        self.result = Some(self.operation.apply(changes).await?);
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

async fn work(
    pool: SqlitePool,
    observer: Arc<dyn Observer>,
    mut waiting: mpsc::Receiver<Box<dyn Job>>,
    closing: CancellationToken,
) {
    let mut batch = Vec::with_capacity(MAX_BATCH);
    loop {
        tokio::select! {
            biased;
            count = waiting.recv_many(&mut batch, MAX_BATCH) => if count == 0 { break },
            () = closing.cancelled(), if !waiting.is_closed() => {
                // What was brought before is still written.
                waiting.close();
                continue;
            }
        }
        write_batch(&pool, &*observer, &mut batch).await;
    }
    pool.close().await;
}

/// Writes a batch, and answers each of its operations.
async fn write_batch(pool: &SqlitePool, observer: &dyn Observer, batch: &mut Vec<Box<dyn Job>>) {
    match transact(pool, batch).await {
        Ok(committed) => settle(observer, committed, batch),
        Err(error) if batch.len() == 1 => fail(batch, error),
        Err(_) => {
            for job in std::mem::take(batch) {
                let mut alone = vec![job];
                match transact(pool, &mut alone).await {
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

async fn transact(pool: &SqlitePool, batch: &mut [Box<dyn Job>]) -> Result<Vec<Committed>, StoreError> {
    let mut connection = pool.acquire().await?;
    let result = transact_on(&mut connection, batch).await;
    settled(connection, result)
}

async fn transact_on(
    connection: &mut SqliteConnection,
    batch: &mut [Box<dyn Job>],
) -> Result<Vec<Committed>, StoreError> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let mut changes = Changes { connection: &mut transaction, committed: Vec::new() };
    for job in batch {
        job.apply(&mut changes).await?;
    }
    let committed = changes.committed;
    transaction.commit().await?;
    Ok(committed)
}

/// Gives the connection back after a transaction. After one that failed it is closed: a commit for which the
/// disk had no room can leave the transaction open, and whatever came after would be lost in it.
fn settled<T>(
    mut connection: PoolConnection<Sqlite>,
    result: Result<T, StoreError>,
) -> Result<T, StoreError> {
    if result.is_err() {
        connection.close_on_drop();
    }
    result
}

/// Leaves as good as no room for what is written next, as on a full disk.
#[cfg(test)]
#[derive(Debug)]
pub(super) struct LimitSize;

#[cfg(test)]
#[async_trait]
impl Operation for LimitSize {
    type Output = ();

    async fn apply(&self, changes: &mut Changes<'_>) -> Result<(), StoreError> {
        let pages: i64 =
            sqlx::query_scalar("PRAGMA max_page_count = 100").fetch_one(&mut *changes.connection).await?;
        assert!(pages < 1000);
        Ok(())
    }
}
