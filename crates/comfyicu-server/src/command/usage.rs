//! `comfyicu-server usage`: what was used, by owner, key and workflow.

use std::io::Write as _;

use comfyicu_model::Timestamp;
use comfyicu_model::json::{Object, Value};

use super::table::table;
use super::{CommandError, Data};
use crate::args::{Format, UsageArgs};
use crate::clock;
use crate::store::UsageStore as _;
use crate::usage::{Day, UsageQuery, UsageRow};

/// The columns of all formats.
const COLUMNS: [&str; 9] = [
    "owner",
    "key_id",
    "key_name",
    "workflow_id",
    "completed",
    "failed",
    "cancelled",
    "gpu_seconds",
    "fetched_bytes",
];

/// Shows the usage that is asked for.
pub(crate) async fn run(args: UsageArgs) -> Result<(), CommandError> {
    let data = Data::open(&args.place.data_dir).await?;
    let query = query(&args, clock::now());
    let rows = data.store.usage(&query).await?;
    let text = match args.format {
        Format::Table => table(COLUMNS.map(str::to_uppercase).each_ref().map(String::as_str), &cells(&rows)),
        Format::Csv => csv(&rows)?,
        Format::Json => Value::from(rows.iter().map(object).collect::<Vec<_>>()).to_json_pretty() + "\n",
    };
    Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
}

fn query(args: &UsageArgs, now: Timestamp) -> UsageQuery {
    let moment = |when: Option<crate::args::When>| when.map(|when| Day::of(when.back_from(now)));
    UsageQuery {
        from: moment(args.since).unwrap_or_else(|| Day::first_of_month(now)),
        to: moment(args.until).unwrap_or_else(|| Day::of(now)),
        owner: args.owner.clone(),
    }
}

fn cells(rows: &[UsageRow]) -> Vec<[String; 9]> {
    rows.iter().map(row).collect()
}

fn row(row: &UsageRow) -> [String; 9] {
    [
        row.owner.to_string(),
        row.key_id.clone().unwrap_or_default(),
        row.key_name.clone().unwrap_or_default(),
        row.workflow_id.to_string(),
        row.completed.to_string(),
        row.failed.to_string(),
        row.cancelled.to_string(),
        seconds(row.gpu_ms),
        row.fetched_bytes.to_string(),
    ]
}

/// Seconds with their thousandths.
fn seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1_000, millis % 1_000)
}

fn csv(rows: &[UsageRow]) -> std::io::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(COLUMNS)?;
    for cells in cells(rows) {
        writer.write_record(cells.map(|cell| inert(&cell)))?;
    }
    let bytes = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// A text that a spreadsheet takes for a text: names come from whoever makes keys.
fn inert(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@']) { format!("'{cell}") } else { cell.to_owned() }
}

fn object(row: &UsageRow) -> Object {
    Object::from_iter([
        ("owner", Value::from(row.owner.as_str())),
        ("key_id", row.key_id.as_deref().into()),
        ("key_name", row.key_name.as_deref().into()),
        ("workflow_id", row.workflow_id.as_str().into()),
        ("completed", row.completed.into()),
        ("failed", row.failed.into()),
        ("cancelled", row.cancelled.into()),
        ("gpu_ms", row.gpu_ms.into()),
        ("fetched_bytes", row.fetched_bytes.into()),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::owner::Owner;

    #[test]
    fn a_spreadsheet_gets_texts_and_no_formulas() {
        let row = UsageRow {
            owner: Owner::local(),
            key_id: Some("k1".to_owned()),
            key_name: Some("=1+1, \"x\"".to_owned()),
            workflow_id: "w1".parse().unwrap(),
            completed: 3,
            failed: 1,
            cancelled: 0,
            gpu_ms: 61_005,
            fetched_bytes: 9,
        };
        insta::assert_snapshot!(csv(&[row]).unwrap(), @r#"
        owner,key_id,key_name,workflow_id,completed,failed,cancelled,gpu_seconds,fetched_bytes
        local,k1,"'=1+1, ""x""",w1,3,1,0,61.005,9
        "#);
    }
}
