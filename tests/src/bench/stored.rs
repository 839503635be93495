//! A store that has seen many runs.

use rusqlite::Connection;

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
    let mut connection = Connection::open(&database).expect("the store");
    insert(&mut connection, i64::try_from(count).expect("a number of runs")).expect("the runs");
    drop(connection);
    options.start()
}

fn insert(connection: &mut Connection, count: i64) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    transaction.execute(
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)
         INSERT INTO runs (id, owner, workflow_id, status, attempt, created_at, updated_at, started_at, completed_at, accelerator, device)
         SELECT printf('stored-%014d', n), 'local', 'bench', 'COMPLETED', 1, n, n, n, n, 'CPU', 'CPU' FROM numbers",
        [count],
    )?;
    transaction.execute(
        "INSERT INTO run_documents (run_id, data, files, output, costs)
         SELECT runs.id, first.data, first.files, '[]', first.costs
         FROM runs, (SELECT * FROM run_documents LIMIT 1) AS first WHERE runs.id LIKE 'stored-%'",
        (),
    )?;
    for kind in ["queued", "started", "completed"] {
        transaction.execute(
            "INSERT INTO events (run_id, owner, workflow_id, kind, attempt, created_at)
             SELECT id, owner, workflow_id, ?, 1, created_at FROM runs WHERE id LIKE 'stored-%'",
            [kind],
        )?;
    }
    transaction.commit()
}
