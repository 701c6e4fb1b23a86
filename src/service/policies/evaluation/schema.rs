//! The schema of the document in the `OpenAPI` document, made from the table of shapes.

use std::borrow::Cow;

use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::{RefOr, schema::ArrayItems};
use utoipa::{PartialSchema, ToSchema};

use super::DOCUMENT;
use crate::service::request::shape::{Member, Need, Shape};

/// The household whose verdict is asked for. Stands for the document in the `OpenAPI` document only.
pub struct EvaluationDocument;

impl ToSchema for EvaluationDocument {
    fn name() -> Cow<'static, str> {
        "Evaluation".into()
    }
}

impl PartialSchema for EvaluationDocument {
    fn schema() -> RefOr<Schema> {
        let description = "A household's facts, in the format of a worked case without its parameter set. Amounts are \
                           decimal strings in yuan. Identity numbers may be left out: no verdict needs them.";
        RefOr::T(Schema::Object(object(DOCUMENT).description(Some(description)).build()))
    }
}

fn object(members: &[Member]) -> ObjectBuilder {
    let builder = ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Object))
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)));
    members.iter().fold(builder, |builder, member| {
        let builder = builder.property(member.name, schema(&member.shape, member.need == Need::Null));
        if member.need == Need::Must { builder.required(member.name) } else { builder }
    })
}

fn kind(of: Type, may_be_null: bool) -> SchemaType {
    if may_be_null { SchemaType::Array(vec![of, Type::Null]) } else { SchemaType::Type(of) }
}

fn schema(shape: &Shape, may_be_null: bool) -> RefOr<Schema> {
    let built = match shape {
        Shape::Object(members) => Schema::Object(object(members).schema_type(kind(Type::Object, may_be_null)).build()),
        Shape::List(item) => Schema::Array(
            ArrayBuilder::new()
                .schema_type(kind(Type::Array, may_be_null))
                .items(ArrayItems::RefOrSchema(Box::new(schema(item, false))))
                .build(),
        ),
        Shape::Text(form) => Schema::Object(
            ObjectBuilder::new().schema_type(kind(Type::String, may_be_null)).description(Some(form.en)).build(),
        ),
        Shape::Choice(choices) => {
            let values = choices.iter().map(|choice| Some(*choice)).chain(may_be_null.then_some(None));
            Schema::Object(
                ObjectBuilder::new().schema_type(kind(Type::String, may_be_null)).enum_values(Some(values)).build(),
            )
        }
        Shape::Boolean => Schema::Object(ObjectBuilder::new().schema_type(kind(Type::Boolean, may_be_null)).build()),
        Shape::Whole(most) => {
            let most = i32::try_from(*most).unwrap_or(i32::MAX);
            Schema::Object(
                ObjectBuilder::new()
                    .schema_type(kind(Type::Integer, may_be_null))
                    .minimum(Some(0))
                    .maximum(Some(most))
                    .build(),
            )
        }
        Shape::Each(_, shape) => Schema::Object(
            ObjectBuilder::new()
                .schema_type(kind(Type::Object, may_be_null))
                .additional_properties(Some(schema(shape, false)))
                .build(),
        ),
    };
    RefOr::T(built)
}
