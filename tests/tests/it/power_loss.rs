//! What is answered stays on disk, though the power fails: a real server on a disk that forgets what was not
//! synced.

mod disk;
mod mount;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use comfyicu_tests::{Server, ServerOptions, get, try_request};
use fastrand::Rng;
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::PROGRAMS;
use disk::Disk;
use mount::Mounted;

/// How many submit at the same time.
const SUBMITTERS: usize = 3;
/// How many operations a disk has power for, at most: some hundred runs.
const LONGEST: usize = 1500;

fn options(disk: &Mounted) -> ServerOptions {
    ServerOptions::new(PROGRAMS).data_dir(disk.path().join("data"))
}

/// Submits runs for as long as they are taken in, and gives their ids.
fn submit_until_the_power_fails(server: &Server) -> BTreeSet<String> {
    let (url, accepted) = (server.url("/workflows/default/runs"), Arc::new(Mutex::new(BTreeSet::new())));
    let submitters: Vec<_> = (0..SUBMITTERS)
        .map(|_| {
            let (url, accepted) = (url.clone(), Arc::clone(&accepted));
            thread::spawn(move || {
                let headers = [("content-type", "application/json")];
                let body = json!({"prompt": crate::prompts::empty_image()}).to_string();
                while let Ok(answer) = try_request("POST", &url, &headers, body.as_bytes())
                    && answer.status == 200
                {
                    accepted.lock().unwrap().insert(answer.json()["id"].as_str().unwrap().to_owned());
                }
            })
        })
        .collect();
    for submitter in submitters {
        submitter.join().unwrap();
    }
    std::mem::take(&mut *accepted.lock().unwrap())
}

/// Starts a server on a disk, lets the power fail under load, and gives the ids that were answered, and the
/// disk as it is then.
fn until_the_power_fails(
    disk: Disk,
    operations: usize,
    chance: &mut Rng,
    lies: bool,
) -> (BTreeSet<String>, Disk) {
    let mounted = Mounted::new(disk).unwrap();
    let server = options(&mounted).start();
    if lies {
        mounted.disk().lie();
    }
    mounted.disk().fail_after(operations);
    let accepted = submit_until_the_power_fails(&server);
    assert!(mounted.disk().is_off(), "the server refused a run, and the power was on:\n{}", server.log());
    drop(server);
    (accepted, mounted.cut(chance))
}

/// What is wrong with a run that was accepted, once it has ended.
fn broken_promise(server: &Server, id: &str) -> Option<String> {
    if server.get(&format!("/workflows/default/runs/{id}")).status != 200 {
        return Some(format!("{id} is lost"));
    }
    let run = server.ended_run(id);
    let outputs = run["output"].as_array().map_or(&[][..], Vec::as_slice);
    if run["status"] != "COMPLETED" || outputs.len() != 1 {
        return Some(format!("{id} has ended as {run}"));
    }
    let answer = get(outputs[0]["url"].as_str().unwrap());
    // A PNG that was cut off does not end like one.
    let is_whole = answer.status == 200 && answer.body.ends_with(b"IEND\xaeB`\x82");
    (!is_whole).then(|| format!("{id} names an output that is not there, or not whole"))
}

/// The ids of all runs that a list shows.
fn listed(server: &Server) -> BTreeSet<String> {
    let answer = server.get("/workflows/default/runs?limit=1000");
    let Value::Array(runs) = answer.expect_status(200).json() else { panic!("no list") };
    runs.iter().map(|run| run["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn no_accepted_run_is_lost_and_no_half_output_is_shown_when_the_power_fails() {
    if !mount::is_possible() {
        return;
    }
    let mut chance = Rng::with_seed(20);
    let (mut disk, mut accepted, mut cuts) = (Disk::new(), BTreeSet::new(), 0);
    for _ in 0..8 {
        let operations = chance.usize(10..LONGEST);
        let (more, left) = until_the_power_fails(disk, operations, &mut chance, false);
        accepted.extend(more);
        (disk, cuts) = (left, cuts + 1);
    }
    let mounted = Mounted::new(disk).unwrap();
    let server = options(&mounted).start();
    let broken: Vec<String> = accepted.iter().filter_map(|id| broken_promise(&server, id)).collect();
    assert!(broken.is_empty(), "of {} runs: {broken:#?}", accepted.len());
    assert!(listed(&server).is_superset(&accepted));
    println!("{} runs were accepted, none was lost in {cuts} cuts", accepted.len());
    assert!(accepted.len() > 50, "too few to mean anything: {}", accepted.len());
    drop(server);
}

/// The test above would fail if the server did not wait for the disk.
#[test]
fn a_disk_that_only_says_that_it_syncs_loses_runs() {
    if !mount::is_possible() {
        return;
    }
    let mut chance = Rng::with_seed(1);
    let (accepted, disk) = until_the_power_fails(Disk::new(), 600, &mut chance, true);
    let mounted = Mounted::new(disk).unwrap();
    // What chance has kept may not even be a database any more.
    let kept = options(&mounted).try_start().map(|server| listed(&server)).unwrap_or_default();
    assert!(!accepted.is_empty() && !kept.is_superset(&accepted), "nothing is lost: {accepted:?}");
}

/// How many of 100 rows that were committed one by one are there after the power has failed.
fn rows_after_a_cut(synchronous: &str) -> usize {
    let mounted = Mounted::new(Disk::new()).unwrap();
    let connection = connect(&mounted.path(), synchronous).unwrap();
    connection.execute_batch("CREATE TABLE t (n INTEGER)").unwrap();
    // So that there is a table to be found.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())).unwrap();
    for n in 0..100 {
        connection.execute("INSERT INTO t VALUES (?)", [n]).unwrap();
    }
    mounted.disk().fail_after(0);
    // It cannot say goodbye to a disk that is off.
    connection.close().ok();
    let mounted = Mounted::new(mounted.cut(&mut Rng::with_seed(3))).unwrap();
    let counted = || {
        let count = connect(&mounted.path(), synchronous)?;
        count.query_one("SELECT COUNT(*) FROM t", (), |row| row.get::<_, u32>(0))
    };
    counted().map_or(0, |count| count as usize)
}

fn connect(folder: &Path, synchronous: &str) -> rusqlite::Result<Connection> {
    let connection = Connection::open(folder.join("t.db"))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    Ok(connection)
}

#[test]
fn sqlite_keeps_what_it_committed_when_it_waits_for_the_disk_and_only_then() {
    if !mount::is_possible() {
        return;
    }
    assert_eq!(rows_after_a_cut("FULL"), 100);
    assert!(rows_after_a_cut("OFF") < 100);
}
