//! Comma-separated values (RFC 4180), one row at a time.
//!
//! Each row must have as many fields as the first, and the last must end with a line feed: a file that was cut
//! within a row is an error.

use crate::document::{Document, failed};
use crate::error::FeedError;
use std::io::{BufRead, Read};

/// Bytes of one row.
const ROW_BYTES: u64 = 1 << 20;

/// The rows of a document, after its header.
pub(crate) struct Rows<'d, 'a> {
    document: &'d mut Document<'a>,
    header: Vec<String>,
    line: usize,
}

/// The fields of one row, by their names in the header.
pub(crate) struct Row<'h> {
    header: &'h [String],
    fields: Vec<String>,
}

impl Row<'_> {
    /// The field of that name; `None`: the header, or a short row, has none.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let index = self.header.iter().position(|known| known == name)?;
        self.fields.get(index).map(String::as_str)
    }
}

impl<'d, 'a> Rows<'d, 'a> {
    /// Reads the header. Lines before it that start with `#` go to `comment`.
    pub(crate) fn new(
        document: &'d mut Document<'a>,
        mut comment: impl FnMut(&str),
    ) -> Result<Self, FeedError> {
        let mut rows = Self { document, header: Vec::new(), line: 0 };
        loop {
            let Some(line) = rows.physical_line()? else { return Ok(rows) };
            if let Some(text) = line.strip_prefix('#') {
                comment(text.trim_end());
            } else {
                rows.header = rows.fields(line)?;
                return Ok(rows);
            }
        }
    }

    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    pub(crate) fn document(&self) -> &Document<'a> {
        self.document
    }

    /// The next row.
    pub(crate) fn next(&mut self) -> Result<Option<Row<'_>>, FeedError> {
        let columns = self.header.len();
        self.next_of(columns)
    }

    /// The next row, which may lack fields at its end.
    pub(crate) fn next_short(&mut self) -> Result<Option<Row<'_>>, FeedError> {
        self.next_of(0)
    }

    fn next_of(&mut self, fewest: usize) -> Result<Option<Row<'_>>, FeedError> {
        let Some(text) = self.physical_line()? else { return Ok(None) };
        let fields = self.fields(text)?;
        if fields.len() < fewest || fields.len() > self.header.len() {
            return Err(self.failed("it has more or fewer fields than the header"));
        }
        Ok(Some(Row { header: &self.header, fields }))
    }

    fn failed(&self, why: &'static str) -> FeedError {
        FeedError::Line { name: self.document.name().into(), line: self.line, why }
    }

    /// A line with its end; a quoted field may go on in the next.
    fn physical_line(&mut self) -> Result<Option<String>, FeedError> {
        let name = self.document.name();
        let mut bytes = Vec::new();
        let source = &mut self.document.source();
        let mut bounded = source.take(ROW_BYTES);
        bounded.read_until(b'\n', &mut bytes).map_err(|source| failed(name, source))?;
        if bytes.is_empty() {
            return Ok(None);
        }
        self.line += 1;
        if bytes.last() != Some(&b'\n') {
            return Err(self.failed("it has no end, or is too long"));
        }
        String::from_utf8(bytes).map(Some).map_err(|_| self.failed("it is not UTF-8"))
    }

    fn fields(&mut self, mut line: String) -> Result<Vec<String>, FeedError> {
        let (mut fields, mut field) = (Vec::new(), String::new());
        let mut place = Place::Start;
        let mut bytes = line.len();
        loop {
            for c in line.trim_end_matches(['\r', '\n']).chars() {
                place = match (place, c) {
                    (Place::Start, '"') => Place::Quoted,
                    (Place::Quoted, '"') => Place::Quote,
                    (Place::Quote, '"') | (Place::Quoted, _) => {
                        field.push(c);
                        Place::Quoted
                    }
                    (_, ',') => {
                        fields.push(std::mem::take(&mut field));
                        Place::Start
                    }
                    (Place::Start | Place::Plain, _) => {
                        field.push(c);
                        Place::Plain
                    }
                    (Place::Quote, _) => return Err(self.failed("text follows a quoted field")),
                };
            }
            if place != Place::Quoted {
                fields.push(field);
                return Ok(fields);
            }
            field.push('\n');
            line = self.physical_line()?.ok_or_else(|| self.failed("its quoted field has no end"))?;
            bytes += line.len();
            if bytes as u64 > ROW_BYTES {
                return Err(self.failed("it is too long"));
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    Plain,
    Quoted,
    /// After a quote that ends the field, or is the first of two that stand for one.
    Quote,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<String>, FeedError> {
        let mut source = text.as_bytes();
        let mut document = Document::new("x", &mut source);
        let mut rows = Rows::new(&mut document, |_| {})?;
        let mut read = vec![rows.header().join("|")];
        while let Some(row) = rows.next()? {
            read.push(row.fields.join("|"));
        }
        Ok(read)
    }

    #[test]
    fn fields_may_be_quoted_and_go_over_lines() {
        let text = "#c\na,b\r\n1,2\n\"x,\"\"y\"\"\n z\",\n\"\",q\n";
        assert_eq!(read(text).unwrap(), ["a|b", "1|2", "x,\"y\"\n z|", "|q"]);
        assert_eq!(read("").unwrap(), [""]);
    }

    #[test]
    fn what_was_cut_or_has_other_fields_is_an_error() {
        for text in ["a,b\n1,2", "a,b\n1\n", "a,b\n1,2,3\n", "a,b\n1,\"2\n", "a\n\"1\"2\n", "a,b\n\n", "a"] {
            assert!(read(text).is_err(), "{text:?}");
        }
        let error = read("a,b\n1,2\n3\n").unwrap_err().to_string();
        assert_eq!(error, "`x`, line 3: it has more or fewer fields than the header");
    }
}
