//! What the id of a product means.

use super::shape::{Branch, ProductTree};
use crate::document::Document;
use crate::error::FeedError;
use std::collections::HashMap;

/// A package in a module in a product is the deepest there is.
const DEPTH: usize = 4;

/// A product of the tree itself.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Leaf<'t> {
    pub(crate) id: &'t str,
    /// `product_name`, `product_version` …
    pub(crate) category: &'t str,
    pub(crate) cpe: Option<&'t str>,
    pub(crate) purl: Option<&'t str>,
    /// The architecture that it stands under in the tree.
    pub(crate) architecture: Option<&'t str>,
}

/// What an id stands for.
pub(crate) enum Meaning<'t> {
    /// A package in a product, and what it goes through: its module.
    Component { package: Leaf<'t>, module: Option<Leaf<'t>>, product: Leaf<'t> },
    /// A product, or a package without one.
    Alone(Leaf<'t>),
}

/// The products of a document, by id.
pub(crate) struct Products<'t> {
    leaves: HashMap<&'t str, Leaf<'t>>,
    /// What stands in what.
    relations: HashMap<&'t str, (&'t str, &'t str)>,
}

impl<'t> Products<'t> {
    pub(crate) fn new(document: &Document<'_>, tree: &'t ProductTree<'t>) -> Result<Self, FeedError> {
        let mut products = Self { leaves: HashMap::new(), relations: HashMap::new() };
        tree.branches.iter().for_each(|branch| products.grow(branch, None));
        for relation in &tree.relationships {
            if &*relation.category != "default_component_of" {
                return Err(document.value("unknown relationship", &*relation.category));
            }
            let pair = (&*relation.product_reference, &*relation.relates_to_product_reference);
            products.relations.insert(&relation.full_product_name.product_id, pair);
        }
        Ok(products)
    }

    /// The depth of the tree is bounded by that of JSON.
    fn grow(&mut self, branch: &'t Branch<'t>, architecture: Option<&'t str>) {
        let architecture =
            if &*branch.category == "architecture" { Some(&*branch.name) } else { architecture };
        if let Some(product) = &branch.product {
            let helper = product.product_identification_helper.as_ref();
            let leaf = Leaf {
                id: &product.product_id,
                category: &branch.category,
                cpe: helper.and_then(|helper| helper.cpe.as_deref()),
                purl: helper.and_then(|helper| helper.purl.as_deref()),
                architecture,
            };
            self.leaves.insert(leaf.id, leaf);
        }
        branch.branches.iter().for_each(|branch| self.grow(branch, architecture));
    }

    /// What `id` stands for; an error where the tree does not say.
    pub(crate) fn resolve(&self, document: &Document<'_>, id: &str) -> Result<Meaning<'t>, FeedError> {
        let mut chain = Vec::with_capacity(3);
        let known = self.follow(id, 0, &mut chain);
        match (known, chain.as_slice()) {
            (Some(()), [alone]) => Ok(Meaning::Alone(*alone)),
            (Some(()), [package, product]) => {
                Ok(Meaning::Component { package: *package, module: None, product: *product })
            }
            (Some(()), [package, module, product]) => {
                Ok(Meaning::Component { package: *package, module: Some(*module), product: *product })
            }
            _ => Err(document.value("the product tree does not say what is", id)),
        }
    }

    fn follow(&self, id: &str, depth: usize, chain: &mut Vec<Leaf<'t>>) -> Option<()> {
        match self.relations.get(id) {
            Some((part, whole)) if depth < DEPTH => {
                self.follow(part, depth + 1, chain)?;
                self.follow(whole, depth + 1, chain)
            }
            Some(_) => None,
            None => {
                chain.push(*self.leaves.get(id)?);
                Some(())
            }
        }
    }
}
