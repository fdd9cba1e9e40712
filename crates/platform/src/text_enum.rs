//! Enums that are stored, sent and read as words: each word is written once.

/// An enum whose variants have words; [`text_enum!`](crate::text_enum!) makes it.
pub trait TextEnum: Copy + Eq + std::fmt::Debug + Send + Sync + 'static {
    /// Every variant, in the order in which they are declared.
    const ALL: &'static [Self];

    /// The word by which the variant is stored, sent and published.
    fn as_str(self) -> &'static str;

    /// The variant of a word; `None` for a word that is none of them.
    fn from_text(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|variant| variant.as_str() == text)
    }
}

/// Declares an enum with the words of its variants. Database, JSON, OpenAPI and [`TextEnum`] take the
/// words from this one place, so that a variant cannot be added and be forgotten in one of them.
///
/// ```text
/// text_enum! {
///     /// Where a visit stands.
///     pub enum StateName {
///         /// Wanted, without a time (待安排).
///         Requested = "requested",
///         /// Nobody met anybody (未遇).
///         NoShow = "no_show",
///     }
/// }
/// ```
#[macro_export]
macro_rules! text_enum {
    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        $($(#[$variant_meta:meta])* $variant:ident = $text:tt),+ $(,)?
    }) => {
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize, utoipa::ToSchema,
        )]
        $(#[$meta])*
        $vis enum $name {
            $($(#[$variant_meta])* #[serde(rename = $text)] $variant),+
        }

        impl $name {
            /// Every variant, in the order in which they are declared.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word by which the variant is stored, sent and published.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl $crate::text_enum::TextEnum for $name {
            const ALL: &'static [Self] = Self::ALL;

            fn as_str(self) -> &'static str {
                self.as_str()
            }
        }

        impl<DB: sqlx::Database> sqlx::Type<DB> for $name
        where
            str: sqlx::Type<DB>,
        {
            fn type_info() -> DB::TypeInfo {
                <str as sqlx::Type<DB>>::type_info()
            }

            fn compatible(info: &DB::TypeInfo) -> bool {
                <str as sqlx::Type<DB>>::compatible(info)
            }
        }

        impl<'q, DB: sqlx::Database> sqlx::Encode<'q, DB> for $name
        where
            &'static str: sqlx::Encode<'q, DB>,
        {
            fn encode_by_ref(
                &self,
                buffer: &mut DB::ArgumentBuffer,
            ) -> Result<sqlx::encode::IsNull, sqlx::error::BoxDynError> {
                <&'static str as sqlx::Encode<'q, DB>>::encode(self.as_str(), buffer)
            }
        }

        impl<'r, DB: sqlx::Database> sqlx::Decode<'r, DB> for $name
        where
            &'r str: sqlx::Decode<'r, DB>,
        {
            fn decode(value: DB::ValueRef<'r>) -> Result<Self, sqlx::error::BoxDynError> {
                let text = <&'r str as sqlx::Decode<'r, DB>>::decode(value)?;
                let known = Self::ALL.iter().find(|variant| variant.as_str() == text);
                known.copied().ok_or_else(|| format!("no {}: {text:?}", stringify!($name)).into())
            }
        }

        impl sqlx::postgres::PgHasArrayType for $name {
            fn array_type_info() -> sqlx::postgres::PgTypeInfo {
                <&str as sqlx::postgres::PgHasArrayType>::array_type_info()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

/// Declares an enum that knows its variants, without words: the actions and relations of a policy, whose grid would
/// else be drawn without the variant that somebody added.
///
/// ```text
/// listed_enum! {
///     /// How the caller stands to a visit.
///     pub enum VisitRelation {
///         /// Of another organisation.
///         Stranger,
///         Agency,
///     }
/// }
/// ```
#[macro_export]
macro_rules! listed_enum {
    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        $($(#[$variant_meta:meta])* $variant:ident),+ $(,)?
    }) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        $(#[$meta])*
        $vis enum $name { $($(#[$variant_meta])* $variant),+ }

        impl $name {
            /// Every variant, in the order in which they are declared.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
        }
    };
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::TextEnum as _;

    text_enum! {
        /// Two words, under another name in a document.
        #[schema(as = Gate)]
        enum Door {
            /// One can enter.
            Open = "open",
            /// One cannot.
            ShutForNow = "shut-for-now",
        }
    }

    #[test]
    fn a_word_means_the_same_everywhere() {
        for door in Door::ALL.iter().copied() {
            assert_eq!(serde_json::to_value(door).unwrap(), door.as_str());
            assert_eq!(serde_json::from_value::<Door>(door.as_str().into()).unwrap(), door);
            assert_eq!(Door::from_text(door.as_str()), Some(door));
            assert_eq!(door.to_string(), door.as_str());
        }
        assert_eq!(Door::ALL, [Door::Open, Door::ShutForNow]);
        assert_eq!(Door::from_text("ajar"), None);
    }
}
