//! A store that has seen many runs.

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::server::Server;

/// Fills the store of a server with runs that have ended, each with its events, and starts it again.
pub(super) fn fill(server: Server, count: u64) -> Server {
    // The workflow, and the form of a run's documents, come from a run of the server's own.
    let path = super::measure::RUNS;
    let body = serde_json::json!({"prompt": {
        "1": {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": 0}},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}
    }});
    server.post(path, &body).expect_status(200).json();
    let options = server.options().clone();
    let database = server.data().join("runs.db");
    assert_eq!(server.end_with("TERM"), Some(0), "the server stops when asked to");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut connection =
            SqliteConnectOptions::new().filename(&database).connect().await.expect("the store");
        insert(&mut connection, i64::try_from(count).expect("a number of runs")).await.expect("the runs");
        connection.close().await.expect("the store");
    });
    options.start()
}

async fn insert(connection: &mut SqliteConnection, count: i64) -> Result<(), sqlx::Error> {
    let mut transaction = connection.begin().await?;
    sqlx::query(
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
         INSERT INTO runs (id, owner, workflow_id, status, attempt, created_at, updated_at, started_at, completed_at, accelerator, device)
         SELECT printf('stored-%014d', n), 'local', 'bench', 'COMPLETED', 1, n, n, n, n, 'CPU', 'CPU' FROM numbers",
    )
    .bind(count)
    .execute(&mut *transaction)
    .await?;
    sqlx::query(
        "INSERT INTO run_documents (run_id, data, files, output, costs)
         SELECT runs.id, first.data, first.files, '[]', first.costs
         FROM runs, (SELECT * FROM run_documents LIMIT 1) AS first WHERE runs.id LIKE 'stored-%'",
    )
    .execute(&mut *transaction)
    .await?;
    for kind in ["queued", "started", "completed"] {
        sqlx::query(
            "INSERT INTO events (run_id, owner, workflow_id, kind, attempt, created_at)
             SELECT id, owner, workflow_id, ?, 1, created_at FROM runs WHERE id LIKE 'stored-%'",
        )
        .bind(kind)
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await
}
