//! The OpenAPI document: what handlers and answers do not say themselves.

use super::problem::{Code, MEDIA_TYPE, ProblemDetails, RESPONSE_NAME};
use super::trends::Every;
use domain::formula::Formula;
use domain::{Metric, Platform};
use serde_json::Value;
use utoipa::openapi::path::{Operation, Parameter};
use utoipa::openapi::schema::Schema;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, Content, InfoBuilder, OpenApi, OpenApiBuilder, Ref, RefOr, ResponseBuilder,
};
use utoipa::{PartialSchema, ToSchema};

const SCHEME: &str = "api_key";

const DESCRIPTION: &str = "\
Every number that a creator's Instagram, TikTok, YouTube and Facebook accounts ever showed, with \
where it comes from, what it was when somebody looked at it, and why a day is missing.

Every answer of a read model is an envelope: `data`, and beside it `as_of`, `known_at`, \
`position`, `last_synced_at`, `next_sync_at`, `state` with its cause, and `simulated`. `as_of` \
asks what had been observed by a moment, `known_at` what had been recorded by then. `wait_for` \
with the position from the answer to a command waits until the answer shows it.

Unknown is never zero: what is not known is null or absent. Parameters that a route does not have \
are refused. Errors are problem details (RFC 9457) with a stable `code`, one of: ";

/// The document before the routes are added to it.
pub(super) fn base() -> OpenApi {
    let codes: Vec<_> = Code::ALL
        .iter()
        .map(|code| format!("`{}`", code.name()))
        .collect();
    let description = format!("{DESCRIPTION}{}.", codes.join(", "));
    let info = InfoBuilder::new()
        .title("Social Ledger")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(description))
        .build();
    let problem = ResponseBuilder::new()
        .description("What is wrong, as problem details.")
        .content(
            MEDIA_TYPE,
            Content::new(Some(Ref::from_schema_name(ProblemDetails::name()))),
        )
        .build();
    let key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("slk_ and 43 characters")
        .description(Some("An API key, made with `social-ledger keys create`."))
        .build();
    let components = ComponentsBuilder::new()
        .schema(ProblemDetails::name(), ProblemDetails::schema())
        .response(RESPONSE_NAME, problem)
        .security_scheme(SCHEME, SecurityScheme::Http(key))
        .build();
    OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .security(Some([SecurityRequirement::new(
            SCHEME,
            Vec::<String>::new(),
        )]))
        .build()
}

/// Lists the words that parameters take, from the registries: they stay true by themselves.
pub(super) fn name_words(mut document: OpenApi) -> OpenApi {
    for (path, item) in &mut document.paths.paths {
        let of_post = path.contains("/posts/");
        for parameter in item
            .get
            .iter_mut()
            .chain(&mut item.post)
            .flat_map(parameters)
        {
            let words = words_of(&parameter.name, of_post);
            if let (Some(words), Some(RefOr::T(Schema::Object(schema)))) =
                (words, &mut parameter.schema)
            {
                schema.enum_values = Some(words);
            }
        }
    }
    document
}

fn parameters(operation: &mut Operation) -> impl Iterator<Item = &mut Parameter> {
    let all = operation.parameters.iter_mut().flatten();
    all.filter_map(|parameter| match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    })
}

fn words_of(parameter: &str, of_post: bool) -> Option<Vec<Value>> {
    let post_metrics = Metric::ALL.iter().filter(|metric| metric.is_of_post());
    let words: Vec<&str> = match parameter {
        "platform" => Platform::ALL
            .iter()
            .map(|platform| platform.name())
            .collect(),
        "interval" => Every::NAMES.to_vec(),
        "metric" if of_post => post_metrics.map(|metric| metric.name()).collect(),
        "metric" => {
            let metrics = Metric::ALL.iter().filter(|metric| metric.is_of_account());
            metrics.map(|metric| metric.name()).collect()
        }
        "by" => {
            let rates = [Formula::ErViews1, Formula::ErFollowers1, Formula::ErReach1];
            let counts = post_metrics.map(|metric| metric.name());
            counts
                .chain(["engagements"])
                .chain(rates.map(Formula::name))
                .collect()
        }
        _ => return None,
    };
    Some(words.into_iter().map(Value::from).collect())
}

#[cfg(test)]
mod tests {
    use super::super::openapi;
    use super::*;
    use std::collections::BTreeSet;

    fn references(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                for (name, field) in fields {
                    match field.as_str() {
                        Some(target) if name == "$ref" => {
                            found.insert(target.to_owned());
                        }
                        _ => references(field, found),
                    }
                }
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = serde_json::to_value(openapi()).unwrap();
        assert_eq!(document["openapi"], "3.1.0");
        let mut found = BTreeSet::new();
        references(&document, &mut found);
        assert!(found.contains("#/components/responses/Problem"));
        for reference in found {
            let place = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(place).is_some(), "{reference}");
        }
    }

    #[test]
    fn every_operation_is_described_and_named_once() {
        let document = serde_json::to_value(openapi()).unwrap();
        let mut names = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for operation in item.as_object().into_iter().flat_map(|item| item.values()) {
                assert!(
                    operation["summary"]
                        .as_str()
                        .is_some_and(|text| !text.is_empty()),
                    "{path}"
                );
                assert!(names.insert(operation["operationId"].to_string()), "{path}");
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    assert!(parameter["description"].is_string(), "{path}: {parameter}");
                }
            }
        }
        assert_eq!(names.len(), 47);
    }

    #[test]
    fn words_come_from_the_registries() {
        let document = serde_json::to_value(openapi()).unwrap();
        let parameters = &document["paths"]["/v1/top-posts"]["get"]["parameters"];
        let by = parameters
            .as_array()
            .unwrap()
            .iter()
            .find(|p| p["name"] == "by")
            .unwrap();
        let words = by["schema"]["enum"].as_array().unwrap();
        assert!(words.contains(&Value::from("er_views@1")));
        assert!(words.contains(&Value::from("watch_time")));
        assert!(!words.contains(&Value::from("followers")));
    }
}
