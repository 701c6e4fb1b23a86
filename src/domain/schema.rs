//! How the domain's text types appear in `OpenAPI`: as strings with a pattern.

use std::borrow::Cow;

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

use super::dataset::{DatasetId, DepartmentId};
use super::division::DivisionCode;
use super::fact::Kind;
use super::household::{MemberRef, RelationCode};
use super::money::Money;

macro_rules! text_schema {
    ($type:ty, $name:literal, $pattern:literal, $description:literal) => {
        impl PartialSchema for $type {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new()
                    .schema_type(SchemaType::new(Type::String))
                    .pattern(Some($pattern))
                    .description(Some($description))
                    .into()
            }
        }

        impl ToSchema for $type {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }
        }
    };
}

text_schema!(
    Money,
    "Money",
    "^[0-9]+(\\.[0-9]{1,2})?$",
    "An amount: decimal string in yuan (CNY), at most two places."
);
text_schema!(Kind, "Kind", "^[A-Z0-9_]{1,64}$", "A kind within a fact type.");
text_schema!(
    MemberRef,
    "MemberRef",
    "^[A-Za-z0-9_-]{1,40}$",
    "How the request names a member; never an identity number."
);
text_schema!(RelationCode, "RelationCode", "^[0-9]{2}$", "Relation to the head of household, GB/T 4761-2008.");
text_schema!(DivisionCode, "DivisionCode", "^[0-9]{6}$", "Administrative division, GB/T 2260.");
text_schema!(DepartmentId, "DepartmentId", "^[a-z][a-z0-9_]{1,39}$", "A department of the catalogue.");
text_schema!(DatasetId, "DatasetId", "^[a-z][a-z0-9_]{1,39}\\.[a-z][a-z0-9_]{1,39}$", "A dataset of the catalogue.");
