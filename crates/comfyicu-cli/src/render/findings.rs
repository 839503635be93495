//! Findings as text for people, each with the line of the file that it is about.

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Renderer, Snippet};
use comfyicu_model::json::Position;
use comfyicu_model::{Finding, NodeId, Severity};

/// The file that findings are about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source<'a> {
    /// Its name, as it was given.
    pub(crate) name: &'a str,
    /// What stands in it.
    pub(crate) text: &'a str,
}

/// Shows one finding: what is wrong, where, and what to do.
///
/// The text that it quotes comes from a file: control characters in it are shown, not sent to the terminal.
pub(crate) fn finding(finding: &Finding, source: Source<'_>) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        _ => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(title(finding)).id(&*finding.code));
    if let Some(snippet) = finding.position.and_then(|position| quote(source, position)) {
        group = group.element(snippet);
    }
    if let Some(suggestion) = &finding.suggestion {
        group = group.element(Level::HELP.message(suggestion.as_str()));
    }
    Renderer::styled().render(&[group])
}

/// The line on which a position begins, with what it covers of that line marked.
fn quote(source: Source<'_>, position: Position) -> Option<Snippet<'_, Annotation<'_>>> {
    let start = source.text.get(..position.offset)?.rfind('\n').map_or(0, |at| at + 1);
    let line = source.text.get(start..)?.lines().next()?;
    let line = if start == 0 { line.trim_start_matches('\u{feff}') } else { line };
    let from = position.column.checked_sub(1)?;
    let to = from.saturating_add(position.len.max(1)).min(line.len().max(from));
    let marked = AnnotationKind::Primary.span(from..to);
    Some(Snippet::source(line).line_start(position.line).path(source.name).annotation(marked))
}

/// What is wrong, and with which node and input.
fn title(finding: &Finding) -> String {
    let node =
        finding.node_id.as_ref().map(NodeId::as_str).map(|id| match (&finding.class_type, &finding.title) {
            (Some(class), Some(title)) if class != title => format!("node {id} ({class}, “{title}”)"),
            (Some(class), _) => format!("node {id} ({class})"),
            (None, _) => format!("node {id}"),
        });
    let input = finding.input.as_ref().map(|input| format!("input {input}"));
    let place = node.into_iter().chain(input).collect::<Vec<_>>().join(", ");
    if place.is_empty() { finding.message.clone() } else { format!("{place}: {}", finding.message) }
}

/// How many errors and warnings there are, in words; `None` when there are neither.
pub(crate) fn count(findings: &[Finding]) -> Option<String> {
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    let several = |count: usize, word: &str| match count {
        0 => None,
        1 => Some(format!("1 {word}")),
        _ => Some(format!("{count} {word}s")),
    };
    match (several(errors, "error"), several(findings.len() - errors, "warning")) {
        (Some(errors), Some(warnings)) => Some(format!("{errors}, {warnings}")),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "{\n  \"4\": {\"class_type\": \"CheckpointLoader\", \"inputs\": {\"ckpt_name\": \"sd15\"}}\n}\n";

    fn shown(finding: &Finding, text: &str) -> String {
        let styled = super::finding(finding, Source { name: "prompt.json", text });
        anstream::adapter::strip_str(&styled).to_string()
    }

    fn at(text: &str, part: &str) -> Position {
        let offset = text.find(part).unwrap();
        let line_start = text[..offset].rfind('\n').map_or(0, |at| at + 1);
        let line = text[..offset].matches('\n').count() + 1;
        Position { line, column: offset - line_start + 1, offset, len: part.len() }
    }

    #[test]
    fn a_finding_shows_the_line_that_it_is_about() {
        let finding = Finding::new("value_not_in_list", "`sd15` is not among the 2 values")
            .at_node(NodeId::from("4"), Some("CheckpointLoader"))
            .at_input("ckpt_name")
            .at_position(at(TEXT, "\"sd15\""))
            .suggest("did you mean `sd15.safetensors`?");
        insta::assert_snapshot!(shown(&finding, TEXT));
    }

    #[test]
    fn one_without_a_place_is_a_line() {
        insta::assert_snapshot!(shown(&Finding::warning("prompt_no_outputs", "nothing is kept"), TEXT), @"warning[prompt_no_outputs]: nothing is kept");
    }

    #[test]
    fn a_span_of_many_lines_and_a_long_line_stay_readable() {
        let whole = at(TEXT, TEXT.trim_end());
        insta::assert_snapshot!(shown(&Finding::new("empty", "there are no nodes").at_position(whole), TEXT));
        let long = format!("{{\"1\": \"{}\", \"2\": \u{1b}[31m}}", "x".repeat(4000));
        let mut finding = Finding::new("odd", "control \u{1b}[31m characters");
        finding = finding.at_position(at(&long, "\"2\""));
        let shown = shown(&finding, &long);
        assert!(shown.lines().all(|line| line.chars().count() < 200), "{shown}");
        assert!(!shown.contains('\u{1b}'), "{shown:?}");
    }

    #[test]
    fn a_byte_order_mark_moves_nothing() {
        let text = format!("\u{feff}{TEXT}");
        let mut position = at(TEXT, "{");
        position.offset += 3;
        let finding = Finding::new("empty", "no nodes").at_position(position);
        assert_eq!(
            shown(&finding, &text),
            shown(&Finding::new("empty", "no nodes").at_position(at(TEXT, "{")), TEXT)
        );
    }

    #[test]
    fn counts_are_words() {
        let (error, warning) = (Finding::new("a", "a"), Finding::warning("b", "b"));
        assert_eq!(count(&[]), None);
        assert_eq!(count(std::slice::from_ref(&error)).unwrap(), "1 error");
        assert_eq!(count(&[error.clone(), warning.clone(), error]).unwrap(), "2 errors, 1 warning");
        assert_eq!(count(&[warning]).unwrap(), "1 warning");
    }
}
