//! Python literals, as far as the header of a `.npy` file has them: a dictionary of strings, integers, booleans, tuples
//! and lists. NumPy reads headers with `ast.literal_eval`, whose grammar is
//! <https://docs.python.org/3/reference/expressions.html#atoms>.

/// How deep brackets may nest, as in Python.
const MAX_DEPTH: u32 = 199;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Literal {
    Bool(bool),
    /// An integer. None if it is negative or larger than 2^64 - 1.
    Int(Option<u64>),
    Str(String),
    Tuple(Vec<Self>),
    List(Vec<Self>),
}

/// A key of a dictionary, its value, and the text of the value.
pub(crate) type Item<'a> = (Literal, Literal, &'a str);

/// Reads a dictionary. With `longs`, an integer may have the suffix `L` of Python 2.
///
/// # Errors
///
/// The text from where it is no dictionary of literals on.
pub(crate) fn dictionary(text: &str, longs: bool) -> Result<Vec<Item<'_>>, &str> {
    let mut reader = Reader { rest: text.trim_start_matches([' ', '\t']), longs, depth: 0 };
    let items = reader.outside_brackets().and_then(|()| {
        let _ = reader.continuation();
        let items = reader.dictionary()?;
        reader.outside_brackets()?;
        reader.rest.is_empty().then_some(items)
    });
    items.ok_or(reader.rest)
}

struct Reader<'a> {
    rest: &'a str,
    longs: bool,
    depth: u32,
}

/// Each method returns None if `rest` does not begin with what it reads.
impl<'a> Reader<'a> {
    fn take(&mut self, prefix: &str) -> Option<()> {
        self.rest = self.rest.strip_prefix(prefix)?;
        Some(())
    }

    fn take_char(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = self.rest.strip_prefix(c)?;
        Some(c)
    }

    fn take_while(&mut self, accepts: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest.trim_start_matches(accepts);
        let taken = self.rest.strip_suffix(rest).unwrap_or_default();
        self.rest = rest;
        taken
    }

    fn line_break(&mut self) -> Option<()> {
        self.take("\r\n").or_else(|| self.take("\n")).or_else(|| self.take("\r"))
    }

    /// Takes a backslash that continues a line.
    fn continuation(&mut self) -> Option<()> {
        self.rest = self.rest.strip_prefix('\\').filter(|rest| rest.starts_with(['\n', '\r']))?;
        self.line_break()
    }

    /// Returns the spaces.
    fn spaces_and_comment(&mut self) -> &'a str {
        let spaces = self.take_while(|c| matches!(c, ' ' | '\t' | '\x0c'));
        if self.rest.starts_with('#') {
            self.take_while(|c| !matches!(c, '\n' | '\r'));
        }
        spaces
    }

    /// Skips to the next token within brackets, where a line may end anywhere.
    fn space(&mut self) {
        loop {
            self.spaces_and_comment();
            if self.continuation().is_none() && self.line_break().is_none() {
                return;
            }
        }
    }

    /// Skips empty lines and comments. What follows on a new line must not be indented, and an unfinished last line
    /// must not consist of spaces.
    fn outside_brackets(&mut self) -> Option<()> {
        let mut first = true;
        loop {
            let line = self.rest;
            let spaces = self.spaces_and_comment();
            if self.line_break().is_some() {
                first = false;
                continue;
            }
            // A form feed resets the column.
            let indented = spaces.rsplit('\x0c').next().is_some_and(|spaces| !spaces.is_empty());
            let comment = line.len().saturating_sub(self.rest.len()) > spaces.len();
            // NumPy removes the spaces of the last line before it looks for the suffix `L`.
            return (first || !indented || comment || self.longs && self.rest.is_empty()).then_some(());
        }
    }

    fn dictionary(&mut self) -> Option<Vec<Item<'a>>> {
        if self.rest.starts_with('(') {
            return self.nested(|reader| {
                reader.take("(")?;
                reader.space();
                let items = reader.dictionary()?;
                reader.space();
                reader.take(")")?;
                Some(items)
            });
        }
        let items = self.sequence("{", "}", |reader| {
            let key = reader.literal()?;
            reader.space();
            reader.take(":")?;
            reader.space();
            let start = reader.rest;
            let value = reader.literal()?;
            Some((key, value, start.strip_suffix(reader.rest).unwrap_or_default()))
        });
        items.map(|(items, _)| items)
    }

    fn nested<R>(&mut self, read: impl FnOnce(&mut Self) -> Option<R>) -> Option<R> {
        if self.depth == MAX_DEPTH {
            return None;
        }
        self.depth = self.depth.saturating_add(1);
        let result = read(self);
        self.depth = self.depth.saturating_sub(1);
        result
    }

    fn literal(&mut self) -> Option<Literal> {
        match self.rest.chars().next()? {
            '(' => {
                let read = self.nested(|reader| reader.sequence("(", ")", Self::literal));
                read.map(|(items, comma)| match <[_; 1]>::try_from(items) {
                    Ok([item]) if !comma => item,
                    Ok(item) => Literal::Tuple(item.into()),
                    Err(items) => Literal::Tuple(items),
                })
            }
            '[' => {
                let read = self.nested(|reader| reader.sequence("[", "]", Self::literal));
                read.map(|(items, _)| Literal::List(items))
            }
            '+' | '-' | '0'..='9' => self.integer(),
            _ => match self.keyword() {
                Some(value) => Some(Literal::Bool(value)),
                None => self.strings(),
            },
        }
    }

    /// Reads items with commas between them. Returns whether the last item is followed by a comma, too.
    fn sequence<T>(
        &mut self,
        open: &str,
        close: &str,
        item: impl Fn(&mut Self) -> Option<T>,
    ) -> Option<(Vec<T>, bool)> {
        self.take(open)?;
        let (mut items, mut comma) = (Vec::new(), false);
        loop {
            self.space();
            if self.take(close).is_some() {
                return Some((items, comma));
            }
            if !items.is_empty() && !comma {
                return None;
            }
            items.push(item(self)?);
            self.space();
            comma = self.take(",").is_some();
        }
    }

    fn keyword(&mut self) -> Option<bool> {
        let before = self.rest;
        match self.take_while(|c| c.is_alphanumeric() || c == '_') {
            "True" => Some(true),
            "False" => Some(false),
            _ => {
                self.rest = before;
                None
            }
        }
    }

    fn integer(&mut self) -> Option<Literal> {
        let negative = self.take("-").is_some();
        if negative || self.take("+").is_some() {
            self.space();
        }
        let lower = self.rest.get(..2).unwrap_or_default().to_ascii_lowercase();
        let radix = match lower.as_str() {
            "0x" => 16,
            "0o" => 8,
            "0b" => 2,
            _ => 10,
        };
        if radix != 10 {
            self.rest = self.rest.get(2..)?;
            // One is allowed between the prefix and the first digit.
            let _ = self.take("_");
        }
        let digits = self.take_while(|c| c.is_digit(radix) || c == '_');
        let wrong = digits.is_empty() || digits.starts_with('_') || digits.ends_with('_') || digits.contains("__");
        let digits = digits.replace('_', "");
        let zeros = digits.bytes().all(|digit| digit == b'0');
        if wrong || radix == 10 && digits.starts_with('0') && !zeros {
            return None;
        }
        while self.longs {
            let before = self.rest;
            self.space();
            if self.take("L").is_none() {
                self.rest = before;
                break;
            }
        }
        // Otherwise it is a number of another kind.
        let ends = !self.rest.starts_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.'));
        let value = if negative && !zeros { None } else { u64::from_str_radix(&digits, radix).ok() };
        ends.then_some(Literal::Int(value))
    }

    /// Reads adjacent strings, which are one string.
    fn strings(&mut self) -> Option<Literal> {
        let mut text = String::new();
        self.string(&mut text)?;
        loop {
            let before = self.rest;
            self.space();
            if self.rest.starts_with(['\'', '"', 'u', 'U', 'r', 'R']) {
                self.string(&mut text)?;
            } else {
                self.rest = before;
                return Some(Literal::Str(text));
            }
        }
    }

    fn string(&mut self, text: &mut String) -> Option<()> {
        let raw = match self.take_while(char::is_alphabetic) {
            "" | "u" | "U" => false,
            "r" | "R" => true,
            _ => return None,
        };
        let quotes = ["'''", "\"\"\"", "'", "\""].into_iter().find(|quotes| self.rest.starts_with(quotes))?;
        self.take(quotes)?;
        while self.take(quotes).is_none() {
            if self.line_break().is_some() {
                // Only three quotes hold a line break, which Python reads as "\n".
                (quotes.len() == 3).then(|| text.push('\n'))?;
                continue;
            }
            match self.take_char()? {
                '\\' if raw => {
                    text.push('\\');
                    if self.line_break().is_some() { text.push('\n') } else { text.push(self.take_char()?) }
                }
                '\\' => self.escape(text)?,
                c => text.push(c),
            }
        }
        Some(())
    }

    /// Reads what follows a backslash.
    fn escape(&mut self, text: &mut String) -> Option<()> {
        if self.line_break().is_some() {
            return Some(());
        }
        if self.rest.starts_with(|c: char| c.is_digit(8)) {
            let digits = self.rest.chars().take(3).take_while(|c| c.is_digit(8)).count();
            return self.code_point(digits, 8, text);
        }
        let c = match self.take_char()? {
            'a' => '\x07',
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\x0b',
            c @ ('\\' | '\'' | '"') => c,
            'x' => return self.code_point(2, 16, text),
            'u' => return self.code_point(4, 16, text),
            'U' => return self.code_point(8, 16, text),
            'N' => return None,
            c => {
                text.push('\\');
                c
            }
        };
        text.push(c);
        Some(())
    }

    fn code_point(&mut self, digits: usize, radix: u32, text: &mut String) -> Option<()> {
        let (digits, rest) = self.rest.split_at_checked(digits)?;
        // from_str_radix allows a sign.
        let value = u32::from_str_radix(digits, radix).ok().filter(|_| !digits.starts_with('+'))?;
        self.rest = rest;
        // A surrogate, which Python allows, occurs in no name of a type.
        text.push(char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER));
        Some(())
    }
}
