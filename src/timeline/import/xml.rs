//! XML as a tree of nodes that know their lines.
//!
//! Files come from anywhere: a document that declares entities is refused (expanding them is how a
//! small file becomes a large one, and no editing program writes any), and the size of the tree and
//! its depth are limited before anything walks over it.

use std::path::Path;
use std::sync::Arc;

use roxmltree::{Document, ParsingOptions};

use super::{Format, ImportError, ImportOptions, Place};
use crate::timeline::Metadata;

/// An element.
pub(super) type Node<'a> = roxmltree::Node<'a, 'a>;

/// Nodes of one document. A node takes some 80 bytes, so that a tree stays below 700 MB; a
/// feature film's project has a million.
const NODE_LIMIT: u32 = 8_000_000;

/// Elements inside one another, for each composition inside one another: an inline sequence of FCP 7
/// stands five deep in its parent, and what is in a clip a few more.
const ELEMENTS_PER_DEPTH: usize = 8;

/// A document, its text, and where its lines begin.
pub(super) struct XmlFile<'a> {
    text: &'a Arc<str>,
    line_starts: Vec<u32>,
}

/// Reads `text` as XML.
///
/// # Errors
/// [`ImportError::Invalid`] with the line, [`ImportError::TooLarge`].
pub(super) fn parse<'a>(
    path: &Path,
    format: Format,
    text: &'a Arc<str>,
    options: &ImportOptions,
) -> Result<Document<'a>, ImportError> {
    let invalid = |reason: String| ImportError::Invalid {
        path: path.to_owned(),
        format,
        reason,
    };
    let too_large = |what: String, limit: u64| ImportError::TooLarge {
        path: path.to_owned(),
        what,
        limit,
    };
    if text.contains("<!ENTITY") {
        return Err(invalid(
            "it declares entities, which are not expanded".into(),
        ));
    }
    let parsing = ParsingOptions {
        allow_dtd: true,
        nodes_limit: NODE_LIMIT,
        ..ParsingOptions::default()
    };
    let document = Document::parse_with_options(text, parsing).map_err(|error| match error {
        roxmltree::Error::NodesLimitReached => {
            too_large("too many elements".into(), u64::from(NODE_LIMIT))
        }
        error => invalid(error.to_string()),
    })?;
    let limit = options.limits.depth.saturating_mul(ELEMENTS_PER_DEPTH);
    // Where each element ends that the present one is in.
    let mut ends: Vec<usize> = Vec::new();
    for node in document.root().descendants().filter(Node::is_element) {
        let range = node.range();
        while ends.last().is_some_and(|end| *end <= range.start) {
            ends.pop();
        }
        ends.push(range.end);
        if ends.len() > limit {
            return Err(too_large("elements nested too deeply".into(), limit as u64));
        }
    }
    Ok(document)
}

impl<'a> XmlFile<'a> {
    /// Knows the lines of `text`.
    pub(super) fn new(text: &'a Arc<str>) -> Self {
        let breaks = text.bytes().zip(1_u32..).filter(|(byte, _)| *byte == b'\n');
        let line_starts = breaks.map(|(_, after)| after).collect();
        Self { text, line_starts }
    }

    /// The line that `node` begins in.
    pub(super) fn place(&self, node: Node<'_>) -> Place {
        let start = u32::try_from(node.range().start).unwrap_or(u32::MAX);
        let line = self.line_starts.partition_point(|begin| *begin <= start) + 1;
        Place::Line(u32::try_from(line).unwrap_or(u32::MAX))
    }

    /// `node` as the file has it.
    pub(super) fn metadata(&self, node: Node<'_>) -> Metadata {
        Metadata::passage(self.text, node.range())
    }
}

/// The children of `node` that are elements.
pub(super) fn elements(node: Node<'_>) -> impl Iterator<Item = Node<'_>> {
    node.children().filter(roxmltree::Node::is_element)
}

/// The children called `name`.
pub(super) fn children<'a>(node: Node<'a>, name: &str) -> impl Iterator<Item = Node<'a>> {
    elements(node).filter(move |child| child.tag_name().name() == name)
}

/// The first child called `name`.
pub(super) fn child<'a>(node: Node<'a>, name: &str) -> Option<Node<'a>> {
    children(node, name).next()
}

/// The node at the end of `names`, each the first child of the one before.
pub(super) fn descend<'a>(node: Node<'a>, names: &[&str]) -> Option<Node<'a>> {
    names.iter().try_fold(node, |node, name| child(node, name))
}

/// The text of the first child called `name`, without spaces around it; `None` where that is empty.
pub(super) fn child_text<'a>(node: Node<'a>, name: &str) -> Option<&'a str> {
    let text = child(node, name)?.text()?.trim();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, depth: usize) -> Result<usize, ImportError> {
        let mut options = ImportOptions::default();
        options.limits.depth = depth;
        let text: Arc<str> = text.into();
        parse(Path::new("a.xml"), Format::FcpXml, &text, &options)
            .map(|document| document.root().descendants().count())
    }

    #[test]
    fn bombs_are_refused() {
        let laughs = "<!DOCTYPE a [<!ENTITY b 'ha'><!ENTITY c '&b;&b;'>]><a>&c;</a>";
        assert!(matches!(read(laughs, 64), Err(ImportError::Invalid { .. })));
        let deep = "<a>".repeat(1_000_000) + &"</a>".repeat(1_000_000);
        assert!(matches!(read(&deep, 64), Err(ImportError::TooLarge { .. })));
        let error = read("<a>\n<b>\n</a>", 64).unwrap_err().to_string();
        assert!(error.contains("3:"), "{error}");
        assert_eq!(read("<!DOCTYPE a>\n<a><b/></a>", 1).unwrap(), 3);
    }

    #[test]
    fn nodes_know_their_lines_and_their_text() {
        let text: Arc<str> = "<a>\n  <b x='1'>\n <c>  t </c></b>\n</a>".into();
        let document = Document::parse(&text).unwrap();
        let file = XmlFile::new(&text);
        let root = document.root_element();
        let b = child(root, "b").unwrap();
        let c = descend(root, &["b", "c"]).unwrap();
        assert_eq!(file.place(root), Place::Line(1));
        assert_eq!(file.place(b), Place::Line(2));
        assert_eq!(file.place(c), Place::Line(3));
        assert_eq!(file.metadata(c).text(), "<c>  t </c>");
        assert_eq!(child_text(b, "c"), Some("t"));
        assert_eq!(child_text(b, "d"), None);
        assert_eq!(elements(root).count(), 1);
    }
}
