//! XML as AWS writes it: elements with text or with children.

/// An element with text or with children.
pub(crate) struct Element {
    name: String,
    content: String,
}

impl Element {
    pub(crate) fn text(name: &str, text: &str) -> Self {
        Self { name: name.to_owned(), content: escape(text) }
    }

    pub(crate) fn list(name: &str, children: impl IntoIterator<Item = Self>) -> Self {
        let content = children.into_iter().map(|child| child.write("")).collect();
        Self { name: name.to_owned(), content }
    }

    /// Returns the element's text with these attributes: ` name="value"`.
    pub(crate) fn write(&self, attributes: &str) -> String {
        let Self { name, content } = self;
        format!("<{name}{attributes}>{content}</{name}>")
    }
}

/// The texts of all elements of this name, as far as they have no children.
pub(crate) fn texts(xml: &str, name: &str) -> Vec<String> {
    let (begin, end) = (format!("<{name}>"), format!("</{name}>"));
    xml.split(&begin)
        .skip(1)
        .filter_map(|rest| rest.split_once(&end))
        .map(|(text, _)| unescape(text))
        .collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn unescape(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")
}
