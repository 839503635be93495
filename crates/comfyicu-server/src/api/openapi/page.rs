//! The document as a page for people: no script, nothing fetched from elsewhere.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::{OpenApi, RefOr, Required};

const STYLE: &str = "
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code { font-family: ui-monospace, monospace; }
details { border: 1px solid #8886; border-radius: 6px; margin: .5rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; }
.method { display: inline-block; min-width: 3.5rem; font-weight: 700; }
table { border-collapse: collapse; margin: .5rem 0; width: 100%; }
td, th { border-top: 1px solid #8886; padding: .25rem .8rem .25rem 0; text-align: left; vertical-align: top; }
";

/// The page.
pub(super) fn render(document: &OpenApi) -> String {
    let tags = document.tags.iter().flatten();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (document.info.title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (document.info.title) " " small { (document.info.version) } }
                p { (document.info.description.as_deref().unwrap_or_default()) }
                p { "For programs: " a href="openapi.json" { "openapi.json" } "." }
                @for tag in tags {
                    h2 id=(tag.name) { (tag.description.as_deref().unwrap_or(&tag.name)) }
                    @for (method, path, operation) in operations(document, &tag.name) {
                        (section(method, path, operation))
                    }
                }
            }
        }
    };
    page.into_string()
}

/// The operations with a tag, in the order of the document.
fn operations<'a>(
    document: &'a OpenApi,
    tag: &'a str,
) -> impl Iterator<Item = (&'static str, &'a str, &'a Operation)> {
    let all = document.paths.paths.iter().flat_map(|(path, item)| {
        by_method(item)
            .into_iter()
            .filter_map(move |(method, operation)| Some((method, path.as_str(), operation?)))
    });
    all.filter(move |(_, _, operation)| operation.tags.iter().flatten().any(|has| has == tag))
}

fn by_method(item: &PathItem) -> [(&'static str, Option<&Operation>); 3] {
    [("GET", item.get.as_ref()), ("HEAD", item.head.as_ref()), ("POST", item.post.as_ref())]
}

fn section(method: &str, path: &str, operation: &Operation) -> Markup {
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    html! {
        details id=[operation.operation_id.as_deref()] {
            summary {
                span.method { (method) } " " code { (path) } " — " (text(operation.summary.as_deref()))
            }
            @if let Some(description) = &operation.description { p { (text(Some(description))) } }
            @if !parameters.is_empty() {
                table { @for parameter in parameters { @if let RefOr::T(parameter) = parameter { (row(parameter)) } } }
            }
            table {
                @for (status, response) in &operation.responses.responses {
                    @if let RefOr::T(response) = response {
                        tr { th { code { (status) } } td { (text(Some(&response.description))) } }
                    }
                }
            }
        }
    }
}

fn row(parameter: &Parameter) -> Markup {
    let place = match parameter.parameter_in {
        ParameterIn::Path => "path",
        ParameterIn::Header => "header",
        ParameterIn::Cookie => "cookie",
        _ => "query",
    };
    let place = if matches!(parameter.required, Required::True) {
        place.to_owned()
    } else {
        format!("{place}, optional")
    };
    html! {
        tr {
            th { code { (parameter.name) } }
            td { (place) }
            td { (text(parameter.description.as_deref())) }
        }
    }
}

/// A text in which what stands between backticks is code.
fn text(text: Option<&str>) -> Markup {
    let parts = text.unwrap_or_default().split('`').enumerate();
    html! {
        @for (number, part) in parts {
            @if number % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}
