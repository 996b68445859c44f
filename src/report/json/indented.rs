//! JSON with a value a line, indented by two spaces a level, as of `serde_json`'s own formatter:
//! which writes each level's spaces by themselves, and takes longer to indent than to write.
//! Numbers of an array stand on its line, so that a column of them is one.

use std::io::{self, Write};

use serde_json::ser::{CompactFormatter, Formatter};

/// A line's end and the spaces of as many levels as any document has; beyond, in pieces.
const LINE: &[u8] = b"\n                                ";
const LEVEL: usize = 2;

/// Formatter of a document in lines.
#[derive(Debug, Default)]
pub(super) struct Indented {
    level: usize,
    /// True if the array or object that ends next ends on a line of its own.
    has_lines: bool,
    /// True if a value of an array comes next.
    is_due: bool,
}

impl Indented {
    fn begin<W: Write + ?Sized>(&mut self, out: &mut W, bracket: u8) -> io::Result<()> {
        self.on_line(out)?;
        self.level += 1;
        self.has_lines = false;
        out.write_all(&[bracket])
    }

    fn end<W: Write + ?Sized>(&mut self, out: &mut W, bracket: u8) -> io::Result<()> {
        self.level -= 1;
        if self.has_lines {
            self.line(out)?;
        }
        self.has_lines = true;
        out.write_all(&[bracket])
    }

    /// Begins the line of a value, if it is one of an array.
    fn on_line<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        if std::mem::take(&mut self.is_due) {
            self.has_lines = true;
            self.line(out)?;
        }
        Ok(())
    }

    fn line<W: Write + ?Sized>(&self, out: &mut W) -> io::Result<()> {
        let spaces = self.level * LEVEL;
        let at_once = spaces.min(LINE.len() - 1);
        out.write_all(&LINE[..=at_once])?;
        (at_once..spaces).try_for_each(|_| out.write_all(b" "))
    }
}

/// Writes values on lines of their own.
macro_rules! on_lines {
    ($($write:ident($($value:ident: $type:ty)?)),+ $(,)?) => {
        $(fn $write<W: Write + ?Sized>(&mut self, out: &mut W $(, $value: $type)?) -> io::Result<()> {
            self.on_line(out)?;
            CompactFormatter.$write(out $(, $value)?)
        })+
    };
}

/// Writes numbers where they stand: those of an array stand beside each other.
macro_rules! beside {
    ($($write:ident: $type:ty),+ $(,)?) => {
        $(fn $write<W: Write + ?Sized>(&mut self, out: &mut W, value: $type) -> io::Result<()> {
            self.is_due = false;
            CompactFormatter.$write(out, value)
        })+
    };
}

impl Formatter for Indented {
    on_lines!(
        write_null(),
        write_bool(value: bool),
        begin_string(),
        write_raw_fragment(fragment: &str),
    );

    beside!(
        write_i8: i8, write_i16: i16, write_i32: i32, write_i64: i64, write_i128: i128,
        write_u8: u8, write_u16: u16, write_u32: u32, write_u64: u64, write_u128: u128,
        write_f32: f32, write_f64: f64, write_number_str: &str,
    );

    fn begin_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b'[')
    }

    fn end_array<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b']')
    }

    fn begin_array_value<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        self.is_due = true;
        if first { Ok(()) } else { out.write_all(b",") }
    }

    fn begin_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.begin(out, b'{')
    }

    fn end_object<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        self.end(out, b'}')
    }

    fn begin_object_key<W: Write + ?Sized>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if !first {
            out.write_all(b",")?;
        }
        self.line(out)
    }

    fn begin_object_value<W: Write + ?Sized>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }

    fn end_object_value<W: Write + ?Sized>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_lines = true;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Serialize;
    use serde_json::{Map, Serializer, Value, json};

    use super::*;

    /// Documents whose arrays hold numbers, or none.
    fn document(has_numbers: bool) -> impl Strategy<Value = Value> {
        let number = any::<i64>().prop_map(move |number| {
            if has_numbers {
                Value::from(number)
            } else {
                Value::from(number < 0)
            }
        });
        let leaf = prop_oneof![Just(Value::Null), number, ".{0,6}".prop_map(Value::from)];
        leaf.prop_recursive(20, 60, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec((".{0,4}", inner), 0..4)
                    .prop_map(|all| Value::from(all.into_iter().collect::<Map<_, _>>())),
            ]
        })
    }

    fn indented(document: &Value) -> Vec<u8> {
        let mut out = Vec::new();
        let mut serializer = Serializer::with_formatter(&mut out, Indented::default());
        document.serialize(&mut serializer).expect("a document");
        out
    }

    proptest! {
        #[test]
        fn without_numbers_it_is_as_that_of_serde_json(document in document(false)) {
            let pretty = serde_json::to_vec_pretty(&document).expect("a document");
            prop_assert_eq!(indented(&document), pretty);
        }

        #[test]
        fn it_is_read_as_what_was_written(document in document(true)) {
            let read: Value = serde_json::from_slice(&indented(&document)).expect("JSON");
            prop_assert_eq!(read, document);
        }
    }

    #[test]
    fn numbers_of_an_array_share_its_line() {
        let document = json!({"a": [1, -2, 0.5], "b": [[], [3], {"c": 4}], "d": 5});
        let lines = [
            "{",
            "  \"a\": [1,-2,0.5],",
            "  \"b\": [",
            "    [],",
            "    [3],",
            "    {",
            "      \"c\": 4",
            "    }",
            "  ],",
            "  \"d\": 5",
            "}",
        ];
        let written = String::from_utf8(indented(&document)).expect("UTF-8");
        assert_eq!(written, lines.join("\n"));
    }
}
