//! The catalogue of a service's events, as data: code and documentation both come from it, and a test of the whole
//! holds every consumer against it.

use std::marker::PhantomData;

/// A field of an event's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventField {
    /// Its name in the JSON object.
    pub name: &'static str,
    /// Its Rust type, for the documentation.
    pub rust_type: &'static str,
    /// Whether it may be absent or null.
    pub optional: bool,
}

/// A struct whose fields are known at compile time; [`described!`](crate::described) makes it.
pub trait Described {
    /// The fields, in the order in which they are declared.
    const FIELDS: &'static [EventField];
}

/// A kind of event with the type of its data.
#[derive(Debug)]
pub struct EventKind<T> {
    /// The event's kind: `booking.consult.signed`.
    pub name: &'static str,
    /// The version of the data's shape. It grows when a field is taken away or means another thing.
    pub version: u16,
    /// When it is published.
    pub when: &'static str,
    data: PhantomData<fn() -> T>,
}

impl<T: Described> EventKind<T> {
    /// A kind by name, version and occasion.
    pub const fn new(name: &'static str, version: u16, when: &'static str) -> Self {
        Self { name, version, when, data: PhantomData }
    }

    /// The kind without its type, for the catalogue.
    pub const fn published(&self) -> Published {
        Published { name: self.name, version: self.version, when: self.when, fields: T::FIELDS }
    }
}

/// A row of a service's catalogue.
#[derive(Clone, Copy, Debug)]
pub struct Published {
    /// The event's kind: `booking.consult.signed`.
    pub name: &'static str,
    /// The version of the data's shape.
    pub version: u16,
    /// When it is published.
    pub when: &'static str,
    /// The fields of its data.
    pub fields: &'static [EventField],
}

/// A kind of event that a consumer takes, with the fields that it reads.
#[derive(Clone, Copy, Debug)]
pub struct Reads {
    pub kind: &'static str,
    /// The fields; one that is not optional must be published.
    pub fields: &'static [EventField],
}

/// That a consumer reads events of `kind` as `T`.
pub const fn reads<T: Described>(kind: &'static str) -> Reads {
    Reads { kind, fields: T::FIELDS }
}

/// The part of `reads` that the catalogues do not keep: a kind that nobody publishes, a field that is needed and not
/// published, or one that is needed and may be absent.
pub fn unkept(reads: &Reads, catalogue: &[Published]) -> Vec<String> {
    let Some(published) = catalogue.iter().find(|p| p.name == reads.kind) else {
        return vec![format!("{} is published by nobody", reads.kind)];
    };
    let needed = reads.fields.iter().filter(|field| !field.optional);
    needed
        .filter_map(|field| match published.fields.iter().find(|f| f.name == field.name) {
            None => Some(format!("{} has no field {}", reads.kind, field.name)),
            Some(f) if f.optional => Some(format!("{}.{} may be absent", reads.kind, field.name)),
            Some(_) => None,
        })
        .collect()
}

/// Whether `text` holds `part`; at compile time, for [`described!`](crate::described).
#[doc(hidden)]
pub const fn holds(text: &str, part: &str) -> bool {
    let (text, part) = (text.as_bytes(), part.as_bytes());
    let mut start = 0;
    while start + part.len() <= text.len() {
        let mut same = 0;
        while same < part.len() && text[start + same] == part[same] {
            same += 1;
        }
        if same == part.len() {
            return true;
        }
        start += 1;
    }
    false
}

/// The presence of a field by its attribute or type.
#[doc(hidden)]
pub const fn is_optional(rust_type: &str, attributes: &str) -> bool {
    assert!(!holds(attributes, "flatten"), "the fields of a flattened field must be described by hand");
    let option = rust_type.as_bytes();
    let is_option = option.len() > 6 && holds(rust_type.split_at(6).0, "Option");
    is_option || holds(attributes, "skip_serializing_if") || holds(attributes, "default")
}

/// Declares a struct of an event's data together with its list of fields ([`Described`]).
#[macro_export]
macro_rules! described {
    ($(#[$meta:meta])* $vis:vis struct $name:ident $(<$lifetime:lifetime>)? {
        $($(#[$($field_meta:tt)*])* $field_vis:vis $field:ident : $field_type:ty),+ $(,)?
    }) => {
        $(#[$meta])*
        $vis struct $name $(<$lifetime>)? {
            $($(#[$($field_meta)*])* $field_vis $field: $field_type),+
        }

        impl $(<$lifetime>)? $crate::bus::Described for $name $(<$lifetime>)? {
            const FIELDS: &'static [$crate::bus::EventField] = &[$(
                $crate::bus::EventField {
                    name: stringify!($field),
                    rust_type: stringify!($field_type),
                    optional: $crate::bus::is_optional(
                        stringify!($field_type),
                        $crate::described!(@attributes $([$($field_meta)*])*),
                    ),
                }
            ),+];
        }
    };
    // Doc comments are left out: their words say nothing of the field's presence.
    (@attributes) => { "" };
    (@attributes [doc $($rest:tt)*] $($more:tt)*) => { $crate::described!(@attributes $($more)*) };
    (@attributes [$($first:tt)*] $($more:tt)*) => {
        concat!(stringify!($($first)*), " ", $crate::described!(@attributes $($more)*))
    };
}

/// Declares the kinds of events that a service, or a part of it, publishes, and their `CATALOGUE`.
///
/// ```text
/// event_kinds! {
///     VisitEvent {
///         SCHEDULED = "booking.visit.scheduled" 1 "A caregiver and a time were given to an order.";
///     }
/// }
/// ```
#[macro_export]
macro_rules! event_kinds {
    ($($data:ty { $($name:ident = $kind:literal $version:literal $when:literal;)+ })+) => {
        $($(
            #[doc = $when]
            pub const $name: $crate::bus::EventKind<$data> = $crate::bus::EventKind::new($kind, $version, $when);
        )+)+

        /// Every kind declared here.
        pub const CATALOGUE: &[$crate::bus::Published] = &[$($($name.published()),+),+];
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    described! {
        /// Data with a lifetime.
        #[derive(Debug, serde::Serialize)]
        pub struct Sent<'a> {
            /// The default, optional even in its words.
            id: u32,
            name: &'a str,
            phone: Option<&'a str>,
            #[serde(skip_serializing_if = "str::is_empty")]
            note: &'a str,
        }
    }

    described! {
        #[derive(Debug, serde::Deserialize)]
        #[expect(dead_code, reason = "only described")]
        struct Read {
            id: u32,
            #[serde(default)]
            note: String,
            added_later: Option<u32>,
        }
    }

    described! {
        #[derive(Debug, serde::Deserialize)]
        #[expect(dead_code, reason = "only described")]
        struct Wrong {
            phone: String,
            age: u8,
        }
    }

    event_kinds! {
        Sent<'static> {
            SENT = "test.thing.sent" 1 "A thing was sent.";
        }
    }

    #[test]
    fn a_field_is_optional_when_type_or_attribute_say_so() {
        let optional: Vec<(&str, bool)> = Sent::FIELDS.iter().map(|f| (f.name, f.optional)).collect();
        assert_eq!(optional, [("id", false), ("name", false), ("phone", true), ("note", true)]);
        let optional: Vec<(&str, bool)> = Read::FIELDS.iter().map(|f| (f.name, f.optional)).collect();
        assert_eq!(optional, [("id", false), ("note", true), ("added_later", true)]);
    }

    #[test]
    fn what_a_consumer_needs_and_nobody_keeps_is_named() {
        assert!(unkept(&reads::<Read>("test.thing.sent"), CATALOGUE).is_empty());
        assert_eq!(unkept(&reads::<Read>("test.thing.lost"), CATALOGUE), ["test.thing.lost is published by nobody"]);
        assert_eq!(
            unkept(&reads::<Wrong>(SENT.name), CATALOGUE),
            ["test.thing.sent.phone may be absent", "test.thing.sent has no field age"]
        );
        let sent = Sent { id: 1, name: "a", phone: None, note: "" };
        assert_eq!(serde_json::to_value(sent).ok(), Some(serde_json::json!({"id": 1, "name": "a", "phone": null})));
    }
}
