//! What a panel is drawn for.

/// The size of a panel.
#[derive(Clone, Copy)]
pub(crate) enum Style {
    Picture,
    /// Text, in characters.
    Text {
        columns: usize,
        rows: usize,
    },
}

impl Style {
    pub(crate) const fn is_text(self) -> bool {
        matches!(self, Self::Text { .. })
    }
}
