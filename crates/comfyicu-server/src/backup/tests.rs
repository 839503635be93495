//! What a backup holds, and what it refuses.

use super::*;

/// A data directory of the first version, with an output.
fn left(folder: &Path) {
    let store = format!("{}/../../tests/data/stores/0001.db", env!("CARGO_MANIFEST_DIR"));
    fs::create_dir_all(folder.join("outputs/r1/1")).unwrap();
    fs::copy(store, folder.join(DATABASE)).unwrap();
    fs::write(folder.join("outputs/r1/1/x.png"), "bytes").unwrap();
    fs::write(folder.join("first-key"), "a key").unwrap();
}

#[tokio::test]
async fn a_backup_becomes_a_data_directory_of_this_version() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy, restored) =
        (folder.path().join("data"), folder.path().join("copy"), folder.path().join("restored"));
    left(&data);
    let copied = backup(&data, &copy).unwrap();
    assert_eq!((copied.runs, copied.files.copied), (5, 1));
    assert!(!copy.join("first-key").exists(), "a key in clear is not copied");
    assert!(!copy.join(UNFINISHED).exists());

    let copied = restore(&copy, &restored).await.unwrap();
    assert_eq!((copied.runs, copied.files.copied), (5, 1));
    assert_eq!(fs::read(restored.join("outputs/r1/1/x.png")).unwrap(), b"bytes");
    let again = SqliteStore::open(&restored.join(DATABASE), Arc::new(Unwatched)).await.unwrap();
    again.close().await;
}

#[tokio::test]
async fn runs_are_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    left(&data);
    backup(&data, &copy).unwrap();
    let error = restore(&copy, &data).await.unwrap_err();
    assert!(matches!(error, BackupError::Occupied(_)), "{error}");
    assert!(error.is_usage());
}

#[tokio::test]
async fn a_copy_that_was_damaged_is_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy, restored) =
        (folder.path().join("data"), folder.path().join("copy"), folder.path().join("restored"));
    left(&data);
    backup(&data, &copy).unwrap();
    let database = copy.join(DATABASE);
    let mut bytes = fs::read(&database).unwrap();
    let middle = bytes.len() / 2;
    bytes[4096..middle].fill(0xAA);
    fs::write(&database, bytes).unwrap();
    let error = restore(&copy, &restored).await.unwrap_err();
    assert!(matches!(error, BackupError::Damaged { .. }), "{error:?}");
    assert!(!restored.join(DATABASE).exists());
}

#[tokio::test]
async fn a_copy_inside_of_the_data_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    left(folder.path());
    let error = backup(folder.path(), &folder.path().join("copy")).unwrap_err();
    assert!(matches!(error, BackupError::Nested { .. }), "{error}");
    assert!(!folder.path().join("copy").exists());
    let nothing = tempfile::tempdir().unwrap();
    let error = backup(nothing.path(), folder.path()).unwrap_err();
    assert!(matches!(error, BackupError::Nothing(_)), "{error}");
}

#[tokio::test]
async fn two_backups_do_not_write_one_copy() {
    let folder = tempfile::tempdir().unwrap();
    let (data, copy) = (folder.path().join("data"), folder.path().join("copy"));
    left(&data);
    let _first = DataDir::lock(&copy).unwrap();
    let error = backup(&data, &copy).unwrap_err();
    assert!(matches!(error, BackupError::InUse(_)), "{error}");
}
